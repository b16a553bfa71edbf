# Generated from core/interstore/testing/_async/watching.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: c63a821ad6988da0d9e20562

"""Watching: every change once, in order, after it is committed, and on from every token."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from interstore._compat import sleep
from interstore._sync.database import Database
from interstore._sync.operations import Operations
from interstore._sync.store import Store
from interstore.errors import (
    ConfigurationError,
    InvalidQueryError,
    ResumeExpiredError,
    UnavailableError,
    UnsupportedError,
)
from interstore.prepared import Write
from interstore.testing._sync.expiry import PAST
from interstore.testing._sync.suite import Suite, at_once, fill
from interstore.testing.checks import exact, refuses, require
from interstore.times import now
from interstore.watching import PAGE, Change, Changed, Deleted

__all__ = ["WatchSuite"]

WRITERS = 4
ROUNDS = 12


def told(changes: Sequence[Change]) -> list[tuple[str, str, int]]:
    """Kind, id and version of each."""
    return [
        ("changed" if isinstance(each, Changed) else "deleted", each.id, each.version)
        for each in changes
    ]


def histories(changes: Sequence[Change]) -> dict[str, list[tuple[str, int]]]:
    """Of each document, what happened to it, in order."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for kind, id, version in told(changes):
        found[id].append((kind, version))
    return found


