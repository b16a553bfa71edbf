"""The account's indexes of orders: whatever was written before, they give what sorting gives."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.cosmosdb.gateway.resources import Item, Partition
from tests.servers.cosmosdb.gateway.sql.run import Position, prepare

VALUES = st.sampled_from([None, False, True, 0, 1, 1.5, "", "a", [1], {"a": 1}, ...])
"""``...``: there is none."""
WRITES = st.lists(st.tuples(st.integers(1, 9), VALUES, VALUES, st.booleans()), max_size=30)
NUMBERS = count(1)
QUERIES = [
    "SELECT VALUE c.no FROM c ORDER BY c.n",
    "SELECT VALUE c.no FROM c ORDER BY c.n DESC",
    "SELECT VALUE c.no FROM c WHERE c.n = @n ORDER BY c.n, c.m",
    "SELECT VALUE c.no FROM c WHERE c.n = @n AND IS_DEFINED(c.m) ORDER BY c.n DESC, c.m DESC",
    "SELECT VALUE c.no FROM c WHERE c.n = @n OR c.m = @n ORDER BY c.n DESC",
    "SELECT TOP 3 VALUE c.no FROM c WHERE c.n > @n ORDER BY c.m.a, c.n",
    "SELECT VALUE c.no FROM c ORDER BY c.n, c.m DESC",
]


def _write(partition: Partition, id: int, n: Any, m: Any, *, gone: bool) -> None:
    item = partition.items.get(("", str(id)))
    if gone:
        if item is not None:
            partition.remove(item)
        return
    is_new = item is None
    item = item or Item(next(NUMBERS), (), "")
    item.body = {"id": str(id), "no": id}
    item.body |= {key: value for key, value in (("n", n), ("m", m)) if value is not ...}
    (partition.add if is_new else partition.changed)(item)


def _rows(
    partition: Partition, query: str, n: Any, after: Position | None = None
) -> tuple[list[Any], list[Position]]:
    """Those that an index gives, after comparing them with those that are sorted."""
    prepared, parameters = prepare(query), {"@n": n}
    wanted = prepared.ordered(parameters)
    assert (wanted is None) == ("c.n, c.m DESC" in query)
    scanned = [(item.number, item.body) for item in partition.scan()]
    expected = list(prepared.rows(scanned, parameters, after=after))
    if wanted is not None:
        items = [(item.number, item.body) for item in partition.in_order(wanted)]
        assert list(prepared.rows(items, parameters, after=after, are_sorted=True)) == expected
    return [row.value for row in expected], [row.position for row in expected]


@pytest.mark.parametrize("query", QUERIES)
@given(WRITES, WRITES, VALUES.filter(lambda value: not isinstance(value, (list, dict))))
def test_an_index_gives_what_sorting_gives(
    query: str, before: list[Any], after: list[Any], n: Any
) -> None:
    partition = Partition("0", "", "FF")
    n = None if n is ... else n
    for writes in (before, after):
        for id, one, other, gone in writes:
            _write(partition, id, one, other, gone=gone)
        values, positions = _rows(partition, query, n)
        for place, position in enumerate(positions):
            assert _rows(partition, query, n, position)[0] == values[place + 1 :]
