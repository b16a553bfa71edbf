"""Updates of what a filter names: by one command where that is safe, and right where it is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from pymongo import monitoring
from pymongo.monitoring import CommandListener

from interstore._sync.operations import Operations
from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    OperationTimeoutError,
    UnavailableError,
)
from interstore.filters.tree import ALL
from interstore.indexes import Index
from interstore_backends.mongodb._sync.database import MongoDBDatabase
from tests.databases import mongodb
from tests.engines.mongodb.support import Open, changes, fill, query, tree, write
from tests.patience import eventually
from tests.servers.mongodb import MongoDB, running
from tests.servers.process import ServerUnavailable
from tests.servers.proxy import Proxy

MAX = 2**53 - 1

CHANGES: tuple[dict[str, Any], ...] = (
    {"x": 1},
    {"$inc": {"x": 1}},
    {"$inc": {"x": MAX}},
    {"$inc": {"x.y": -1.5}},
    {"$set": {"x.y": [1]}},
    {"$push": {"x": "z"}},
    {"$push": {"x.y": 2}},
    {"$unset": ["x.y"]},
    {"$unset": ["x"], "$set": {"z.z": "%"}},
    {"$inc": {"a.b": 1}},
    {"$set": {("a.b", "$c"): 1}},
)
DOCUMENTS: dict[str, dict[str, Any]] = {
    "array": {"x": [1, {"y": 1}]},
    "boolean": {"x": True},
    "deep": {"x": {"y": {"y": 1}}},
    "fraction": {"x": 0.5},
    "large": {"x": MAX},
    "list": {"x": {"y": [1]}},
    "missing": {},
    "null": {"x": None},
    "number": {"x": 1},
    "object": {"x": {"y": 1}},
    "odd": {"a.b": {"$c": 1}, "x": -MAX},
    "text": {"x": "1"},
    "wide": {"x": 1, "w": "\x01" * 120_000},
}
FILTERS: tuple[Any, ...] = ({}, {"x": {"$ne": 1}}, {"id": {"$gt": "m"}}, {"x": {"$gte": 0}})


def outcome(database: MongoDBDatabase, call: Any) -> tuple[Any, Any]:
    """What a call gives, and what is stored then; without times."""
    result: Any
    try:
        result = call()
    except InterstoreError as error:
        result = type(error), str(error)
    if hasattr(result, "outcomes"):
        failed = sorted((each.id, str(each.error)) for each in result.outcomes)
        result = result.updated, result.failed, failed
    documents = database.find("m", query())
    return result, [(each.fields(), each.id, each.version) for each in documents]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_update_many_as_one_by_one(kept: MongoDBDatabase, change: dict[str, Any]) -> None:
    derived = Operations(kept)
    for filter in FILTERS:
        found = []
        for update_many in (kept.update_many, partial(Operations.update_many, derived)):
            kept.delete_many("m", ALL)
            fill(kept, **DOCUMENTS)
            call = partial(update_many, "m", tree(filter), changes(change))
            found.append(outcome(kept, call))
        (native, stored), (expected, there) = found
        assert native == expected
        for mine, other in zip(stored, there, strict=True):
            assert mine == other


@pytest.mark.parametrize("change", CHANGES, ids=str)
@pytest.mark.parametrize("sort", [None, "-id", "x", ["-@version", "id"]], ids=str)
def test_find_one_and_update_as_by_two(
    kept: MongoDBDatabase, change: dict[str, Any], sort: Any
) -> None:
    derived = Operations(kept)
    for filter in FILTERS:
        found = []
        by_two = partial(Operations.find_one_and_update, derived)
        for update in (kept.find_one_and_update, by_two):
            kept.delete_many("m", ALL)
            fill(kept, **DOCUMENTS)
            call = partial(update, "m", query(filter, sort), changes(change))
            found.append(outcome(kept, call))
        (native, stored), (expected, there) = found
        assert native == expected
        for mine, other in zip(stored, there, strict=True):
            assert mine == other


class Commands(CommandListener):
    """The names of the commands that were sent."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: Any) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


