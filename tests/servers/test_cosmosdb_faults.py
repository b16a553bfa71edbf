"""What can be done to the account, and what the azure-cosmos client makes of it.

What the client does is a fact of its source, stated here because the engine has to know it: which
answers it tries again, and that it does not know whether a write that was cut off had been done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.core.exceptions import AzureError, ServiceResponseError
from azure.cosmos import ContainerProxy, DatabaseProxy
from azure.cosmos.aio import ContainerProxy as AsyncContainerProxy
from azure.cosmos.aio import CosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError

from tests.patience import no_hang
from tests.servers.cosmosdb import CosmosDB
from tests.servers.cosmosdb.faults import Faults
from tests.servers.process import ServerProcess
from tests.servers.proxy import Proxy

INCREMENT = [{"op": "incr", "path": "/n", "value": 1}]


@pytest.fixture
def item(container: ContainerProxy) -> ContainerProxy:
    container.create_item({"id": "a", "n": 1})
    return container


@pytest.fixture
async def awaited(
    cosmosdb_server: CosmosDB, database: DatabaseProxy, item: ContainerProxy
) -> AsyncIterator[AsyncContainerProxy]:
    async with CosmosClient(cosmosdb_server.endpoint, cosmosdb_server.key) as client:
        yield client.get_database_client(database.id).get_container_client(item.id)


class TestAnswers:
    def test_503_is_tried_again_once(self, item: ContainerProxy, cosmosdb_faults: Faults) -> None:
        cosmosdb_faults.fail(503, "Read")
        assert item.read_item("a", "a")["n"] == 1
        cosmosdb_faults.fail(503, "Read", times=-1)
        with pytest.raises(CosmosHttpResponseError) as raised:
            item.read_item("a", "a")
        assert raised.value.status_code == 503
        assert cosmosdb_faults.usage().hits == 3

    def test_503_after_the_write_was_done(
        self, item: ContainerProxy, cosmosdb_faults: Faults
    ) -> None:
        """The client sends it again, and is told that what it created is there already."""
        cosmosdb_faults.fail(503, "Create", committed=True)
        with pytest.raises(CosmosResourceExistsError):
            item.create_item({"id": "b"})
        cosmosdb_faults.fail(503, "Patch", committed=True)
        assert item.patch_item("a", "a", INCREMENT)["n"] == 3

    @pytest.mark.parametrize("status", [408, 449, 500])
    def test_others_are_not(
        self, item: ContainerProxy, cosmosdb_faults: Faults, status: int
    ) -> None:
        cosmosdb_faults.fail(status, "Replace")
        with pytest.raises(CosmosHttpResponseError) as raised:
            item.replace_item("a", {"id": "a", "n": 2})
        assert raised.value.status_code == status
        assert item.read_item("a", "a")["n"] == 1

    def test_429_is_tried_again_nine_times(
        self, item: ContainerProxy, cosmosdb_faults: Faults
    ) -> None:
        wait = {"x-ms-retry-after-ms": "1"}
        cosmosdb_faults.fail(429, "Read", substatus=3200, headers=wait, times=9)
        item.read_item("a", "a")
        cosmosdb_faults.fail(429, "Read", substatus=3200, headers=wait, times=10)
        with pytest.raises(CosmosHttpResponseError) as raised:
            item.read_item("a", "a")
        assert (raised.value.status_code, raised.value.sub_status) == (429, 3200)

    def test_only_where_it_is_said(self, item: ContainerProxy, cosmosdb_faults: Faults) -> None:
        cosmosdb_faults.fail(449, "Upsert", contains='"b"', skip=1)
        cosmosdb_faults.fail(449, "Upsert", database="another")
        item.upsert_item({"id": "a"})
        item.upsert_item({"id": "b"})
        with pytest.raises(CosmosHttpResponseError):
            item.upsert_item({"id": "b"})
        item.upsert_item({"id": "b"})
        cosmosdb_faults.clear()
        item.upsert_item({"id": "b"})


class TestBrokenConnections:
    def test_a_read_is_tried_again(self, item: ContainerProxy, cosmosdb_faults: Faults) -> None:
        cosmosdb_faults.reset("Read")
        assert item.read_item("a", "a")["n"] == 1
        assert cosmosdb_faults.usage().hits == 1

    @pytest.mark.parametrize("committed", [False, True])
    def test_a_write_is_not(
        self, item: ContainerProxy, cosmosdb_faults: Faults, committed: bool
    ) -> None:
        cosmosdb_faults.reset("Patch", committed=committed)
        with pytest.raises(AzureError):
            item.patch_item("a", "a", INCREMENT)
        assert item.read_item("a", "a")["n"] == 1 + committed

    async def test_but_by_the_asynchronous_client_it_is(
        self, awaited: AsyncContainerProxy, cosmosdb_faults: Faults
    ) -> None:
        cosmosdb_faults.reset("Patch", committed=True)
        changed = await awaited.patch_item("a", "a", INCREMENT)
        assert changed["n"] == 3

    async def test_unless_it_is_told_not_to(
        self, awaited: AsyncContainerProxy, cosmosdb_faults: Faults
    ) -> None:
        cosmosdb_faults.reset("Patch", committed=True)
        with pytest.raises(AzureError):
            await awaited.patch_item("a", "a", INCREMENT, retry_total=0)
        assert (await awaited.read_item("a", "a"))["n"] == 2

    def test_behind_a_proxy(self, cosmosdb_server: CosmosDB, item: ContainerProxy) -> None:
        """The client stays behind it: the account is found where it was asked."""
        from azure.cosmos import CosmosClient as Client

        with Proxy(*cosmosdb_server.address) as proxy:
            endpoint = cosmosdb_server.endpoint_at(proxy.port)
            with Client(endpoint, cosmosdb_server.key) as client:
                database = client.get_database_client(item.container_link.split("/")[1])
                assert database.get_container_client("items").read_item("a", "a")["n"] == 1
            assert proxy.accepted


class TestSlowness:
    def test_a_hang_ends_with_the_patience_of_the_client(
        self, item: ContainerProxy, cosmosdb_faults: Faults
    ) -> None:
        item.read_item("a", "a")
        cosmosdb_faults.hang("Patch", committed=True)
        with no_hang(), pytest.raises(ServiceResponseError):
            item.patch_item("a", "a", INCREMENT, read_timeout=0.3)
        assert item.read_item("a", "a")["n"] == 2

    async def test_a_pause_of_the_process(
        self, awaited: AsyncContainerProxy, cosmosdb_process: ServerProcess
    ) -> None:
        await awaited.read_item("a", "a")
        cosmosdb_process.pause()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(awaited.read_item("a", "a"), 0.3)
        cosmosdb_process.resume()
        assert (await awaited.read_item("a", "a"))["n"] == 1

    def test_a_delay(self, item: ContainerProxy, cosmosdb_faults: Faults) -> None:
        cosmosdb_faults.delay(0.05, "Read")
        cosmosdb_faults.delay(0.05, "Read", late=True)
        for _ in range(2):
            assert item.read_item("a", "a")["n"] == 1
        assert cosmosdb_faults.usage().hits == 2


class TestThrottling:
    """The page "Diagnose and troubleshoot request rate too large (429) exceptions"."""

    async def test_of_many_writes(
        self, awaited: AsyncContainerProxy, database: DatabaseProxy, cosmosdb_faults: Faults
    ) -> None:
        """Some are refused, all are done in the end, as the rate allows."""
        cosmosdb_faults.throttle(400, database.id)
        await asyncio.gather(*(awaited.create_item({"id": f"i{number}"}) for number in range(300)))
        usage = cosmosdb_faults.usage()
        assert usage.statuses[201] == 300
        assert usage.statuses[429] > 0
        assert usage.charge > 300 * 5

    def test_is_told_with_the_time_to_wait(
        self, item: ContainerProxy, database: DatabaseProxy, cosmosdb_faults: Faults
    ) -> None:
        """A partition has a fourth; what is spent too much is missing from the next seconds."""
        waits: list[str] = []

        def note(answer: Any) -> None:
            if answer.http_response.status_code == 429:
                waits.append(answer.http_response.headers["x-ms-retry-after-ms"])

        cosmosdb_faults.throttle(20, database.id)
        item.upsert_item({"id": "a", "n": 1})
        item.read_item("a", "a", raw_response_hook=note)
        assert waits
        assert 0 < int(waits[0]) < 5000
