"""The PostgreSQL engine: life, and what it declares."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from copy import copy
from typing import TYPE_CHECKING, Self

from psycopg_pool import AsyncConnectionPool

from interstore.transactions import Isolation
from interstore_backends.postgresql._async.inspection import AsyncInspection
from interstore_backends.postgresql._async.statements import AsyncConnection, AsyncStatements
from interstore_backends.postgresql._async.watching import AsyncWatching
from interstore_backends.postgresql.settings import CAPABILITIES, LIMITS

if TYPE_CHECKING:
    from interstore.foreign import ForeignSource
    from interstore_backends.postgresql._async.foreign import AsyncPostgreSQLForeign

__all__ = ["AsyncPostgreSQLDatabase"]


class AsyncPostgreSQLDatabase(AsyncInspection, AsyncWatching):
    """A schema of one PostgreSQL database."""

    name = "postgresql"
    capabilities = CAPABILITIES
    limits = LIMITS

    async def connect(self) -> None:
        await self._connections.open()

    async def disconnect(self) -> None:
        await self._connections.close()
        self._models.known.clear()

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Self]:
        """This database on one connection of the pool, which it keeps."""
        async with self._connections.session() as connections:
            yield self if connections is self._connections else self._over(connections)

    @asynccontextmanager
    async def transaction(self, isolation: Isolation) -> AsyncGenerator[Self]:
        """This database in a transaction, on a connection of the pool."""
        async with self._connections.transacted(isolation) as connections:
            yield self._over(connections, transacted=True)

    def _over(self, connections: AsyncStatements, *, transacted: bool = False) -> Self:
        """This database, by other connections."""
        database = copy(self)
        database._connections = connections
        database._models = self._models.over(connections, apart=transacted)
        database._transacted = transacted
        return database

    async def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""
        with self._translated(model):
            return await self._models.drop(model)

    def foreign(self, source: ForeignSource) -> AsyncPostgreSQLForeign:
        """A table or a view that others made in the database."""
        from interstore_backends.postgresql._async.foreign import AsyncPostgreSQLForeign

        return AsyncPostgreSQLForeign(source, self._connections, self._models, self._settings)

    @property
    def native(self) -> AsyncConnectionPool[AsyncConnection]:
        """The driver's pool: ``with store.native.connection() as connection: ...``.

        Its connections are in autocommit mode, and give jsonb and timestamptz as texts.
        """
        return self._connections.pool
