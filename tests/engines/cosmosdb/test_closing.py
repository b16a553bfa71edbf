"""A client that is closed while calls are under way."""

from __future__ import annotations

import asyncio

from interstore._async.store import AsyncStore
from interstore.errors import OperationTimeoutError, UnavailableError
from tests.databases import cosmosdb_async


async def test_at_any_moment(cosmosdb_url: str) -> None:
    """Its connections are gone under the driver: that is told like any other use of it."""
    for step in range(30):
        store = AsyncStore(cosmosdb_async(cosmosdb_url))
        await store.connect()
        await store.put("m", {"id": "a"})

        async def use(store: AsyncStore = store) -> None:
            while True:
                await store.find_by_id("m", "a")
                await store.find("m").to_list()
                await store.put("m", {"id": "b"})

        users = [asyncio.ensure_future(use()) for _ in range(6)]
        await asyncio.sleep(0.01 + step * 0.0014)
        await store.close()
        for told in await asyncio.gather(*users, return_exceptions=True):
            assert isinstance(told, (UnavailableError, OperationTimeoutError)), repr(told)
