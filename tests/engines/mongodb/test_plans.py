"""MongoDB uses the indexes that `ensure_index` builds: it looks at hardly more than it returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from interstore.filters.order import position_of
from interstore.filters.select import select
from interstore.indexes import parse_index
from interstore.prepared import Query
from interstore_backends.mongodb._sync.database import MongoDBDatabase
from interstore_backends.mongodb.compile import compile_query
from interstore_backends.mongodb.options import SIMPLE
from tests.databases import mongodb
from tests.engines.mongodb.support import declared, query, write
from tests.servers.mongodb import MongoDB

SLACK = 4
"""Keys beyond those of the documents: where an interval ends, and one more for the next."""

SEARCHES: dict[str, Any] = {
    "equality": {"n": 77},
    "equality of a text": {"name": "name00077"},
    "equality of a boolean": {"flag": True, "n": 77},
    "equality behind keys": {"o.city": "c77"},
    "range": {"n": {"$gte": 10, "$lt": 12}},
    "range without an end": {"n": {"$gt": 990}},
    "range of texts": {"name": {"$gt": "name00010", "$lte": "name00012"}},
    "prefix": {"name": {"$startsWith": "name0001"}},
    "in": {"n": {"$in": [1, 2, 3]}},
    "in of several classes": {"n": {"$in": [1, None, "a", True]}},
    "null": {"n": None},
    "null behind keys": {"o.city": None},
    "or": {"$or": [{"n": 1}, {"name": "name00001"}]},
    "both of two": {"kind": "k3", "rank": {"$gte": 95}},
    "has": {"tags": {"$has": "t7"}},
    "time": {"@created_at": {"$gte": "2026-01-01T00:00:00Z", "$lt": "2026-01-02T00:00:00Z"}},
}
SORTS: tuple[Any, ...] = ("n", "-n", "name", "-name", "@updated_at", "o.city", "-o.city",
                          ["kind", "rank"], ["-kind", "-rank"])  # fmt: skip


INDEXES = (("n", "number"), ("o.city", "string"), ("@created_at",), ("@updated_at",),
           ("flag", "n"), ("name", "string"))  # fmt: skip


@pytest.fixture(
    scope="module", params=[20_000, pytest.param(100_000, marks=pytest.mark.long)], ids=str
)
def indexed(request: pytest.FixtureRequest, mongodb_server: MongoDB) -> Iterator[MongoDBDatabase]:
    with mongodb_server.database() as url:
        database = mongodb(url, durability="primary")
        assert isinstance(database, MongoDBDatabase)
        database.connect()
        for paths in INDEXES[:-2]:
            database.ensure_index("m", declared(*paths))
        load(database, request.param)
        for paths in INDEXES[-2:]:
            database.ensure_index("m", declared(*paths))
        database.ensure_index("m", declared("tags", "string", list=True))
        kinds = ["string", "number"]
        database.ensure_index("m", parse_index(("kind", "rank"), kinds, False, False))
        yield database
        database.disconnect()


def load(database: MongoDBDatabase, size: int) -> None:
    for start in range(0, size, 10_000):
        database.create_many("m", [document(n) for n in range(start, start + 10_000)])


def document(number: int) -> Any:
    city = {"city": f"c{number % 300}"} if number % 400 else None
    return write(
        f"u{number:06}",
        {
            "n": None if number % 500 == 0 else number % 1_000,
            "name": f"name{number:05}",
            "flag": number % 1_000 == 77 and number % 3 == 0,
            "kind": f"k{number % 10}",
            "rank": number // 10 % 100,
            "tags": [f"t{number % 200}", "all"],
            "o": city,
            "rest": "x" * 200,
        },
    )


def explained(database: MongoDBDatabase, what: Query) -> tuple[dict[str, Any], set[str]]:
    """What was done for the very statement that the engine sends, and the kinds of steps."""
    plan = compile_query(what, database._ready("m"))
    command: dict[str, Any]
    if plan.sort:
        command = {"find": "m", "filter": plan.filter, "sort": dict(plan.sort),
                   "skip": what.skip, "limit": what.limit or 0}  # fmt: skip
        command |= {"hint": plan.hint} if plan.hint else {}
    else:
        command = {"aggregate": "m", "pipeline": plan.pipeline, "cursor": {}}
    command["collation"] = SIMPLE
    answer = database.native.command("explain", command, verbosity="executionStats")
    if "stages" in answer:
        assert not any("$sort" in stage for stage in answer["stages"])
        answer = answer["stages"][0]["$cursor"]
    figures = answer["executionStats"]
    return figures, steps(figures["executionStages"])


def steps(stage: dict[str, Any]) -> set[str]:
    within = [*stage.get("inputStages", []), *filter(None, [stage.get("inputStage")])]
    return {stage["stage"]}.union(*map(steps, within))


@pytest.mark.parametrize("name", SEARCHES)
def test_filters(indexed: MongoDBDatabase, name: str) -> None:
    found, kinds = explained(indexed, query(SEARCHES[name]))
    assert "IXSCAN" in kinds, kinds
    assert "COLLSCAN" not in kinds, kinds
    assert found["nReturned"] or name == "time"
    assert found["totalKeysExamined"] <= found["nReturned"] * 1.05 + SLACK, found
    assert found["totalDocsExamined"] <= found["nReturned"] * 1.05 + SLACK, found


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("where", [{"kind": "k3"}, {"kind": "k3", "rank": {"$lt": 50}}], ids=str)
def test_the_first_of_a_kind_and_pages(indexed: MongoDBDatabase, where: Any, sign: str) -> None:
    """As a worker claims a job: one value of the index's first path, in the order of the rest."""
    what = query(where, sort=f"{sign}rank", limit=1)
    for _ in range(2):
        assert compile_query(what, indexed._ready("m")).hint
        found, kinds = explained(indexed, what)
        assert "SORT" not in kinds, kinds
        assert found["nReturned"] == what.limit
        assert found["totalKeysExamined"] <= found["nReturned"] + SLACK, found
        assert found["totalDocsExamined"] <= found["nReturned"] + SLACK, found
        last = list(indexed.find("m", what.only(limit=30)))[-1]
        what = what.only(limit=20, after=(last["rank"], last.id))


