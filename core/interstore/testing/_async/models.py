"""Models: which exist, how they come and go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from interstore._async.store import AsyncStore
from interstore.errors import InvalidQueryError
from interstore.testing._async.suite import AsyncSuite, at_once, fill
from interstore.testing.checks import refuses, require

__all__ = ["AsyncModelSuite"]


class AsyncModelSuite(AsyncSuite):
    """The first write creates a model; reading creates nothing."""

    async def test_reading_an_unknown_model(self, store: AsyncStore, model: str) -> None:
        assert await store.find_by_id(model, "a") is None
        assert await store.find_by_ids(model, ["a", "b"]) == [None, None]
        assert await store.find(model, {"n": 1}, sort="-n").to_list() == []
        assert [document async for document in store.find(model)] == []
        assert await store.find_one(model) is None
        assert (await store.page(model)).documents == []
        assert await store.count(model) == 0
        assert await store.exists(model, {}) is False
        assert await store.aggregate(model, n="count") == [{"n": 0}]
        assert await store.distinct(model, "n") == []
        assert await store.delete(model, "a") is False
        assert (await store.delete_many(model, {})).deleted == 0
        assert (await store.update_many(model, {}, {"n": 1})).updated == 0
        assert await store.find_one_and_update(model, {}, {"n": 1}) is None
        assert await store.find_one_and_delete(model) is None
        if store.capabilities.models:
            assert model not in await store.models(), "reading has created the model"

    async def test_the_first_write_creates_a_model(
        self, store: AsyncStore, model: str, other_model: str
    ) -> None:
        require(store, "models")
        await store.create(model, {"id": "a"})
        await store.put_many(other_model, [{"id": "a"}])
        names = await store.models()
        assert {model, other_model} <= set(names)
        assert names == sorted(names)

    async def test_an_empty_model_stays(self, store: AsyncStore, model: str) -> None:
        require(store, "models")
        await store.create(model, {"id": "a"})
        await store.delete(model, "a")
        assert model in await store.models()

    async def test_drop(self, store: AsyncStore, model: str, other_model: str) -> None:
        require(store, "drop")
        assert await store.drop(model) is False, "it does not exist yet"
        await fill(store, model, [{"id": "a"}, {"id": "b"}])
        await fill(store, other_model, [{"id": "a"}])
        assert await store.drop(model) is True
        assert await store.count(model) == 0
        assert await store.find_by_id(model, "a") is None
        assert await store.count(other_model) == 1
        assert await store.drop(model) is False
        again = await store.create(model, {"id": "a"})
        assert again.version == 1
        assert await store.count(model) == 1
        if store.capabilities.models:
            await store.drop(model)
            assert model not in await store.models()

    async def test_names_that_differ_in_case_only(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "a", "n": 1})
        for other in (model.upper(), model.capitalize()):
            calls: dict[str, Callable[[str], Awaitable[object]]] = {
                "create": lambda other: store.create(other, {"id": "a", "n": 2}),
                "put": lambda other: store.put(other, {"id": "a", "n": 2}),
                "create_many": lambda other: store.create_many(other, [{"id": "b"}]),
                "put_many": lambda other: store.put_many(other, [{"id": "b"}]),
            }
            for name, call in calls.items():
                with refuses(InvalidQueryError, f"{name} to {other!r} where {model!r} exists"):
                    await call(other)
            assert await store.find_by_id(other, "a") is None
            assert await store.count(other) == 0
        assert (await store.get(model, "a"))["n"] == 1
        assert await store.count(model) == 1

    async def test_names_of_every_form(self, store: AsyncStore, model: str) -> None:
        suffix = model[-12:]
        names = [f"{prefix}{suffix}" for prefix in ("x", "select_", "Order-", "user_2-", "m" * 36)]
        try:
            for number, name in enumerate(names):
                await store.create(name, {"id": "a", "n": number})
            for number, name in enumerate(names):
                assert (await store.get(name, "a"))["n"] == number, f"model {name!r}"
            if store.capabilities.models:
                assert set(names) <= set(await store.models())
        finally:
            for name in names:
                if store.capabilities.drop:
                    await store.drop(name)
                else:
                    await store.delete_many(name, {})

    async def test_a_model_is_created_once(self, store: AsyncStore, model: str) -> None:
        calls = [partial(store.put, model, {"id": f"{n % 3}"}) for n in range(9)]
        for outcome in await at_once(calls):
            assert not isinstance(outcome, Exception), outcome
        assert await store.count(model) == 3
