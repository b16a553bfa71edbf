# Generated from tests/_async/test_cosmosdb.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: d2f91fdc0d1aa1898ec10342

"""The kit on Azure Cosmos DB: two physical partitions, so answers are merged.

Each operation is requests over HTTP. So on a default run, each flavour, being of one source, has a
part of the kit: with asyncio what is written differently there, single writes and waiting.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from interstore._sync.database import Database
from interstore.testing import Conformance
from interstore.testing._sync.aggregates import AggregateSuite
from interstore.testing._sync.bulk import BulkSuite
from interstore.testing._sync.expiry import ExpirySuite
from interstore.testing._sync.filters import FilterSuite
from interstore.testing._sync.order import OrderSuite
from tests.databases import cosmosdb
from tests.servers.cosmosdb import CosmosDB


class OnCosmosDB:
    @pytest.fixture
    def cosmosdb_url(self, cosmosdb_server: CosmosDB) -> Iterator[str]:
        with cosmosdb_server.database(partitions=2) as url:
            yield url

    @pytest.fixture
    def database(self, cosmosdb_url: str) -> Database:
        return cosmosdb(cosmosdb_url)

    @pytest.fixture
    def second_database(self, cosmosdb_url: str) -> Database:
        return cosmosdb(cosmosdb_url)


class TestCosmosDB(
    OnCosmosDB, AggregateSuite, BulkSuite, ExpirySuite, FilterSuite,
    OrderSuite,
): ...  # fmt: skip


@pytest.mark.long
class TestAllOfCosmosDB(OnCosmosDB, Conformance): ...
