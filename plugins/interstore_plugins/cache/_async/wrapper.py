"""`AsyncCaching`: the database whose answers are kept."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final

import msgspec

from interstore import AsyncDatabase
from interstore.aggregation import Aggregation
from interstore.bulk import BulkResult, WriteOutcome
from interstore.changes import Changes
from interstore.document import Document
from interstore.expiry import has_expired
from interstore.filters.tree import Node, Scalar
from interstore.foreign import ForeignSource
from interstore.paths import Reference
from interstore.plugins import AsyncWrapper
from interstore.prepared import Query, Write, WriteMode
from interstore.transactions import Isolation
from interstore_plugins.cache._async.tiers import AsyncTiers
from interstore_plugins.cache.entry import (
    ABSENT,
    decode_document,
    decode_documents,
    encode_document,
    encode_documents,
)
from interstore_plugins.cache.keys import entity_key, model_scope, query_key, query_scope
from interstore_plugins.cache.place import place_of
from interstore_plugins.cache.settings import CacheSettings
from interstore_plugins.cache.touched import Touched

__all__ = ["AsyncCaching"]

_encode: Final = msgspec.json.Encoder().encode


class AsyncCaching(AsyncWrapper):
    """A database that remembers documents by their id, and answers to filters.

    Whatever is written through it is forgotten before the write is acknowledged. In a
    transaction nothing is kept; what it wrote is forgotten when it has ended.
    """

    passes: ClassVar[frozenset[str]] = frozenset({"scan", "read_changes"})

    def __init__(self, database: AsyncDatabase, settings: CacheSettings) -> None:
        self._queries = settings.queries
        names = settings.models
        self._models = None if names is None else {name.strip() for name in names.split(",")}
        self._tiers = AsyncTiers(settings, place_of(database))
        self._touched: Touched | None = None
        super().__init__(database)

    def metrics(self) -> dict[str, Any]:
        """Hits, misses, entries, bytes, and the state of the shared server."""
        return self._tiers.told()

    async def connect(self) -> None:
        """A shared cache that is down does not keep the database from being used."""
        await self.inner.connect()
        await self._tiers.open()

    async def disconnect(self) -> None:
        """Everything in this process is forgotten."""
        await self._tiers.close()
        await self.inner.disconnect()

    @asynccontextmanager
    async def transaction(self, isolation: Isolation) -> AsyncGenerator[AsyncDatabase]:
        """Reads its own writes from the engine; what it wrote is forgotten at its end."""
        touched = Touched()
        try:
            async with self.inner.transaction(isolation) as operations:
                inside = self.around(operations.database)
                inside._touched = touched
                yield inside
        finally:  # also after an error, which may leave it open whether it was committed
            if touched.any:
                await self._tiers.invalidate(touched.keys, touched.scopes)

    def foreign(self, source: ForeignSource) -> AsyncDatabase:
        """Not cached: others write it."""
        return self.inner.foreign(source)

    # Reads.

    async def find_by_id(self, model: str, id: str) -> Document | None:
        """From the cache, or from the engine and kept, its absence too."""
        if not self._keeps(model):
            return await self.inner.find_by_id(model, id)

        async def load() -> bytes:
            return encode_document(await self.inner.find_by_id(model, id))

        text = await self._tiers.fetch(entity_key(model, id), (model_scope(model),), load)
        return _present(text)

    async def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """What the cache has not is asked of the engine in one call."""
        if not self._keeps(model):
            return await self.inner.find_by_ids(model, ids)

        async def load(missing: list[int]) -> list[bytes]:
            wanted = [ids[number] for number in missing]
            found = {each.id: each for each in await self.inner.find_by_ids(model, wanted)}
            return [encode_document(found.get(id)) for id in wanted]

        keys = [entity_key(model, id) for id in ids]
        texts = await self._tiers.fetch_many(keys, (model_scope(model),), load)
        return [document for text in texts if (document := _present(text)) is not None]

    async def find(self, model: str, query: Query) -> Iterable[Document]:
        """A page is kept; what has no limit is not."""
        if query.limit is None or not self._keeps_queries(model):
            return await self.inner.find(model, query)

        async def load() -> bytes:
            return encode_documents(list(await self.inner.find(model, query)))

        documents = decode_documents(await self._ask(model, load, "find", query))
        if any(map(has_expired, documents)):  # since it was kept
            return await self.inner.find(model, query)
        return documents

    async def count(self, model: str, tree: Node) -> int:
        """Kept."""
        if not self._keeps_queries(model):
            return await self.inner.count(model, tree)

        async def load() -> bytes:
            return _encode(await self.inner.count(model, tree))

        count: int = msgspec.json.decode(await self._ask(model, load, "count", tree))
        return count

    async def exists(self, model: str, tree: Node) -> bool:
        """Kept."""
        if not self._keeps_queries(model):
            return await self.inner.exists(model, tree)

        async def load() -> bytes:
            return _encode(await self.inner.exists(model, tree))

        found: bool = msgspec.json.decode(await self._ask(model, load, "exists", tree))
        return found

    async def aggregate(self, model: str, aggregation: Aggregation) -> list[dict[str, Any]]:
        """Kept."""
        if not self._keeps_queries(model):
            return await self.inner.aggregate(model, aggregation)

        async def load() -> bytes:
            return _encode(await self.inner.aggregate(model, aggregation))

        rows: list[dict[str, Any]]
        rows = msgspec.json.decode(await self._ask(model, load, "aggregate", aggregation))
        return rows

    async def distinct(self, model: str, path: Reference, tree: Node) -> list[Scalar]:
        """Kept."""
        if not self._keeps_queries(model):
            return await self.inner.distinct(model, path, tree)

        async def load() -> bytes:
            return _encode(await self.inner.distinct(model, path, tree))

        values: list[Scalar]
        values = msgspec.json.decode(await self._ask(model, load, "distinct", path, tree))
        return values

    async def _ask(
        self, model: str, load: Callable[[], Awaitable[bytes]], operation: str, *asked: Any
    ) -> bytes:
        key = query_key(model, operation, *asked)
        return await self._tiers.fetch(key, (query_scope(model),), load)

    def _keeps(self, model: str) -> bool:
        if self._touched is None and (self._models is None or model in self._models):
            return True
        self._tiers.figures.add("bypassed")
        return False

    def _keeps_queries(self, model: str) -> bool:
        return self._queries and self._keeps(model)

    # Writes.

    async def create(self, model: str, write: Write) -> Document:
        """Its absence is forgotten."""
        async with self._forgetting(model, [write.id]):
            return await self.inner.create(model, write)

    async def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        """The document is forgotten."""
        async with self._forgetting(model, [id]):
            return await self.inner.update(model, id, changes, if_version=if_version)

    async def put(self, model: str, write: Write, *, if_version: int | None = None) -> Document:
        """Likewise."""
        async with self._forgetting(model, [write.id]):
            return await self.inner.put(model, write, if_version=if_version)

    async def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        """Likewise."""
        async with self._forgetting(model, [id]):
            return await self.inner.delete(model, id, if_version=if_version, if_created=if_created)

    async def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """The documents are forgotten."""
        async with self._forgetting(model, [write.id for write in writes]):
            return await self.inner.create_many(model, writes)

    async def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Likewise."""
        async with self._forgetting(model, [write.id for write in writes]):
            return await self.inner.put_many(model, writes)

    async def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Likewise: what a migration brings."""
        async with self._forgetting(model, [write.id for write in writes]):
            return await self.inner.write_page(model, writes, mode)

    async def update_many(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """All documents of the model are forgotten: the engine does not say which it wrote."""
        async with self._forgetting(model, None):
            return await self.inner.update_many(model, tree, changes)

    async def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Likewise."""
        async with self._forgetting(model, None):
            return await self.inner.delete_many(model, tree)

    async def find_one_and_update(self, model: str, query: Query, changes: Changes) -> Any:
        """Likewise: it may fail after it chose one."""
        return await self._chosen(model, self.inner.find_one_and_update, query, changes)

    async def find_one_and_delete(self, model: str, query: Query) -> Any:
        """Likewise."""
        return await self._chosen(model, self.inner.find_one_and_delete, query)

    async def drop(self, model: str) -> bool:
        """Likewise."""
        async with self._forgetting(model, None):
            return await self.inner.drop(model)

    async def _chosen(self, model: str, call: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        ids: list[str] | None = None
        try:
            found = await call(model, *args)
            ids = [] if found is None else [found.id]
            return found
        finally:
            if ids != []:
                await self._forget(model, ids)

    @asynccontextmanager
    async def _forgetting(self, model: str, ids: list[str] | None) -> AsyncGenerator[None]:
        """At the end of the block, forget these documents of a model, or all: also where it
        failed, which may leave it open whether they were written."""
        try:
            yield
        finally:
            await self._forget(model, ids)

    async def _forget(self, model: str, ids: list[str] | None) -> None:
        keys = [] if ids is None else [entity_key(model, id) for id in ids]
        scopes = [query_scope(model), *([model_scope(model)] if ids is None else [])]
        if self._touched is not None:
            self._touched.add(keys, scopes)
        else:
            await self._tiers.invalidate(keys, scopes)


def _present(text: bytes) -> Document | None:
    if text == ABSENT:
        return None
    document = decode_document(text)
    return None if document is None or has_expired(document) else document