@pytest.fixture
def commands() -> Iterator[list[str]]:
    before = monitoring._LISTENERS
    listener = Commands()
    monitoring.register(listener)
    yield listener.names
    monitoring._LISTENERS = before


def test_the_first_of_an_order_takes_one_round_trip(commands: list[str], opened: Open) -> None:
    database = opened()
    fill(database, a={"s": "new", "n": 1}, b={"s": "new"}, c={"s": "old"})
    database.count("m", ALL)  # looks whether documents of the model expire, every two seconds
    commands.clear()
    change = changes({"$set": {"s": "old"}, "$inc": {"n": 1}})
    for id in ("b", "a"):
        found = database.find_one_and_update("m", query({"s": "new"}, "-@created_at"), change)
        assert found is not None
        assert (found.id, found.version) == (id, 2)
    assert database.find_one_and_update("m", query({"s": "new"}, "-@created_at"), change) is None
    assert commands == ["findAndModify"] * 3


def test_many_are_updated_by_one_command(commands: list[str], opened: Open) -> None:
    database = opened()
    fill(database, **{f"d{number:04}": {"n": number} for number in range(2_500)})
    commands.clear()
    result = database.update_many("m", tree({"n": {"$gte": 500}}), changes({"$inc": {"n": 1}}))
    assert (result.updated, result.failed) == (2_000, 0)
    assert commands.count("update") == 1


def test_more_misfits_than_are_looked_at_at_once(database: MongoDBDatabase) -> None:
    documents = {f"d{number:04}": {"n": "" if number % 2 else 1} for number in range(2_400)}
    fill(database, **documents)
    result = database.update_many("m", ALL, changes({"$inc": {"n": 1}}))
    assert (result.updated, result.failed) == (1_200, 1_200)
    assert {each.id for each in result.outcomes} == {id for id in documents if int(id[1:]) % 2}
    assert [each.version for each in database.find("m", query({"n": 2}))] == [2] * 1_200


def test_an_index_of_others_refuses_some(database: MongoDBDatabase) -> None:
    fill(database, a={"x": 1}, b={"x": 2}, c={})
    database.native["m"].create_index([("x", 1)], unique=True)
    result = database.update_many("m", ALL, changes({"x": 7}))
    assert (result.updated, result.failed) == (1, 2)
    assert all(isinstance(each.error, DuplicateError) for each in result.outcomes)
    with pytest.raises(DuplicateError) as caught:
        database.find_one_and_update("m", query(None, "-id"), changes({"x": 7}))
    assert caught.value.index == "x"


def test_a_declared_type_refuses_all(database: MongoDBDatabase) -> None:
    database.ensure_index("m", Index(paths=(("x",),), types=("number",)))
    fill(database, a={"x": 1}, b={})
    result = database.update_many("m", ALL, changes({"x": "text"}))
    assert (result.updated, result.failed) == (0, 2)
    assert all(isinstance(each.error, InvalidDocumentError) for each in result.outcomes)
    assert database.update_many("m", ALL, changes({"$inc": {"x": 1}})).updated == 2


@pytest.mark.parametrize("mode", ["upsert", "insert_if_absent", "replace_if_newer"])
def test_pages_again_and_again(database: MongoDBDatabase, mode: Any) -> None:
    """Documents that exist are met by inserting them first, and looked for from then on."""
    ids = [f"d{number:03}" for number in range(300)]
    versions = dict.fromkeys(ids, 0)
    for version, there in ((2, ids[:200]), (1, ids[100:]), (3, ids[50:250]), (3, ids), (1, ids)):
        writes = [write(id, {"n": version}, version) for id in there]
        expected = [
            version
            if not versions[id] or mode == "upsert" or (mode[0] == "r" and versions[id] < version)
            else 0
            for id in there
        ]
        assert database.write_page("m", writes, mode) == expected
        versions |= {id: new for id, new in zip(there, expected, strict=True) if new}
    found = list(database.find("m", query()))
    assert {each.id: each.version for each in found} == versions
    assert all(each["n"] == each.version for each in found)


