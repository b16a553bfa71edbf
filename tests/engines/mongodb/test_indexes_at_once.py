"""Indexes and models that several processes declare, drop and make at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest

import interstore
from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    InvalidQueryError,
    PermissionDeniedError,
)
from interstore_backends.mongodb._sync.database import MongoDBDatabase
from interstore_backends.mongodb.indexes import MODELS, natives
from tests.databases import mongodb
from tests.engines.mongodb.support import Open, changes, declared, fill, ids, query, tree, write
from tests.engines.test_index_processes import VALUES, claim, spawn, spoil
from tests.servers.mongodb import MongoDB, running
from tests.servers.process import ServerUnavailable


def at_once(calls: Sequence[Callable[[], object]]) -> list[object]:
    """What each call gives or raises, of threads that start together."""
    barrier = threading.Barrier(len(calls))
    results: dict[int, object] = {}

    def run(number: int, call: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[number] = call()
        except InterstoreError as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [results[number] for number in range(len(calls))]


INDEXES = (
    declared("a", "number"),
    declared("a", unique=True),
    declared("a", "b", unique=True),
    declared("b", "string"),
    declared("c", "string", list=True),
)


def test_declared_by_all(opened: Open) -> None:
    """The same and others: no rule is lost, whoever writes the validator last."""
    databases = [opened() for _ in range(3)]
    fill(databases[0], x={"a": 1, "b": "x", "c": ["x"]})
    calls = [
        partial(database.ensure_index, "m", index) for database in databases for index in INDEXES
    ]
    assert at_once(calls) == [None] * len(calls)
    assert databases[0].indexes("m") == sorted(INDEXES, key=lambda index: index.name)
    assert [each.index for each in databases[1]._ready("m")] == databases[0].indexes("m")
    refused: tuple[dict[str, Any], ...] = ({"a": "1"}, {"b": 1}, {"c": [1]}, {"a": 1})
    for fields in refused:
        with pytest.raises((InvalidDocumentError, DuplicateError)):
            databases[2].create("m", write("y", fields))


def test_declared_and_dropped(opened: Open) -> None:
    """However it ends: what is declared is demanded, and what is not, is not."""
    databases = [opened() for _ in range(2)]
    index = INDEXES[1]
    fill(databases[0], x={"a": 1})
    for _ in range(5):
        results = at_once(
            [
                lambda: databases[0].ensure_index("m", index),
                lambda: databases[1].drop_index("m", index.name),
                lambda: databases[1].ensure_index("m", index),
            ]
        )
        assert not any(isinstance(result, Exception) for result in results), results
        names = set(databases[0].native["m"].index_information())
        wanted = {each.name for each in natives(index)}
        if databases[0].indexes("m"):
            assert names == {"_id_"} | wanted
            with pytest.raises(DuplicateError):
                databases[0].create("m", write("y", {"a": 1}))
        else:
            assert names == {"_id_"}
        databases[0].drop_index("m", index.name)
        databases[0].create("m", write("y", {"a": [1]}))
        databases[0].delete("m", "y")


def test_sorted_while_others_drop(opened: Open) -> None:
    """Every answer is the right one for what is stored, with the index and without it."""
    reader, other = opened(), opened()
    age, stop = declared("age", "number"), threading.Event()
    fill(reader, a={"age": 1}, b={"age": 2}, c={"age": 3})
    wrong: list[object] = []

    def read() -> None:
        while not stop.is_set():
            for filter in (None, {"other": None}):
                found: object
                try:
                    found = ids(reader, filter, "age")
                except InterstoreError as error:
                    found = error
                if found not in (["a", "b", "c"], ["b", "a", "c"]):
                    wrong.append(found)

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(10):
        other.ensure_index("m", age)
        reader._known.clear()
        other.drop_index("m", age.name)
        other.update("m", "b", changes({"age": [9]}))  # which sorts first, as null does
        other.update("m", "b", changes({"age": 2}))
    stop.set()
    thread.join(60)
    assert wrong == []


def test_models_that_differ_in_case_only(opened: Open) -> None:
    databases = [opened() for _ in range(4)]
    names = ("Users", "users", "USERS", "uSers")
    for turn in range(5):
        calls = [
            partial(database.create, f"{name}{turn}", write("a"))
            for database, name in zip(databases, names, strict=True)
        ]
        results = at_once(calls)
        refused = [each for each in results if isinstance(each, InvalidQueryError)]
        assert len(refused) == len(names) - 1, results
        assert all("in case only" in str(each) for each in refused)
        assert len(databases[0].models()) == turn + 1


def test_a_name_is_free_again(opened: Open) -> None:
    one, other = opened(), opened()
    one.create("Users", write("a"))
    one.drop("Users")
    other.create("users", write("a"))
    other.native.drop_collection("users")  # by hand: the name stays claimed for a minute
    with pytest.raises(InvalidQueryError, match="in case only"):
        opened().create("USERS", write("a"))
    [claimed] = one.native[MODELS].find()
    one.native[MODELS].update_one(
        {"_id": "users"}, [{"$set": {"at": {"$subtract": ["$at", 61_000]}}}]
    )
    assert claimed["name"] == "users"
    opened().create("USERS", write("a"))
    assert one.models() == ["USERS"]


def test_a_dropped_model_stays_dropped(opened: Open) -> None:
    one, careful = opened(), opened(auto_create=False)
    fill(one, a={})
    careful.update("m", "a", changes({"x": 1}))
    careful.put("m", write("b"))
    one.drop("m")
    careful._existing["m"] = 0.0  # as if a while had gone by
    with pytest.raises(ConfigurationError, match="auto_create"):
        careful.create("m", write("b"))
    assert one.models() == []


@pytest.fixture(scope="module")
def guarded() -> Iterator[MongoDB]:
    try:
        with running(replica_set=False, password="correct horse") as server:
            yield server
    except ServerUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def plain_user(guarded: MongoDB) -> Iterator[MongoDBDatabase]:
    """A database as a user with the role readWrite has it."""
    host, port = guarded.address
    with guarded.connect() as client:
        roles = [{"role": "readWrite", "db": "app"}]
        client["app"].command("createUser", "plain", pwd="horse", roles=roles)
    database = mongodb(f"mongodb://plain:horse@{host}:{port}/app")
    assert isinstance(database, MongoDBDatabase)
    database.connect()
    yield database
    database.disconnect()


def test_a_user_who_may_not_change_the_validator(plain_user: MongoDBDatabase) -> None:
    fill(plain_user, a={"age": 2}, b={"age": 1})
    for index in (declared("age", "number"), declared("age", unique=True), declared("age")):
        with pytest.raises(PermissionDeniedError, match="privilege collMod"):
            plain_user.ensure_index("m", index)
        assert plain_user.indexes("m") == []
        assert ids(plain_user, None, "age") == ["b", "a"]
    updated = declared("@updated_at")
    plain_user.ensure_index("m", updated)  # which demands nothing
    assert plain_user.indexes("m") == [updated]
    assert plain_user.drop_index("m", updated.name)
    assert plain_user.drop("m")
    assert plain_user.count("m", tree({})) == len(list(plain_user.find("m", query()))) == 0


def test_processes_claim_values(mongodb_url: str) -> None:
    mongodb_url += "&durability=primary"
    wins = spawn.Queue()
    processes = [spawn.Process(target=claim, args=(mongodb_url, n, wins)) for n in range(3)]
    for process in processes:
        process.start()
    found: list[tuple[int, int]] = []
    while any(process.is_alive() for process in processes) or not wins.empty():
        if not wins.empty():
            found.append(wins.get())
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 3
    with interstore.connect(mongodb_url) as store:
        seats = [seat["seat"] for seat in store.find("seats", {"seat": {"$ne": None}})]
    assert len(seats) == len(set(seats))
    for value in range(VALUES):
        winners = [process for each, process in found if each == value]
        assert len(winners) >= 1 if value % 4 == 2 else len(winners) == 1, value


def test_a_declaration_holds_at_once(mongodb_url: str) -> None:
    ready, known, results = spawn.Event(), spawn.Event(), spawn.Queue()
    process = spawn.Process(target=spoil, args=(mongodb_url, ready, known, results))
    process.start()
    assert ready.wait(60)
    with interstore.connect(mongodb_url) as store:
        store.ensure_index("users", "age", type="number")
        names = store.ensure_index("users", "name", unique=True)
        store.create("users", {"name": "taken"})
        known.set()
        assert [results.get(timeout=60), results.get(timeout=60)] == ["age", names.name]
        process.join(60)
        assert process.exitcode == 0
