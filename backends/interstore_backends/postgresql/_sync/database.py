# Generated from backends/interstore_backends/postgresql/_async/database.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 99f47136b1c146aa8372c28b

"""The PostgreSQL engine: life, and what it declares."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Self

from psycopg_pool import ConnectionPool

from interstore.transactions import Isolation
from interstore_backends.postgresql._sync.inspection import Inspection
from interstore_backends.postgresql._sync.statements import Connection, Statements
from interstore_backends.postgresql._sync.watching import Watching
from interstore_backends.postgresql.settings import CAPABILITIES, LIMITS

if TYPE_CHECKING:
    from interstore.foreign import ForeignSource
    from interstore_backends.postgresql._sync.foreign import PostgreSQLForeign

__all__ = ["PostgreSQLDatabase"]


class PostgreSQLDatabase(Inspection, Watching):
    """A schema of one PostgreSQL database."""

    name = "postgresql"
    capabilities = CAPABILITIES
    limits = LIMITS

    def connect(self) -> None:
        self._connections.open()

    def disconnect(self) -> None:
        self._connections.close()
        self._models.known.clear()

    @contextmanager
    def session(self) -> Generator[Self]:
        """This database on one connection of the pool, which it keeps."""
        with self._connections.session() as connections:
            yield self if connections is self._connections else self._over(connections)

    @contextmanager
    def transaction(self, isolation: Isolation) -> Generator[Self]:
        """This database in a transaction, on a connection of the pool."""
        with self._connections.transacted(isolation) as connections:
            yield self._over(connections, transacted=True)

    def _over(self, connections: Statements, *, transacted: bool = False) -> Self:
        """This database, by other connections."""
        database = copy(self)
        database._connections = connections
        database._models = self._models.over(connections, apart=transacted)
        database._transacted = transacted
        return database

    def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""
        with self._translated(model):
            return self._models.drop(model)

    def foreign(self, source: ForeignSource) -> PostgreSQLForeign:
        """A table or a view that others made in the database."""
        from interstore_backends.postgresql._sync.foreign import PostgreSQLForeign

        return PostgreSQLForeign(source, self._connections, self._models, self._settings)

    @property
    def native(self) -> ConnectionPool[Connection]:
        """The driver's pool: ``with store.native.connection() as connection: ...``.

        Its connections are in autocommit mode, and give jsonb and timestamptz as texts.
        """
        return self._connections.pool
