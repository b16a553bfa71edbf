"""What it refuses; and the conformance kit: nothing else is noticed of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from interstore_readonly.wrapper import AsyncReadOnly, ReadOnly

import interstore
from interstore import AsyncDatabase, Database, PermissionDeniedError
from interstore.connection import settings_in_force
from interstore.testing import AsyncConformance, Conformance


def memory() -> Database:
    """The memory engine, as any database not connected yet."""
    backend = settings_in_force("memory://").choice.backend
    assert backend.database is not None
    return backend.database(settings_in_force("memory://").settings)


def test_it_refuses(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data.db"
    with interstore.connect(url) as store:
        store.create("prices", {"id": "a", "n": 1})
    with interstore.connect(url, plugins={"readonly": {"models": "prices, rates"}}) as store:
        assert store.get("prices", "a")["n"] == 1
        store.create("orders", {"id": "o"})
        for write in (
            lambda: store.create("prices", {"id": "b"}),
            lambda: store.create_many("prices", [{"id": "b"}]),
            lambda: store.update_many("prices", {}, {"n": 2}),
            lambda: store.delete_many("prices", {}),
            lambda: store.drop("prices"),
        ):
            with pytest.raises(PermissionDeniedError, match="prices may only be read"):
                write()
        with pytest.raises(PermissionDeniedError), store.transaction() as tx:
            tx.delete("prices", "a")
        assert store.count("prices") == 1


class TestReadOnly(Conformance):
    @pytest.fixture
    def database(self) -> Database:
        return ReadOnly(memory(), "prices")


class TestReadOnlyAsync(AsyncConformance):
    @pytest.fixture
    def database(self) -> AsyncDatabase:
        from interstore.bridge import to_async

        return AsyncReadOnly(to_async(memory()), "prices")
