"""Interstore, in both flavours."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import interstore
from interstore import AsyncStore, Store
from tests.benchmarks.contenders import Durability

__all__ = [
    "AsyncInterstore", "InSession", "Interstore", "json_files", "postgresql", "postgresql_async",
    "sqlite", "sqlite_async",
]  # fmt: skip

MODEL: Final = "airport"


def json_files(folder: Path, durability: Durability) -> Interstore:
    return Interstore(interstore.connect(type="json", data_dir=str(folder), durability=durability))


def sqlite(folder: Path, durability: Durability) -> Interstore:
    path = str(folder / "ours.db")
    return Interstore(interstore.connect(type="sqlite", path=path, durability=durability))


async def sqlite_async(folder: Path, durability: Durability) -> AsyncInterstore:
    path = str(folder / "ours.db")
    store = interstore.connect_async(type="sqlite", path=path, durability=durability)
    await store.connect()
    return AsyncInterstore(store)


def postgresql(url: str, _: Durability) -> Interstore:
    return PostgreSQL(interstore.connect(url))


async def postgresql_async(url: str, _: Durability) -> AsyncInterstore:
    store = interstore.connect_async(url)
    await store.connect()
    return AsyncPostgreSQL(store)


class InSession:
    """Single operations and small reads, all in one session."""

    def __init__(self, url: str, _: Durability) -> None:
        self._closing = ExitStack()
        self.store = self._closing.enter_context(interstore.connect(url))
        session = self._closing.enter_context(self.store.session())
        self.create_many = partial(session.create_many, MODEL)
        self.create = partial(session.create, MODEL)
        self.put = partial(session.put, MODEL)
        self.update = partial(session.update, MODEL)
        self.delete = partial(session.delete, MODEL)
        self.find_by_id = partial(session.find_by_id, MODEL)
        self.find_by_ids = partial(session.find_by_ids, MODEL)

    def close(self) -> None:
        self._closing.close()


class Interstore:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.create = partial(store.create, MODEL)
        self.put = partial(store.put, MODEL)
        self.update = partial(store.update, MODEL)
        self.delete = partial(store.delete, MODEL)
        self.create_many = partial(store.create_many, MODEL)
        self.put_many = partial(store.put_many, MODEL)
        self.find_by_id = partial(store.find_by_id, MODEL)
        self.find_by_ids = partial(store.find_by_ids, MODEL)

    def find_range(self, first: str, before: str) -> Any:
        return self.store.find(MODEL, {"id": {"$gte": first, "$lt": before}}).to_list()

    def find(self, country: str) -> Any:
        return self.store.find(MODEL, {"country": country}).to_list()

    def count(self, country: str) -> int:
        return self.store.count(MODEL, {"country": country})

    def scan(self) -> None:
        for _ in self.store.find(MODEL):
            pass

    def read_all(self) -> Any:
        return self.store.find(MODEL).to_list()

    def pages(self, size: int, number: int) -> None:
        after = None
        for _ in range(number):
            page = self.store.page(MODEL, limit=size, after=after)
            after = page.next
            if after is None:
                return

    def close(self) -> None:
        self.store.close()


class AsyncInterstore:
    def __init__(self, store: AsyncStore) -> None:
        self.store = store
        self.create = partial(store.create, MODEL)
        self.put = partial(store.put, MODEL)
        self.update = partial(store.update, MODEL)
        self.delete = partial(store.delete, MODEL)
        self.create_many = partial(store.create_many, MODEL)
        self.put_many = partial(store.put_many, MODEL)
        self.find_by_id = partial(store.find_by_id, MODEL)
        self.find_by_ids = partial(store.find_by_ids, MODEL)

    async def find_range(self, first: str, before: str) -> Any:
        return await self.store.find(MODEL, {"id": {"$gte": first, "$lt": before}}).to_list()

    async def find(self, country: str) -> Any:
        return await self.store.find(MODEL, {"country": country}).to_list()

    async def count(self, country: str) -> int:
        return await self.store.count(MODEL, {"country": country})

    async def scan(self) -> None:
        async for _ in self.store.find(MODEL):
            pass

    async def read_all(self) -> Any:
        return await self.store.find(MODEL).to_list()

    async def pages(self, size: int, number: int) -> None:
        after = None
        for _ in range(number):
            page = await self.store.page(MODEL, limit=size, after=after)
            after = page.next
            if after is None:
                return

    async def close(self) -> None:
        await self.store.close()


class PostgreSQL(Interstore):
    def settle(self) -> None:
        if "single" in self.store.capabilities.ensure_index:
            self.store.ensure_index(MODEL, "tz", type="string")
        with self.store.native.connection() as connection:
            connection.execute("ANALYZE")

    def find_indexed(self, zone: str) -> Any:
        return self.store.find(MODEL, {"tz": zone}).to_list()


class AsyncPostgreSQL(AsyncInterstore):
    async def settle(self) -> None:
        if "single" in self.store.capabilities.ensure_index:
            await self.store.ensure_index(MODEL, "tz", type="string")
        async with self.store.native.connection() as connection:
            await connection.execute("ANALYZE")

    async def find_indexed(self, zone: str) -> Any:
        return await self.store.find(MODEL, {"tz": zone}).to_list()