def test_a_put_leaves_the_document_of_others(database: MongoDBDatabase) -> None:
    fill(database, a={"x": 1})
    for theirs in ({"x": 2}, {"_interstore": {"version": 0}}, {"_interstore": 1}):
        database.native["m"].replace_one({"_id": "b"}, theirs, upsert=True)
        with pytest.raises(ConfigurationError, match="not written by Interstore"):
            database.put("m", write("b", {"x": 3}))
        assert database.native["m"].find_one({"_id": "b"}, {"_id": 0}) == theirs


def test_each_task_gets_another_document(opened: Open) -> None:
    database = opened()
    fill(database, **{f"d{number:02}": {"s": "new", "n": number} for number in range(40)})
    taken: list[str] = []

    def work(sort: str) -> None:
        while True:
            found = database.find_one_and_update("m", query({"s": "new"}, sort), changes({"s": ""}))
            if found is None:
                return
            taken.append(found.id)

    threads = [threading.Thread(target=work, args=(sort,)) for sort in ("id", "-n", "id", "n")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40


@pytest.fixture(scope="module")
def alone() -> Iterator[MongoDB]:
    try:
        with running(replica_set=False) as server:
            yield server
    except ServerUnavailable as error:
        pytest.skip(str(error))


def test_a_write_that_is_lost_on_a_single_server(alone: MongoDB) -> None:
    """Nobody can tell whether it was applied, and a call that may be repeated would tell that."""
    host, port = alone.address
    with alone.database() as plain, Proxy(host, port) as proxy:
        name = plain.rpartition("/")[2].partition("?")[0]
        database = mongodb(alone.url(name, port=proxy.port), timeout=5.0, durability="primary")
        database.connect()
        database.create("m", write("a", {"n": 0}))
        writes = (
            lambda: database.update("m", "a", changes({"$inc": {"n": 1}})),
            lambda: database.create("m", write("b")),
            lambda: Operations(database).update_many(
                "m", tree({"id": "a"}), changes({"$inc": {"n": 1}})
            ),
        )
        for call in writes:
            proxy.cut(after=0, direction="to_client")
            with pytest.raises(OperationTimeoutError, match="may or may not") as caught:
                call()
            assert not caught.value.retryable
            proxy.restore()
            eventually(Operations(database).ping)
        proxy.cut(after=0, direction="to_client")
        with pytest.raises(UnavailableError, match=r"connection was lost|no server"):
            database.find_by_id("m", "a")
        proxy.restore()
        database.disconnect()


def test_stats_of_a_pool_that_is_exhausted(opened: Open) -> None:
    """Who waits is counted, and for how long."""
    database = opened(pool_size=1)
    other = opened()
    fill(database, a={"n": 1})
    slow = {
        "$function": {"body": "function() { sleep(1500); return true }", "args": [], "lang": "js"}
    }
    with ThreadPoolExecutor(2) as threads:
        holding = threads.submit(lambda: list(database.native["m"].find({"$expr": slow})))

        def is_lent(waiting: int) -> None:
            figures = database._meter.figures(1)
            assert (figures.in_use, figures.idle, figures.waiting) == (1, 0, waiting)

        eventually(lambda: is_lent(0))
        waiting = threads.submit(database.find_by_id, "m", "a")
        eventually(lambda: is_lent(1))
        assert holding.result(30)
        assert waiting.result(30) is not None
    figures = database.stats().pool
    assert figures is not None
    assert (figures.in_use, figures.waiting) == (0, 0)
    assert figures.wait_seconds > 0.1
    assert other.stats().documents == 1
