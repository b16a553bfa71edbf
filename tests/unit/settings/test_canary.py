"""A password goes in by every way there is, and comes out by none."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

import interstore
from interstore.backend import Backend
from interstore.cli import main
from interstore.connection import settings_in_force
from interstore.errors import InterstoreError, UnavailableError
from interstore.settings import URL, Secret, Settings, env
from tests.cli.running import runner
from tests.tiny import TinyDatabase
from tests.unit.settings.engines import register

PASSWORD = "k3nary/p@ss w%rd"
ENCODED = "k3nary%2Fp%40ss%20w%25rd"
TRACES = ("k3nary", "p@ss", "p%40ss", "w%rd")


class LeakySettings(Settings, kw_only=True, frozen=True):
    host: Annotated[str, env("DATABASE_HOST")] = "h"
    username: Annotated[str | None, env("DATABASE_USERNAME")] = None
    password: Annotated[Secret | None, env("DATABASE_PASSWORD")] = None
    port: Annotated[int, env("DATABASE_PORT")] = 1
    fails: Annotated[str, env("LEAKY_FAILS")] = ""

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        if url.query.get("fails") == "from_url":
            raise ValueError(f"cannot parse {url.raw.reveal()}")
        return super().from_url(url)

    def __post_init__(self) -> None:
        if self.fails == "settings":
            raise ValueError(f"password {self.dsn()} is too odd")

    def dsn(self) -> str:
        password = self.password.reveal() if self.password else ""
        return f"leaky://user:{password}@h or leaky://user:{ENCODED}@h"


class LeakyDatabase(TinyDatabase):
    name = "leaky"

    def __init__(self, settings: LeakySettings) -> None:
        super().__init__()
        self._settings = settings
        self._raise("make")

    def connect(self) -> None:
        self._raise("connect")
        self._raise("driver")

    def _raise(self, where: str) -> None:
        if self._settings.fails != where:
            return
        try:
            raise OSError(f"driver: {self._settings.dsn()}")
        except OSError as error:
            if where == "driver":
                raise
            problem = UnavailableError(f"{where} {self._settings.dsn()}", backend="leaky")
            problem.add_note(self._settings.dsn())
            raise problem from error


FAILURES = ("", "settings", "make", "connect", "driver", "from_url")
WAYS = ("url", "DATABASE_URL", "variables", "dotenv", "option", "secret")


@pytest.fixture(autouse=True)
def _leaky(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend(
        name="leaky", settings=LeakySettings, database=LeakyDatabase, drivers=("json",)
    )
    register(monkeypatch, backend)


@pytest.fixture
def arguments(way: str, failure: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Give the password in one way; what `connect` is then called with."""
    url = f"leaky://user:{ENCODED}@h?fails={failure}"
    monkeypatch.setenv("DATABASE_TYP", "leaky")  # also a warning
    if way == "url":
        return {"url": url}
    if way == "DATABASE_URL":
        monkeypatch.setenv("DATABASE_URL", url)
        return {}
    if way == "dotenv":
        Path(".env").write_text(f"DATABASE_URL='{url}'\n")
        return {}
    monkeypatch.setenv("DATABASE_TYPE", "leaky")
    monkeypatch.setenv("LEAKY_FAILS", failure)
    if way == "variables":
        monkeypatch.setenv("DATABASE_PASSWORD", PASSWORD)
        return {}
    return {"password": Secret(PASSWORD) if way == "secret" else PASSWORD}


def _texts(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield from traceback.format_exception_only(error)
        yield repr(error)
        yield repr(vars(error))
        assert error.__cause__ is None
        error = error.__context__


def _check(texts: list[str]) -> None:
    for text in texts:
        for trace in TRACES:
            assert trace not in text


def _attempt(action: Callable[[], Any], caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            texts = [repr(action())]
        except InterstoreError as error:
            texts = [*_texts(error), *_texts(pickle.loads(pickle.dumps(error)))]
    return [*texts, *(str(each.message) for each in warned), caplog.text]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("failure", FAILURES)
def test_connecting(
    arguments: dict[str, Any], failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    def connect() -> Any:
        with interstore.connect(**arguments) as store:
            return store, store.database.database, store.stats

    async def connect_async() -> Any:
        async with interstore.connect_async(**arguments) as store:
            return store

    texts = [
        *_attempt(connect, caplog),
        *_attempt(lambda: asyncio.run(connect_async()), caplog),
        *_attempt(lambda: settings_in_force(**arguments), caplog),
    ]
    assert any("DATABASE_TYPE?" in text for text in texts)
    if failure in ("make", "connect", "driver"):
        assert any("***" in text and "leaky" in text for text in texts)
    _check(texts)


@pytest.mark.parametrize("way", ["url", "DATABASE_URL", "variables", "dotenv"])
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(
    "command", [["config"], ["doctor"], ["models"], ["find", "x"], ["backends"], ["repair"]]
)
def test_commands(command: list[str], arguments: dict[str, Any], failure: str) -> None:
    options = [] if command == ["backends"] else [f"--url={url}" for url in arguments.values()]
    result = runner().invoke(main, [*command, *options])
    assert isinstance(result.exception, SystemExit | None)
    _check([result.stdout, result.stderr])
    if command == ["doctor"]:
        assert ("all is well" in result.output) != ("FAILED" in result.output)


def test_config_hides_it_and_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_TYPE", "leaky")
    monkeypatch.setenv("DATABASE_PASSWORD", PASSWORD)
    result = runner().invoke(main, ["config"])
    rows = {row["setting"]: row for row in map(json.loads, result.stdout.splitlines())}
    assert rows["password"]["value"] == "***"
    assert rows["password"]["from"] == "DATABASE_PASSWORD"
    assert rows["username"]["value"] is None


@pytest.mark.parametrize(
    "url",
    [
        f"leaky://user:{PASSWORD}@h",
        f"leaky://user:x#{PASSWORD}@h",
        f"leaky:user:{PASSWORD}@h",
        f"user:{PASSWORD}@h",
        PASSWORD,
        f"leaky://user@{PASSWORD}",
        f"nosuch://user:{ENCODED}@h",
        f"leaky://user:{ENCODED}@h/db",
        f"leaky://user:{ENCODED}@h?no_such={ENCODED}",
        f"sqlite://user:{ENCODED}@h/x",
        f"json://:{ENCODED}@",
    ],
)
def test_malformed_urls(
    url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = _attempt(lambda: interstore.connect(url), caplog)
    assert any("ConfigurationError" in text for text in texts)
    for name in ("DATABASE_URL", "DATABASE_TYPE"):
        monkeypatch.setenv(name, url)
        texts += _attempt(interstore.connect, caplog)
        monkeypatch.delenv(name)
    _check(texts)
