"""Where each value comes from, and what is refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

import pytest

import interstore
from interstore.backend import Backend
from interstore.connection import settings_in_force
from interstore.errors import ConfigurationError
from interstore.settings import Secret, Settings, env
from interstore.warnings import InterstoreWarning
from tests.unit.settings.engines import SERVER, ServerSettings, make, register, resolved


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, SERVER)


PARTS = {
    "DATABASE_TYPE": "server",
    "DATABASE_HOST": "env-host",
    "DATABASE_PORT": "5",
    "DATABASE_USER": "env-user",
    "DATABASE_PASSWORD": "env-password",
    "DATABASE_TIMEOUT": "6",
}


def test_parts_of_the_environment() -> None:
    found = resolved(process=PARTS)
    assert found.settings == ServerSettings(
        host="env-host",
        port=5,
        username="env-user",
        password=Secret("env-password"),
        timeout=6.0,
    )
    assert found.origins["port"] == "DATABASE_PORT"
    assert found.origins["username"] == "DATABASE_USER"
    assert found.origins["name"] == "default"
    assert found.secrets == (Secret("env-password"),)


def test_arguments_before_url_before_variables_before_default() -> None:
    found = resolved("srv://url-host?timeout=7", process=PARTS, ssl="disable", timeout=8)
    assert found.settings == ServerSettings(host="url-host", timeout=8.0, ssl="disable")
    assert dict(found.origins) == {
        "host": "URL",
        "port": "default",
        "name": "default",
        "username": "default",
        "password": "default",
        "timeout": "argument",
        "ssl": "argument",
    }


def test_a_url_says_where_even_by_what_it_leaves_out() -> None:
    process = {**PARTS, "DATABASE_URL": "srv://url-host"}
    found = resolved(process=process)
    # Not the port of the environment's parts, but its credentials and its tuning.
    assert found.settings == ServerSettings(
        host="url-host", username="env-user", password=Secret("env-password"), timeout=6.0
    )


def test_credentials_are_not_sent_to_a_place_that_an_argument_names() -> None:
    found = resolved("srv://elsewhere", process=PARTS)
    assert found.settings == ServerSettings(host="elsewhere", timeout=6.0)


def test_parts_of_another_engine_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    process = {**PARTS, "DATABASE_TYPE": "sqlite"}
    assert resolved(type="server", process=process).settings == ServerSettings(timeout=6.0)
    assert resolved(type="server", process={**PARTS, "DATABASE_TYPE": ""}).origins["host"] == (
        "DATABASE_HOST"
    )


def test_urls_and_native_connection_strings() -> None:
    found = resolved("srv://u%40:p%2Fw@h:1/db?sslmode=disable")
    assert found.settings == ServerSettings(
        host="h", port=1, name="db", username="u@", password=Secret("p/w"), ssl="disable"
    )
    assert resolved("host=h;port=7", "server").settings == ServerSettings(host="h", port=7)


@pytest.mark.parametrize(
    ("url", "options", "message"),
    [
        ("srv://h", {"pasword": "x"}, "no option 'pasword'; did you mean 'password'? (known are"),
        ("srv://h?time_out=5", {}, "no parameter of the URL 'time_out'; did you mean 'timeout'?"),
        ("srv://h?timeout=5s", {}, "timeout in the URL '5s' is not a number, at least 0"),
        ("srv://h", {"port": "abc"}, "the argument port= 'abc' is not an integer"),
        ("json://host/x", {}, "names a file, not a host"),
        ("memory:", {"x": 1}, "memory has no option 'x' (known are none)"),
    ],
)
def test_refusals(url: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolved(url, **options)
    assert message in str(caught.value)


def test_a_wrong_variable_is_named_with_its_place() -> None:
    with pytest.raises(ConfigurationError, match=r"DATABASE_PORT \(in .env\) 'abc' is not an int"):
        resolved(process={"DATABASE_TYPE": "server"}, dotenv={"DATABASE_PORT": "abc"})
    with pytest.raises(ConfigurationError, match="DATABASE_USERNAME and DATABASE_USER are two"):
        resolved(process={**PARTS, "DATABASE_USERNAME": "other"})


class _Needy(Settings, kw_only=True, frozen=True):
    folder: Annotated[str, env("NEEDY_FOLDER")]
    size: int = 1

    def __post_init__(self) -> None:
        if self.size > 5:
            raise ValueError("size is beyond 5")


def test_required_settings_and_contradictions(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, Backend(name="needy", settings=_Needy, database=make))
    with pytest.raises(ConfigurationError, match=r"needy needs folder: set NEEDY_FOLDER, or pass"):
        resolved(type="needy")
    with pytest.raises(ConfigurationError, match="needy: size is beyond 5"):
        resolved(type="needy", folder="x", size=6)
    assert resolved("needy:?folder=x&size=2").settings == _Needy(folder="x", size=2)


# Warnings, the working directory, and connecting.


def test_the_default_warns_once_with_the_absolute_path() -> None:
    with pytest.warns(InterstoreWarning) as caught, interstore.connect() as store:
        assert store.database.name == "json"
    [warning] = caught
    assert str(Path.cwd() / "data") in str(warning.message)
    assert warning.filename == __file__


def test_what_was_said_is_not_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings(action="error"):
        settings_in_force(data_dir="here")
        settings_in_force("json:")
        monkeypatch.setenv("DATABASE_TYPE", "mock")
        settings_in_force()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DATABASE_PASWORD", "DATABASE_PASSWORD"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("DATABASE_HOSTS", "DATABASE_HOST"),
        ("DATABASE_TYP", "DATABASE_TYPE"),
        ("DATABASE_DATADIR", "DATABASE_DATA_DIR"),
    ],
)
def test_typos_in_variables(name: str, meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "CANARY")
    with pytest.warns(InterstoreWarning, match=f"{name} is not .*{meant}") as caught:
        settings_in_force("memory:")
    assert "CANARY" not in str(caught[0].message)


def test_other_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_ROUTERS", "x")
    monkeypatch.setenv("DATABASE_PATH", "for another engine")
    monkeypatch.setenv("XDATABASE_TYP", "x")
    with warnings.catch_warnings(action="error"):
        settings_in_force("memory:")


def test_dotenv_of_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("DATABASE_TYPE=sqlite\nDATABASE_PATH='a b.db' # x\nDATABASE_TIMEOUT=5")
    monkeypatch.setenv("DATABASE_TIMEOUT", "6")
    found = settings_in_force()
    assert found.choice.origin == "DATABASE_TYPE (in .env)"
    assert (found.origins["path"], found.origins["timeout"]) == (
        "DATABASE_PATH (in .env)",
        "DATABASE_TIMEOUT",
    )
    assert getattr(found.settings, "path", None) == "a b.db"
    monkeypatch.chdir("/")
    assert settings_in_force("memory:").settings is not None


def test_dotenv_that_cannot_be_read() -> None:
    Path(".env").write_bytes(b"DATABASE_PASSWORD=CANARY\xff")
    with pytest.raises(
        ConfigurationError, match=r"\.env cannot be read: it is not UTF-8"
    ) as caught:
        settings_in_force("memory:")
    assert caught.value.__context__ is None
    Path(".env").unlink()
    Path(".env").mkdir()  # some call their virtual environment so
    settings_in_force("memory:")


def test_connect_with_a_database_of_ones_own() -> None:
    from tests.tiny import TinyDatabase

    with interstore.connect(database=TinyDatabase()) as store:
        assert store.create("city", {"id": "x"}).version == 1
    with pytest.raises(ConfigurationError, match="database= brings an engine"):
        interstore.connect("memory:", database=TinyDatabase())


async def test_connect_async_both_ways() -> None:
    async with interstore.connect_async("memory:") as store:
        assert (await store.create("city", {"id": "x"})).version == 1
    store = interstore.connect_async(type="sqlite", path=":memory:")
    await store.connect()
    assert await store.count("city") == 0
    await store.close()
    with pytest.raises(ConfigurationError, match="no option"):
        interstore.connect_async("memory:", nonsense=1)
