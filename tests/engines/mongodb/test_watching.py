"""Change streams: what they are resumed from, what they end with, what is kept open."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from typing import Any

import pytest
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from interstore._sync.store import Store
from interstore._sync.watch import Watch
from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    ResumeExpiredError,
    UnsupportedError,
)
from interstore.watching import Change, Changed, Deleted, decode_position, encode_position
from interstore_backends.mongodb._sync.database import MongoDBDatabase
from interstore_backends.mongodb._sync.watching import place_in
from interstore_backends.mongodb.changes import position_of
from tests.databases import mongodb
from tests.engines.mongodb.support import Open

spawn = multiprocessing.get_context("spawn")


@pytest.fixture
def store(database: MongoDBDatabase) -> Store:
    store = Store(database)
    store.connect()
    store.create_many("m", [{"id": "a", "n": 0}, {"id": "b", "n": 0}])
    store.enable_watch("m")
    return store


def test_each_version_is_told_as_it_was(store: Store) -> None:
    """And not as it is when it is told."""
    with store.watch("m", idle=0) as changes:
        for _ in range(5):
            store.update("m", "a", {"$inc": {"n": 1}})
        store.delete("m", "a")
        *versions, last = changes
    assert [each.document["n"] for each in versions if isinstance(each, Changed)] == [1, 2, 3, 4, 5]
    assert isinstance(last, Deleted)
    assert last.version == 6


def test_a_watch_that_begins_while_others_write(store: Store) -> None:
    """What they write then may be in the server's first reply: there is no place before that."""
    began = store.native.client.admin.command("ping")["operationTime"]
    for _ in range(3):
        store.update("m", "b", {"$inc": {"n": 1}})
    collection = store.native["m"].with_options(
        read_concern=ReadConcern("majority"), write_concern=WriteConcern("majority")
    )
    collection.delete_one({"_id": "a"})  # a majority has what was written before, too
    with collection.watch(start_at_operation_time=began) as stream:
        assert stream.resume_token is None
        token = position_of("m", place_in(stream))
    store.update("m", "b", {"$inc": {"n": 1}})
    with store.watch("m", since=token, idle=0) as changes:
        numbers = [each.document["n"] for each in changes if isinstance(each, Changed)]
    assert numbers == [2, 3, 4]


def test_what_other_programs_write(store: Store) -> None:
    collection = store.native["m"]
    with store.watch("m", idle=0) as changes:
        collection.update_one({"_id": "a"}, {"$set": {"n": 7}})
        collection.delete_one({"_id": "b"})
        changed, deleted = changes
        assert isinstance(changed, Changed)
        assert changed.document == {"id": "a", "n": 7}
        assert (deleted.id, deleted.version) == ("b", 1)
        collection.insert_one({"_id": "c", "n": 1})
        with pytest.raises(ConfigurationError, match="was not written by Interstore"):
            changes.next(5)


@pytest.mark.parametrize("end", ["not ours", "dropped"])
def test_what_comes_at_once_is_told_up_to_what_cannot_be(store: Store, end: str) -> None:
    with store.watch("m", idle=0) as changes:
        for _ in range(5):
            store.update("m", "a", {"$inc": {"n": 1}})
        error: type[InterstoreError]
        if end == "dropped":
            store.native["m"].drop()
            error, message = ResumeExpiredError, "dropped"
        else:
            store.native["m"].insert_one({"_id": "x", "n": 1})
            error, message = ConfigurationError, "_id 'x' was not written by Interstore"
        tokens = [_next_n(changes, number) for number in range(1, 6)]
        with pytest.raises(error, match=message):
            changes.next(5)
    if end == "dropped":
        return
    for number, token in enumerate(tokens[:-1], 2):
        with store.watch("m", since=token, idle=0) as again:
            _next_n(again, number)
    with store.watch("m", since=tokens[-1]) as again, pytest.raises(error, match=message):
        again.next(5)


def _next_n(changes: Watch, number: int) -> str:
    change = changes.next(5)
    assert isinstance(change, Changed)
    assert change.document["n"] == number
    return change.token


def test_a_token_that_the_oplog_does_not_reach_back_to(store: Store) -> None:
    with store.watch("m", idle=0) as changes:
        store.update("m", "a", {"n": 1})
        [change] = changes
    [data] = decode_position(change.token, "mongodb", "m", tuple[str])
    long_ago = f"{data[:2]}{int(data[2:10], 16) - 10**8:08X}{data[10:]}"
    with pytest.raises(ResumeExpiredError, match="do not reach back"):
        store.watch("m", since=encode_position("mongodb", "m", (long_ago,))).next(0)


def test_versions_that_were_not_kept(store: Store) -> None:
    with store.watch("m", idle=0) as changes:
        token = changes.token
        store.disable_watch("m")
        store.update("m", "a", {"n": 1})
        store.enable_watch("m")
        with pytest.raises(ResumeExpiredError):
            list(changes)
    with pytest.raises(ResumeExpiredError):
        list(store.watch("m", since=token, idle=0))


def test_streams_are_closed(store: Store) -> None:
    database: Any = store.database.database
    with store.watch("m", idle=0) as changes:
        store.update("m", "a", {"n": 1})
        assert len(list(changes)) == 1
        assert len(database._streams) == 1
    assert not database._streams
    for _ in range(100):
        store.watch("m").start()  # and never closed
    assert len(database._streams) <= 64
    store.close()
    assert not database._streams


def test_large_documents(store: Store) -> None:
    """An event with the document before and after would be longer than MongoDB allows."""
    numbers = [1] * 900_000
    with store.watch("m", idle=0) as changes:
        store.put("m", {"id": "large", "numbers": numbers})
        store.update("m", "large", {"$set": {"n": 1}})
        store.delete("m", "large")
        assert [each.version for each in changes] == [1, 2, 2]


def test_a_single_server(opened: Open, mongodb_standalone_url: str) -> None:
    store = Store(opened(mongodb_standalone_url))
    store.connect()
    with pytest.raises(UnsupportedError, match="replica set"):
        store.enable_watch("m")
    with pytest.raises(UnsupportedError, match="replica set"):
        store.watch("m").start()


def _write(url: str, worker: int, rounds: int) -> None:
    with Store(mongodb(url)) as store:
        for number in range(rounds):
            store.create("m", {"id": f"{worker}-{number}"})
            store.update("m", "a", {"$inc": {"n": 1}})


def _processes_write(store: Store, url: str, workers: int, rounds: int) -> None:
    with store.watch("m", idle=0) as changes:
        processes = [
            spawn.Process(target=_write, args=(url, worker, rounds)) for worker in range(workers)
        ]
        for process in processes:
            process.start()
        seen: list[Change] = []
        while any(process.is_alive() for process in processes):
            seen += changes
        seen += store.watch("m", since=changes.token, idle=0)
        assert [process.exitcode for process in processes] == [0] * workers
    versions = [each.version for each in seen if each.id == "a"]
    assert versions == list(range(2, workers * rounds + 2))
    ids = Counter(each.id for each in seen if each.id != "a")
    assert set(ids.values()) == {1}
    assert len(ids) == workers * rounds


def test_processes_that_write(store: Store, mongodb_url: str) -> None:
    _processes_write(store, mongodb_url, 3, 20)


@pytest.mark.long
def test_many_processes_that_write(store: Store, mongodb_url: str) -> None:
    _processes_write(store, mongodb_url, 8, 500)
