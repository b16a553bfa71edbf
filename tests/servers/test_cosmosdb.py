"""The account starts, is empty for each test, and comes back after a kill."""

from __future__ import annotations

import pytest
from azure.cosmos import CosmosClient, PartitionKey

from tests.servers.cosmosdb import CosmosDB
from tests.servers.process import ServerProcess


@pytest.mark.parametrize("time", [1, 2])
def test_database_is_empty(cosmosdb_server: CosmosDB, cosmosdb_url: str, time: int) -> None:
    name = cosmosdb_url.rpartition("/")[2].partition("?")[0]
    with CosmosClient(cosmosdb_server.endpoint, cosmosdb_server.key) as client:
        database = client.get_database_client(name)
        assert list(database.list_containers()) == []
        container = database.create_container("one", PartitionKey("/id"))
        container.create_item({"id": "a"})
        assert container.read_item("a", "a")["id"] == "a"


def test_comes_back_after_a_kill(
    cosmosdb_server: CosmosDB, cosmosdb_process: ServerProcess
) -> None:
    cosmosdb_process.kill()
    cosmosdb_process.start()
    with CosmosClient(cosmosdb_server.endpoint, cosmosdb_server.key) as client:
        assert list(client.list_databases()) == []
