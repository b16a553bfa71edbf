"""What is written outlives the connection, and other connections see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from interstore._async.database import AsyncDatabase
from interstore._async.store import AsyncStore
from interstore.errors import ConflictError, DuplicateError, InvalidQueryError
from interstore.testing._async.suite import AsyncSuite, at_once, fill, fixture
from interstore.testing.checks import envelope, exact_all, ids, refuses, require
from interstore.testing.samples import ODD_IDS, ODD_KEYS, ODD_VALUES

__all__ = ["AsyncPersistenceSuite"]


class AsyncPersistenceSuite(AsyncSuite):
    """Two connections to one place."""

    @fixture
    async def second(
        self, store: AsyncStore, second_database: AsyncDatabase
    ) -> AsyncIterator[AsyncStore]:
        """A second store, connected to the same data at the same time."""
        async with AsyncStore(second_database) as second:
            yield second

    async def test_reopening(
        self, store: AsyncStore, second_database: AsyncDatabase, model: str
    ) -> None:
        require(store, "persistent")
        documents = [{"id": id, "v": v} for id, v in zip(ODD_IDS, ODD_VALUES, strict=False)]
        await fill(store, model, [*documents, {"id": "keys", **dict.fromkeys(ODD_KEYS, 1)}])
        await store.update(model, "keys", {"$set": {"new": 1}})
        await store.delete(model, ODD_IDS[0])
        before = await store.find(model).to_list()
        await store.close()
        async with AsyncStore(second_database) as second:
            after = await second.find(model).to_list()
            assert exact_all(after) == exact_all(before)
            assert [envelope(d) for d in after] == [envelope(d) for d in before]
            await second.create(model, {"id": ODD_IDS[0]})
        await store.connect()
        assert await store.count(model) == len(documents) + 1

    async def test_each_sees_the_writes_of_the_other(
        self, store: AsyncStore, second: AsyncStore, model: str
    ) -> None:
        require(store, "persistent")
        await store.create(model, {"id": "a", "n": 0})
        for number in range(1, 6):
            writer, reader = (store, second) if number % 2 else (second, store)
            written = await writer.update(model, "a", {"$inc": {"n": 1}})
            assert (written["n"], written.version) == (number, number + 1)
            read = await reader.get(model, "a")
            assert (read["n"], read.version) == (number, number + 1)
            await writer.create(model, {"id": f"b{number}"})
            assert await reader.count(model) == number + 1
            assert await reader.find_one(model, {"n": number}) is not None
        await second.delete(model, "b1")
        assert await store.find_by_id(model, "b1") is None
        assert ids(await store.find(model).to_list()) == ["a", "b2", "b3", "b4", "b5"]

    async def test_refusals_between_connections(
        self, store: AsyncStore, second: AsyncStore, model: str
    ) -> None:
        require(store, "persistent")
        await store.create(model, {"id": "a"})
        with refuses(DuplicateError, "create of an id that the other connection created"):
            await second.create(model, {"id": "a"})
        await second.update(model, "a", {"n": 1})
        with refuses(ConflictError, "update of a version that the other connection replaced"):
            await store.update(model, "a", {"n": 2}, if_version=1)
        with refuses(InvalidQueryError, "a model whose name differs in case only"):
            await second.create(model.upper(), {"id": "a"})

    async def test_models_of_the_other(
        self, store: AsyncStore, second: AsyncStore, model: str
    ) -> None:
        require(store, "persistent")
        require(store, "models")
        require(store, "drop")
        await store.create(model, {"id": "a"})
        assert model in await second.models()
        assert await second.drop(model) is True
        assert model not in await store.models()
        assert await store.find_by_id(model, "a") is None
        assert (await store.create(model, {"id": "a"})).version == 1
        assert await second.count(model) == 1

    async def test_no_increment_is_lost_between_connections(
        self, store: AsyncStore, second: AsyncStore, model: str
    ) -> None:
        require(store, "persistent")
        await store.create(model, {"id": "a", "n": 0})

        async def work(worker: int) -> None:
            for _ in range(10):
                await (store, second)[worker % 2].update(model, "a", {"$inc": {"n": 1}})

        assert await at_once([partial(work, worker) for worker in range(4)]) == [None] * 4
        assert (await store.get(model, "a"))["n"] == 40
