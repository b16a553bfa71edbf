"""The plugin retry: what is repeated, what never is, and how long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import interstore
from interstore import (
    ConflictError,
    DuplicateError,
    InterstoreError,
    NotFoundError,
    OperationTimeoutError,
    Store,
    UnavailableError,
)
from interstore._sync.operations import Operations
from interstore.changes_parse import parse_changes
from interstore.plugins.composition import OPERATIONS
from interstore.prepare import prepare_write
from interstore.times import now
from interstore_plugins.retry.policy import BULK, REPEATABLE, SINGLE, WHOLE, first_step, pause
from tests.databases import sqlite
from tests.patience import no_hang
from tests.plugins.faulty import Faulty

QUICK = {"first_pause": 0.001, "longest_pause": 0.002}


def unavailable() -> InterstoreError:
    return UnavailableError("down for a moment")


def unsure() -> InterstoreError:
    return OperationTimeoutError("may have been applied")


@pytest.fixture
def engine() -> Faulty:
    return Faulty()


@pytest.fixture
def store(engine: Faulty) -> Iterator[Store]:
    with interstore.connect(database=engine, plugins={"retry": QUICK}) as store:
        store.create("m", {"id": "a", "n": 1})
        engine.calls.clear()
        yield store


CALLS: dict[str, Callable[[Store], Any]] = {
    "create": lambda store: store.create("m", {"id": "new"}),
    "find_by_id": lambda store: store.find_by_id("m", "a"),
    "find": lambda store: store.find("m").to_list(),
    "count": lambda store: store.count("m"),
    "update": lambda store: store.update("m", "a", {"$inc": {"n": 1}}),
    "put": lambda store: store.put("m", {"id": "a", "n": 2}),
    "delete": lambda store: store.delete("m", "a"),
    "create_many": lambda store: store.create_many("m", [{"id": "b"}, {"id": "c"}]),
    "put_many": lambda store: store.put_many("m", [{"id": "a"}, {"id": "c"}]),
    "find_one_and_update": lambda store: store.find_one_and_update("m", {}, {"$inc": {"n": 1}}),
    "find_one_and_delete": lambda store: store.find_one_and_delete("m", {}),
    "update_many": lambda store: store.update_many("m", {}, {"$inc": {"n": 1}}),
    "delete_many": lambda store: store.delete_many("m", {}),
}
LEFT = {"update_many", "delete_many"}


def test_every_operation_has_a_policy() -> None:
    """What none names is left to the caller."""
    named = REPEATABLE | SINGLE | WHOLE | BULK
    assert set(OPERATIONS) - named == {*LEFT, "sweep", "disconnect"}
    assert all(first_step(name, unavailable()) == "give up" for name in {*LEFT, "sweep"})


@pytest.mark.parametrize("name", CALLS)
def test_what_was_not_applied(store: Store, engine: Faulty, name: str) -> None:
    engine.faults = [(unavailable(), "before"), (unavailable(), "before")]
    if name in LEFT:
        with pytest.raises(UnavailableError):
            CALLS[name](store)
        assert engine.calls == [name]
        return
    CALLS[name](store)
    assert engine.calls.count(name) >= 2
    assert store.metrics()["retry"]["recovered"] == 1
    assert all(each["n"] <= 2 for each in store.find("m", {"n": {"$exists": True}}))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_may_have_been_applied(store: Store, engine: Faulty, name: str, when: Any) -> None:
    """Nothing is done twice; what cannot be known is an error."""
    engine.faults = [(unsure(), when)]
    known = {"create", "create_many", "find", "find_by_id", "count"}
    if when == "after":
        known |= {"update", "put"}  # the document tells
    try:
        CALLS[name](store)
    except OperationTimeoutError:
        assert name not in known
    else:
        assert name in known
    repeated = {"find", "find_by_id", "count"}
    if when == "before":
        repeated |= {"create", "create_many"}  # which is refused, should it be too late
    assert engine.calls.count(name) == (2 if name in repeated else 1)
    documents = store.find("m").to_list()
    assert all(each.get("n", 0) <= 2 for each in documents)
    assert all(each.version <= 2 for each in documents)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["update", "put"])
def test_a_guarded_write(store: Store, engine: Faulty, name: str, when: Any) -> None:
    """It is repeated, because it is refused the second time if the first was applied."""
    engine.faults = [(unsure(), when), (unavailable(), "before")]
    if name == "update":
        changed = store.update("m", "a", {"$inc": {"n": 1}}, if_version=1)
    else:
        changed = store.put("m", {"id": "a", "n": 2}, if_version=1)
    assert (changed["n"], changed.version) == (2, 2)
    assert store.get("m", "a") == changed
    assert store.metrics()["retry"]["recognised"] == (when == "after")


def test_a_guarded_delete(store: Store, engine: Faulty) -> None:
    engine.faults = [(unsure(), "before")]
    assert store.delete("m", "a", if_version=1) is True
    store.create("m", {"id": "b"})
    engine.faults = [(unsure(), "after")]
    with pytest.raises(OperationTimeoutError):  # who deleted it cannot be known
        store.delete("m", "b", if_version=1)
    assert store.find_by_id("m", "b") is None


def test_refusals_go_through(store: Store, engine: Faulty) -> None:
    """Also after a failure, where they are not of the first attempt."""
    with pytest.raises(DuplicateError):
        store.create("m", {"id": "a"})
    with pytest.raises(ConflictError):
        store.update("m", "a", {"n": 3}, if_version=7)
    assert engine.calls == ["create", "update"]
    for fault in (unavailable, unsure):
        engine.faults = [(fault(), "before")]
        with pytest.raises(DuplicateError):
            store.create("m", {"id": "a"})
        engine.faults = [(unavailable(), "before")]
        with pytest.raises(NotFoundError):
            store.update("m", "x", {"n": 3})


def test_others_wrote_meanwhile(store: Store, engine: Faulty) -> None:
    """A late conflict is not taken for a success, nor our own write for a conflict."""
    other = Operations(engine.database)
    changes = parse_changes("a", {"n": 50}, now())
    engine.faults = [(unsure(), "before")]
    engine.meanwhile = lambda: other.update("m", "a", changes)
    with pytest.raises(OperationTimeoutError):
        store.update("m", "a", {"n": 2}, if_version=1)
    assert store.get("m", "a")["n"] == 50
    write = prepare_write("m", {"id": "new", "n": 50}, now())
    engine.faults = [(unsure(), "before")]
    engine.meanwhile = lambda: other.create("m", write)
    with pytest.raises(DuplicateError):
        store.create("m", {"id": "new", "n": 1})


def test_bulk_after_a_part_was_applied(store: Store, engine: Faulty) -> None:
    engine.faults = [(unavailable(), "after")]
    result = store.create_many("m", [{"id": str(n)} for n in range(5)] + [{"id": "a"}],
                               on_error="report")  # fmt: skip
    assert (result.created, result.duplicates) == (5, 1)
    engine.faults = [(unavailable(), "after")]
    put = store.put_many("m", [{"id": "0", "n": 1}, {"id": "z", "n": 1}])
    assert [outcome.version for outcome in put.outcomes] == [2, 1]
    assert store.get("m", "0").version == 2


def test_the_deadline(engine: Faulty) -> None:
    with interstore.connect(
        database=engine, plugins={"retry": {"deadline": 0.2, "attempts": 1000, **QUICK}}
    ) as store:
        engine.faults = [(unavailable(), "before")] * 10_000
        started = time.monotonic()
        with pytest.raises(UnavailableError) as failure, no_hang():
            store.find_by_id("m", "a")
        assert time.monotonic() - started >= 0.1
        assert "attempts in" in failure.value.__notes__[0]
        assert store.metrics()["retry"]["given_up"] == 1


def test_the_number_of_attempts(engine: Faulty) -> None:
    settings = {"attempts": 3, "breaker": 0, **QUICK}
    with interstore.connect(database=engine, plugins={"retry": settings}) as store:
        for _ in range(4):
            engine.calls.clear()
            engine.faults = [(unavailable(), "before")] * 10
            with pytest.raises(UnavailableError):
                store.find_by_id("m", "a")
            assert len(engine.calls) == 3


def test_the_circuit(engine: Faulty) -> None:
    settings = {"attempts": 2, "breaker": 2, "breaker_pause": 0.3, **QUICK}
    with interstore.connect(database=engine, plugins={"retry": settings}) as store:
        engine.faults = [(unavailable(), "before")] * 4
        for _ in range(2):
            with pytest.raises(UnavailableError, match="down for a moment"):
                store.find_by_id("m", "a")
        assert store.metrics()["retry"]["circuit"] == "open"
        engine.calls.clear()
        with pytest.raises(UnavailableError, match="failed 2 calls in a row"):
            store.find_by_id("m", "a")
        assert engine.calls == []
        time.sleep(0.35)
        assert store.metrics()["retry"]["circuit"] == "half open"
        with pytest.raises(NotFoundError):  # an answer
            store.update("m", "a", {"n": 1})
        assert store.metrics()["retry"]["circuit"] == "closed"
        assert store.metrics()["retry"]["opened"] == 1


def test_half_open_lets_one_through(engine: Faulty) -> None:
    settings = {"attempts": 1, "breaker": 1, "breaker_pause": 0.05}
    with interstore.connect(database=engine, plugins={"retry": settings}) as store:
        engine.faults = [(unavailable(), "before")] * 2
        with pytest.raises(UnavailableError, match="down for a moment"):
            store.find_by_id("m", "a")
        time.sleep(0.06)
        with pytest.raises(UnavailableError, match="down for a moment"):
            store.find_by_id("m", "a")
        with pytest.raises(UnavailableError, match="in a row"):
            store.find_by_id("m", "a")


def test_nothing_is_repeated_in_a_transaction(tmp_path: Any) -> None:
    with interstore.connect(database=sqlite(tmp_path), plugins={"retry": QUICK}) as store:
        with store.transaction() as tx:
            tx.create("m", {"id": "a"})
            inner = tx.database.database
        assert type(inner).__name__ == "SQLiteDatabase"
        assert store.count("m") == 1


def test_what_has_ended_is_not_repeated(engine: Faulty) -> None:
    """A closed store, or an ended session, answers at once."""
    settings = {"first_pause": 5.0, "longest_pause": 5.0, "deadline": 60.0}
    with (
        no_hang(),
        interstore.connect(database=engine, plugins={"retry": settings}) as store,
    ):
        with store.session() as session:
            session.create("m", {"id": "a"})
        store.database.disconnect()
        engine.faults = [(unavailable(), "before")]
        with pytest.raises(UnavailableError):
            store.find_by_id("m", "a")


def test_pauses() -> None:
    for attempt in range(1, 200):
        assert 0 <= pause(attempt, 0.05, 5.0) <= min(5.0, 0.05 * 2 ** (attempt - 1))
    assert len({pause(9, 0.05, 5.0) for _ in range(20)}) > 10
