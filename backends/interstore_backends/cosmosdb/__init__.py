"""Azure Cosmos DB (API for NoSQL): one container for each model, partitioned by the id.

Natively async and sync; the driver is azure-cosmos, with the asynchronous client of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interstore.backend import Backend
from interstore.hookspecs import hookimpl
from interstore_backends.cosmosdb.settings import CAPABILITIES, LIMITS, CosmosDBSettings

if TYPE_CHECKING:
    from interstore_backends.cosmosdb._async.database import AsyncCosmosDBDatabase
    from interstore_backends.cosmosdb._sync.database import CosmosDBDatabase

__all__ = ["interstore_backend"]


def _database(settings: CosmosDBSettings) -> CosmosDBDatabase:
    from interstore_backends.cosmosdb._sync.database import CosmosDBDatabase

    return CosmosDBDatabase(settings)


def _async_database(settings: CosmosDBSettings) -> AsyncCosmosDBDatabase:
    from interstore_backends.cosmosdb._async.database import AsyncCosmosDBDatabase

    return AsyncCosmosDBDatabase(settings)


@hookimpl
def interstore_backend() -> Backend:
    """The registration."""
    return Backend(
        name="cosmosdb",
        settings=CosmosDBSettings,
        database=_database,
        async_database=_async_database,
        capabilities=CAPABILITIES,
        limits=LIMITS,
        schemes=("cosmosdb",),
        aliases=("cosmos",),
        drivers=("azure.cosmos",),
        install="interstore[cosmosdb]",
    )
