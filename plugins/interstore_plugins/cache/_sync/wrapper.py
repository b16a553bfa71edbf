# Generated from plugins/interstore_plugins/cache/_async/wrapper.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 8ecb460be210b3533f857fc6

"""`Caching`: the database whose answers are kept."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import msgspec

from interstore import Database
from interstore.aggregation import Aggregation
from interstore.bulk import BulkResult, WriteOutcome
from interstore.changes import Changes
from interstore.document import Document
from interstore.expiry import has_expired
from interstore.filters.tree import Node, Scalar
from interstore.foreign import ForeignSource
from interstore.paths import Reference
from interstore.plugins import Wrapper
from interstore.prepared import Query, Write, WriteMode
from interstore.transactions import Isolation
from interstore_plugins.cache._sync.tiers import Tiers
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

__all__ = ["Caching"]

_encode: Final = msgspec.json.Encoder().encode


class Caching(Wrapper):
    """A database that remembers documents by their id, and answers to filters.

    Whatever is written through it is forgotten before the write is acknowledged. In a
    transaction nothing is kept; what it wrote is forgotten when it has ended.
    """

    passes: ClassVar[frozenset[str]] = frozenset({"scan", "read_changes"})

    def __init__(self, database: Database, settings: CacheSettings) -> None:
        self._queries = settings.queries
        names = settings.models
        self._models = None if names is None else {name.strip() for name in names.split(",")}
        self._tiers = Tiers(settings, place_of(database))
        self._touched: Touched | None = None
        super().__init__(database)

    def metrics(self) -> dict[str, Any]:
        """Hits, misses, entries, bytes, and the state of the shared server."""
        return self._tiers.told()

    def connect(self) -> None:
        """A shared cache that is down does not keep the database from being used."""
        self.inner.connect()
        self._tiers.open()

    def disconnect(self) -> None:
        """Everything in this process is forgotten."""
        self._tiers.close()
        self.inner.disconnect()

    @contextmanager
    def transaction(self, isolation: Isolation) -> Generator[Database]:
        """Reads its own writes from the engine; what it wrote is forgotten at its end."""
        touched = Touched()
        try:
            with self.inner.transaction(isolation) as operations:
                inside = self.around(operations.database)
                inside._touched = touched
                yield inside
        finally:  # also after an error, which may leave it open whether it was committed
            if touched.any:
                self._tiers.invalidate(touched.keys, touched.scopes)

    def foreign(self, source: ForeignSource) -> Database:
        """Not cached: others write it."""
        return self.inner.foreign(source)

    # Reads.

    def find_by_id(self, model: str, id: str) -> Document | None:
        """From the cache, or from the engine and kept, its absence too."""
        if not self._keeps(model):
            return self.inner.find_by_id(model, id)

        def load() -> bytes:
            return encode_document(self.inner.find_by_id(model, id))

        text = self._tiers.fetch(entity_key(model, id), (model_scope(model),), load)
        return _present(text)

    def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """What the cache has not is asked of the engine in one call."""
        if not self._keeps(model):
            return self.inner.find_by_ids(model, ids)

        def load(missing: list[int]) -> list[bytes]:
            wanted = [ids[number] for number in missing]
            found = {each.id: each for each in self.inner.find_by_ids(model, wanted)}
            return [encode_document(found.get(id)) for id in wanted]

        keys = [entity_key(model, id) for id in ids]
        texts = self._tiers.fetch_many(keys, (model_scope(model),), load)
        return [document for text in texts if (document := _present(text)) is not None]

    def find(self, model: str, query: Query) -> Iterable[Document]:
        """A page is kept; what has no limit is not."""
        if query.limit is None or not self._keeps_queries(model):
            return self.inner.find(model, query)

        def load() -> bytes:
            return encode_documents(list(self.inner.find(model, query)))

        documents = decode_documents(self._ask(model, load, "find", query))
        if any(map(has_expired, documents)):  # since it was kept
            return self.inner.find(model, query)
        return documents

    def count(self, model: str, tree: Node) -> int:
        """Kept."""
        if not self._keeps_queries(model):
            return self.inner.count(model, tree)

        def load() -> bytes:
            return _encode(self.inner.count(model, tree))

        count: int = msgspec.json.decode(self._ask(model, load, "count", tree))
        return count

    def exists(self, model: str, tree: Node) -> bool:
        """Kept."""
        if not self._keeps_queries(model):
            return self.inner.exists(model, tree)

        def load() -> bytes:
            return _encode(self.inner.exists(model, tree))

        found: bool = msgspec.json.decode(self._ask(model, load, "exists", tree))
        return found

    def aggregate(self, model: str, aggregation: Aggregation) -> list[dict[str, Any]]:
        """Kept."""
        if not self._keeps_queries(model):
            return self.inner.aggregate(model, aggregation)

        def load() -> bytes:
            return _encode(self.inner.aggregate(model, aggregation))

        rows: list[dict[str, Any]]
        rows = msgspec.json.decode(self._ask(model, load, "aggregate", aggregation))
        return rows

    def distinct(self, model: str, path: Reference, tree: Node) -> list[Scalar]:
        """Kept."""
        if not self._keeps_queries(model):
            return self.inner.distinct(model, path, tree)

        def load() -> bytes:
            return _encode(self.inner.distinct(model, path, tree))

        values: list[Scalar]
        values = msgspec.json.decode(self._ask(model, load, "distinct", path, tree))
        return values

    def _ask(self, model: str, load: Callable[[], bytes], operation: str, *asked: Any) -> bytes:
        key = query_key(model, operation, *asked)
        return self._tiers.fetch(key, (query_scope(model),), load)

    def _keeps(self, model: str) -> bool:
        if self._touched is None and (self._models is None or model in self._models):
            return True
        self._tiers.figures.add("bypassed")
        return False

    def _keeps_queries(self, model: str) -> bool:
        return self._queries and self._keeps(model)

    # Writes.

    def create(self, model: str, write: Write) -> Document:
        """Its absence is forgotten."""
        with self._forgetting(model, [write.id]):
            return self.inner.create(model, write)

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        """The document is forgotten."""
        with self._forgetting(model, [id]):
            return self.inner.update(model, id, changes, if_version=if_version)

    def put(self, model: str, write: Write, *, if_version: int | None = None) -> Document:
        """Likewise."""
        with self._forgetting(model, [write.id]):
            return self.inner.put(model, write, if_version=if_version)

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        """Likewise."""
        with self._forgetting(model, [id]):
            return self.inner.delete(model, id, if_version=if_version, if_created=if_created)

    def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """The documents are forgotten."""
        with self._forgetting(model, [write.id for write in writes]):
            return self.inner.create_many(model, writes)

    def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Likewise."""
        with self._forgetting(model, [write.id for write in writes]):
            return self.inner.put_many(model, writes)

    def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Likewise: what a migration brings."""
        with self._forgetting(model, [write.id for write in writes]):
            return self.inner.write_page(model, writes, mode)

    def update_many(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """All documents of the model are forgotten: the engine does not say which it wrote."""
        with self._forgetting(model, None):
            return self.inner.update_many(model, tree, changes)

    def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Likewise."""
        with self._forgetting(model, None):
            return self.inner.delete_many(model, tree)

    def find_one_and_update(self, model: str, query: Query, changes: Changes) -> Any:
        """Likewise: it may fail after it chose one."""
        return self._chosen(model, self.inner.find_one_and_update, query, changes)

    def find_one_and_delete(self, model: str, query: Query) -> Any:
        """Likewise."""
        return self._chosen(model, self.inner.find_one_and_delete, query)

    def drop(self, model: str) -> bool:
        """Likewise."""
        with self._forgetting(model, None):
            return self.inner.drop(model)

    def _chosen(self, model: str, call: Callable[..., Any], *args: Any) -> Any:
        ids: list[str] | None = None
        try:
            found = call(model, *args)
            ids = [] if found is None else [found.id]
            return found
        finally:
            if ids != []:
                self._forget(model, ids)

    @contextmanager
    def _forgetting(self, model: str, ids: list[str] | None) -> Generator[None]:
        """At the end of the block, forget these documents of a model, or all: also where it
        failed, which may leave it open whether they were written."""
        try:
            yield
        finally:
            self._forget(model, ids)

    def _forget(self, model: str, ids: list[str] | None) -> None:
        keys = [] if ids is None else [entity_key(model, id) for id in ids]
        scopes = [query_scope(model), *([model_scope(model)] if ids is None else [])]
        if self._touched is not None:
            self._touched.add(keys, scopes)
        else:
            self._tiers.invalidate(keys, scopes)


def _present(text: bytes) -> Document | None:
    if text == ABSENT:
        return None
    document = decode_document(text)
    return None if document is None or has_expired(document) else document
