"""The account starts, is empty for each test, comes back after a kill; who may ask it, how."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos import aio as azure_aio
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.servers import cosmosdb
from tests.servers.certificates import write_authority
from tests.servers.cosmosdb import CosmosDB
from tests.servers.cosmosdb.server import trust
from tests.servers.process import ServerProcess


@pytest.mark.parametrize("time", [1, 2])
def test_database_is_empty(cosmosdb_server: CosmosDB, cosmosdb_url: str, time: int) -> None:
    name = cosmosdb_url.rpartition("/")[2].partition("?")[0]
    with cosmosdb_server.connect() as client:
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
    with cosmosdb_server.connect() as client:
        assert list(client.list_databases()) == []


def test_a_wrong_key(cosmosdb_server: CosmosDB) -> None:
    """401: the page "Access control in the Azure Cosmos DB SQL API"."""
    key = base64.b64encode(b"wrong" * 12).decode()
    with pytest.raises(CosmosHttpResponseError) as raised:
        CosmosClient(cosmosdb_server.endpoint, key)
    assert raised.value.status_code == 401


class Credential:
    """One that has a token already."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 3600)


@pytest.fixture(scope="module")
def server() -> Iterator[CosmosDB]:
    """One that speaks TLS."""
    with cosmosdb.running(tls=True) as server:
        yield server


class TestTLS:
    def test_is_verified(self, server: CosmosDB, tmp_path: Path) -> None:
        with server.database():
            stranger = trust(write_authority(tmp_path, authority="Unknown"))
            with pytest.raises(ServiceRequestError, match="certificate verify failed"):
                CosmosClient(server.endpoint, server.key, ssl_config=stranger, retry_total=0)

    async def test_of_the_asynchronous_client(self, server: CosmosDB) -> None:
        """By its transport: it takes no authority without a certificate of its own."""
        context = ssl.create_default_context(cafile=str(server.authority))
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
            azure_aio.CosmosClient(
                server.endpoint,
                server.key,
                transport=AioHttpTransport(session=session, session_owner=False),
            ) as client,
        ):
            assert [one async for one in client.list_databases()] == []

    def test_credentials(self, server: CosmosDB) -> None:
        """Only through TLS: the client sends a token to nobody else."""
        assert server.token is not None
        trusted = trust(server.authority)
        with CosmosClient(server.endpoint, Credential(server.token), ssl_config=trusted) as client:
            assert list(client.list_databases()) == []
        with pytest.raises(CosmosHttpResponseError) as raised:
            CosmosClient(server.endpoint, Credential("another"), ssl_config=trusted)
        assert raised.value.status_code == 401
