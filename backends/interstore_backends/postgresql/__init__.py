"""PostgreSQL: one table for each model, documents as ``jsonb``; natively async and sync.

The driver is psycopg 3 with its pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from interstore.backend import Backend
from interstore.hookspecs import hookimpl
from interstore_backends.postgresql.settings import CAPABILITIES, LIMITS, PostgreSQLSettings

if TYPE_CHECKING:
    from interstore._async.database import AsyncDatabase
    from interstore._sync.database import Database

__all__ = ["interstore_backend"]


def _database(settings: PostgreSQLSettings) -> Database:
    from interstore_backends.postgresql._sync.database import PostgreSQLDatabase

    primary = PostgreSQLDatabase(settings)
    if settings.read_urls is None:
        return primary
    from interstore._sync.replicated import Replicated
    from interstore_backends.postgresql._sync.replicas import Replica

    replicas = [(Replica(each), each.place) for each in settings.replicas]
    return cast("Database", Replicated(primary, replicas))


def _async_database(settings: PostgreSQLSettings) -> AsyncDatabase:
    from interstore_backends.postgresql._async.database import AsyncPostgreSQLDatabase

    primary = AsyncPostgreSQLDatabase(settings)
    if settings.read_urls is None:
        return primary
    from interstore._async.replicated import AsyncReplicated
    from interstore_backends.postgresql._async.replicas import AsyncReplica

    replicas = [(AsyncReplica(each), each.place) for each in settings.replicas]
    return cast("AsyncDatabase", AsyncReplicated(primary, replicas))


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
