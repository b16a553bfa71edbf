"""Interstore on MongoDB, in both flavours."""

from __future__ import annotations

from typing import Any, Final

import interstore
from tests.benchmarks.contenders import Durability
from tests.benchmarks.contenders.ours import MODEL, AsyncInterstore, Interstore

__all__ = ["AsyncMongoDB", "MongoDB", "open_mongodb"]

_CONCERNS: Final = {"fsync": "majority", "os": "primary"}


class MongoDB(Interstore):
    def __init__(self, url: str, durability: Durability) -> None:
        super().__init__(interstore.connect(url, durability=_CONCERNS[durability]))

    def settle(self) -> None:
        self.store.ensure_index(MODEL, "tz", type="string")

    def find_indexed(self, zone: str) -> Any:
        return self.store.find(MODEL, {"tz": zone}).to_list()


async def open_mongodb(url: str, durability: Durability) -> AsyncMongoDB:
    store = interstore.connect_async(url, durability=_CONCERNS[durability])
    await store.connect()
    return AsyncMongoDB(store)


class AsyncMongoDB(AsyncInterstore):
    async def settle(self) -> None:
        await self.store.ensure_index(MODEL, "tz", type="string")

    async def find_indexed(self, zone: str) -> Any:
        return await self.store.find(MODEL, {"tz": zone}).to_list()
