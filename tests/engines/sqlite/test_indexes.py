"""SQLite uses the indexes that `ensure_index` builds: its own plan says so."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from interstore import Store
from interstore.errors import DuplicateError, InvalidDocumentError
from interstore.filters.arguments import parse_sort
from interstore.filters.order import position_of
from interstore.filters.parse import parse_filter
from interstore.prepared import Query
from interstore_backends.sqlite.compile import compile_filter, compile_query
from interstore_backends.sqlite.indexes import lists
from interstore_backends.sqlite.schema import Table
from tests.databases import sqlite as sqlite_database

SEARCHES: dict[str, Any] = {
    "equality": {"n": 77},
    "equality of a text": {"name": "name00077"},
    "range": {"n": {"$gte": 10, "$lt": 12}},
    "range without an end": {"n": {"$gt": 990}},
    "range of texts": {"name": {"$gt": "name00010", "$lte": "name00012"}},
    "prefix": {"name": {"$startsWith": "name0001"}},
    "in": {"n": {"$in": [1, 2, 3]}},
    "in of many": {"n": {"$in": list(range(100))}},
    "null": {"n": None},
    "or": {"$or": [{"n": 1}, {"name": "name00001"}]},
    "both of two": {"kind": "k3", "rank": {"$gte": 5}},
    "time": {"@created_at": {"$gte": "2026-01-01T00:00:00Z", "$lt": "2026-01-02T00:00:00Z"}},
}
SORTS = ("n", "-n", "name", "-name", "@updated_at")


def load(store: Store, size: int) -> None:
    for start in range(0, size, 10_000):
        store.create_many(
            "users",
            [
                {
                    "id": f"u{number:06}",
                    "n": None if number % 500 == 0 else number % 1_000,
                    "name": f"name{number:05}",
                    "kind": f"k{number % 10}",
                    "rank": number % 100,
                    "tags": [f"t{number % 200}", "all"],
                    "rest": "x" * 200,
                }
                for number in range(start, min(size, start + 10_000))
            ],
        )


def plan(store: Store, query: Query) -> str:
    table = Table("users", "text")
    listed = lists(store.native.cursor(), "users", table)
    compiled = compile_query(query, compile_filter(query.tree, listed))
    statement = f"EXPLAIN QUERY PLAN {table.select}{compiled.sql}"
    rows = store.native.execute(statement, compiled.parameters).fetchall()
    return "; ".join(row[3] for row in rows)


@pytest.mark.parametrize("size", [5_000, pytest.param(100_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("first", ["documents", "indexes"])
def test_the_plan(tmp_path: Path, size: int, first: str) -> None:
    with Store(sqlite_database(tmp_path)) as store:
        if first == "documents":
            load(store, size)
        single = store.ensure_index("users", "n", type="number")
        store.ensure_index("users", "name", type="string")
        store.ensure_index("users", "kind", "rank")
        store.ensure_index("users", "@created_at")
        store.ensure_index("users", "@updated_at")
        if first == "indexes":
            load(store, size)
        for name, filter in SEARCHES.items():
            shown = plan(store, Query(parse_filter(filter), limit=100))
            assert "SCAN users" not in shown, f"{name}: {shown}"
            assert "SEARCH users USING INDEX users:" in shown, f"{name}: {shown}"
            assert "sqlite_autoindex" not in shown, f"{name}: {shown}"
        store.ensure_index("users", "tags", type="string", list=True)
        shown = plan(store, Query(parse_filter({"tags": {"$has": "t7"}}), limit=100))
        assert "SEARCH users:tags" in shown, shown
        assert "SCAN users" not in shown, shown
        for sort in SORTS:
            query = Query(sort=parse_sort(sort), limit=10)
            shown = plan(store, query)
            assert "USING INDEX users:" in shown, f"sort {sort}: {shown}"
            assert "TEMP B-TREE" not in shown, f"sort {sort}: {shown}"
            last = store.find("users", sort=sort, limit=10).to_list()[-1]
            shown = plan(store, query.only(after=position_of(last, query.order)))
            assert "SEARCH users USING INDEX users:" in shown, f"keyset {sort}: {shown}"
            assert "TEMP B-TREE" not in shown, f"keyset {sort}: {shown}"
        store.drop_index("users", single)
        assert "USING INDEX users:n" not in plan(store, Query(parse_filter({"n": 77})))


def test_other_programs_are_held_to_it(tmp_path: Path) -> None:
    with Store(sqlite_database(tmp_path)) as store:
        store.ensure_index("users", "age", type="number")
        store.ensure_index("users", "email", unique=True)
        store.create("users", {"id": "a", "age": 1, "email": "x"})
        with sqlite3.connect(store.stats().details["file"]) as other:
            insert = "INSERT INTO users VALUES (?, 1, 't', 't', NULL, ?)"
            with pytest.raises(sqlite3.IntegrityError, match="interstore index age_"):
                other.execute(insert, ("b", '{"age": "2"}'))
            with pytest.raises(sqlite3.IntegrityError, match="email_"):
                other.execute(insert, ("b", '{"email": "x"}'))
        other.close()


def test_large_batches(tmp_path: Path) -> None:
    """One refused document in thousands: the others are stored."""
    with Store(sqlite_database(tmp_path)) as store:
        index = store.ensure_index("users", "u", unique=True)
        store.ensure_index("users", "n", type="number")
        documents = [{"id": f"{n:05}", "u": n, "n": n} for n in range(2_500)]
        documents[1_700] = {"id": "01700", "u": 5, "n": 0}
        documents[2_400] = {"id": "02400", "u": "x", "n": "0"}
        result = store.create_many("users", documents, on_error="report")
        assert (result.created, result.duplicates, result.failed) == (2_498, 1, 1)
        clash, unfit = result.outcomes[1_700].error, result.outcomes[2_400].error
        assert isinstance(clash, DuplicateError)
        assert clash.index == index.name
        assert isinstance(unfit, InvalidDocumentError)
        assert store.count("users") == 2_498


def test_an_index_of_a_list_that_another_process_drops(tmp_path: Path) -> None:
    with Store(sqlite_database(tmp_path)) as store, Store(sqlite_database(tmp_path)) as other:
        index = store.ensure_index("users", "tags", list=True)
        documents = [{"id": f"{n:03}", "tags": [n % 3, None, "x", "x"]} for n in range(60)]
        store.create_many("users", documents)
        assert other.count("users", {"tags": {"$has": 1}}) == 20
        store.drop_index("users", index)
        assert other.count("users", {"tags": {"$has": 1}}) == 20
        assert other.update_many("users", {"tags": {"$has": 1}}, {"tags": "no list"}).updated == 20
        with pytest.raises(InvalidDocumentError, match="20 documents of users"):
            store.ensure_index("users", "tags", list=True)
        assert store.delete_many("users", {"tags": "no list"}).deleted == 20
        store.ensure_index("users", "tags", list=True)
        store.put("users", {"id": "000", "tags": ["y"]})
        assert other.count("users", {"tags": {"$not": {"$has": "x"}}}) == 1
        assert store.drop("users")
        assert [name for (name,) in store.native.execute("SELECT name FROM sqlite_schema")
                if name.startswith("users")] == []  # fmt: skip
