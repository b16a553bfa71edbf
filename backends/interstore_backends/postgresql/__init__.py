"""PostgreSQL: one table for each model, documents as ``jsonb``; natively async and sync.

The driver is psycopg 3 with its pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interstore.backend import Backend
from interstore.hookspecs import hookimpl
from interstore_backends.postgresql.settings import CAPABILITIES, LIMITS, PostgreSQLSettings

if TYPE_CHECKING:
    from interstore_backends.postgresql._async.database import AsyncPostgreSQLDatabase
    from interstore_backends.postgresql._sync.database import PostgreSQLDatabase

__all__ = ["interstore_backend"]


def _database(settings: PostgreSQLSettings) -> PostgreSQLDatabase:
    from interstore_backends.postgresql._sync.database import PostgreSQLDatabase

    return PostgreSQLDatabase(settings)


def _async_database(settings: PostgreSQLSettings) -> AsyncPostgreSQLDatabase:
    from interstore_backends.postgresql._async.database import AsyncPostgreSQLDatabase

    return AsyncPostgreSQLDatabase(settings)


@hookimpl
def interstore_backend() -> Backend:
    """The registration."""
    return Backend(
        name="postgresql",
        settings=PostgreSQLSettings,
        database=_database,
        async_database=_async_database,
        capabilities=CAPABILITIES,
        limits=LIMITS,
        schemes=("postgresql", "postgres"),
        aliases=("postgres",),
        drivers=("psycopg", "psycopg_pool"),
        install="interstore[postgresql]",
    )
