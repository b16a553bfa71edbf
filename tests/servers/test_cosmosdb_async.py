"""The asynchronous azure-cosmos client sees the same account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from azure.core import MatchConditions
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from tests.servers.cosmosdb import CosmosDB
from tests.servers.cosmosdb.faults import Faults


@pytest.fixture
async def container(cosmosdb_server: CosmosDB, cosmosdb_url: str) -> AsyncIterator[ContainerProxy]:
    name = cosmosdb_url.rpartition("/")[2].partition("?")[0]
    async with CosmosClient(cosmosdb_server.endpoint, cosmosdb_server.key) as client:
        database = client.get_database_client(name)
        yield await database.create_container("items", PartitionKey("/id"))


async def fill(container: ContainerProxy, count: int = 40) -> None:
    items = [{"id": f"{number:02}", "n": number % 5} for number in range(count)]
    await asyncio.gather(*map(container.create_item, items))


async def test_items(container: ContainerProxy) -> None:
    made = await container.create_item({"id": "a", "n": 1})
    with pytest.raises(CosmosResourceExistsError):
        await container.create_item({"id": "a"})
    changed = await container.patch_item("a", "a", [{"op": "incr", "path": "/n", "value": 1}])
    assert changed["n"] == 2
    with pytest.raises(CosmosAccessConditionFailedError):
        await container.replace_item(
            "a", {"id": "a"}, etag=made["_etag"], match_condition=MatchConditions.IfNotModified
        )
    with pytest.raises(CosmosBatchOperationError):
        await container.execute_item_batch([("delete", ("a",)), ("read", ("b",))], "a")
    await container.delete_item("a", "a")
    with pytest.raises(CosmosResourceNotFoundError):
        await container.read_item("a", "a")


@pytest.mark.parametrize("id", ["a b", "%2F", "a%", "é\U0001f600", "+&=;", "%3F%23", "x" * 1023])
async def test_ids(container: ContainerProxy, id: str) -> None:
    await container.create_item({"id": id})
    assert (await container.read_item(id, id))["id"] == id
    await container.delete_item(id, id)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("SELECT VALUE COUNT(1) FROM c", [40]),
        ("SELECT VALUE MAX(c.id) FROM c", ["39"]),
        ("SELECT TOP 3 VALUE c.id FROM c ORDER BY c.id DESC", ["39", "38", "37"]),
        ("SELECT VALUE c.id FROM c WHERE c.n = 4 ORDER BY c.id OFFSET 1 LIMIT 2", ["09", "14"]),
        ("SELECT DISTINCT VALUE c.n FROM c ORDER BY c.n", [0, 1, 2, 3, 4]),
    ],
)
async def test_queries(container: ContainerProxy, query: str, wanted: list[object]) -> None:
    await fill(container)
    assert [one async for one in container.query_items(query)] == wanted


async def test_scans_by_feed_ranges(container: ContainerProxy, cosmosdb_faults: Faults) -> None:
    await fill(container)
    ranges = [one async for one in container.read_feed_ranges()]
    assert len(ranges) == 4
    cosmosdb_faults.split_at("Query", skip=3, times=2)
    found = [
        item["id"]
        for one in ranges
        async for item in container.query_items(
            "SELECT c.id FROM c", feed_range=one, max_item_count=3
        )
    ]
    assert sorted(found) == [f"{number:02}" for number in range(40)]
    assert cosmosdb_faults.usage().hits == 2


async def test_goes_on_with_a_token(container: ContainerProxy) -> None:
    await fill(container)
    token, found = None, []
    while True:
        pager = container.query_items("SELECT VALUE c.id FROM c", max_item_count=7).by_page(token)
        found += [one async for one in await anext(pager)]
        token = pager.continuation_token  # type: ignore[attr-defined]
        if token is None:
            break
    assert len(found) == len(set(found)) == 40
