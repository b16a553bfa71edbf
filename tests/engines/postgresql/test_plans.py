"""What `ensure_index` builds is what the engine's own statements use: the server's plans say so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

from interstore.filters.order import position_of
from interstore.indexes import Index, parse_index
from interstore.prepared import Write
from interstore.times import format_time
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from interstore_backends.postgresql.quoting import quote_name, quote_text
from interstore_backends.postgresql.values import NOT_INDEXED
from tests.engines.postgresql.support import changes, query

START = datetime(2026, 1, 1, tzinfo=UTC)

INDEXES: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("n",), {"type": "number"}),
    (("name",), {"type": "string"}),
    (("mixed",), {}),
    (("o.city",), {}),
    (("kind", "rank"), {}),
    (("email",), {"unique": True}),
    (("level",), {"type": "number"}),
    (("tags",), {"type": "string", "list": True}),
    (("@updated_at",), {}),
    (("@version",), {}),
)

FILTERS: dict[str, tuple[str, Any]] = {
    "equality": ("n", {"n": 77}),
    "equality of a text": ("name", {"name": "name00077"}),
    "equality of a bool": ("mixed", {"mixed": True}),
    "equality below an object": ("o_city", {"o.city": "c77"}),
    "equality under a unique index": ("email", {"email": "77@example.com"}),
    "range": ("n", {"n": {"$gte": 10, "$lt": 12}}),
    "range without an end": ("n", {"n": {"$gt": 1995}}),
    "range without a beginning": ("n", {"n": {"$lte": 5}}),
    "range of texts": ("name", {"name": {"$gt": "name00010", "$lte": "name00012"}}),
    "range of texts without an end": ("name", {"name": {"$gte": "name19990"}}),
    "prefix": ("name", {"name": {"$startsWith": "name0001"}}),
    "in": ("n", {"n": {"$in": [1, 2, 3]}}),
    "in of texts": ("name", {"name": {"$in": ["name00001", "name00002"]}}),
    "in of many": ("name", {"name": {"$in": [f"name{n:05}" for n in range(20)]}}),
    "in of all classes": ("mixed", {"mixed": {"$in": [5, "text00007", True, None]}}),
    "null": ("n", {"n": None}),
    "null under a unique index": ("email", {"email": None}),
    "both of two": ("kind_rank", {"kind": "k3", "rank": {"$gte": 995}}),
    "the first of two": ("kind_rank", {"kind": "k3"}),
    "or": ("n", {"$or": [{"n": 1}, {"name": "name00001"}]}),
    "has": ("tags", {"tags": {"$has": "t7"}}),
    "all": ("tags", {"tags": {"$all": ["t7", "all"]}}),
    "time": ("updated_at", {"@updated_at": {"$gt": START, "$lt": START + timedelta(seconds=9)}}),
    "equality of a version": ("version", {"@version": 777}),
    "range of versions": ("version", {"@version": {"$gt": 995.5}}),
}  # fmt: skip
COMMON = ("the first of two", "has", "all")
"""Those of which the server may find the first in the order of ids as fast as by an index."""

SORTS: dict[str, tuple[str, Any]] = {
    "n": ("n", {}),
    "-n": ("n", {}),
    "name": ("name", {}),
    "-name": ("name", {}),
    "mixed": ("mixed", {}),
    "-o.city": ("o_city", {}),
    "@updated_at": ("updated_at", {}),
    "-@updated_at": ("updated_at", {}),
    "@version": ("version", {}),
    "rank": ("kind_rank", {"kind": "k3"}),
}


def document(number: int) -> Write:
    mixed: list[Any] = [number % 3_000, f"text{number % 3_000:05}", number % 1_000 == 0, None]
    at = format_time(START + timedelta(seconds=number))
    fields = {
        "n": None if number % 500 == 0 else number % 2_000,
        "name": f"name{number % 20_000:05}",
        "mixed": mixed[number % 2] if number % 100 else mixed[2 + number // 100 % 2],
        "o": {"city": f"c{number % 1_000}"},
        "kind": f"k{number % 10}",
        "level": number % 100,
        "rank": number // 10 % 1_000,
        "email": None if number % 300 == 0 else f"{number}@example.com",
        "tags": [f"t{number % 1_000}", "all"],
        "rest": "x" * 100,
    }
    return Write(f"u{number:06}", fields, version=1 + number % 1_000, created=at, updated=at)


@pytest.fixture(scope="module", params=[20_000, pytest.param(100_000, marks=pytest.mark.long)])
def indexed(kept: PostgreSQLDatabase, request: pytest.FixtureRequest) -> dict[str, Index]:
    """What is declared over the documents of `m`, by the first words of the names."""
    kept.drop("m")
    for start in range(0, request.param, 5_000):
        page = [document(number) for number in range(start, start + 5_000)]
        kept.write_page("m", page, "upsert")
    declared = [parse_index(paths, *_options(**options)) for paths, options in INDEXES]
    for index in declared:
        kept.ensure_index("m", index)
    return {index.name.rpartition("_")[0]: index for index in declared}


def _options(type: Any = None, unique: bool = False, list: bool = False) -> tuple[Any, ...]:
    return type, unique, list


def sent_by(database: PostgreSQLDatabase, call: Callable[[], object]) -> tuple[str, Sequence[str]]:
    """The statement and the operands that a call sends to the server; they are not sent."""
    sent: list[tuple[str, Sequence[str]]] = []
    connections = database._connections
    database._living(database._table("m"), query({"n": 1}).tree)  # looks, if it is time to

    def read(sql: str, values: Sequence[str], **options: Any) -> list[Any]:
        sent.append((sql, values))
        return []

    def write(sql: str, values: Sequence[str], **options: Any) -> tuple[int, list[Any]]:
        sent.append((sql, values))
        return 0, []

    with patch.object(connections, "read", read), patch.object(connections, "write", write):
        call()
    return sent[0]


def plans(
    database: PostgreSQLDatabase, call: Callable[[], object], *, generic: bool = False
) -> list[str]:
    """The plan of what a call sends to the server; and the one for whatever operands."""
    sql, values = sent_by(database, call)
    with database._connections.transaction() as transaction:
        # On few processors, plans for parallel workers vary.
        transaction.run("SET LOCAL max_parallel_workers_per_gather = 0")
        found = [transaction.run(f"EXPLAIN {sql}", values)]
        if generic and transaction._cursor.connection.info.server_version >= 160_000:
            transaction._cursor.execute(f"EXPLAIN (GENERIC_PLAN) {sql}".encode())
            found.append(transaction._cursor.fetchall())
    return ["\n".join(line for (line,) in rows) for rows in found]


def assert_served(plans: Sequence[str], index: Index, *, ordered: bool = False) -> None:
    """Every plan searches the index; and, if asked, has no sort."""
    for plan in plans:
        assert f"interstore_{index.name}" in plan, plan
        assert "Index Cond" in plan, plan
        assert "Seq Scan" not in plan, plan
        assert not (ordered and "Sort" in plan), plan


@pytest.mark.parametrize("case", FILTERS)
def test_filters(kept: PostgreSQLDatabase, indexed: dict[str, Index], case: str) -> None:
    name, filter = FILTERS[case]
    asked = query(filter)
    calls: list[Callable[[], object]] = [
        lambda: kept.find("m", asked),
        lambda: kept.count("m", asked.tree),
        lambda: kept.delete_many("m", asked.tree),
    ]
    if case not in COMMON:
        calls.append(lambda: kept.find("m", asked.only(limit=100)))
        calls.append(lambda: kept.exists("m", asked.tree))
    for call in calls:
        generic = case.startswith(("equality", "null"))
        assert_served(plans(kept, call, generic=generic), indexed[name])


@pytest.mark.parametrize("case", FILTERS)
def test_filters_of_statements_that_are_repeated(
    kept: PostgreSQLDatabase, indexed: dict[str, Index], case: str
) -> None:
    """From the eleventh time on, the server may have chosen a plan for whatever operands."""
    name, filter = FILTERS[case]
    asked = query(filter, limit=1_000)
    sql, values = sent_by(kept, lambda: kept.find("m", asked))
    with kept.session() as session:
        for _ in range(12):
            session.find("m", asked)
        with session._connections.transaction() as transaction:
            of = "SELECT name, generic_plans + custom_plans FROM pg_prepared_statements"
            found = transaction.run(f"{of} WHERE statement = $1", [sql])
            if not found:
                return  # it is planned for its operands each time
            [(prepared, times)] = found
            assert times >= 6
            operands = ",".join([quote_text(value) for value in values])
            rows = transaction.run(f"EXPLAIN EXECUTE {quote_name(prepared)}({operands})")
    plan = "\n".join(line for (line,) in rows)
    if case not in COMMON:
        assert_served([plan], indexed[name])


@pytest.mark.parametrize("sort", SORTS)
def test_sorts_and_pages(kept: PostgreSQLDatabase, indexed: dict[str, Index], sort: str) -> None:
    name, filter = SORTS[sort]
    asked = query(filter, sort, limit=10)
    for plan in plans(kept, lambda: kept.find("m", asked), generic=True):
        assert f"interstore_{indexed[name].name}" in plan, plan
        assert "Sort" not in plan, plan
    [*_, last] = kept.find("m", asked)
    for after in (last, document(12_003).document()):
        page = asked.only(after=position_of(after, asked.order))
        found = plans(kept, partial(kept.find, "m", page), generic=True)
        assert_served(found, indexed[name], ordered=True)


def test_changes(kept: PostgreSQLDatabase, indexed: dict[str, Index]) -> None:
    change = changes({"$inc": {"count": 1}})
    few = query({"name": "name00077"})
    for call in (
        lambda: kept.update_many("m", few.tree, change),
        lambda: kept.find_one_and_update("m", few, change),
    ):
        assert_served(plans(kept, call, generic=True), indexed["name"])


def test_equal_values_come_in_the_order_of_ids(
    kept: PostgreSQLDatabase, indexed: dict[str, Index]
) -> None:
    """So a page of them needs no sort, however many there are."""
    page = query({"level": 7}, limit=10, after=("u012077",))
    found = plans(kept, lambda: kept.find("m", page), generic=True)
    assert_served(found, indexed["level"], ordered=True)


def test_what_is_not_indexed_is_compiled_to_what_scans_fastest(
    kept: PostgreSQLDatabase, indexed: dict[str, Index]
) -> None:
    for plan in plans(kept, lambda: kept.find("m", query({"rest": "x"}))):
        assert "jsonb_typeof" not in plan, plan
        assert "@>" in plan, plan


def test_answers(kept: PostgreSQLDatabase, indexed: dict[str, Index]) -> None:
    """By the indexes, what a scan without any finds."""
    for name, filter in FILTERS.values():
        asked = query(filter)
        by_index = [each.id for each in kept.find("m", asked)]
        with patch.object(kept, "_living", lambda _, tree: (tree, NOT_INDEXED)):
            assert [each.id for each in kept.find("m", asked)] == by_index, name
        assert by_index, filter
        assert kept.count("m", asked.tree) == len(by_index)
