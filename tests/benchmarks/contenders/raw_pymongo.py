"""PyMongo, used with care and by hand: the same fields, one command for each operation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from pymongo import AsyncMongoClient, MongoClient, ReturnDocument, UpdateOne
from pymongo.write_concern import WriteConcern

from tests.benchmarks.contenders import Durability
from tests.benchmarks.data import Document

__all__ = ["RawAsyncPyMongo", "RawPyMongo", "concern", "name_of", "open_pymongo"]

_OPTIONS: Final[dict[str, Any]] = {"maxPoolSize": 10, "timeoutMS": 30_000}
_BY_ID: Final = [("_id", 1)]
_BATCH: Final = 1000
_RETURNED: Final[dict[str, Any]] = {"return_document": ReturnDocument.AFTER}


def concern(durability: Durability) -> WriteConcern:
    return WriteConcern(w="majority", j=True) if durability == "fsync" else WriteConcern(w=1)


def name_of(url: str) -> str:
    """That of the database."""
    return urlsplit(url).path.lstrip("/")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _new(document: Document) -> Document:
    time = _now()
    return {
        "_id": document["id"],
        **{name: value for name, value in document.items() if name != "id"},
        "meta": {"version": 1, "created_at": time, "updated_at": time},
    }


def _put(document: Document) -> tuple[Document, list[Document]]:
    """Over what is there, whose version and creation time stay known; or where nothing is."""
    new = _new(document)
    time = new.pop("meta")["updated_at"]
    meta = {
        "version": {"$add": [{"$ifNull": ["$meta.version", 0]}, 1]},
        "created_at": {"$ifNull": ["$meta.created_at", time]},
        "updated_at": time,
    }
    merged = {"$mergeObjects": [{"$literal": new}, {"meta": meta}]}
    return {"_id": document["id"]}, [{"$replaceWith": merged}]


def _set(changes: Document) -> Document:
    return {"$set": {**changes, "meta.updated_at": _now()}, "$inc": {"meta.version": 1}}


def _in_order(documents: Iterable[Document], ids: list[str]) -> list[Document | None]:
    found = {document["_id"]: document for document in documents}
    return [found.get(id) for id in ids]


def _beyond(after: str) -> Document:
    return {"_id": {"$gt": after}} if after else {}


class RawPyMongo:
    def __init__(self, url: str, durability: Durability) -> None:
        self.client: MongoClient[Document] = MongoClient(url, **_OPTIONS)
        database = self.client.get_database(name_of(url), write_concern=concern(durability))
        self.airports = database["airport"]

    def settle(self) -> None:
        self.airports.create_index([("tz", 1)])

    def create(self, document: Document) -> None:
        self.airports.insert_one(_new(document))

    def put(self, document: Document) -> Document | None:
        return self.airports.find_one_and_update(
            *_put(document), {"meta": 1}, upsert=True, **_RETURNED
        )

    def update(self, id: str, changes: Document) -> Document | None:
        return self.airports.find_one_and_update({"_id": id}, _set(changes), **_RETURNED)

    def delete(self, id: str) -> bool:
        return self.airports.delete_one({"_id": id}).deleted_count == 1

    def create_many(self, documents: list[Document]) -> None:
        self.airports.insert_many(list(map(_new, documents)), ordered=False)

    def put_many(self, documents: list[Document]) -> None:
        operations = [UpdateOne(*_put(document), upsert=True) for document in documents]
        self.airports.bulk_write(operations, ordered=False)

    def find_by_id(self, id: str) -> Document | None:
        return self.airports.find_one({"_id": id})

    def find_by_ids(self, ids: list[str]) -> list[Document | None]:
        return _in_order(self.airports.find({"_id": {"$in": ids}}, batch_size=_BATCH), ids)

    def _sorted(self, filter: Document, limit: int = 0) -> Any:
        return self.airports.find(filter, sort=_BY_ID, limit=limit, batch_size=_BATCH)

    def find_range(self, first: str, before: str) -> list[Document]:
        return list(self._sorted({"_id": {"$gte": first, "$lt": before}}))

    def find(self, country: str) -> list[Document]:
        return list(self._sorted({"country": country}))

    def find_indexed(self, zone: str) -> list[Document]:
        return list(self._sorted({"tz": zone}))

    def count(self, country: str) -> int:
        return self.airports.count_documents({"country": country})

    def scan(self) -> None:
        for _ in self._sorted({}):
            pass

    def read_all(self) -> list[Document]:
        return list(self._sorted({}))

    def pages(self, size: int, number: int) -> None:
        after = ""
        for _ in range(number):
            page = list(self._sorted(_beyond(after), size + 1))
            if len(page) <= size:
                return
            after = page[size - 1]["_id"]

    def close(self) -> None:
        self.client.close()


async def open_pymongo(url: str, durability: Durability) -> RawAsyncPyMongo:
    client: AsyncMongoClient[Document] = AsyncMongoClient(url, **_OPTIONS)
    return RawAsyncPyMongo(client, url, durability)


class RawAsyncPyMongo:
    def __init__(
        self, client: AsyncMongoClient[Document], url: str, durability: Durability
    ) -> None:
        self.client = client
        database = client.get_database(name_of(url), write_concern=concern(durability))
        self.airports = database["airport"]

    async def settle(self) -> None:
        await self.airports.create_index([("tz", 1)])

    async def create(self, document: Document) -> None:
        await self.airports.insert_one(_new(document))

    async def put(self, document: Document) -> Document | None:
        return await self.airports.find_one_and_update(
            *_put(document), {"meta": 1}, upsert=True, **_RETURNED
        )

    async def update(self, id: str, changes: Document) -> Document | None:
        return await self.airports.find_one_and_update({"_id": id}, _set(changes), **_RETURNED)

    async def delete(self, id: str) -> bool:
        return (await self.airports.delete_one({"_id": id})).deleted_count == 1

    async def create_many(self, documents: list[Document]) -> None:
        await self.airports.insert_many(list(map(_new, documents)), ordered=False)

    async def put_many(self, documents: list[Document]) -> None:
        operations = [UpdateOne(*_put(document), upsert=True) for document in documents]
        await self.airports.bulk_write(operations, ordered=False)

    async def find_by_id(self, id: str) -> Document | None:
        return await self.airports.find_one({"_id": id})

    async def find_by_ids(self, ids: list[str]) -> list[Document | None]:
        cursor = self.airports.find({"_id": {"$in": ids}}, batch_size=_BATCH)
        return _in_order(await cursor.to_list(), ids)

    def _sorted(self, filter: Document, limit: int = 0) -> Any:
        return self.airports.find(filter, sort=_BY_ID, limit=limit, batch_size=_BATCH)

    async def find_range(self, first: str, before: str) -> Any:
        return await self._sorted({"_id": {"$gte": first, "$lt": before}}).to_list()

    async def find(self, country: str) -> Any:
        return await self._sorted({"country": country}).to_list()

    async def find_indexed(self, zone: str) -> Any:
        return await self._sorted({"tz": zone}).to_list()

    async def count(self, country: str) -> int:
        return await self.airports.count_documents({"country": country})

    async def scan(self) -> None:
        async for _ in self._sorted({}):
            pass

    async def read_all(self) -> Any:
        return await self._sorted({}).to_list()

    async def pages(self, size: int, number: int) -> None:
        after = ""
        for _ in range(number):
            page = await self._sorted(_beyond(after), size + 1).to_list()
            if len(page) <= size:
                return
            after = page[size - 1]["_id"]

    async def close(self) -> None:
        await self.client.close()
