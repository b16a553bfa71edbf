"""Beanie, as its documentation shows it: a pydantic model for each document."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pymongo import AsyncMongoClient

from tests.benchmarks.contenders import Durability
from tests.benchmarks.contenders.mongo_engine import NUMBERS, TEXTS, with_concern
from tests.benchmarks.contenders.raw_pymongo import name_of
from tests.benchmarks.data import Document

__all__ = ["Beanie", "open_beanie"]


async def open_beanie(url: str, durability: Durability) -> Beanie:
    beanie: Any = import_module("beanie")
    types = dict.fromkeys(TEXTS, str) | dict.fromkeys(NUMBERS, float)
    inner = {"__qualname__": "Airport.Settings", "name": "airport", "indexes": ["tz"]}
    members: dict[str, Any] = {
        "__module__": __name__,
        "__qualname__": "Airport",  # which tells pydantic that `Settings` is no field
        "__annotations__": {"id": str, "version": int, **types},
        "version": 1,
        "Settings": type("Settings", (), inner),
    }
    airport: Any = type("Airport", (beanie.Document,), members)
    client: AsyncMongoClient[Document] = AsyncMongoClient(with_concern(url, durability))
    await beanie.init_beanie(database=client[name_of(url)], document_models=[airport])
    return Beanie(client, airport, beanie.UpdateResponse.NEW_DOCUMENT)


class Beanie:
    def __init__(self, client: AsyncMongoClient[Document], airport: Any, returned: Any) -> None:
        self.client = client
        self.airport = airport
        self.returned = returned

    async def create(self, document: Document) -> None:
        await self.airport(**document).insert()

    async def put(self, document: Document) -> None:
        await self.airport(**document).save()

    async def update(self, id: str, changes: Document) -> Any:
        update = {"$set": changes, "$inc": {"version": 1}}
        return await self.airport.find_one({"_id": id}).update(update, response_type=self.returned)

    async def delete(self, id: str) -> bool:
        return bool((await self.airport.find_one({"_id": id}).delete()).deleted_count)

    async def create_many(self, documents: list[Document]) -> None:
        await self.airport.insert_many([self.airport(**document) for document in documents])

    async def find_by_id(self, id: str) -> Any:
        return await self.airport.get(id)

    async def find_by_ids(self, ids: list[str]) -> list[Any]:
        found = {each.id: each for each in await self.airport.find({"_id": {"$in": ids}}).to_list()}
        return [found.get(id) for id in ids]

    def _sorted(self, filter: Document, **options: Any) -> Any:
        return self.airport.find(filter, sort=[("_id", 1)], **options)

    async def find_range(self, first: str, before: str) -> Any:
        return await self._sorted({"_id": {"$gte": first, "$lt": before}}).to_list()

    async def find(self, country: str) -> Any:
        return await self._sorted({"country": country}).to_list()

    async def find_indexed(self, zone: str) -> Any:
        return await self._sorted({"tz": zone}).to_list()

    async def count(self, country: str) -> int:
        return int(await self.airport.find({"country": country}).count())

    async def scan(self) -> None:
        async for _ in self._sorted({}, batch_size=1000):
            pass

    async def read_all(self) -> Any:
        return await self._sorted({}, batch_size=1000).to_list()

    async def pages(self, size: int, number: int) -> None:
        after = ""
        for _ in range(number):
            page = await self._sorted({"_id": {"$gt": after}}, limit=size + 1).to_list()
            if len(page) <= size:
                return
            after = page[size - 1].id

    async def close(self) -> None:
        await self.client.close()
