"""An index on a path's two sort keys serves every condition on that path, and its sorts."""

from __future__ import annotations

from typing import Any

import pytest

from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from interstore_backends.postgresql.compile import compile_query
from interstore_backends.postgresql.quoting import path_expression
from interstore_backends.postgresql.values import Indexed, rank, text
from tests.engines.postgresql.support import query, run, write

PATH = ("n",)


@pytest.fixture(scope="module")
def indexed(kept: PostgreSQLDatabase) -> PostgreSQLDatabase:
    values: list[Any] = [*range(5000), *(f"name{number:04}" for number in range(5000)), None, True]
    writes = [write(f"{number:05}", {"n": value}) for number, value in enumerate(values)]
    kept.create_many("m", writes)
    value = path_expression("doc", PATH)
    run(kept, f"CREATE INDEX by_n ON m ({rank(value)}, {text(value)}, id)")
    run(kept, "ANALYZE m")
    return kept


def plan(database: PostgreSQLDatabase, what: Any, mode: str) -> str:
    rest = compile_query(what, Indexed(frozenset({PATH})))
    with database._connections.transaction() as transaction:
        transaction.run(f"SET LOCAL plan_cache_mode = {mode}")
        cursor = transaction._cursor
        sql = f"EXPLAIN SELECT id FROM m{rest.sql}".encode()
        cursor.execute(sql, rest.values, prepare=True)
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize(
    ("filter", "sort", "after", "limit"),
    [
        ({"n": 5}, None, None, None),
        ({"n": "name0042"}, None, None, None),
        ({"n": None}, None, None, None),
        ({"n": True}, None, None, None),
        ({"n": {"$gt": 4990}}, None, None, None),
        ({"n": {"$gte": 100, "$lt": 110}}, None, None, None),
        ({"n": {"$gte": "name4990"}}, None, None, None),
        ({"n": {"$startsWith": "name004"}}, None, None, None),
        ({"n": {"$in": ["name0001", "name0002", 5]}}, None, None, None),
        ({}, "n", None, 10),
        ({}, "-n", None, 10),
        ({}, "n", (4321, "04321"), 10),
        ({}, "-n", ("name0042", "05042"), 10),
        ({"n": {"$gt": 10}}, "n", (4321, "04321"), 10),
    ],
    ids=str,
)
def test_the_index_serves(
    indexed: PostgreSQLDatabase, filter: Any, sort: Any, after: Any, limit: Any, mode: str
) -> None:
    found = plan(indexed, query(filter, sort, after=after, limit=limit), mode)
    assert "by_n" in found, found
    assert "Seq Scan" not in found, found
    if sort:
        assert "Sort" not in found, found
    if filter:
        assert "Index Cond" in found, found
