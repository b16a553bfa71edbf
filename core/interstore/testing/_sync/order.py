# Generated from core/interstore/testing/_async/order.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 00dd95cec639b074a2abb1a0

"""Sort order over values of every type, skip and limit."""

from __future__ import annotations

import random
from typing import Any

from interstore._sync.store import Store
from interstore.errors import UnsupportedError
from interstore.testing._sync.suite import Suite, fill, served_sort
from interstore.testing.checks import ids

__all__ = ["OrderSuite"]

# In ascending order; the values of one row are equal in the order, so the id decides.
ROWS: list[list[Any]] = [
    [..., None, [], [1], ["a", "b"], {}, {"b": 1}],  # `...` stands for a missing value
    [-1.7976931348623157e308],
    [-(2**53) + 1],
    [-2],
    [-1.5],
    [0, -0.0],
    [5e-324],
    [0.1],
    [1, 1.0],
    [2],
    [10],
    [1e16],
    [1e300],
    [""],
    ["\x01"],
    [" "],
    ["1"],
    ["10"],
    ["2"],
    ["A"],
    ["B"],
    ["_"],
    ["a"],
    ["a\x01"],
    ["a "],
    ["aa"],
    ["b"],
    ["z"],
    ["\x7f"],
    ["é"],
    ["\ud7ff"],
    ["\ue000"],
    ["\uffff"],
    ["\U00010000"],
    ["\U0010ffff"],
    [False],
    [True],
]


class OrderSuite(Suite):
    """null and containers, numbers, strings by code point, false, true; then the id."""

    def test_values_of_every_type(self, store: Store, model: str) -> None:
        documents, ascending = _documents()
        fill(store, model, documents)
        found = ids(store.find(model, sort="a").to_list())
        assert found == ascending, _first_difference(found, ascending)
        found = ids(store.find(model, sort="-a").to_list())
        assert found == ascending[::-1], "descending is not the exact reverse of ascending"
        found = ids(store.find(model, sort=[("o.a", 1)]).to_list())
        assert found == ascending, "the order by a path below an object"
        found = ids(store.find(model, sort=[(("l", 0), 1)]).to_list())
        assert found == ascending, "the order by an element of an array"

    def test_several_keys(self, store: Store, model: str) -> None:
        documents = [
            {"id": f"{a}{b}{c}", "a": a, "b": b} for a in (1, "x") for b in (0, 2) for c in "pq"
        ]
        fill(store, model, documents)
        cases: list[tuple[Any, list[str]]] = [
            (["a", "b"], ["10p", "10q", "12p", "12q", "x0p", "x0q", "x2p", "x2q"]),
            (["a", "-b"], ["12q", "12p", "10q", "10p", "x2q", "x2p", "x0q", "x0p"]),
            (["-a", "b"], ["x0p", "x0q", "x2p", "x2q", "10p", "10q", "12p", "12q"]),
            (["-a", "-b", "id"], ["x2p", "x2q", "x0p", "x0q", "12p", "12q", "10p", "10q"]),
            ([("a", 1), ("id", -1)], ["12q", "12p", "10q", "10p", "x2q", "x2p", "x0q", "x0p"]),
            ("-id", ["x2q", "x2p", "x0q", "x0p", "12q", "12p", "10q", "10p"]),
        ]
        for sort, expected in cases:
            try:
                found = ids(store.find(model, sort=sort).to_list())
            except UnsupportedError:
                assert sort != served_sort(store, sort), f"sort {sort} is declared, and refused"
            else:
                assert found == expected, f"sort {sort}"

    def test_skip_and_limit(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n:02}", "n": -n} for n in range(20)])
        everything = [f"{n:02}" for n in range(20)]
        for sort, order in ((None, everything), ("n", everything[::-1]), ("-n", everything)):
            for skip, limit in ((0, 5), (3, 4), (18, 5), (20, 5), (0, 100), (5, None), (0, 0)):
                cursor = store.find(model, sort=sort, skip=skip, limit=limit)
                expected = order[skip:] if limit is None else order[skip : skip + limit]
                what = f"sort={sort}, skip={skip}, limit={limit}"
                assert ids(cursor.to_list()) == expected, f"to_list with {what}"
                assert [d.id for d in cursor] == expected, f"iterating with {what}"
                first = cursor.first()
                assert (first and first.id) == (expected[0] if expected else None), what

    def test_with_a_filter(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n:02}", "n": n % 7, "m": n % 2} for n in range(40)])
        odd = [n for n in range(40) if n % 2]
        expected = [f"{n:02}" for n in sorted(odd, key=lambda n: (-(n % 7), -n))]
        found = ids(store.find(model, {"m": 1}, sort="-n", skip=2, limit=9).to_list())
        assert found == expected[2:11]

    def test_many_documents_over_several_pages(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n:05}", "n": n % 3} for n in range(2_500)])
        seen = [document.id for document in store.find(model)]
        assert seen == [f"{n:05}" for n in range(2_500)]
        seen = [document.id for document in store.find(model, sort="-n", fields=["x"])]
        assert seen == [f"{n:05}" for n in sorted(range(2_500), key=lambda n: (-(n % 3), -n))]


def _documents() -> tuple[list[dict[str, Any]], list[str]]:
    """Documents in no order, and their ids in ascending order of `a`."""
    documents: list[dict[str, Any]] = []
    ascending: list[str] = []
    numbers = list(range(200))
    random.Random(7).shuffle(numbers)  # noqa: S311 - so that ids do not repeat the order
    for row in ROWS:
        row_ids = []
        for value in row:
            id = f"{numbers.pop():03}"
            fields = {} if value is ... else {"a": value, "l": [value]}
            documents.append({"id": id, "o": dict(fields), **fields})
            row_ids.append(id)
        ascending += sorted(row_ids)
    documents.sort(key=lambda document: str(document["id"])[::-1])
    return documents, ascending


def _first_difference(found: list[str], expected: list[str]) -> str:
    values = {document["id"]: document.get("a", "(missing)") for document in _documents()[0]}
    for place, (here, wanted) in enumerate(zip(found, expected, strict=False)):
        if here != wanted:
            return (
                f"at {place} stands {values.get(here)!a} (id {here}), "
                f"must be {values[wanted]!a} (id {wanted})"
            )
    return f"{len(found)} documents instead of {len(expected)}"
