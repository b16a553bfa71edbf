"""Snapshots: reads of one state, whatever is written meanwhile."""

from __future__ import annotations

import pytest

from interstore._async.store import AsyncStore
from interstore.errors import InvalidQueryError, UnavailableError, UnsupportedError
from interstore.prepared import Partition
from interstore.testing._async.suite import AsyncSuite, at_once, fill
from interstore.testing.checks import exact_all, ids, require

__all__ = ["AsyncSnapshotSuite"]


class AsyncSnapshotSuite(AsyncSuite):
    """What is declared with `snapshot`; and its refusal where it is not."""

    async def test_a_snapshot_does_not_change(
        self, store: AsyncStore, model: str, other_model: str
    ) -> None:
        require(store, "snapshot")
        await fill(store, model, [{"id": f"{n:03}", "n": n} for n in range(50)])
        await store.create(other_model, {"id": "a", "n": 1})
        before = exact_all(await store.find(model).to_list())
        async with store.snapshot() as then:
            assert type(then) is type(store)
            await store.update(model, "003", {"n": -1})
            await store.delete(model, "004")
            await store.create(model, {"id": "new", "n": 3})
            await store.update_many(model, {"n": {"$gte": 40}}, {"$inc": {"n": 100}})
            await store.put(other_model, {"id": "a", "n": 2})
            assert exact_all(await then.find(model).to_list()) == before
            assert (await then.get(model, "003"))["n"] == 3
            assert (await then.get(other_model, "a"))["n"] == 1
            assert await then.find_by_id(model, "new") is None
            assert (await then.find_by_ids(model, ["003", "004", "new"])).count(None) == 1
            assert await then.count(model) == 50
            assert await then.exists(model, {"id": "004"})
            assert ids(await then.find(model, {"n": {"$lt": 3}}, sort="-n").to_list()) == [
                "002",
                "001",
                "000",
            ]
            page = await then.database.scan(model, Partition(), None, 1_000)
            assert len(page.documents) == 50
            assert model in await then.models()
        assert await store.count(model) == 50
        assert (await store.get(model, "003"))["n"] == -1

    async def test_a_snapshot_is_of_one_moment(
        self, store: AsyncStore, model: str, other_model: str
    ) -> None:
        require(store, "snapshot")
        require(store, "transaction")
        await store.create(model, {"id": "a", "n": 100})
        await store.create(other_model, {"id": "b", "n": 100})

        async def move() -> None:
            for _ in range(10):
                async with store.transaction() as tx:
                    await tx.update(model, "a", {"$inc": {"n": -1}})
                    await tx.update(other_model, "b", {"$inc": {"n": 1}})

        async def look() -> None:
            for _ in range(10):
                async with store.snapshot() as then:
                    left = await then.get(model, "a")
                    right = await then.get(other_model, "b")
                    assert left["n"] + right["n"] == 200

        assert await at_once([move, look]) == [None, None]
        assert (await store.get(model, "a"))["n"] == 90

    async def test_a_snapshot_only_reads(self, store: AsyncStore, model: str) -> None:
        require(store, "snapshot")
        await store.create(model, {"id": "a"})
        async with store.snapshot() as then:
            with pytest.raises(UnsupportedError, match="for reading only"):
                await then.create(model, {"id": "b"})
            with pytest.raises(UnsupportedError, match="for reading only"):
                await then.delete_many(model, {})
            with pytest.raises(UnsupportedError, match="begin a snapshot"):
                async with then.snapshot():
                    pass
            with pytest.raises(UnsupportedError, match="drop a model"):
                await then.drop(model)
            assert await then.count(model) == 1
        with pytest.raises(UnavailableError):
            await then.count(model)
        with pytest.raises(InvalidQueryError, match=r"call snapshot\(\)"):
            store.transaction(isolation="reading")
        await store.create(model, {"id": "b"})

    async def test_snapshots_that_are_not_declared_are_refused(self, store: AsyncStore) -> None:
        if store.capabilities.snapshot:
            pytest.skip("capability snapshot is declared")
        with pytest.raises(UnsupportedError, match="snapshot"):
            store.snapshot()
