"""Of what `fields=` leaves out, the server sends nothing; what comes is what core would keep."""

from __future__ import annotations

from typing import Any

import pytest

from interstore._sync.store import Store
from interstore.prepared import prune
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from tests.engines.postgresql.support import fill, query

DOCUMENT = {
    "a": 1,
    "b": None,
    "c": {"d": {"e": [1, 2]}, "f": "é"},
    'it\'s "so"': True,
    "x\\y": 1e22,
    "g": "large" * 2000,
}
FIELDS: list[list[Any]] = [
    ["a"],
    ["b", "missing"],
    ["c.d", "a"],
    ["c.d.e", "c.missing", "g"],
    [('it\'s "so"',), ("x\\y",)],
    ["missing"],
    [],
    ["@version"],
    [f"k{number}" for number in range(20)] + ["a"],
]


@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_the_same_as_core_keeps(opened: Any, fields: list[Any]) -> None:
    database: PostgreSQLDatabase = opened()
    fill(database, one=DOCUMENT, two={"b": 2}, three={})
    store = Store(database)
    store.connect()
    whole = {each.id: each for each in store.find("m")}
    chosen = query(fields=store.find("m", fields=fields).query.fields)
    for found in store.find("m", fields=fields, sort="a"):
        assert chosen.fields is not None
        kept = prune(whole[found.id], chosen.fields)
        assert found == kept
        assert found.partial
        assert (found.version, found.created) == (kept.version, kept.created)


def test_the_rest_is_not_sent(database: PostgreSQLDatabase) -> None:
    fill(database, one=DOCUMENT)
    [document] = database.find("m", query(fields=(("c", "f"), ("a",))))
    assert dict(document) == {"id": "one", "a": 1, "c": DOCUMENT["c"]}
    assert document.partial
