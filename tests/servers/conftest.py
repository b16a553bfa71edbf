"""Clients of the Cosmos DB account, for its own tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey

from tests.servers.cosmosdb import CosmosDB


@pytest.fixture(scope="session")
def cosmosdb_client(cosmosdb_server: CosmosDB) -> Iterator[CosmosClient]:
    with cosmosdb_server.connect() as client:
        yield client


@pytest.fixture
def database(cosmosdb_client: CosmosClient, cosmosdb_url: str) -> DatabaseProxy:
    """With nothing in it."""
    return cosmosdb_client.get_database_client(cosmosdb_url.rpartition("/")[2].partition("?")[0])


@pytest.fixture
def container(database: DatabaseProxy) -> ContainerProxy:
    """Of four physical partitions, by `/id`."""
    return database.create_container("items", PartitionKey("/id"))
