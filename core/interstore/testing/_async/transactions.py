"""Transactions: all of it or nothing, what was read is what was, and no update is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypedDict

import pytest

from interstore._async.database import AsyncDatabase
from interstore._async.store import AsyncStore
from interstore.document import Document
from interstore.errors import (
    BulkError,
    ConflictError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from interstore.testing._async.suite import AsyncSuite, at_once, fill
from interstore.testing.checks import exact_all, ids, refuses, require

__all__ = ["AsyncTransactionSuite"]

WORKERS = 4
ROUNDS = 5


class Counter(TypedDict):
    """What a repository is for."""

    id: str
    n: int


class AsyncTransactionSuite(AsyncSuite):
    """What is declared with `transaction`."""

    async def test_a_transaction_is_applied_whole(
        self, store: AsyncStore, model: str, other_model: str
    ) -> None:
        require(store, "transaction")
        await store.create(model, {"id": "a", "n": 1})
        async with store.transaction() as tx:
            assert type(tx) is type(store)
            assert tx is not store
            await tx.create(model, {"id": "b", "n": 2})
            await tx.update(model, "a", {"$inc": {"n": 10}})
            await tx.put(other_model, {"id": "c"})
            assert await store.find_by_id(model, "b") is None, "seen before it was committed"
            assert (await store.get(model, "a"))["n"] == 1, "seen before it was committed"
            assert await store.count(other_model) == 0
        assert (await store.get(model, "a"))["n"] == 11
        assert (await store.get(model, "b"))["n"] == 2
        assert await store.exists(other_model, {"id": "c"})

    async def test_a_transaction_that_fails_leaves_nothing(
        self, store: AsyncStore, model: str, other_model: str
    ) -> None:
        require(store, "transaction")
        await fill(store, model, [{"id": f"{n:03}", "n": n} for n in range(20)])
        before = exact_all(await store.find(model).to_list())

        async def fail(error: BaseException) -> None:
            async with store.transaction() as tx:
                await tx.create(model, {"id": "new"})
                await tx.update(model, "003", {"n": -1})
                await tx.delete(model, "004")
                await tx.update_many(model, {"n": {"$gt": 10}}, {"$inc": {"n": 100}})
                await tx.delete_many(model, {"n": {"$lt": 2}})
                await fill(tx, other_model, [{"id": str(n)} for n in range(10)])
                raise error

        for error in (KeyError("of the caller"), KeyboardInterrupt("of the user")):
            with pytest.raises(type(error)):
                await fail(error)
            assert exact_all(await store.find(model).to_list()) == before
            assert await store.count(other_model) == 0
        await store.create(other_model, {"id": "1"})
        assert await store.count(other_model) == 1

    async def test_a_transaction_reads_what_it_wrote(self, store: AsyncStore, model: str) -> None:
        require(store, "transaction")
        await fill(store, model, [{"id": f"{n:02}", "n": n} for n in range(10)])
        async with store.transaction() as tx:
            await fill(tx, model, [{"id": f"{n:02}", "n": n} for n in range(10, 20)])
            await tx.update_many(model, {"n": {"$lt": 5}}, {"$set": {"low": True}})
            assert (await tx.delete_many(model, {"n": 19})).deleted == 1
            assert await tx.count(model) == 19
            assert await tx.count(model, {"low": True}) == 5
            assert await tx.exists(model, {"n": 18})
            assert not await tx.exists(model, {"n": 19})
            found = await tx.find(model, {"n": {"$gte": 8}}, sort="-n", limit=3).to_list()
            assert ids(found) == ["18", "17", "16"]
            page = await tx.page(model, sort="-n", limit=2)
            assert ids(page.documents) == ["18", "17"]
            following = await tx.page(model, sort="-n", limit=2, after=page.next)
            assert ids(following.documents) == ["16", "15"]
            claimed = await tx.find_one_and_update(model, {"low": True}, {"low": False}, sort="n")
            assert claimed is not None
            assert (claimed.id, claimed.version) == ("00", 3)
            assert (await tx.get(model, "00")).version == 3
            assert await tx.distinct(model, "low") == [False, True]
            [row] = await tx.aggregate(model, largest=("max", "n"), all="count")
            assert row == {"largest": 18, "all": 19}
            assert len(await tx.find_by_ids(model, ["01", "15", "19"])) == 3
            assert await tx.delete(model, "01") is True
            assert await tx.find_by_id(model, "01") is None
            assert (await tx.put(model, {"id": "01"})).version == 1
            assert await store.count(model) == 10
        assert await store.count(model) == 19
        assert (await store.get(model, "00"))["low"] is False

    async def test_a_transaction_of_many_documents(self, store: AsyncStore, model: str) -> None:
        require(store, "transaction")
        number = store.database.limits.bulk_documents + 100
        async with store.transaction() as tx:
            await tx.create_many(model, [{"id": f"{n:06}", "n": n} for n in range(number)])
            assert await tx.count(model) == number
            await tx.put_many(model, [{"id": f"{n:06}", "n": -n} for n in range(0, number, 10)])
            seen = [document.version async for document in tx.find(model)]
            assert len(seen) == number
            assert seen.count(2) == len(range(0, number, 10))
            assert await store.count(model) == 0
        assert await store.count(model) == number

    async def test_a_transaction_goes_on_after_a_refusal(
        self, store: AsyncStore, model: str
    ) -> None:
        require(store, "transaction")
        await fill(store, model, [{"id": "a", "n": 1}, {"id": "b", "n": "text"}])
        async with store.transaction() as tx:
            await tx.create(model, {"id": "c", "n": 3})
            with refuses(DuplicateError, "an id that exists"):
                await tx.create(model, {"id": "a"})
            with refuses(DuplicateError, "an id that the transaction made"):
                await tx.create(model, {"id": "c"})
            with refuses(ConflictError, "an old version"):
                await tx.update(model, "a", {"n": 9}, if_version=7)
            with refuses(NotFoundError, "what does not exist"):
                await tx.update(model, "z", {"n": 9})
            with refuses(InvalidDocumentError, "$inc of a text"):
                await tx.update(model, "b", {"$inc": {"n": 1}})
            with refuses(BulkError, "some ids exist"):
                await tx.create_many(model, [{"id": "a"}, {"id": "d"}])
            with refuses(BulkError, "some do not fit"):
                await tx.update_many(model, {}, {"$inc": {"n": 1}})
            await tx.create(model, {"id": "e"})
        assert ids(await store.find(model).to_list()) == ["a", "b", "c", "d", "e"]
        assert [(await store.get(model, id))["n"] for id in "abc"] == [2, "text", 4]

    async def test_a_transaction_is_over_with_its_block(
        self, store: AsyncStore, model: str
    ) -> None:
        require(store, "transaction")
        await store.create(model, {"id": "a"})
        async with store.transaction() as tx:
            cursor, view = tx.find(model), tx.repository(Counter, model)
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "a read": lambda: tx.find_by_id(model, "a"),
            "a write": lambda: tx.update(model, "a", {"n": 1}),
            "a count": lambda: tx.count(model),
            "a bulk call": lambda: tx.delete_many(model, {}),
            "a cursor": lambda: cursor.to_list(),
            "a repository": lambda: view.get("a"),
        }
        for what, call in calls.items():
            with refuses(UnavailableError, f"{what} after the transaction") as refusal:
                await call()
            assert "transaction" in str(refusal.error)
        assert await store.count(model) == 1

    async def test_what_a_transaction_refuses(self, store: AsyncStore, model: str) -> None:
        require(store, "transaction")
        await store.create(model, {"id": "a"})
        async with store.transaction() as tx:

            async def nested() -> None:
                async with tx.transaction():
                    pass

            async def nothing(_: AsyncStore) -> None:
                pass

            async def native() -> object:
                return tx.native

            async def foreign() -> object:
                return await tx.foreign("others").find_by_id("a")

            calls: dict[str, Callable[[], Awaitable[object]]] = {
                "a transaction within one": nested,
                "run_in_transaction within one": lambda: tx.run_in_transaction(nothing),
                "drop": lambda: tx.drop(model),
                "ensure_index": lambda: tx.ensure_index(model, "n"),
                "drop_index": lambda: tx.drop_index(model, "n"),
                "native": native,
                "foreign": foreign,
            }
            for what, call in calls.items():
                with refuses(UnsupportedError, f"{what} within a transaction"):
                    await call()
            async with tx.session() as session:
                await session.create(model, {"id": "b"})
            assert await tx.count(model) == 2
            assert await store.count(model) == 1
            with refuses(UnsupportedError, "closing the store within a transaction"):
                await tx.close()
        assert await store.count(model) == 2
        with refuses(InvalidQueryError, "an isolation that is none"):
            store.transaction(isolation="dirty")  # type: ignore[arg-type]

    async def test_a_transaction_reads_one_state(self, store: AsyncStore, model: str) -> None:
        require(store, "transaction")
        names = [f"account{n}" for n in range(6)]
        await fill(store, model, [{"id": name, "balance": 100} for name in names])

        async def move(worker: int) -> list[int]:
            async def pay(tx: AsyncStore) -> None:
                source, target = names[worker], names[(worker + 1) % len(names)]
                await tx.update(model, source, {"$inc": {"balance": -7}})
                await tx.update(model, target, {"$inc": {"balance": 7}})

            for _ in range(ROUNDS):
                await store.run_in_transaction(pay)
            return []

        async def look(_: int) -> list[int]:
            async def total(tx: AsyncStore) -> int:
                return sum([(await tx.get(model, name))["balance"] for name in names])

            return [await store.run_in_transaction(total) for _ in range(ROUNDS)]

        works = [partial(move, worker) for worker in range(WORKERS)]
        seen = await at_once([*works, partial(look, 0), partial(look, 1)])
        assert seen == [[]] * WORKERS + [[600] * ROUNDS] * 2

    async def test_no_update_is_lost_by_a_transaction(self, store: AsyncStore, model: str) -> None:
        require(store, "transaction")
        await store.create(model, {"id": "counter", "n": 0})

        async def add(tx: AsyncStore) -> int:
            read = await tx.get(model, "counter")
            written = await tx.put(model, {"id": "counter", "n": read["n"] + 1})
            assert written.version == read.version + 1
            return int(read["n"])

        async def work(_: int) -> list[int]:
            return [await store.run_in_transaction(add) for _ in range(ROUNDS)]

        outcomes = await at_once([partial(work, worker) for worker in range(WORKERS)])
        seen = [n for outcome in outcomes for n in _numbers(outcome)]
        assert sorted(seen) == list(range(WORKERS * ROUNDS)), "two have read the same"
        counter = await store.get(model, "counter")
        assert (counter["n"], counter.version) == (len(seen), len(seen) + 1)

    async def test_transactions_that_are_serializable(self, store: AsyncStore, model: str) -> None:
        require(store, "transaction")
        try:
            async with store.transaction(isolation="serializable"):
                pass
        except UnsupportedError:
            return

        async def leave(name: str, tx: AsyncStore) -> bool:
            """Go off duty, unless nobody else is on."""
            if await tx.count(model, {"on": True}) < 2:
                return False
            await tx.update(model, name, {"on": False})
            return True

        async def work(name: str) -> bool:
            return await store.run_in_transaction(partial(leave, name), isolation="serializable")

        for _ in range(ROUNDS):
            await store.put(model, {"id": "ada", "on": True})
            await store.put(model, {"id": "bob", "on": True})
            outcomes = await at_once([partial(work, "ada"), partial(work, "bob")])
            assert sorted(outcomes, key=str) == [False, True], "nobody is on duty"

    async def test_run_in_transaction(self, store: AsyncStore, model: str) -> None:
        require(store, "transaction")
        calls: list[int] = []

        async def thrice(tx: AsyncStore) -> str:
            calls.append(await tx.count(model))
            await tx.create(model, {"id": str(len(calls))})
            if len(calls) < 3:
                raise UnavailableError("not yet")
            return "done"

        assert await store.run_in_transaction(thrice) == "done"
        assert calls == [0, 0, 0]
        assert ids(await store.find(model).to_list()) == ["3"]

        async def fail(error: InterstoreError, tx: AsyncStore) -> None:
            calls.append(0)
            await tx.create(model, {"id": "never"})
            raise error

        calls.clear()
        with refuses(NotFoundError, "an error that is not to be repeated"):
            await store.run_in_transaction(partial(fail, NotFoundError("of the function")))
        assert calls == [0]
        with refuses(UnavailableError, "no time is left"):
            await store.run_in_transaction(
                partial(fail, UnavailableError("it always is")), timeout=0
            )
        assert calls == [0, 0]
        assert await store.find_by_id(model, "never") is None

    async def test_many_callers_share_a_transaction(self, store: AsyncStore, model: str) -> None:
        require(store, "transaction")
        await store.create(model, {"id": "counter", "n": 0})
        async with store.transaction() as tx:
            call = partial(tx.update, model, "counter", {"$inc": {"n": 1}})
            for outcome in await at_once([call] * 20):
                assert isinstance(outcome, Document), outcome
            assert (await store.get(model, "counter"))["n"] == 0
        assert (await store.get(model, "counter"))["n"] == 20

    async def test_many_transactions_one_after_the_other(
        self, store: AsyncStore, model: str
    ) -> None:
        require(store, "transaction")
        await store.create(model, {"id": "a", "n": 0})
        for turn in range(50):  # more than any pool has connections
            try:
                async with store.transaction() as tx:
                    await tx.update(model, "a", {"$inc": {"n": 1}})
                    if turn % 2:
                        raise KeyError(turn)
            except KeyError:
                pass
        assert (await store.get(model, "a"))["n"] == 25

    async def test_closing_the_store_undoes_a_transaction(
        self, store: AsyncStore, second_database: AsyncDatabase, model: str
    ) -> None:
        require(store, "transaction")
        await store.create(model, {"id": "a"})

        async def close_within() -> None:
            async with store.transaction() as tx:
                await tx.create(model, {"id": "b"})
                await store.close()
                with refuses(UnavailableError, "a read when the store is closed"):
                    await tx.find_by_id(model, "a")

        with refuses(UnavailableError, "a commit when the store is closed"):
            await close_within()
        async with AsyncStore(second_database) as other:
            assert ids(await other.find(model).to_list()) == ["a"]
            await other.update(model, "a", {"n": 1})
        await store.connect()
        async with store.transaction() as tx:
            await tx.update(model, "a", {"$inc": {"n": 1}})
        assert (await store.get(model, "a"))["n"] == 2

    async def test_a_transaction_is_seen_by_others_whole(
        self, store: AsyncStore, second_database: AsyncDatabase, model: str, other_model: str
    ) -> None:
        require(store, "transaction")
        await store.create(model, {"id": "a"})
        await store.create(other_model, {"id": "a"})
        async with AsyncStore(second_database) as other:
            async with store.transaction() as tx:
                await tx.update(model, "a", {"n": 1})
                await tx.update(other_model, "a", {"n": 1})
                for name in (model, other_model):
                    assert "n" not in await other.get(name, "a")
            for name in (model, other_model):
                assert (await other.get(name, "a"))["n"] == 1


def _numbers(outcome: object) -> list[int]:
    assert isinstance(outcome, list), outcome
    return [int(item) for item in outcome]
