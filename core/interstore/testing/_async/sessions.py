"""Sessions: the same store, whatever an engine gains by them."""

from __future__ import annotations

from functools import partial

import pytest

from interstore._async.store import AsyncStore
from interstore.errors import ConflictError, DuplicateError, UnavailableError
from interstore.testing._async.suite import AsyncSuite, at_once, fill
from interstore.testing.checks import ids, refuses

__all__ = ["AsyncSessionSuite"]


class AsyncSessionSuite(AsyncSuite):
    """Every engine has them; none undoes anything."""

    async def test_operations_mean_the_same(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "before", "n": 0})
        async with store.session() as session:
            assert type(session) is type(store)
            assert session.capabilities == store.capabilities
            created = await session.create(model, {"id": "a", "n": 1})
            assert created.version == 1
            assert (await session.update(model, "a", {"$inc": {"n": 1}}))["n"] == 2
            assert (await session.put(model, {"id": "a", "n": 3})).version == 3
            assert (await session.get(model, "before"))["n"] == 0
            await fill(session, model, [{"id": f"b{n}", "n": n} for n in range(10)])
            assert ids([each async for each in session.find(model, {"n": {"$gt": 7}})]) == [
                "b8",
                "b9",
            ]
            assert (await session.page(model, limit=2)).next is not None
            assert await session.count(model) == 12
            assert await session.delete(model, "b0") is True
            with refuses(DuplicateError, "an id that exists"):
                await session.create(model, {"id": "a"})
            with refuses(ConflictError, "an old version"):
                await session.update(model, "a", {"n": 9}, if_version=1)

    async def test_all_see_what_is_written(
        self, store: AsyncStore, model: str, other_model: str
    ) -> None:
        async with store.session() as session, store.session() as other:
            await session.create(model, {"id": "a", "n": 1})
            for each in (store, session, other):
                assert (await each.get(model, "a"))["n"] == 1
            await store.update(model, "a", {"n": 2})
            await other.create(other_model, {"id": "b"})
            assert (await session.get(model, "a"))["n"] == 2
            assert await session.exists(other_model, {"id": "b"})
        assert await store.count(model) == 1
        assert await store.count(other_model) == 1

    async def test_a_block_that_fails_undoes_nothing(self, store: AsyncStore, model: str) -> None:
        async def fail() -> None:
            async with store.session() as session:
                await session.create(model, {"id": "a"})
                raise KeyError("of the caller")

        with pytest.raises(KeyError, match="of the caller"):
            await fail()
        assert await store.find_by_id(model, "a") is not None
        async with store.session() as session:
            assert await session.find_by_id(model, "a") is not None

    async def test_a_session_within_a_session(self, store: AsyncStore, model: str) -> None:
        async with store.session() as outer:
            async with outer.session() as inner:
                await inner.create(model, {"id": "a"})
            assert await outer.find_by_id(model, "a") is not None
        assert await store.find_by_id(model, "a") is not None

    async def test_many_callers_share_one(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "counter", "n": 0})
        async with store.session() as session:
            call = partial(session.update, model, "counter", {"$inc": {"n": 1}})
            for outcome in await at_once([call] * 20):
                assert not isinstance(outcome, Exception), outcome
            assert (await session.get(model, "counter"))["n"] == 20

    async def test_many_one_after_the_other(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "a", "n": 0})
        for _ in range(50):  # more than any pool has connections
            async with store.session() as session:
                await session.update(model, "a", {"$inc": {"n": 1}})
        assert (await store.get(model, "a"))["n"] == 50

    async def test_closing_the_store_ends_it(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "a"})
        async with store.session() as session:
            assert await session.find_by_id(model, "a") is not None
            await store.close()
            with refuses(UnavailableError, "a read when the store is closed"):
                await session.find_by_id(model, "a")
        with refuses(UnavailableError, "a session of a closed store"):
            async with store.session():
                pass
        await store.connect()
        async with store.session() as session:
            found = await session.find_by_id(model, "a")
            assert found is not None or not store.capabilities.persistent
