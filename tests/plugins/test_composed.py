"""Migrations, watching and copies of stores, with plugins around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import interstore
from interstore import Document, Store
from interstore.migration.references import is_private, place_of
from interstore.plugins import Operation, Wrapper, hookimpl
from interstore.prepared import Write
from tests.databases import memory, sqlite

ALL = {"observe": {"log": "none"}, "retry": {}}


class Stamping(Wrapper):
    def create(self, model: str, write: Write) -> Document:
        return self.inner.create(model, write.with_fields(write.fields | {"stamped": True}))


class Stamp:
    @hookimpl
    def interstore_wrap(self, database: Any) -> Any:
        return Stamping(database)


class Noting:
    def __init__(self) -> None:
        self.told: list[Operation] = []

    @hookimpl
    def interstore_observe(self) -> Any:
        return self.told.append


def filled(path: Path, **plugins: Any) -> Store:
    store = interstore.connect(database=sqlite(path), **plugins)
    store.create_many("m", [{"id": f"{n:03}", "n": n} for n in range(250)])
    store.update("m", "007", {"n": 700})
    return store


def test_a_migration_keeps_versions_through_plugins(tmp_path: Path) -> None:
    noting = Noting()
    with (
        filled(tmp_path / "a", plugins=ALL) as source,
        interstore.connect(database=memory(), plugins={**ALL, noting: {}}) as target,
    ):
        report = interstore.migrate(source, target, state=tmp_path / "state")
        assert report.status == "done", report
        assert target.get("m", "007").version == 2
        assert target.count("m") == 250
    written = [each for each in noting.told if each.name == "write_page"]
    assert sum(each.count or 0 for each in written) == 250
    assert not [each for each in noting.told if each.name == "create"]


def test_a_migration_does_not_bypass_a_wrapper(tmp_path: Path) -> None:
    """It writes by `create`, as the wrapper knows no `write_page`."""
    with (
        filled(tmp_path / "a") as source,
        interstore.connect(database=memory(), plugins=[Stamp()]) as target,
    ):
        assert source.capabilities.write_page
        assert not target.capabilities.write_page
        report = interstore.migrate(
            source, target, state=tmp_path / "state", drop_versions=True, level="count"
        )
        assert report.models[0].totals.written == 250
        assert target.count("m", {"stamped": True}) == 250


def test_a_place_is_the_same_with_plugins(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/db"
    with interstore.connect(url) as bare, interstore.connect(url, plugins=ALL) as store:
        assert place_of(store).identity == place_of(bare).identity
        assert not is_private(store)
    with interstore.connect("memory://", plugins=ALL) as store:
        assert is_private(store)


def test_watching_through_plugins() -> None:
    with interstore.connect("memory://", plugins=ALL) as store:
        assert store.capabilities.watch
        store.enable_watch("m")
        with store.watch("m", idle=0.1) as changes:
            store.create("m", {"id": "a"})
            store.update_many("m", {}, {"n": 1})
            assert [(change.id, change.version) for change in changes] == [("a", 1), ("a", 2)]
        assert "read_changes" not in store.metrics()["observe"]


def test_a_store_that_is_given_to_a_transaction_keeps_its_plugins(tmp_path: Path) -> None:
    with interstore.connect(database=sqlite(tmp_path), plugins=ALL) as store:
        with store.transaction() as tx:
            tx.create("m", {"id": "a"})
            assert [layer.plugin.name for layer in tx.plugins] == ["observe", "retry"]
        assert store.metrics()["observe"]["transaction"][""]["count"] == 1
        with store.session() as session:
            session.create("m", {"id": "b"})
        assert store.metrics()["observe"]["create"]["m"]["count"] == 2
