"""MongoDB: one collection for each model, the user's fields at the root of its documents.

Natively async and sync; the driver is pymongo, with the asynchronous client of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from interstore.backend import Backend
from interstore.hookspecs import hookimpl
from interstore_backends.mongodb.settings import CAPABILITIES, LIMITS, MongoDBSettings

if TYPE_CHECKING:
    from interstore._async.database import AsyncDatabase
    from interstore._sync.database import Database

__all__ = ["interstore_backend"]


def _database(settings: MongoDBSettings) -> Database:
    from interstore_backends.mongodb._sync.database import MongoDBDatabase

    primary = MongoDBDatabase(settings)
    if settings.read_preference == "primary":
        return primary
    from interstore._sync.replicated import Replicated
    from interstore_backends.mongodb._sync.replicas import Members

    members = [(Members(primary), settings.place)]
    return cast("Database", Replicated(primary, members, falls_back=False))


def _async_database(settings: MongoDBSettings) -> AsyncDatabase:
    from interstore_backends.mongodb._async.database import AsyncMongoDBDatabase

    primary = AsyncMongoDBDatabase(settings)
    if settings.read_preference == "primary":
        return primary
    from interstore._async.replicated import AsyncReplicated
    from interstore_backends.mongodb._async.replicas import AsyncMembers

    members = [(AsyncMembers(primary), settings.place)]
    return cast("AsyncDatabase", AsyncReplicated(primary, members, falls_back=False))


@hookimpl
def interstore_backend() -> Backend:
    """The registration."""
    return Backend(
        name="mongodb",
        settings=MongoDBSettings,
        database=_database,
        async_database=_async_database,
        capabilities=CAPABILITIES,
        limits=LIMITS,
        schemes=("mongodb", "mongodb+srv"),
        aliases=("mongo",),
        drivers=("pymongo",),
        install="interstore[mongodb]",
    )
