"""Races for one thing: exactly one wins it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any, TypeVar

import pytest

from interstore._sync.store import Store
from interstore.document import Document
from interstore.errors import ConflictError, DuplicateError, NotFoundError
from tests.differential.engines import Subject

T = TypeVar("T")

RACERS = 4
ROUNDS = 10


def at_once(call: Callable[[int], T]) -> list[T | Exception]:
    """What each of the racers, begun at one instant, returned or raised."""
    barrier = Barrier(RACERS)

    def run(number: int) -> T | Exception:
        barrier.wait(30)
        try:
            return call(number)
        except (ConflictError, DuplicateError) as error:
            return error

    with ThreadPoolExecutor(RACERS) as threads:
        return list(threads.map(run, range(RACERS)))


def winners(outcomes: list[Any], error: type[Exception]) -> int:
    """How many won; the others must have been refused in this way."""
    assert all(isinstance(each, error) for each in outcomes if isinstance(each, Exception))
    return sum(not isinstance(each, Exception) for each in outcomes)


def _nth(calls: list[Callable[[Any], Any]], argument: Any, racer: int) -> Any:
    return calls[racer](argument)


def _create(store: Store, id: str, racer: int) -> Document:
    return store.create("created", {"id": id, "n": racer})


def _create_in(store: Store, model: str, racer: int) -> Document:
    return store.create(model, {"id": f"{racer}"})


def _put(store: Store, id: str, racer: int) -> Document:
    return store.put("put", {"id": id, "n": racer})


def test_create(subject: Subject) -> None:
    store = subject.store
    for number in range(ROUNDS):
        id = f"d{number}"
        outcomes = at_once(partial(_create, store, id))
        assert winners(outcomes, DuplicateError) == 1
        [won] = [each for each in outcomes if not isinstance(each, Exception)]
        assert store.get("created", id) == won


def test_the_first_write_of_a_model(subject: Subject) -> None:
    store = subject.store
    for number in range(3):
        outcomes = at_once(partial(_create_in, store, f"new{number}"))
        assert winners(outcomes, DuplicateError) == RACERS
        assert store.count(f"new{number}") == RACERS


def test_put(subject: Subject) -> None:
    """Each is a version of its own, and the last one stays."""
    store = subject.store
    for number in range(ROUNDS):
        id = f"d{number}"
        outcomes = at_once(partial(_put, store, id))
        assert winners(outcomes, DuplicateError) == RACERS
        by_version = {each.version: each for each in outcomes if not isinstance(each, Exception)}
        assert sorted(by_version) == list(range(1, RACERS + 1))
        assert store.get("put", id) == by_version[RACERS]


def test_the_same_version(subject: Subject) -> None:
    store = subject.store
    calls: list[Callable[[str], Any]] = [
        lambda id: store.put("versions", {"id": id, "n": 1}, if_version=1),
        lambda id: store.update("versions", id, {"n": 2}, if_version=1),
        lambda id: store.update("versions", id, {"$inc": {"n": 3}}, if_version=1),
        lambda id: store.update("versions", id, {"$push": {"l": 3}}, if_version=1),
    ]
    for number in range(ROUNDS):
        id = f"d{number}"
        store.create("versions", {"id": id, "n": 0})
        outcomes = at_once(partial(_nth, calls, id))
        assert winners(outcomes, ConflictError) == 1
        assert store.get("versions", id).version == 2


def test_a_conflict_names_another_version(subject: Subject) -> None:
    """Also where the document comes and goes between a guarded write and the look after it."""
    store = subject.store
    seen: list[ConflictError] = []
    guarded: list[Callable[[], Any]] = [
        lambda: store.put("guarded", {"id": "a"}, if_version=1),
        lambda: store.delete("guarded", "a", if_version=1),
        lambda: store.update("guarded", "a", {"$inc": {"n": 1}}, if_version=1),
    ]

    def write(racer: int) -> None:
        for number in range(60):
            try:
                if racer < 2:
                    store.create("guarded", {"id": "a", "n": 0})
                else:
                    guarded[(racer + number) % 3]()
            except ConflictError as error:
                seen.append(error)
            except (DuplicateError, NotFoundError):
                pass
            if racer == 1:
                store.delete("guarded", "a")

    at_once(write)
    assert [error for error in seen if error.found == error.expected] == []


def test_no_increment_is_lost(subject: Subject) -> None:
    store = subject.store
    store.create("sums", {"id": "a", "n": 0})

    def add(racer: int) -> None:
        for _ in range(25):
            store.update("sums", "a", {"$inc": {"n": racer}})

    at_once(add)
    found = store.get("sums", "a")
    assert (found["n"], found.version) == (25 * sum(range(RACERS)), 25 * RACERS + 1)


def test_a_unique_value(subject: Subject) -> None:
    store = subject.store
    if "unique" not in store.capabilities.ensure_index:
        pytest.skip("indexes of kind unique are not declared")
    store.ensure_index("seats", "seat", unique=True)
    for racer in range(RACERS):
        store.put("seats", {"id": f"own{racer}"})
    calls: list[Callable[[int], Any]] = [
        lambda number: store.create("seats", {"id": f"c{number}", "seat": number}),
        lambda number: store.put("seats", {"id": f"p{number}", "seat": number}),
        lambda number: store.update("seats", "own2", {"seat": number}),
        lambda number: store.update("seats", "own3", {"$set": {"seat": number}}),
    ]
    for number in range(ROUNDS):
        outcomes = at_once(partial(_nth, calls, number))
        assert winners(outcomes, DuplicateError) == 1
        assert store.count("seats", {"seat": number}) == 1
    bulk = at_once(
        lambda racer: (
            store.create_many(
                "seats", [{"id": f"b{racer}", "seat": "last"}], on_error="report"
            ).created
        )
    )
    assert sorted(bulk) == [0] * (RACERS - 1) + [1]  # type: ignore[type-var]
