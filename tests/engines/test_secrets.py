"""A password goes to real servers by every way there is, and comes out by none."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

import interstore
from interstore.connection import settings_in_force
from interstore.errors import InterstoreError
from tests.cli.running import run
from tests.patience import no_hang
from tests.servers.databases import PostgreSQL
from tests.servers.mongodb import MongoDB, running
from tests.servers.process import ServerUnavailable, free_port
from tests.servers.proxy import Proxy

WRONG = "k3nary/p@ss w%rd"
RIGHT = "correct horse"
TRACES = ("k3nary", "p@ss", "p%40ss", "w%rd", "w%25rd", "correct horse", "correct%20horse")

# The driver of MongoDB leaves sockets that were not connected to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def mongodb_guarded() -> Iterator[MongoDB]:
    try:
        with running(replica_set=False, password=RIGHT) as server:
            yield server
    except ServerUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(params=["postgresql", "mongodb"])
def place(request: pytest.FixtureRequest) -> Iterator[tuple[str, Proxy]]:
    """The scheme, and a proxy before a server on which `guarded` has a password."""
    if request.param == "mongodb":
        server: MongoDB | PostgreSQL = request.getfixturevalue("mongodb_guarded")
    else:
        server = request.getfixturevalue("postgresql_server")
        if server.process is None:
            pytest.skip("a server of your own has no user for this")
        with server.database():  # makes the user
            pass
    with Proxy(*server.address) as proxy:
        yield request.param, proxy


def ways(scheme: str, port: int, password: str, name: str = "") -> Iterator[dict[str, Any]]:
    """What `connect` may be given."""
    name = name or {"postgresql": "postgres", "mongodb": "admin"}[scheme]
    yield {"url": f"{scheme}://guarded:{quote(password, safe='')}@127.0.0.1:{port}/{name}"}
    parts = {"host": "127.0.0.1", "port": port, "name": name, "username": "guarded"}
    yield {"type": scheme, "password": password, **parts}
    if scheme == "postgresql":
        text = f"host=127.0.0.1 port={port} dbname={name} user=guarded password='{password}'"
        yield {"type": scheme, "url": text}


def texts(error: BaseException | None) -> Iterator[str]:
    """All that can be learned of an error, and of those behind it."""
    while error is not None:
        yield "".join(traceback.format_exception(error))
        yield repr(error) + repr(vars(error)) + str(error)
        error = error.__cause__ or error.__context__


def attempt(action: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as warned, no_hang():
        warnings.simplefilter("always")
        try:
            found = [repr(action())]
        except InterstoreError as error:
            found = [*texts(error), *texts(pickle.loads(pickle.dumps(error)))]
    return [*found, *(str(each.message) for each in warned)]


def use(**arguments: Any) -> list[str]:
    with interstore.connect(**arguments, timeout=1.0) as store:
        store.put("secrets", {"id": "a"})
        shown = [repr(store), repr(store.database), repr(store.stats()), repr(vars(store))]
        shown += [repr(getattr(store.database.database, "_settings", None))]
        store.drop("secrets")
        return shown


async def use_async(**arguments: Any) -> list[str]:
    async with interstore.connect_async(**arguments, timeout=1.0) as store:
        await store.put("secrets", {"id": "a"})
        shown = [repr(store), repr(store.database), repr(await store.stats())]
        await store.drop("secrets")
        return shown


def run_async(**arguments: Any) -> list[str]:
    return asyncio.run(use_async(**arguments))


@pytest.mark.parametrize("fault", ["none", "wrong password", "wrong name", "refused", "hung"])
def test_no_secret_is_shown(
    place: tuple[str, Proxy], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    for logger in (None, "psycopg", "psycopg.pool", "pymongo", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=logger)
    scheme, proxy = place
    port = free_port() if fault == "refused" else proxy.port
    if fault == "hung":
        proxy.blackhole()
    password = WRONG if fault == "wrong password" else RIGHT
    # To MongoDB, a name where nobody knows the user is as good as one that does not exist.
    name = "nosuch" if fault == "wrong name" else ""
    shown: list[str] = []
    for arguments in ways(scheme, port, password, name):
        opened = attempt(partial(use, **arguments))
        assert ("<Store" in opened[0]) is (fault == "none") or fault == "wrong name"
        shown += opened
        shown += attempt(partial(run_async, **arguments))
        if fault == "hung":  # which takes libpq two seconds
            break
        shown += attempt(partial(settings_in_force, **arguments))
    shown.append(caplog.text)
    shown += [repr(record.__dict__) for record in caplog.records]
    for text in shown:
        for trace in TRACES:
            assert trace not in text, f"{trace!r} in {text[:2000]}"


def test_commands(place: tuple[str, Proxy], monkeypatch: pytest.MonkeyPatch) -> None:
    scheme, proxy = place
    monkeypatch.setenv("DATABASE_TIMEOUT", "1")
    for password, healthy in ((RIGHT, True), (WRONG, False)):
        url = next(ways(scheme, proxy.port, password))["url"]
        for command in ("config", "doctor", "models"):
            for environment in (False, True):
                if environment:
                    monkeypatch.setenv("DATABASE_URL", url)
                result = run(command, *([] if environment else ["--url", url]))
                monkeypatch.delenv("DATABASE_URL", raising=False)
                for trace in TRACES:
                    assert trace not in result.out + result.err
                assert (result.code == 0) is (healthy or command == "config")
