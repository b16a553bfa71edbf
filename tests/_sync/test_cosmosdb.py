# Generated from tests/_async/test_cosmosdb.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: eac201b9a7aeab3d6e844f9b

"""The kit on Azure Cosmos DB: four physical partitions, so queries are merged by the client."""

from __future__ import annotations

import pytest

from interstore._sync.database import Database
from interstore.testing import Conformance
from tests.databases import cosmosdb

# Some thousands of requests over HTTP: minutes.
pytestmark = pytest.mark.long


class TestCosmosDB(Conformance):
    @pytest.fixture
    def database(self, cosmosdb_url: str) -> Database:
        return cosmosdb(cosmosdb_url)

    @pytest.fixture
    def second_database(self, cosmosdb_url: str) -> Database:
        return cosmosdb(cosmosdb_url)
