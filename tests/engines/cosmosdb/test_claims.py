"""Claims on Cosmos DB: what they ask, in which order they take, and what they pass over."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from interstore._sync.store import Store
from interstore.document import Document, make_document
from interstore.errors import OperationTimeoutError
from interstore.filters.order import order_key
from interstore.filters.parse import parse_filter
from interstore.paths import Envelope
from interstore.prepared import Query, SortKey
from interstore_backends.cosmosdb.looks import Crowd, Look, compile_look, scattered, share_of
from interstore_backends.cosmosdb.records import Found
from tests.databases import cosmosdb
from tests.servers.cosmosdb.faults import Faults

PRIORITIES: list[Any] = [3, None, 1, 9.5, "none", -2, 0, 7]
"""``"none"``: there is no priority."""


@pytest.fixture
def store(cosmosdb_url: str) -> Iterator[Store]:
    with Store(cosmosdb(cosmosdb_url)) as store:
        store.ensure_index("q", "state", "priority", type=["string", "number"])
        yield store


def _fill(store: Store, priorities: list[Any]) -> None:
    jobs = [{"id": f"{n:03}", "state": "new", "priority": p} for n, p in enumerate(priorities)]
    for job in jobs:
        if job["priority"] == "none":
            del job["priority"]
    assert store.create_many("q", jobs).ok


def _claim(store: Store, sort: str | None = "-priority") -> Document | None:
    return store.find_one_and_update("q", {"state": "new"}, {"state": "taken"}, sort=sort)


def _drained(store: Store, sort: str | None) -> list[str]:
    taken = []
    while (job := _claim(store, sort)) is not None:
        taken.append(job.id)
    return taken


@pytest.mark.parametrize("sort", ["-priority", "priority", None, "-@created_at"])
def test_the_order_of_claims_is_that_of_find(store: Store, sort: str | None) -> None:
    """Also where some have no priority, or none that is a number."""
    _fill(store, PRIORITIES * 2)
    expected = [job.id for job in store.find("q", {"state": "new"}, sort=sort)]
    assert _drained(store, sort) == expected


def test_a_claim_is_one_query_for_each_partition_and_one_write(
    store: Store, cosmosdb_faults: Faults
) -> None:
    _fill(store, [1, 5, 3])
    _claim(store)
    cosmosdb_faults.forget()
    for sort in ("-priority", "priority"):
        assert _claim(store, sort) is not None
    assert cosmosdb_faults.usage().counts == {"Query": 8, "Replace": 2}
    cosmosdb_faults.forget()
    assert _claim(store) is None
    assert cosmosdb_faults.usage().counts == {"Query": 4}


@pytest.mark.parametrize("sort", ["-priority", "priority"])
def test_what_the_index_would_refuse_is_claimed_too(store: Store, sort: str) -> None:
    """By another, who did not know of it yet."""
    _fill(store, [2, 1, 3])
    container = store.database.native.get_container_client("q")
    item = container.read_item("000", "000")
    unfit: list[Any] = ["x", True, False, [1], {}]
    for priority in unfit:
        id = f"unfit {priority}"
        envelope = {**item["_interstore"], "id": id}
        container.create_item({**item, "id": id, "priority": priority, "_interstore": envelope})
    taken = []
    while (job := store.find_one_and_delete("q", {"state": "new"}, sort=sort)) is not None:
        taken.append(job.id)
    assert len(taken) == 8
    fit = ["001", "000", "002"] if sort == "priority" else ["002", "000", "001"]
    assert [id for id in taken if not id.startswith("unfit")] == fit


@pytest.mark.parametrize("action", ["update", "delete"])
def test_one_that_another_writes_is_passed_over(
    store: Store, cosmosdb_faults: Faults, action: str
) -> None:
    _fill(store, [1, 2, 3, 4])
    _claim(store)

    def take() -> str:
        if action == "update":
            job = _claim(store)
        else:
            job = store.find_one_and_delete("q", {"state": "new"}, sort="-priority")
        assert job is not None
        return job.id

    operation = {"update": "Replace", "delete": "Delete"}[action]
    cosmosdb_faults.fail(412, operation, times=1)
    # Nobody took it: so when all that was seen is lost, it is found again.
    assert take() == "002"
    cosmosdb_faults.fail(412, operation, times=1)
    # Who has lost once reads several, and goes on with the next.
    assert take() == "000"
    assert take() == "001"
    assert _claim(store) is None


def test_who_loses_goes_on_with_what_is_sorted_equal(store: Store, cosmosdb_faults: Faults) -> None:
    _fill(store, [9, *[5] * 12, 1])
    cosmosdb_faults.fail(412, "Replace", times=1)
    first = _claim(store)
    assert first is not None
    assert first.id == "000"
    cosmosdb_faults.fail(412, "Replace", times=3)
    second = _claim(store)
    assert second is not None
    assert second["priority"] == 5
    assert _drained(store, "-priority")[-1] == "013"


def test_whether_it_was_deleted_is_not_guessed(store: Store, cosmosdb_faults: Faults) -> None:
    _fill(store, [1])
    cosmosdb_faults.reset("Delete", committed=True, times=1)
    with pytest.raises(OperationTimeoutError, match="may or may not have been applied"):
        store.find_one_and_delete("q", {"state": "new"}, sort="-priority")
    assert store.count("q") == 0


# Pure.

PRIORITY = ("priority",)
PATHS = frozenset({(PRIORITY,), (("state",), PRIORITY)})
TYPES: Any = {("state",): "string", PRIORITY: "number"}


def _look(filter: Any, descending: bool = False) -> Look | None:
    query = Query(parse_filter(filter), sort=(SortKey(PRIORITY, descending),))
    return compile_look(query, TYPES, PATHS)


def test_one_value_of_the_filter_is_where_the_index_begins() -> None:
    look = _look({"state": "new", "n": {"$gt": 1}}, descending=True)
    assert look is not None
    assert look.statement(2).sql.endswith(
        ' ORDER BY c["state"] DESC, c["priority"] DESC, c["_interstore"]["id"] DESC'
    )
    for other in ({}, {"state": None}, {"state": {"$in": ["a", "b"]}}, {"n": 1}):
        look = _look(other)
        assert look is not None
        assert look.statement(2).sql.endswith(' ORDER BY c["priority"], c["_interstore"]["id"]')


def test_without_an_index_or_types_there_is_no_look() -> None:
    query = Query(parse_filter({}), sort=(SortKey(PRIORITY),))
    assert compile_look(query, TYPES, ()) is None
    assert compile_look(query, {}, PATHS) is None
    mixed = query.only(sort=(SortKey(PRIORITY), SortKey(Envelope.ID, True)))
    assert compile_look(mixed, TYPES, PATHS) is None


def _found(*pairs: tuple[str, Any]) -> list[Found]:
    return [Found(make_document({"priority": p}, id, 1, "", "", None), "") for id, p in pairs]


def _ids(found: list[Found] | None) -> list[str] | None:
    return None if found is None else [each.document.id for each in found]


def test_what_may_come_before_is_not_taken() -> None:
    look = _look({})
    assert look is not None
    whole, cut = _found(("a", 1), ("c", 4)), _found(("b", 2), ("d", 3))
    # Of the second partition more may be there, from 3 on.
    assert _ids(look.merged([whole, cut], 3)) == ["a", "b", "d", "c"]
    assert _ids(look.merged([whole[:1], cut], 2)) == ["a", "b", "d"]
    assert _ids(look.merged([whole, cut[:1]], 2)) == ["a", "b", "c"]
    assert _ids(look.merged([_found(("a", 1), ("e", 9)), cut], 2)) == ["a", "b", "d"]
    # The service may have more without a number, which it sorts otherwise.
    assert look.merged([_found(("a", None), ("b", 1)), cut], 2) is None
    assert _ids(look.merged([_found(("b", 1), ("a", None)), cut], 3)) == ["a", "b", "b", "d"]


def test_equal_ones_are_scattered_others_are_not() -> None:
    random.seed(1)
    found = _found(*[(f"{n:02}", n // 10) for n in range(30)])
    sort = (SortKey(PRIORITY),)
    orders = {tuple(_ids(scattered(found, sort)) or ()) for _ in range(5)}
    assert len(orders) > 1
    key = order_key(sort)
    for order in (scattered(found, sort) for _ in range(5)):
        assert [key(each.document) for each in order] == [key(each.document) for each in found]


def test_how_many_are_read() -> None:
    crowd = Crowd()
    assert crowd.wanted == 1
    crowd.met(0)
    assert crowd.wanted == 1
    crowd.met(1)
    assert crowd.wanted == 8
    crowd.met(100)
    assert crowd.wanted == 32
    for _ in range(40):
        crowd.met(0)
    assert crowd.wanted == 1
    assert [share_of(wanted, 4) for wanted in (1, 8, 32)] == [1, 4, 13]
    assert [share_of(wanted, 1) for wanted in (1, 8, 32)] == [1, 8, 32]
    assert share_of(8, 100) == 1
