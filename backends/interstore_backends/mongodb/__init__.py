"""MongoDB: one collection for each model, the user's fields at the root of its documents.

Natively async and sync; the driver is pymongo, with the asynchronous client of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interstore.backend import Backend
from interstore.hookspecs import hookimpl
from interstore_backends.mongodb.settings import CAPABILITIES, LIMITS, MongoDBSettings

if TYPE_CHECKING:
    from interstore_backends.mongodb._async.database import AsyncMongoDBDatabase
    from interstore_backends.mongodb._sync.database import MongoDBDatabase

__all__ = ["interstore_backend"]


def _database(settings: MongoDBSettings) -> MongoDBDatabase:
    from interstore_backends.mongodb._sync.database import MongoDBDatabase

    return MongoDBDatabase(settings)


def _async_database(settings: MongoDBSettings) -> AsyncMongoDBDatabase:
    from interstore_backends.mongodb._async.database import AsyncMongoDBDatabase

    return AsyncMongoDBDatabase(settings)


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
