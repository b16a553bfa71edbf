"""Capabilities in both directions: what is declared works, what is not is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from interstore._async.operations import AsyncOperations
from interstore._async.store import AsyncStore
from interstore._compat_async import sleep
from interstore.capabilities import Capabilities, Limits
from interstore.errors import (
    ConfigurationError,
    OperationTimeoutError,
    UnavailableError,
    UnsupportedError,
)
from interstore.prepared import Write
from interstore.testing._async.suite import AsyncSuite, at_once
from interstore.testing.checks import envelope, refuses, require
from interstore.times import now

__all__ = ["AsyncDeclarationSuite"]


class AsyncDeclarationSuite(AsyncSuite):
    """The declared and the undeclared."""

    async def test_the_declaration(self, operations: AsyncOperations) -> None:
        assert operations.name
        assert operations.name == operations.name.lower()
        capabilities, limits = operations.capabilities, operations.limits
        assert isinstance(capabilities, Capabilities)
        assert isinstance(limits, Limits)
        assert capabilities.filter in ("native", "core")
        assert not capabilities.watch_deletes or capabilities.watch
        assert limits.document_bytes >= Limits().document_bytes, "every engine holds as much"
        assert limits.depth >= Limits().depth
        assert limits.bulk_documents >= 1

    async def test_what_is_not_declared_is_refused(
        self, store: AsyncStore, operations: AsyncOperations, model: str
    ) -> None:
        await store.create(model, {"id": "a"})
        write = Write("a", {}, version=1, created=now(), updated=now())

        async def native() -> object:
            return store.native

        async def transaction() -> None:
            async with store.transaction():
                pass

        async def watch() -> None:
            async for _ in store.watch(model):
                break

        async def foreign() -> object:
            return store.foreign("others")

        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "models": lambda: store.models(),
            "drop": lambda: store.drop(model),
            "stats": lambda: store.stats(),
            "explain": lambda: store.explain(model, {"n": 1}),
            "write_page": lambda: operations.write_page(model, [write], "upsert"),
            "ensure_index": lambda: store.ensure_index(model, "n"),
            "native": native,
            "foreign": foreign,
            "transaction": transaction,
            "watch": watch,
            "watch (enable_watch)": lambda: store.enable_watch(model),
            "watch (disable_watch)": lambda: store.disable_watch(model),
            "ttl": lambda: store.create(model, {"id": "b"}, expires_at=timedelta(hours=1)),
        }
        for capability, call in calls.items():
            if not getattr(store.capabilities, capability.partition(" ")[0]):
                with refuses(UnsupportedError, f"{capability} (not declared)") as refusal:
                    await call()
                assert refusal.error.backend == operations.name
                assert len(str(refusal.error)) > 30, f"{capability}: say what to do instead"
        assert await store.count(model) == 1

    async def test_expiry_that_is_not_declared(self, store: AsyncStore, model: str) -> None:
        if store.capabilities.ttl:
            return  # and tried in a suite of its own
        hour = timedelta(hours=1)
        document = await store.create(model, {"id": "a"}, expires_at=None)
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: store.put(model, {"id": "a"}, expires_at=hour),
            lambda: store.update(model, "a", {"n": 1}, expires_at=hour),
            lambda: store.update(model, "a", {}, expires_at=None),
            lambda: store.create_many(model, [{"id": "b"}], expires_at=hour),
            lambda: store.put_many(model, [{"id": "a"}], expires_at=hour),
            lambda: store.update_many(model, {}, {"n": 1}, expires_at=hour),
            lambda: store.find_one_and_update(model, {}, {"n": 1}, expires_at=hour),
            lambda: store.sweep(model),
            lambda: store.sweep(),
        ]
        for number, call in enumerate(calls):
            with refuses(UnsupportedError, f"expiry that is not declared, in call {number}"):
                await call()
        assert envelope(await store.get(model, "a")) == envelope(document)
        assert await store.count(model) == 1

    async def test_models(self, store: AsyncStore) -> None:
        require(store, "models")
        names = await store.models()
        assert names == sorted(names)

    async def test_native(self, store: AsyncStore) -> None:
        require(store, "native")
        assert store.native is not None

    async def test_foreign(self, store: AsyncStore, model: str) -> None:
        require(store, "foreign")
        view = store.foreign(model)
        with refuses(ConfigurationError, "foreign data that does not exist") as refusal:
            await view.find().to_list()
        assert model in str(refusal.error)

    async def test_connecting_again(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "a"})
        await store.connect()
        await store.close()
        await store.close()
        with refuses(UnavailableError, "a read after close"):
            await store.find_by_id(model, "a")
        await store.connect()
        if store.capabilities.persistent:
            assert await store.count(model) == 1
        await store.put(model, {"id": "b"})
        assert await store.exists(model, {"id": "b"})

    async def test_closing_while_others_use_it(self, store: AsyncStore, model: str) -> None:
        """They say so, and never what a driver raises that is closed under them."""
        await store.create_many(model, [{"id": f"{number}"} for number in range(20)])

        async def use() -> None:
            with refuses((UnavailableError, OperationTimeoutError), "a call while it is closed"):
                while True:
                    await store.find_by_id(model, "1")
                    await store.put(model, {"id": "2"})
                    await store.find(model, {"id": {"$gt": "1"}}).to_list()
                    await store.count(model)
                    await sleep(0)

        async def close() -> None:
            await sleep(0.1)
            await store.close()

        assert await at_once([*[use] * 5, close]) == [None] * 6
        await store.connect()
