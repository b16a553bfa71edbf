"""The kit on Azure Cosmos DB: two physical partitions, so answers are merged.

Each operation is requests over HTTP. So on a default run, one flavour has all of the kit, and the
other what does not take minutes.
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
    from interstore.testing._async.aggregates import AsyncAggregateSuite
    from interstore.testing._async.bulk import AsyncBulkSuite
    from interstore.testing._async.crud import AsyncCrudSuite
    from interstore.testing._async.declarations import AsyncDeclarationSuite
    from interstore.testing._async.differential import AsyncDifferentialSuite
    from interstore.testing._async.envelope import AsyncEnvelopeSuite
    from interstore.testing._async.expiry import AsyncExpirySuite
    from interstore.testing._async.filters import AsyncFilterSuite
    from interstore.testing._async.indexes import AsyncIndexSuite
    from interstore.testing._async.inspection import AsyncInspectionSuite
    from interstore.testing._async.isolation import AsyncIsolationSuite
    from interstore.testing._async.locking import AsyncLockingSuite
    from interstore.testing._async.models import AsyncModelSuite
    from interstore.testing._async.order import AsyncOrderSuite
    from interstore.testing._async.paging import AsyncPagingSuite
    from interstore.testing._async.persistence import AsyncPersistenceSuite
    from interstore.testing._async.programs import AsyncProgramSuite
    from interstore.testing._async.refusals import AsyncRefusalSuite
    from interstore.testing._async.scan import AsyncScanSuite
    from interstore.testing._async.sessions import AsyncSessionSuite
    from interstore.testing._async.transactions import AsyncTransactionSuite
    from interstore.testing._async.updates import AsyncUpdateSuite
    from interstore.testing._async.values import AsyncValueSuite
    from interstore.testing._async.watching import AsyncWatchSuite


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

    @pytest.mark.long
    class TestAtLength(
        OnCosmosDB,
        AsyncBulkSuite,
        AsyncDifferentialSuite,
        AsyncIndexSuite,
        AsyncOrderSuite,
        AsyncPagingSuite,
        AsyncProgramSuite,
        AsyncScanSuite,
    ): ...

    class TestCosmosDB(
        OnCosmosDB,
        AsyncAggregateSuite,
        AsyncCrudSuite,
        AsyncDeclarationSuite,
        AsyncEnvelopeSuite,
        AsyncFilterSuite,
        AsyncIsolationSuite,
        AsyncLockingSuite,
        AsyncModelSuite,
        AsyncPersistenceSuite,
        AsyncRefusalSuite,
        AsyncSessionSuite,
        AsyncTransactionSuite,
        AsyncUpdateSuite,
        AsyncValueSuite,
        AsyncInspectionSuite,
        AsyncExpirySuite,
        AsyncWatchSuite,
    ): ...

    def test_together_they_are_the_kit() -> None:
        both = {*TestCosmosDB.__bases__, *TestAtLength.__bases__} - {OnCosmosDB}
        assert both == {*AsyncConformance.__bases__}

else:

    class TestCosmosDB(OnCosmosDB, AsyncConformance): ...
