"""`config`, `backends`, `doctor`, `repair`."""

from __future__ import annotations

from pathlib import Path

import pytest

import interstore
from interstore import discovery
from tests.cli.running import Run, run, run_terminal
from tests.unit.discovery.packages import installer


def test_config(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("DATABASE_TYPE=sqlite\nDATABASE_TIMEOUT=7\n")
    monkeypatch.setenv("DATABASE_PATH", "a.db")
    rows = {row["setting"]: row for row in run("config").rows}
    assert rows["type"]["from"] == "DATABASE_TYPE (in .env)"
    assert (rows["path"]["value"], rows["path"]["from"]) == ("a.db", "DATABASE_PATH")
    assert (rows["timeout"]["value"], rows["timeout"]["from"]) == (7, "DATABASE_TIMEOUT (in .env)")
    assert rows["jsonb"]["from"] == "default"
    assert rows["path"]["help"]
    rows = {row["setting"]: row for row in run("config", "-u", "sqlite:///b.db?timeout=8").rows}
    assert (rows["url"]["value"], rows["url"]["from"]) == ("sqlite:///b.db?timeout=8", "argument")
    assert (rows["path"]["value"], rows["path"]["from"]) == ("b.db", "URL")
    assert not Path("b.db").exists()
    assert "DATABASE_TIMEOUT (in .env)" in run_terminal("config", columns=120).out


def test_backends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = installer(tmp_path, monkeypatch)
    packages.install("cli-broken-store", "broken", "import no_such_module_anywhere")
    packages.install_engine(
        "cli-driven-store", "driven", "drivers=('no_such_driver',), install='driven[x]'"
    )
    rows = {row["name"]: row for row in run("backends").rows}
    assert rows["sqlite"]["package"] == "interstore"
    assert rows["sqlite"]["version"] == interstore.__version__
    assert rows["sqlite"]["driver"] == "there"
    assert "models" in rows["sqlite"]["capabilities"]
    assert rows["sqlite"]["problem"] is None
    assert "mock" in rows["json"]["aliases"]
    assert "no_such_module_anywhere" in rows["broken"]["problem"]
    assert rows["driven"]["driver"] == "missing: no_such_driver"
    assert 'pip install "driven[x]"' in rows["driven"]["problem"]
    shown = run_terminal("backends", columns=200)
    assert "sqlite" in shown.out


def test_doctor_is_content_and_leaves_nothing(cities: Run) -> None:
    found = run("doctor")
    assert (found.code, found.err) == (0, "")
    steps = [line.split("(")[0].split() for line in found.out.splitlines()]
    assert steps == [
        ["ok", "settings"],
        ["ok", "driver"],
        ["ok", "connect"],
        ["ok", "ping"],
        ["ok", "stats"],
        ["ok", "capabilities"],
        ["ok", "round", "trip"],
        ["all", "is", "well"],
    ]
    assert run("models").rows == [{"model": "city"}]


@pytest.mark.parametrize(
    ("url", "message", "cure"),
    [
        ("sqlit:", "did you mean 'sqlite'?", "interstore config"),
        ("sqlite:////dev/null/x/y.db", "/dev/null", ""),
        ("json:////dev/null/x", "/dev/null", ""),
        ("memory:?x=1", "no parameter of the URL 'x'", "interstore config"),
    ],
)
def test_doctor_finds_what_is_wrong(url: str, message: str, cure: str) -> None:
    found = run("doctor", "-u", url)
    assert found.code == 1
    lines = found.out.splitlines()
    failed = next(line for line in lines if line.startswith("FAILED"))
    assert message in failed
    assert cure in lines[-1]
    assert "well" not in found.out


def test_doctor_creates_no_model_where_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with interstore.connect("json:data") as store:
        store.create("users", {})
    monkeypatch.setenv("DATABASE_AUTO_CREATE", "false")
    found = run("doctor", "-u", "json:data")
    assert found.code == 0
    assert "skipped round trip" in found.out
    assert "all is well" in found.out
    assert run("models", "-u", "json:data").rows == [{"model": "users"}]
    assert run("doctor", "-u", "json:other").code == 1
    assert not Path("other").exists()


def test_a_dotenv_that_cannot_be_understood_is_not_passed_over() -> None:
    Path(".env").write_text("# ours\nDATABASE_TYPE='sqlite\nDATABASE_PASSWORD=hidden\n")
    found = run("config")
    assert found.code == 1
    assert ".env, line 2: this is not NAME=value" in found.err
    assert "sqlite" not in found.err
    Path(".env").write_text("other tool's line\nDATABASE_TYPE=sqlite\n")
    assert run("config").rows[0]["value"] == "sqlite"


def test_doctor_finds_a_missing_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = installer(tmp_path, monkeypatch)
    packages.install_engine(
        "cli-drives-store", "drives", "drivers=('no_such_driver',), install='drives[x]'"
    )
    found = run("doctor", "-u", "drives:")
    assert found.code == 1
    assert 'needs its driver (no_such_driver): pip install "drives[x]"' in found.out


def test_doctor_works_without_the_capability_to_drop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer(tmp_path, monkeypatch).install_engine("cli-plain-store", "plain")
    found = run("doctor", "-u", "plain:")
    assert (found.code, "all is well" in found.out) == (0, True)


def test_repair_needs_an_engine_that_has_it(url: str) -> None:
    if discovery.get(url.partition(":")[0]).repair is None:
        assert "has no repair" in run("repair").err
    assert "not by both" in run("repair", ".", "--url", url).err


def test_repair_after_an_edit_by_hand() -> None:
    with interstore.connect("json:shop") as store:
        store.create("city", {"id": "oslo", "name": "Oslo"})
    file = Path("shop/city.jsonl")
    file.write_text(file.read_text().replace('"Oslo"', '"Christiania"'))
    with pytest.raises(interstore.CorruptionError), interstore.connect("json:shop") as store:
        store.get("city", "oslo")
    mended = run("repair", "shop")
    assert (mended.code, "city.jsonl" in mended.out) == (0, True)
    with interstore.connect("json:shop") as store:
        assert store.get("city", "oslo")["name"] == "Christiania"
    assert run("repair", "shop").err == "nothing to repair\n"
