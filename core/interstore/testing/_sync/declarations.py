# Generated from core/interstore/testing/_async/declarations.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: c950c18398c353cd8a5e5a46

"""Capabilities in both directions: what is declared works, what is not is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from interstore._compat import sleep
from interstore._sync.operations import Operations
from interstore._sync.store import Store
from interstore.capabilities import Capabilities, Limits
from interstore.errors import (
    ConfigurationError,
    OperationTimeoutError,
    UnavailableError,
    UnsupportedError,
)
from interstore.prepared import Write
from interstore.testing._sync.suite import Suite, at_once
from interstore.testing.checks import envelope, refuses, require
from interstore.times import now

__all__ = ["DeclarationSuite"]


class DeclarationSuite(Suite):
    """The declared and the undeclared."""

    def test_the_declaration(self, operations: Operations) -> None:
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

    def test_what_is_not_declared_is_refused(
        self, store: Store, operations: Operations, model: str
    ) -> None:
        store.create(model, {"id": "a"})
        write = Write("a", {}, version=1, created=now(), updated=now())

        def native() -> object:
            return store.native

        def transaction() -> None:
            with store.transaction():
                pass

        def watch() -> None:
            for _ in store.watch(model):
                break

        def foreign() -> object:
            return store.foreign("others")

        calls: dict[str, Callable[[], object]] = {
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
                    call()
                assert refusal.error.backend == operations.name
                assert len(str(refusal.error)) > 30, f"{capability}: say what to do instead"
        assert store.count(model) == 1

    def test_expiry_that_is_not_declared(self, store: Store, model: str) -> None:
        if store.capabilities.ttl:
            return  # and tried in a suite of its own
        hour = timedelta(hours=1)
        document = store.create(model, {"id": "a"}, expires_at=None)
        calls: list[Callable[[], object]] = [
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
                call()
        assert envelope(store.get(model, "a")) == envelope(document)
        assert store.count(model) == 1

    def test_models(self, store: Store) -> None:
        require(store, "models")
        names = store.models()
        assert names == sorted(names)

    def test_native(self, store: Store) -> None:
        require(store, "native")
        assert store.native is not None

    def test_foreign(self, store: Store, model: str) -> None:
        require(store, "foreign")
        view = store.foreign(model)
        with refuses(ConfigurationError, "foreign data that does not exist") as refusal:
            view.find().to_list()
        assert model in str(refusal.error)

    def test_connecting_again(self, store: Store, model: str) -> None:
        store.create(model, {"id": "a"})
        store.connect()
        store.close()
        store.close()
        with refuses(UnavailableError, "a read after close"):
            store.find_by_id(model, "a")
        store.connect()
        if store.capabilities.persistent:
            assert store.count(model) == 1
        store.put(model, {"id": "b"})
        assert store.exists(model, {"id": "b"})

    def test_closing_while_others_use_it(self, store: Store, model: str) -> None:
        """They say so, and never what a driver raises that is closed under them."""
        store.create_many(model, [{"id": f"{number}"} for number in range(20)])

        def use() -> None:
            with refuses((UnavailableError, OperationTimeoutError), "a call while it is closed"):
                while True:
                    store.find_by_id(model, "1")
                    store.put(model, {"id": "2"})
                    store.find(model, {"id": {"$gt": "1"}}).to_list()
                    store.count(model)
                    sleep(0)

        def close() -> None:
            sleep(0.1)
            store.close()

        assert at_once([*[use] * 5, close]) == [None] * 6
        store.connect()
