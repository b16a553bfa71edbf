"""The kit on Azure Cosmos DB: four physical partitions, so queries are merged by the client."""

from __future__ import annotations

import pytest

from interstore._async.database import AsyncDatabase
from interstore.testing import AsyncConformance
from tests.databases import cosmosdb_async

# Some thousands of requests over HTTP: minutes.
pytestmark = pytest.mark.long


class TestCosmosDB(AsyncConformance):
    @pytest.fixture
    def database(self, cosmosdb_url: str) -> AsyncDatabase:
        return cosmosdb_async(cosmosdb_url)

    @pytest.fixture
    def second_database(self, cosmosdb_url: str) -> AsyncDatabase:
        return cosmosdb_async(cosmosdb_url)