class WatchSuite(Suite):
    """What is declared with `watch`, and what more with `watch_deletes`."""

    def test_changes_are_told(self, store: Store, model: str) -> None:
        require(store, "watch")
        store.create(model, {"id": "before"})
        store.enable_watch(model)
        with store.watch(model, idle=0) as changes:
            assert changes.next(0) is None, "what was before is told"
            created = store.create(model, {"id": "a", "n": 1, "list": [1, {"x.y": None}]})
            first = changes.next(10)
            assert isinstance(first, Changed)
            assert (first.id, first.version) == ("a", 1)
            assert exact(first.document) == exact(created)
            assert first.document.created_at == created.created_at
            assert changes.token is not None
            store.update(model, "a", {"$inc": {"n": 1}})
            second = changes.next(10)
            assert isinstance(second, Changed)
            assert (second.version, second.document["n"]) == (2, 2)
            first.document["n"] = "the receiver's own"
            store.delete(model, "before")
            store.put(model, {"id": "b"})
            rest = [each for each in changes]
        assert ("changed", "b", 1) in told(rest)
        if store.capabilities.watch_deletes:
            assert told(rest) == [("deleted", "before", 1), ("changed", "b", 1)]

    def test_whatever_writes_is_told(
        self, store: Store, operations: Operations, model: str
    ) -> None:
        require(store, "watch_deletes")
        store.enable_watch(model)
        with store.watch(model, idle=0) as changes:
            store.create_many(model, [{"id": "a", "n": 1}, {"id": "b", "n": 2}])
            store.put_many(model, [{"id": "b", "n": 3}, {"id": "c", "n": 4}])
            store.put(model, {"id": "a", "n": 5})
            store.update_many(model, {"n": {"$gte": 4}}, {"$inc": {"n": 1}})
            store.find_one_and_update(model, {"id": "c"}, {"$set": {"n": 0}})
            store.update(model, "c", {})  # which writes nothing
            expected = {
                "a": [("changed", 1), ("changed", 2), ("changed", 3)],
                "b": [("changed", 1), ("changed", 2)],
                "c": [("changed", 1), ("changed", 2), ("changed", 3)],
            }
            if store.capabilities.write_page:
                copied = Write("d", {"x": 1}, version=7, created=now(), updated=now())
                operations.write_page(model, [copied], "upsert")
                operations.write_page(model, [copied], "insert_if_absent")
                expected["d"] = [("changed", 7)]
            store.find_one_and_delete(model, {"id": "a"})
            store.delete_many(model, {})
            assert store.delete(model, "a") is False
            for history in expected.values():
                history.append(("deleted", history[-1][1]))
            seen = [each for each in changes]
        assert histories(seen) == expected

    def test_going_on_after_a_token(self, store: Store, model: str) -> None:
        require(store, "watch")
        store.enable_watch(model)
        with store.watch(model, idle=0) as changes:
            begin = changes.token
            fill(store, model, [{"id": f"{n:03}", "n": n} for n in range(PAGE + 20)])
            seen = [each for each in changes]
            end = changes.token
        assert {each.id for each in seen} == {f"{n:03}" for n in range(PAGE + 20)}
        assert len({each.token for each in seen}) == len(seen), "two changes have one token"
        for place in (0, 50, PAGE - 1, PAGE, len(seen) - 1):
            since = seen[place].token
            again = [each for each in store.watch(model, since=since, idle=0)]
            assert again == seen[place + 1 :], f"after change {place}"
        assert [each for each in store.watch(model, since=begin, idle=0)] == seen
        assert [each for each in store.watch(model, since=end, idle=0)] == []

    def test_no_more_than_a_page_at_a_time(
        self, store: Store, operations: Operations, model: str
    ) -> None:
        require(store, "watch")
        store.enable_watch(model)
        position = operations.start_watch(model, None)
        fill(store, model, [{"id": f"{n:03}"} for n in range(2 * PAGE + 1)])
        sizes: list[int] = []
        while sum(sizes) < 2 * PAGE + 1:
            page = operations.read_changes(model, position, 1.0)
            position = page.token
            sizes.append(len(page.changes))
        operations.end_watch(model, position)
        assert max(sizes) <= PAGE

    def test_catching_up_with_who_writes_all_the_time(self, store: Store, model: str) -> None:
        require(store, "watch_deletes")
        store.enable_watch(model)
        token = store.watch(model).start()
        fill(store, model, [{"id": f"{n:03}"} for n in range(PAGE + 20)])
        given: list[str] = []
        with store.watch(model, since=token) as changes:
            while not changes.caught_up:
                store.put(model, {"id": f"later-{len(given)}"})
                change = changes.next(10)
                assert change is not None
                given.append(change.id)
                assert len(given) < 5 * PAGE, "it never catches up"
        assert {f"{n:03}" for n in range(PAGE + 20)} <= set(given)

    def test_nothing_is_lost_of_many_writers(self, store: Store, model: str) -> None:
        require(store, "watch")
        store.create(model, {"id": "shared", "n": 0})
        store.enable_watch(model)

        def write(writer: int) -> None:
            for number in range(ROUNDS):
                store.create(model, {"id": f"{writer}-{number}"})
                store.update(model, "shared", {"$inc": {"n": 1}})
                if number % 3 == 0:
                    store.delete(model, f"{writer}-{number}")

        with store.watch(model, idle=0) as changes:
            outcomes = at_once([partial(write, writer) for writer in range(WRITERS)])
            assert outcomes == [None] * WRITERS
            seen = [each for each in changes]
        found = histories(seen)
        versions = [version for _, version in found.pop("shared")]
        assert versions[-1] == WRITERS * ROUNDS + 1
        assert versions == sorted(set(versions)), "out of order, or twice"
        if store.capabilities.watch_deletes:
            assert versions == list(range(2, WRITERS * ROUNDS + 2))
            for writer in range(WRITERS):
                for number in range(ROUNDS):
                    gone = [("deleted", 1)] if number % 3 == 0 else []
                    assert found.pop(f"{writer}-{number}") == [("changed", 1), *gone]
            assert not found
        else:
            lasting = {f"{w}-{n}" for w in range(WRITERS) for n in range(ROUNDS) if n % 3}
            assert lasting <= set(found)

    def test_what_expires_is_told_when_it_is_removed(
        self, store: Store, operations: Operations, model: str
    ) -> None:
        """By a sweep, by the engine itself, or by what is written in its place."""
        require(store, "watch_deletes")
        require(store, "ttl")
        store.enable_watch(model)
        with store.watch(model, idle=0) as changes:
            ids = ("swept", "created", "put", "created_many", "put_many")
            for id in ids:
                store.create(model, {"id": id, "n": 0})
                store.update(model, id, {"n": 1}, expires_at=PAST)
            store.create(model, {"id": "created"})
            store.put(model, {"id": "put"})
            store.create_many(model, [{"id": "created_many"}])
            store.put_many(model, [{"id": "put_many"}])
            operations.sweep(model, 1, ["swept"])
            seen = [each for each in changes]
        found = histories(seen)
        written = [("changed", 1), ("changed", 2)]
        assert found.pop("swept") == [*written, ("deleted", 2)]
        assert set(found) == set(ids) - {"swept"}
        for id, history in found.items():
            assert history == [*written, ("deleted", 2), ("changed", 1)], id
        for place, change in enumerate(seen):
            if isinstance(change, Deleted):
                rest = [each for each in store.watch(model, since=change.token, idle=0)]
                assert rest == seen[place + 1 :], f"what follows the removal of {change.id}"

    def test_transactions_are_told_when_they_are_committed(self, store: Store, model: str) -> None:
        require(store, "watch_deletes")
        require(store, "transaction")
        store.create(model, {"id": "a", "n": 0})
        store.enable_watch(model)
        with store.watch(model, idle=0) as changes:
            with store.transaction() as tx:
                tx.update(model, "a", {"$inc": {"n": 1}})
                tx.create(model, {"id": "b"})
                assert changes.next(0.2) is None, "told before it was committed"
                with refuses(UnsupportedError, "watch in a transaction"):
                    tx.watch(model)
                with refuses(UnsupportedError, "enable_watch in a transaction"):
                    tx.enable_watch(model)
                tx.delete(model, "b")

            def fail() -> None:
                with store.transaction() as tx:
                    tx.update(model, "a", {"$inc": {"n": 1}})
                    raise ZeroDivisionError

            with pytest.raises(ZeroDivisionError):
                fail()
            store.update(model, "a", {"$inc": {"n": 5}})
            seen = [each for each in changes]
        assert histories(seen) == {
            "a": [("changed", 2), ("changed", 3)],
            "b": [("changed", 1), ("deleted", 1)],
        }
        assert [each.document.get("n") for each in seen if isinstance(each, Changed)] in (
            [1, None, 6],
            [None, 1, 6],
        )

    def test_transactions_that_overlap(self, store: Store, model: str) -> None:
        require(store, "watch_deletes")
        require(store, "transaction")
        store.enable_watch(model)

        def write(store: Store, writer: int, number: int) -> None:
            store.create(model, {"id": f"{writer}-{number}-first"})
            sleep(0.002 * writer)
            store.create(model, {"id": f"{writer}-{number}-second"})

        def work(writer: int) -> None:
            for number in range(ROUNDS):
                store.run_in_transaction(partial(write, writer=writer, number=number), timeout=60)

        with store.watch(model, idle=0) as changes:
            reader = partial(_drain, store, model, changes.token, 2 * WRITERS * ROUNDS)
            calls: list[Callable[[], list[Change] | None]] = [reader]
            calls += [partial(work, writer) for writer in range(WRITERS)]
            outcomes = at_once(calls)
            assert outcomes[1:] == [None] * WRITERS, "no writer may fail"
            seen = [each for each in changes]
        wanted = {
            (f"{writer}-{number}-{which}")
            for writer in range(WRITERS)
            for number in range(ROUNDS)
            for which in ("first", "second")
        }
        assert {each.id for each in seen} == wanted
        assert len(seen) == len(wanted)
        assert isinstance(outcomes[0], list)
        assert {each.id for each in outcomes[0]} == wanted, "lost by who read meanwhile"
        assert len(outcomes[0]) == len(wanted)

    def test_another_connection(self, store: Store, second_database: Database, model: str) -> None:
        require(store, "watch")
        require(store, "persistent")
        store.enable_watch(model)
        with Store(second_database) as second:
            with second.watch(model) as changes:
                store.create(model, {"id": "a"})
                first = changes.next(10)
                assert first is not None
                assert first.id == "a"
            second.create(model, {"id": "b"})
            store.close()
            second.create(model, {"id": "c"})
        store.connect()
        later = [each for each in store.watch(model, since=first.token, idle=0)]
        assert sorted(each.id for each in later) == ["b", "c"]
        if store.capabilities.watch_deletes:
            assert later[0].id == "b"

    def test_closing_ends_it(self, store: Store, model: str) -> None:
        require(store, "watch")
        store.enable_watch(model)
        changes = store.watch(model)

        def read() -> list[Change]:
            return [each for each in changes]

        def close() -> list[Change]:
            sleep(0.2)
            changes.close()
            return []

        assert at_once([read, close]) == [[], []]
        assert changes.next() is None
        changes.close()
        waiting = store.watch(model)

        def read_on() -> None:
            with refuses(UnavailableError, "waiting while the store is closed"):
                waiting.next()

        def close_store() -> None:
            sleep(0.2)
            store.close()

        assert at_once([read_on, close_store]) == [None, None]
        store.connect()

    def test_what_is_not_recorded(self, store: Store, model: str) -> None:
        require(store, "watch")
        with refuses(ConfigurationError, "a model that does not exist") as refusal:
            store.watch(model).next(0)
        assert "enable_watch" in str(refusal.error)
        if not store.capabilities.watch_deletes:
            return  # it may be recorded without being asked for
        store.create(model, {"id": "a"})
        with refuses(ConfigurationError, "a model whose changes are not recorded"):
            store.watch(model).next(0)
        assert store.disable_watch(model) is False
        store.enable_watch(model)
        store.enable_watch(model, retention=3600)
        with store.watch(model) as changes:
            store.update(model, "a", {"n": 1})
            assert changes.next(10) is not None
            store.update(model, "a", {"n": 2})
            assert store.disable_watch(model) is True
            with refuses(ResumeExpiredError, "watching when it is ended"):
                while changes.next(5) is not None:
                    pass
        with refuses(ConfigurationError, "a model whose changes are no longer recorded"):
            store.watch(model).next(0)

    def test_a_dropped_model(self, store: Store, model: str) -> None:
        require(store, "watch_deletes")
        require(store, "drop")
        store.enable_watch(model)
        with store.watch(model) as changes:
            store.create(model, {"id": "a"})
            first = changes.next(10)
            assert first is not None
            store.drop(model)
            with refuses(ResumeExpiredError, "watching a model that is dropped"):
                while changes.next(5) is not None:
                    pass
        store.create(model, {"id": "a"})
        with refuses(ConfigurationError, "a model made anew"):
            store.watch(model).next(0)
        store.enable_watch(model)
        with refuses(ResumeExpiredError, "a token of the model that was dropped"):
            with store.watch(model, since=first.token) as changes:
                while changes.next(1) is not None:
                    pass

    def test_arguments(self, store: Store, model: str, other_model: str) -> None:
        require(store, "watch")
        store.enable_watch(model)
        store.enable_watch(other_model)
        with store.watch(other_model) as changes:
            token = changes.token
        for since in ("nonsense", "", "W10", token):
            with refuses(InvalidQueryError, f"since={since!r}"):
                store.watch(model, since=since).next(0)
        with refuses(InvalidQueryError, "since=7"):
            store.watch(model, since=7)  # type: ignore[arg-type]
        for number in (-1, "1", float("nan"), True):
            with refuses(InvalidQueryError, f"idle={number!r}"):
                store.watch(model, idle=number)  # type: ignore[arg-type]
            with refuses(InvalidQueryError, f"retention={number!r}"):
                store.enable_watch(model, retention=number)  # type: ignore[arg-type]
        with refuses(InvalidQueryError, "a model's name that is none"):
            store.watch("no name")


def _drain(store: Store, model: str, since: str | None, wanted: int) -> list[Change]:
    """So many changes, each asked for as soon as possible; fewer if none come for long."""
    with store.watch(model, since=since) as changes:
        seen: list[Change] = []
        while len(seen) < wanted and (change := changes.next(5)) is not None:
            seen.append(change)
        return seen