@pytest.mark.parametrize("sort", SORTS, ids=str)
@pytest.mark.parametrize("where", [None, "along", "across"])
def test_sorts_and_pages(indexed: MongoDBDatabase, sort: Any, where: str | None) -> None:
    """Along: a condition on the index's own path. Across: one that nearly all documents meet."""
    first = sort[0] if isinstance(sort, list) else sort
    along = {first.lstrip("-"): {"$gte": 3 if first.endswith("n") else "c1"}}
    if first == "@updated_at":
        along = {first: {"$gte": "2000-01-01T00:00:00Z"}}
    filters: dict[str | None, Any] = {"along": along, "across": {"missing": None}}
    what = query(filters.get(where), sort, limit=10)
    after: Any = None
    for page in range(4):
        found, kinds = explained(indexed, what.only(after=after))
        assert "IXSCAN" in kinds, kinds
        assert not kinds & {"COLLSCAN", "SORT"}, kinds
        assert found["totalKeysExamined"] <= 10 + 2 * SLACK, f"page {page}: {found}"
        documents = list(indexed.find("m", what.only(after=after)))
        assert len(documents) == 10
        after = position_of(documents[-1], what.order)


def test_pages_over_the_end_of_nulls(indexed: MongoDBDatabase) -> None:
    for sort, after in (("n", (None, "u019999")), ("-n", (1, "u000001")), ("-n", (None, "u5"))):
        what = query(None, sort, after=after, limit=10)
        found, kinds = explained(indexed, what)
        assert "SORT" not in kinds
        assert found["totalKeysExamined"] <= 10 + 2 * SLACK


def test_the_order_is_right(indexed: MongoDBDatabase) -> None:
    stored = list(indexed.find("m", query({"rank": {"$lt": 3}})))
    for sort in SORTS:
        what = query({"rank": {"$lt": 3}}, sort, limit=200, skip=150)
        found = [each.id for each in indexed.find("m", what)]
        assert found == [each.id for each in select(stored, what)], sort
