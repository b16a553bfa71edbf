"""The servers of a run: started when the first suite asks for them, stopped at its end."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import Self

from tests.servers import azure, cosmosdb, mongodb, postgresql, s3, valkey
from tests.servers.azure import Azure
from tests.servers.cosmosdb import CosmosDB
from tests.servers.databases import PostgreSQL
from tests.servers.mongodb import MongoDB
from tests.servers.s3 import S3
from tests.servers.valkey import Valkey

__all__ = ["Servers"]


class Servers:
    """A context manager; each attribute starts its server.

    Raises:
        ServerUnavailable: it could not be started or reached.
    """

    def __init__(self) -> None:
        self._running = ExitStack()

    @cached_property
    def postgresql(self) -> PostgreSQL:
        return self._running.enter_context(postgresql.running())

    @cached_property
    def mongodb(self) -> MongoDB:
        """A replica set of one member."""
        return self._running.enter_context(mongodb.running())

    @cached_property
    def s3(self) -> S3:
        return self._running.enter_context(s3.running())

    @cached_property
    def azure(self) -> Azure:
        return self._running.enter_context(azure.running())

    @cached_property
    def valkey(self) -> Valkey:
        return self._running.enter_context(valkey.running())

    @cached_property
    def cosmosdb(self) -> CosmosDB:
        """An account whose containers have four physical partitions."""
        return self._running.enter_context(cosmosdb.running())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._running.close()
