"""Watching: every change once, in order, after it is committed, and on from every token."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import pytest

from interstore._async.database import AsyncDatabase
from interstore._async.operations import AsyncOperations
from interstore._async.store import AsyncStore
from interstore._compat_async import sleep
from interstore.errors import (
    ConfigurationError,
    InvalidQueryError,
    ResumeExpiredError,
    UnavailableError,
    UnsupportedError,
)
from interstore.prepared import Write
from interstore.testing._async.expiry import PAST
from interstore.testing._async.suite import AsyncSuite, at_once, fill
from interstore.testing.checks import exact, refuses, require
from interstore.times import now
from interstore.watching import PAGE, Change, Changed, Deleted

__all__ = ["AsyncWatchSuite"]

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


class AsyncWatchSuite(AsyncSuite):
    """What is declared with `watch`, and what more with `watch_deletes`."""

    async def test_changes_are_told(self, store: AsyncStore, model: str) -> None:
        require(store, "watch")
        await store.create(model, {"id": "before"})
        await store.enable_watch(model)
        async with store.watch(model, idle=0) as changes:
            assert await changes.next(0) is None, "what was before is told"
            created = await store.create(model, {"id": "a", "n": 1, "list": [1, {"x.y": None}]})
            first = await changes.next(10)
            assert isinstance(first, Changed)
            assert (first.id, first.version) == ("a", 1)
            assert exact(first.document) == exact(created)
            assert first.document.created_at == created.created_at
            assert changes.token is not None
            await store.update(model, "a", {"$inc": {"n": 1}})
            second = await changes.next(10)
            assert isinstance(second, Changed)
            assert (second.version, second.document["n"]) == (2, 2)
            first.document["n"] = "the receiver's own"
            await store.delete(model, "before")
            await store.put(model, {"id": "b"})
            rest = [each async for each in changes]
        assert ("changed", "b", 1) in told(rest)
        if store.capabilities.watch_deletes:
            assert told(rest) == [("deleted", "before", 1), ("changed", "b", 1)]

    async def test_whatever_writes_is_told(
        self, store: AsyncStore, operations: AsyncOperations, model: str
    ) -> None:
        require(store, "watch_deletes")
        await store.enable_watch(model)
        async with store.watch(model, idle=0) as changes:
            await store.create_many(model, [{"id": "a", "n": 1}, {"id": "b", "n": 2}])
            await store.put_many(model, [{"id": "b", "n": 3}, {"id": "c", "n": 4}])
            await store.put(model, {"id": "a", "n": 5})
            await store.update_many(model, {"n": {"$gte": 4}}, {"$inc": {"n": 1}})
            await store.find_one_and_update(model, {"id": "c"}, {"$set": {"n": 0}})
            await store.update(model, "c", {})  # which writes nothing
            expected = {
                "a": [("changed", 1), ("changed", 2), ("changed", 3)],
                "b": [("changed", 1), ("changed", 2)],
                "c": [("changed", 1), ("changed", 2), ("changed", 3)],
            }
            if store.capabilities.write_page:
                copied = Write("d", {"x": 1}, version=7, created=now(), updated=now())
                await operations.write_page(model, [copied], "upsert")
                await operations.write_page(model, [copied], "insert_if_absent")
                expected["d"] = [("changed", 7)]
            await store.find_one_and_delete(model, {"id": "a"})
            await store.delete_many(model, {})
            assert await store.delete(model, "a") is False
            for history in expected.values():
                history.append(("deleted", history[-1][1]))
            seen = [each async for each in changes]
        assert histories(seen) == expected

    async def test_going_on_after_a_token(self, store: AsyncStore, model: str) -> None:
        require(store, "watch")
        await store.enable_watch(model)
        async with store.watch(model, idle=0) as changes:
            begin = changes.token
            await fill(store, model, [{"id": f"{n:03}", "n": n} for n in range(PAGE + 20)])
            seen = [each async for each in changes]
            end = changes.token
        assert {each.id for each in seen} == {f"{n:03}" for n in range(PAGE + 20)}
        assert len({each.token for each in seen}) == len(seen), "two changes have one token"
        for place in (0, 50, PAGE - 1, PAGE, len(seen) - 1):
            since = seen[place].token
            again = [each async for each in store.watch(model, since=since, idle=0)]
            assert again == seen[place + 1 :], f"after change {place}"
        assert [each async for each in store.watch(model, since=begin, idle=0)] == seen
        assert [each async for each in store.watch(model, since=end, idle=0)] == []

    async def test_no_more_than_a_page_at_a_time(
        self, store: AsyncStore, operations: AsyncOperations, model: str
    ) -> None:
        require(store, "watch")
        await store.enable_watch(model)
        position = await operations.start_watch(model, None)
        await fill(store, model, [{"id": f"{n:03}"} for n in range(2 * PAGE + 1)])
        sizes: list[int] = []
        while sum(sizes) < 2 * PAGE + 1:
            page = await operations.read_changes(model, position, 1.0)
            position = page.token
            sizes.append(len(page.changes))
        await operations.end_watch(model, position)
        assert max(sizes) <= PAGE

    async def test_catching_up_with_who_writes_all_the_time(
        self, store: AsyncStore, model: str
    ) -> None:
        require(store, "watch_deletes")
        await store.enable_watch(model)
        token = await store.watch(model).start()
        await fill(store, model, [{"id": f"{n:03}"} for n in range(PAGE + 20)])
        given: list[str] = []
        async with store.watch(model, since=token) as changes:
            while not changes.caught_up:
                await store.put(model, {"id": f"later-{len(given)}"})
                change = await changes.next(10)
                assert change is not None
                given.append(change.id)
                assert len(given) < 5 * PAGE, "it never catches up"
        assert {f"{n:03}" for n in range(PAGE + 20)} <= set(given)

    async def test_nothing_is_lost_of_many_writers(self, store: AsyncStore, model: str) -> None:
        require(store, "watch")
        await store.create(model, {"id": "shared", "n": 0})
        await store.enable_watch(model)

        async def write(writer: int) -> None:
            for number in range(ROUNDS):
                await store.create(model, {"id": f"{writer}-{number}"})
                await store.update(model, "shared", {"$inc": {"n": 1}})
                if number % 3 == 0:
                    await store.delete(model, f"{writer}-{number}")

        async with store.watch(model, idle=0) as changes:
            outcomes = await at_once([partial(write, writer) for writer in range(WRITERS)])
            assert outcomes == [None] * WRITERS
            seen = [each async for each in changes]
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

    async def test_what_expires_is_told_when_it_is_removed(
        self, store: AsyncStore, operations: AsyncOperations, model: str
    ) -> None:
        """By a sweep, by the engine itself, or by what is written in its place."""
        require(store, "watch_deletes")
        require(store, "ttl")
        await store.enable_watch(model)
        async with store.watch(model, idle=0) as changes:
            ids = ("swept", "created", "put", "created_many", "put_many")
            for id in ids:
                await store.create(model, {"id": id, "n": 0})
                await store.update(model, id, {"n": 1}, expires_at=PAST)
            await store.create(model, {"id": "created"})
            await store.put(model, {"id": "put"})
            await store.create_many(model, [{"id": "created_many"}])
            await store.put_many(model, [{"id": "put_many"}])
            await operations.sweep(model, 1, ["swept"])
            seen = [each async for each in changes]
        found = histories(seen)
        written = [("changed", 1), ("changed", 2)]
        assert found.pop("swept") == [*written, ("deleted", 2)]
        assert set(found) == set(ids) - {"swept"}
        for id, history in found.items():
            assert history == [*written, ("deleted", 2), ("changed", 1)], id
        for place, change in enumerate(seen):
            if isinstance(change, Deleted):
                rest = [each async for each in store.watch(model, since=change.token, idle=0)]
                assert rest == seen[place + 1 :], f"what follows the removal of {change.id}"

    async def test_transactions_are_told_when_they_are_committed(
        self, store: AsyncStore, model: str
    ) -> None:
        require(store, "watch_deletes")
        require(store, "transaction")
        await store.create(model, {"id": "a", "n": 0})
        await store.enable_watch(model)
        async with store.watch(model, idle=0) as changes:
            async with store.transaction() as tx:
                await tx.update(model, "a", {"$inc": {"n": 1}})
                await tx.create(model, {"id": "b"})
                assert await changes.next(0.2) is None, "told before it was committed"
                with refuses(UnsupportedError, "watch in a transaction"):
                    tx.watch(model)
                with refuses(UnsupportedError, "enable_watch in a transaction"):
                    await tx.enable_watch(model)
                await tx.delete(model, "b")

            async def fail() -> None:
                async with store.transaction() as tx:
                    await tx.update(model, "a", {"$inc": {"n": 1}})
                    raise ZeroDivisionError

            with pytest.raises(ZeroDivisionError):
                await fail()
            await store.update(model, "a", {"$inc": {"n": 5}})
            seen = [each async for each in changes]
        assert histories(seen) == {
            "a": [("changed", 2), ("changed", 3)],
            "b": [("changed", 1), ("deleted", 1)],
        }
        assert [each.document.get("n") for each in seen if isinstance(each, Changed)] in (
            [1, None, 6],
            [None, 1, 6],
        )

    async def test_transactions_that_overlap(self, store: AsyncStore, model: str) -> None:
        require(store, "watch_deletes")
        require(store, "transaction")
        await store.enable_watch(model)

        async def write(store: AsyncStore, writer: int, number: int) -> None:
            await store.create(model, {"id": f"{writer}-{number}-first"})
            await sleep(0.002 * writer)
            await store.create(model, {"id": f"{writer}-{number}-second"})

        async def work(writer: int) -> None:
            for number in range(ROUNDS):
                await store.run_in_transaction(
                    partial(write, writer=writer, number=number), timeout=60
                )

        async with store.watch(model, idle=0) as changes:
            reader = partial(_drain, store, model, changes.token, 2 * WRITERS * ROUNDS)
            calls: list[Callable[[], Awaitable[list[Change] | None]]] = [reader]
            calls += [partial(work, writer) for writer in range(WRITERS)]
            outcomes = await at_once(calls)
            assert outcomes[1:] == [None] * WRITERS, "no writer may fail"
            seen = [each async for each in changes]
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

    async def test_another_connection(
        self, store: AsyncStore, second_database: AsyncDatabase, model: str
    ) -> None:
        require(store, "watch")
        require(store, "persistent")
        await store.enable_watch(model)
        async with AsyncStore(second_database) as second:
            async with second.watch(model) as changes:
                await store.create(model, {"id": "a"})
                first = await changes.next(10)
                assert first is not None
                assert first.id == "a"
            await second.create(model, {"id": "b"})
            await store.close()
            await second.create(model, {"id": "c"})
        await store.connect()
        later = [each async for each in store.watch(model, since=first.token, idle=0)]
        assert sorted(each.id for each in later) == ["b", "c"]
        if store.capabilities.watch_deletes:
            assert later[0].id == "b"

    async def test_closing_ends_it(self, store: AsyncStore, model: str) -> None:
        require(store, "watch")
        await store.enable_watch(model)
        changes = store.watch(model)

        async def read() -> list[Change]:
            return [each async for each in changes]

        async def close() -> list[Change]:
            await sleep(0.2)
            await changes.close()
            return []

        assert await at_once([read, close]) == [[], []]
        assert await changes.next() is None
        await changes.close()
        waiting = store.watch(model)

        async def read_on() -> None:
            with refuses(UnavailableError, "waiting while the store is closed"):
                await waiting.next()

        async def close_store() -> None:
            await sleep(0.2)
            await store.close()

        assert await at_once([read_on, close_store]) == [None, None]
        await store.connect()

    async def test_what_is_not_recorded(self, store: AsyncStore, model: str) -> None:
        require(store, "watch")
        with refuses(ConfigurationError, "a model that does not exist") as refusal:
            await store.watch(model).next(0)
        assert "enable_watch" in str(refusal.error)
        if not store.capabilities.watch_deletes:
            return  # it may be recorded without being asked for
        await store.create(model, {"id": "a"})
        with refuses(ConfigurationError, "a model whose changes are not recorded"):
            await store.watch(model).next(0)
        assert await store.disable_watch(model) is False
        await store.enable_watch(model)
        await store.enable_watch(model, retention=3600)
        async with store.watch(model) as changes:
            await store.update(model, "a", {"n": 1})
            assert await changes.next(10) is not None
            await store.update(model, "a", {"n": 2})
            assert await store.disable_watch(model) is True
            with refuses(ResumeExpiredError, "watching when it is ended"):
                while await changes.next(5) is not None:
                    pass
        with refuses(ConfigurationError, "a model whose changes are no longer recorded"):
            await store.watch(model).next(0)

    async def test_a_dropped_model(self, store: AsyncStore, model: str) -> None:
        require(store, "watch_deletes")
        require(store, "drop")
        await store.enable_watch(model)
        async with store.watch(model) as changes:
            await store.create(model, {"id": "a"})
            first = await changes.next(10)
            assert first is not None
            await store.drop(model)
            with refuses(ResumeExpiredError, "watching a model that is dropped"):
                while await changes.next(5) is not None:
                    pass
        await store.create(model, {"id": "a"})
        with refuses(ConfigurationError, "a model made anew"):
            await store.watch(model).next(0)
        await store.enable_watch(model)
        with refuses(ResumeExpiredError, "a token of the model that was dropped"):
            async with store.watch(model, since=first.token) as changes:
                while await changes.next(1) is not None:
                    pass

    async def test_arguments(self, store: AsyncStore, model: str, other_model: str) -> None:
        require(store, "watch")
        await store.enable_watch(model)
        await store.enable_watch(other_model)
        async with store.watch(other_model) as changes:
            token = changes.token
        for since in ("nonsense", "", "W10", token):
            with refuses(InvalidQueryError, f"since={since!r}"):
                await store.watch(model, since=since).next(0)
        with refuses(InvalidQueryError, "since=7"):
            store.watch(model, since=7)  # type: ignore[arg-type]
        for number in (-1, "1", float("nan"), True):
            with refuses(InvalidQueryError, f"idle={number!r}"):
                store.watch(model, idle=number)  # type: ignore[arg-type]
            with refuses(InvalidQueryError, f"retention={number!r}"):
                await store.enable_watch(model, retention=number)  # type: ignore[arg-type]
        with refuses(InvalidQueryError, "a model's name that is none"):
            store.watch("no name")


async def _drain(store: AsyncStore, model: str, since: str | None, wanted: int) -> list[Change]:
    """So many changes, each asked for as soon as possible; fewer if none come for long."""
    async with store.watch(model, since=since) as changes:
        seen: list[Change] = []
        while len(seen) < wanted and (change := await changes.next(5)) is not None:
            seen.append(change)
        return seen
