"""Engines found by entry points: own and foreign, broken, doubled, without their driver."""

from __future__ import annotations

import subprocess
import sys

import pytest

import interstore
from interstore import discovery
from interstore.errors import ConfigurationError, MissingDriverError
from tests.unit.discovery.packages import Packages

HOOK = "from interstore.hookspecs import hookimpl\n@hookimpl\n"


@pytest.mark.parametrize(
    ("name", "engine"),
    [("json", "json"), ("mock", "json"), ("JSONFile", "json"), ("sqlite3", "sqlite")],
)
def test_names_and_aliases(name: str, engine: str) -> None:
    assert discovery.get(name).name == engine
    assert discovery.canonical(name) == engine


def test_a_foreign_engine_works_under_all_its_names(packages: Packages) -> None:
    packages.install_engine("acme-store", "acme", "aliases=('ac',), schemes=('acmes',)")
    for url, type in [("acme://", None), ("acmes://", None), (None, "acme"), (None, "ac")]:
        with interstore.connect(url, type=type) as store:
            assert store.create("city", {"id": "oslo"}).version == 1
    with pytest.raises(ConfigurationError, match="scheme of the URL 'ac' is unknown"):
        interstore.connect("ac://")


def test_only_what_is_asked_for_is_imported(packages: Packages) -> None:
    packages.install("never-imported", "never", "raise SystemExit('imported')")
    assert discovery.get("mock").name == "json"
    assert discovery.by_scheme("sqlite") == "sqlite"
    assert "never_imported" not in sys.modules


def test_a_broken_package_disturbs_only_who_asks_for_it(packages: Packages) -> None:
    packages.install("broken-store", "broken", "import no_such_module_anywhere")
    packages.install_engine("fine-store", "fine", "aliases=('good',)")
    assert discovery.get("good").name == "fine"
    with pytest.raises(ConfigurationError, match=r"'broken' of the package broken-store.*no_such"):
        discovery.get("broken")
    listed = {info.name: info for info in discovery.listing()}
    assert "no_such_module_anywhere" in (listed["broken"].problem or "")
    assert (listed["broken"].package, listed["broken"].version) == ("broken-store", "1.2")
    assert listed["fine"].problem is None
    assert listed["fine"].capabilities is not None
    assert {"json", "memory", "sqlite"} <= set(listed)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("", "does not return a Backend"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (f"{HOOK}def interstore_backend():\n    return 'acme'\n", "does not return a Backend"),
        (f"{HOOK}def interstore_backend(more):\n    return None\n", "more"),
    ],
)
def test_a_package_that_keeps_no_contract(packages: Packages, source: str, reason: str) -> None:
    package = f"odd-store-{abs(hash(source))}"
    packages.install(package, "odd", source)
    with pytest.raises(ConfigurationError, match=reason) as caught:
        discovery.get("odd")
    assert package in str(caught.value)
    assert caught.value.backend == "odd"


def test_an_engine_with_another_name_than_its_entry_point(packages: Packages) -> None:
    packages.install("misnamed-store", "one", _engine("two"))
    with pytest.raises(ConfigurationError, match="entry point is 'one', but its name 'two'"):
        discovery.get("one")


def test_two_packages_with_one_name(packages: Packages) -> None:
    packages.install_engine("first-store", "twice")
    packages.install_engine("second-store", "twice")
    with pytest.raises(ConfigurationError, match="first-store and second-store"):
        discovery.get("twice")
    assert [info.package for info in discovery.listing() if info.name == "twice"] == [
        "first-store",
        "second-store",
    ]
    assert discovery.get("memory").name == "memory"


def test_two_engines_with_one_alias(packages: Packages) -> None:
    packages.install_engine("third-store", "third", "aliases=('shared',)")
    packages.install_engine("fourth-store", "fourth", "aliases=('shared',)")
    with pytest.raises(ConfigurationError, match="several engines: fourth, third"):
        discovery.get("shared")


def test_a_foreign_package_does_not_replace_an_own_engine(packages: Packages) -> None:
    packages.install_engine("greedy-store", "memory")
    with pytest.raises(ConfigurationError, match="greedy-store and interstore"):
        discovery.get("memory")


def test_a_missing_driver(packages: Packages) -> None:
    source = _engine(
        "driven", "drivers=('json', 'no_such_driver.sub'), install='interstore[driven]'"
    ).replace("from tests.tiny", "import no_such_driver.sub; from tests.tiny")
    packages.install("driven-store", "driven", source)
    with pytest.raises(MissingDriverError) as caught:
        interstore.connect("driven://")
    assert str(caught.value) == (
        "the engine 'driven' needs its driver (no_such_driver.sub): "
        'pip install "interstore[driven]"'
    )
    assert caught.value.backend == "driven"
    with pytest.raises(MissingDriverError):
        interstore.connect_async("driven://")
    [info] = [info for info in discovery.listing() if info.name == "driven"]
    assert info.missing == ("no_such_driver.sub",)
    assert "pip install" in (info.problem or "")


def test_a_driver_that_is_there_but_cannot_be_imported(packages: Packages) -> None:
    source = _engine("halfway", "drivers=('json',), install='interstore[halfway]'").replace(
        "from tests.tiny", "raise ImportError('libhalf.so is missing'); from tests.tiny"
    )
    packages.install("halfway-store", "halfway", source)
    with pytest.raises(ConfigurationError, match=r"libhalf.so is missing.*pip install") as caught:
        interstore.connect("halfway://")
    assert not isinstance(caught.value, MissingDriverError)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sqlit", "'sqlit' is unknown; did you mean 'sqlite'?"),
        ("jsonfiles", "did you mean 'jsonfile'?"),
        ("oracle", "'oracle' is unknown (installed are "),
        ("cosmoss", "did you mean 'cosmos'?"),
    ],
)
def test_an_unknown_name(name: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        discovery.get(name)
    assert message in str(caught.value)


def test_a_known_name_that_nothing_installed_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_loaded", {})
    kept = [entry for entry in discovery._entry_points() if entry.name == "memory"]
    monkeypatch.setattr(discovery, "_entry_points", lambda: kept)
    with pytest.raises(
        ConfigurationError, match="the engine 'postgres' is brought by no installed"
    ):
        discovery.get("postgres")


def test_importing_interstore_imports_next_to_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); import interstore; "
        "print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    heavy = {
        "asyncio",
        "click",
        "dataclasses",
        "dotenv",
        "fsspec",
        "importlib.metadata",
        "inspect",
        "msgspec",
        "pluggy",
        "re2",
        "rich",
        "sqlite3",
    }
    assert not loaded & heavy
    assert {name for name in loaded if name.startswith("interstore.")} <= {"interstore._version"}


def test_every_exported_name_is_there() -> None:
    for name in interstore.__all__:
        assert getattr(interstore, name) is not None
    assert set(interstore.__all__) <= set(dir(interstore))
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        interstore.__getattr__("conect")


def test_a_sync_program_never_imports_asyncio() -> None:
    code = (
        "import sys, interstore\n"
        "with interstore.connect('memory://') as store: store.create('city', {'a': 1})\n"
        "print([name for name in ('asyncio', 'click', 'rich', 'dotenv') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def _engine(name: str, more: str = "") -> str:
    from tests.unit.discovery.packages import ENGINE

    return ENGINE.format(name=name, more=more)
