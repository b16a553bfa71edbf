"""The kit on Azure Cosmos DB: two physical partitions, so answers are merged.

Each operation is requests over HTTP. So on a default run, each flavour, being of one source, has a
part of the kit: with asyncio what is written differently there, single writes and waiting.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from interstore._async.database import AsyncDatabase
from interstore._compat_async import ASYNC
from interstore.testing import AsyncConformance
from tests.databases import cosmosdb_async
from tests.servers.cosmosdb import CosmosDB

if ASYNC:
    from interstore.testing._async.crud import AsyncCrudSuite
    from interstore.testing._async.locking import AsyncLockingSuite
    from interstore.testing._async.updates import AsyncUpdateSuite
    from interstore.testing._async.watching import AsyncWatchSuite
else:
    from interstore.testing._async.aggregates import AsyncAggregateSuite
    from interstore.testing._async.bulk import AsyncBulkSuite
    from interstore.testing._async.expiry import AsyncExpirySuite
    from interstore.testing._async.filters import AsyncFilterSuite
    from interstore.testing._async.order import AsyncOrderSuite


class OnCosmosDB:
    @pytest.fixture
    def cosmosdb_url(self, cosmosdb_server: CosmosDB) -> Iterator[str]:
        with cosmosdb_server.database(partitions=2) as url:
            yield url

    @pytest.fixture
    def database(self, cosmosdb_url: str) -> AsyncDatabase:
        return cosmosdb_async(cosmosdb_url)

    @pytest.fixture
    def second_database(self, cosmosdb_url: str) -> AsyncDatabase:
        return cosmosdb_async(cosmosdb_url)


if ASYNC:

    class TestCosmosDB(
        OnCosmosDB, AsyncCrudSuite, AsyncLockingSuite, AsyncUpdateSuite, AsyncWatchSuite
    ): ...

else:

    class TestCosmosDB(
        OnCosmosDB, AsyncAggregateSuite, AsyncBulkSuite, AsyncExpirySuite, AsyncFilterSuite,
        AsyncOrderSuite,
    ): ...  # fmt: skip


@pytest.mark.long
class TestAllOfCosmosDB(OnCosmosDB, AsyncConformance): ...
