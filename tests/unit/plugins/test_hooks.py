"""Plugins of installed packages: found, named, configured; and each hook of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import interstore
from interstore import ConfigurationError, InterstoreWarning, UnsupportedError
from interstore.plugins import Operation, Wrapper, hookimpl
from interstore.plugins.apply import inside
from interstore.plugins.discovery import GROUP
from tests.databases import memory, sqlite
from tests.unit.discovery.packages import Packages

STAMP = '''
    from typing import Annotated

    import click

    from interstore.plugins import AsyncWrapper, Reply, Wrapper, hookimpl
    from interstore.prepared import Write
    from interstore.settings import Secret, Settings, env

    told = []

    class StampSettings(Settings, kw_only=True, frozen=True):
        text: Annotated[str, env(help="What is stamped.")] = "seen"
        key: Annotated[Secret | None, env("STAMPING_KEY")] = None

    def stamped(write, text):
        return Write(write.id, {**write.fields, "stamp": text}, version=1,
                     created=write.created, updated=write.updated)

    class Stamping(Wrapper):
        def __init__(self, database, text):
            super().__init__(database)
            self.text = text

        def create(self, model, write):
            return self.inner.create(model, stamped(write, self.text))

    class AsyncStamping(AsyncWrapper):
        def __init__(self, database, text):
            super().__init__(database)
            self.text = text

        async def create(self, model, write):
            return await self.inner.create(model, stamped(write, self.text))

    @hookimpl
    def interstore_settings():
        return StampSettings

    @hookimpl
    def interstore_wrap(database, settings):
        return Stamping(database, settings.text)

    @hookimpl
    def interstore_wrap_async(database, settings):
        return AsyncStamping(database, settings.text)

    @hookimpl
    def interstore_observe():
        return told.append

    @hookimpl
    def interstore_commands(settings):
        @click.command()
        def stamp():
            """Show the stamp."""
            click.echo(settings.text)
        return [stamp]

    @hookimpl
    def interstore_routes(stores):
        return {"/stamp": lambda: Reply(f"{len(stores)} stores")}
'''


@pytest.fixture
def stamp(packages: Packages) -> str:
    packages.install("acme-stamp", "stamp", STAMP, group=GROUP)
    return "stamp"


def plugin_of(name: str, **hooks: Callable[..., Any]) -> Any:
    """A plugin that is no package: an object that implements hooks."""
    return SimpleNamespace(name=name, **{hook: hookimpl(do) for hook, do in hooks.items()})


def cli(*args: str, folder: Path, **variables: str) -> str:

    environment = os.environ | {"PYTHONPATH": str(folder), "DATABASE_TYPE": "memory"} | variables
    done = subprocess.run(
        [sys.executable, "-c", "from interstore.cli import main; main()", *args],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        check=False,
    )
    return done.stdout + done.stderr


# Each hook.


def test_interstore_settings(stamp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAMP_TEXT", "by the environment")
    with interstore.connect(database=memory(), plugins=stamp) as store:
        assert store.create("m", {})["stamp"] == "by the environment"
    with interstore.connect(database=memory(), plugins={stamp: {"text": "given"}}) as store:
        assert store.create("m", {})["stamp"] == "given"


def test_interstore_wrap(stamp: str) -> None:
    with interstore.connect(database=memory(), plugins=[stamp]) as store:
        assert store.create("m", {"id": "a"})["stamp"] == "seen"
        store.create_many("m", [{"id": "b"}])
        assert store.count("m", {"stamp": "seen"}) == 2


async def test_interstore_wrap_async(stamp: str, tmp_path: Path) -> None:
    path = str(tmp_path / "db")
    async with interstore.connect_async(type="sqlite", path=path, plugins=[stamp]) as store:
        assert (await store.create("m", {"id": "a"}))["stamp"] == "seen"


def test_interstore_observe(stamp: str) -> None:
    with interstore.connect(database=memory(), plugins=[stamp]) as store:
        store.create("m", {"id": "a"})
        store.find("m", {"id": "a"}).to_list()
        with pytest.raises(interstore.DuplicateError):
            store.create("m", {"id": "a"})
    told: list[Operation] = sys.modules["acme_stamp"].told
    assert [(each.name, type(each.error)) for each in told] == [
        ("create", type(None)),
        ("find", type(None)),
        ("create", interstore.DuplicateError),
    ]


def test_interstore_commands(stamp: str, tmp_path: Path) -> None:
    named = {"INTERSTORE_PLUGINS": stamp, "STAMP_TEXT": "here"}
    assert cli("stamp", folder=tmp_path, **named) == "here\n"
    assert "Show the stamp." in cli("--help", folder=tmp_path, **named)
    assert "there is no command 'stamp'" in cli("stamp", folder=tmp_path)


def test_interstore_routes(stamp: str) -> None:
    from interstore.connection import plugins_in_force

    [active] = plugins_in_force([stamp])
    routes = active.call("interstore_routes", stores={"main": None})
    assert routes["/stamp"]().body == "1 stores"


# Naming.


def test_nothing_runs_until_it_is_named(stamp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with interstore.connect(database=memory()) as store:
        assert "stamp" not in store.create("m", {})
        assert "acme_stamp" not in sys.modules
    monkeypatch.setenv("INTERSTORE_PLUGINS", " stamp ,")
    with interstore.connect(database=memory()) as store:
        assert store.create("m", {})["stamp"] == "seen"
    with interstore.connect(database=memory(), plugins=[]) as store:
        assert "stamp" not in store.create("m", {})


def test_the_first_is_outermost() -> None:
    order: list[str] = []

    def noting(name: str) -> Any:
        class Noting(Wrapper):
            def find_by_id(self, model: str, id: str) -> Any:
                order.append(name)
                return self.inner.find_by_id(model, id)

        return plugin_of(name, interstore_wrap=lambda database: Noting(database))

    with interstore.connect(database=memory(), plugins=[noting("a"), noting("b")]) as store:
        store.find_by_id("m", "x")
        assert order == ["a", "b"]
        assert [layer.plugin.name for layer in store.plugins] == ["a", "b"]
        assert inside(store.database).name == "memory"


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("stmap", "'stmap' is brought by no installed package.*did you mean 'stamp'"),
        ("stamp,stamp", "names the plugin 'stamp' twice"),
        (["stamp", "stamp"], "names the plugin 'stamp' twice"),
        ({"stamp": 3}, "where a mapping of its settings belongs"),
        ({"stamp": {"txt": 3}}, "has no setting 'txt'; did you mean 'text'"),
        ({"stamp": {"text": 3}}, "text= of the plugin stamp 3 is not a text"),
        (3, "takes names of plugins, not 3"),
        ([""], "holds an empty name"),
        ([SimpleNamespace(name="empty")], "implements none of the hooks"),
    ],
)
def test_what_cannot_be_named(stamp: str, named: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        interstore.connect(database=memory(), plugins=named)


HOOK = "from interstore.plugins import hookimpl\n@hookimpl\ndef interstore_"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise RuntimeError('torn')", "RuntimeError: torn"),
        ("import a_module_that_is_not", "ModuleNotFoundError"),
        ("x = 1", "implements none of the hooks"),
        (HOOK + "wrp(): ...", "unknown hook"),
        (HOOK + "wrap(db): ...", "interstore_wrap"),
        (HOOK + "settings(): return 3", "class of settings"),
        (HOOK + "wrap(database): return 3", "is not a database"),
        (HOOK + "wrap(database): 1 / 0", "ZeroDivisionError"),
        (HOOK + "observe(): return 3", "cannot be called"),
    ],
)
def test_a_plugin_that_fails(packages: Packages, source: str, message: str) -> None:
    """The package, and what to do, are named."""
    packages.install("acme-torn", "torn", source, group=GROUP)
    with pytest.raises(ConfigurationError, match=message) as failure:
        interstore.connect(database=memory(), plugins="torn")
    assert "acme-torn 1.2" in str(failure.value)
    assert "INTERSTORE_PLUGINS" in str(failure.value)


def test_two_packages_with_one_name(packages: Packages) -> None:
    packages.install("acme-one", "twin", "x = 1", group=GROUP)
    packages.install("acme-two", "twin", "x = 1", group=GROUP)
    with pytest.raises(ConfigurationError, match=r"acme-one 1\.2 and acme-two 1\.2"):
        interstore.connect(database=memory(), plugins="twin")


def test_typos_of_settings(stamp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAMP_TEX", "x")
    with pytest.warns(InterstoreWarning, match="did you mean STAMP_TEXT"):
        interstore.connect(database=memory(), plugins=stamp).close()


def test_config_and_listing(stamp: str, packages: Packages, tmp_path: Path) -> None:
    packages.install("acme-torn", "torn", "raise RuntimeError('torn')", group=GROUP)
    named = {"INTERSTORE_PLUGINS": stamp, "STAMP_TEXT": "here", "STAMPING_KEY": "canary-1234"}
    config = cli("config", folder=tmp_path, **named)
    assert '"setting":"stamp.text","value":"here","from":"STAMP_TEXT"' in config
    assert '"setting":"stamp.key","value":"***","from":"STAMPING_KEY"' in config
    assert "canary" not in config
    listing = cli("plugins", folder=tmp_path, **named)
    assert '"name":"stamp","package":"acme-stamp 1.2","active":true,"position":1' in listing
    assert '"wraps":["create","observes every operation"]' in listing
    assert "RuntimeError: torn" in listing


def test_no_secret_of_a_plugin_is_told(packages: Packages) -> None:
    source = STAMP.replace("return Stamping(database, settings.text)",
                           "raise ValueError(settings.key.reveal())")  # fmt: skip
    packages.install("acme-stamp", "stamp", source, group=GROUP)
    with pytest.raises(ConfigurationError) as failure:
        interstore.connect(database=memory(), plugins={"stamp": {"key": "canary-1234"}})
    assert "canary" not in str(failure.value)
    assert failure.value.__cause__ is None


# Observing.


def observing(told: list[Operation]) -> Any:
    return plugin_of("noted", interstore_observe=lambda: told.append)


def test_what_is_told(tmp_path: Path) -> None:
    told: list[Operation] = []
    with interstore.connect(database=sqlite(tmp_path), plugins=[observing(told)]) as store:
        store.create("m", {"id": "a", "n": 1})
        store.create_many("m", [{"id": "b"}, {"id": "c"}, {"id": "a"}], on_error="report")
        store.find("m", {"n": 1}, sort="-n").to_list()
        store.find_one_and_update("m", {"n": 1}, {"n": 2})
        store.update_many("m", {}, {"x": 1})
        store.find_by_id("m", "zz")
        store.exists("m", {"n": 5})
        with pytest.raises(interstore.NotFoundError):
            store.update("m", "zz", {"n": 1})
    assert [(each.name, each.model, each.count) for each in told] == [
        ("create", "m", 1),
        ("create_many", "m", 2),
        ("find", "m", 1),
        ("find_one_and_update", "m", 1),
        ("update_many", "m", 3),
        ("find_by_id", "m", 0),
        ("exists", "m", 0),
        ("update", "m", None),
    ]
    assert all(each.seconds > 0 and each.backend == "sqlite" for each in told)
    assert isinstance(told[-1].error, interstore.NotFoundError)
    assert told[2].query is not None
    assert told[2].query.sort[0].descending
    assert told[5].query is None


def test_after_commit(tmp_path: Path) -> None:
    """Whoever cares for what was committed waits for the operation ``transaction``."""
    told: list[Operation] = []
    with interstore.connect(database=sqlite(tmp_path), plugins=[observing(told)]) as store:
        with store.transaction() as tx:
            tx.create("m", {"id": "a"})
            assert [each.name for each in told] == ["create"]
        with pytest.raises(interstore.DuplicateError), store.transaction() as tx:
            tx.create("m", {"id": "a"})
        store.create("m", {"id": "c"})
    one, first, two, second, outside = told
    assert first.name == second.name == "transaction"
    assert one.transaction == first.transaction != two.transaction == second.transaction
    assert first.error is None
    assert isinstance(second.error, interstore.DuplicateError)
    assert outside.transaction is None


def test_an_observer_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Operation) -> None:
        raise RuntimeError("not the store's fault")

    plugin = plugin_of("failing", interstore_observe=lambda: fail)
    with interstore.connect(database=memory(), plugins=[plugin]) as store:
        store.create("m", {"id": "a"})
        assert store.count("m") == 1
    assert "not the store's fault" in caplog.text


def test_metrics() -> None:
    class Counting:
        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, operation: Operation) -> None:
            self.calls += 1

        def metrics(self) -> dict[str, Any]:
            return {"calls": self.calls}

    plugin = plugin_of("counting", interstore_observe=lambda: Counting())
    with interstore.connect(database=memory(), plugins=[plugin]) as store:
        store.create("m", {})
        assert store.metrics() == {"counting": {"calls": 1}}
    with (
        interstore.connect(database=memory()) as store,
        pytest.raises(UnsupportedError, match="INTERSTORE_PLUGINS=observe"),
    ):
        store.metrics()


# One flavour only.


class Counted(Wrapper):
    calls = 0

    def find_by_id(self, model: str, id: str) -> Any:
        type(self).calls += 1
        return self.inner.find_by_id(model, id)


async def test_a_plugin_of_one_flavour(tmp_path: Path) -> None:
    plugin = plugin_of("counted", interstore_wrap=lambda database: Counted(database))
    path = str(tmp_path / "db")
    async with interstore.connect_async(type="sqlite", path=path, plugins=[plugin]) as store:
        await store.create("m", {"id": "a"})
        async with store.transaction() as tx:
            await tx.get("m", "a")
        assert await store.find_by_ids("m", ["a", "b"]) == [{"id": "a"}, None]
    assert Counted.calls == 3
