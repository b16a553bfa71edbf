"""A server with an empty database, reached directly or through a proxy that misbehaves."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest

from interstore._async.database import AsyncDatabase
from interstore._async.store import AsyncStore
from interstore._sync.database import Database
from interstore._sync.store import Store
from tests.patience import eventually
from tests.servers.cosmosdb import CosmosDB
from tests.servers.databases import PostgreSQL
from tests.servers.mongodb import MongoDB
from tests.servers.process import ServerProcess
from tests.servers.proxy import Proxy

__all__ = ["Engine", "Served", "Server"]

Server: TypeAlias = PostgreSQL | MongoDB | CosmosDB


@dataclass(frozen=True)
class Engine:
    """An engine whose data a server keeps.

    Attributes:
        name: also the beginning of its fixtures' names in `tests.servers.plugin`.
        open: makes a database of a URL and settings.
        open_async: the same, of the other flavour.
        settings: what every test gives it, unless it says otherwise.
        many: documents that take a while to read, and not too long to write.
        lasting: whether the tests' server has its data still after it was killed.
        encrypts: whether it speaks TLS behind a proxy that does.
    """

    name: str
    open: Callable[..., Database]
    open_async: Callable[..., AsyncDatabase]
    settings: dict[str, Any]
    many: int = 20_000
    lasting: bool = True
    encrypts: bool = True


class Served:
    """One engine, its server, and an empty database on it.

    Attributes:
        engine: the engine.
        server: the server.
        url: the database's.
        proxy: stands before the server for what is opened with `proxied=True`.
    """

    def __init__(self, engine: Engine, server: Server, url: str, proxy: Proxy) -> None:
        self.engine = engine
        self.server = server
        self.url = url
        self.proxy = proxy

    @property
    def process(self) -> ServerProcess:
        """The server's process; what is done to it is undone after the test."""
        if self.server.process is None:
            pytest.skip("a server of your own is not killed or stopped")
        return self.server.process

    def need_lasting_data(self) -> None:
        """Skip the test where killing the server takes the data with it."""
        if not self.engine.lasting:
            pytest.skip("the tests' own account holds its data in memory")

    @property
    def database_name(self) -> str:
        return urlsplit(self.url).path.lstrip("/")

    @property
    def proxied_url(self) -> str:
        return self.server.url(self.database_name, port=self.proxy.port)

    def store(self, *, proxied: bool = False, **settings: Any) -> Store:
        """A store on the database, not connected yet.

        Args:
            proxied: through the proxy.
            **settings: the engine's.
        """
        url = self.proxied_url if proxied else self.url
        return Store(self.engine.open(url, **self.engine.settings | settings))

    def store_async(self, *, proxied: bool = False, **settings: Any) -> AsyncStore:
        """The same, of the other flavour."""
        url = self.proxied_url if proxied else self.url
        return AsyncStore(self.engine.open_async(url, **self.engine.settings | settings))

    def heal(self) -> None:
        """Undo whatever was done to the server and the way there."""
        self.proxy.restore()
        if self.server.process is not None:
            self.server.process.heal()

    def check_no_connection_left(self) -> None:
        """Every connection through the proxy has ended, a little after its store was closed.

        Those that were never completed, MongoDB's driver leaves to the garbage collector. Not
        to be called on an event loop, which has to close them.
        """

        def ended() -> None:
            gc.collect()
            assert self.proxy.open == 0, f"{self.proxy.open} connections were left open"

        eventually(ended, 10)
