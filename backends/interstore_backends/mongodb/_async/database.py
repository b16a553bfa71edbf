"""The MongoDB engine: Interstore's operations as commands."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from interstore.bulk import BulkResult, WriteOutcome
from interstore.expiry import earliest
from interstore.filters.tree import Node
from interstore.prepared import Write, WriteMode
from interstore.transactions import Isolation
from interstore_backends.mongodb._async.connection import translated, translated_write
from interstore_backends.mongodb._async.inspection import AsyncInspection
from interstore_backends.mongodb._async.watching import AsyncWatching
from interstore_backends.mongodb._async.writes import contended
from interstore_backends.mongodb.bulk import Batch, Stored
from interstore_backends.mongodb.conditions import all_of, compile_filter
from interstore_backends.mongodb.keys import ENVELOPE
from interstore_backends.mongodb.options import SIMPLE
from interstore_backends.mongodb.records import not_ours
from interstore_backends.mongodb.settings import CAPABILITIES, LIMITS, MongoDBSettings
from interstore_backends.mongodb.updates import OURS, VERSION

if TYPE_CHECKING:
    from interstore.foreign import ForeignSource
    from interstore_backends.mongodb._async.foreign import AsyncMongoDBForeign
    from interstore_backends.mongodb._async.transactions import AsyncTransaction

__all__ = ["AsyncMongoDBDatabase"]

_ATTEMPTS: Final = 100
"""How often documents are sent while others write the same ones."""


class AsyncMongoDBDatabase(AsyncInspection, AsyncWatching):
    """A database on a MongoDB replica set, sharded cluster or single server.

    An acknowledged write is in the journals of a majority; reads are the primary's.
    """

    name = "mongodb"
    capabilities = CAPABILITIES
    limits = LIMITS

    def __init__(self, settings: MongoDBSettings) -> None:
        super().__init__(settings)
        self._repeated: set[str] = set()

    # Writes of many documents.

    @translated_write
    async def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Create each; the outcome of each, in order. The ids are distinct."""
        batch = Batch(model, writes)
        await self._insert(model, batch, batch.documents())
        return batch.outcomes

    async def _insert(self, model: str, batch: Batch, documents: list[dict[str, Any]]) -> None:
        if not documents:
            return
        collection = await self._writable(model)
        await self._expire(model, earliest(write.expires for write in batch.writes))
        try:
            await collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            batch.failed(error, self.errors)
            # A validator is asked before the id is looked for.
            unfit = [batch.writes[place] for place in batch.unfit]
            batch.found(await self._stored(model, unfit) if unfit else ())
            await self._explain(model, batch)

    async def _explain(self, model: str, batch: Batch) -> None:
        """Say of documents that an index may have refused what it demands."""
        indexes = await self._demanding(model) if batch.refused else []
        for place, problem in batch.refused.items():
            write = batch.writes[place]
            found = self._objection(model, write.id, write.fields, problem, indexes)
            if found is not None:
                batch.outcomes[place] = found
        batch.refused.clear()

    @translated_write
    async def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Put each; the outcome of each, in order. The ids are distinct.

        Each is written over the version that was just read, so its own is known. If it has
        another by then, to insert it fails for its id, which is reported, and it is tried
        again. One that is deleted at this very moment is created with its next version.
        """
        batch = Batch(model, writes)
        await self._make_room(model, [write.id for write in writes])
        known = await self._stored(model, writes)
        await self._insert(model, batch, batch.documents(known))
        for attempt in range(_ATTEMPTS):
            if not batch.existing:
                return batch.outcomes
            if attempt:
                known = await self._stored(model, batch.existing)
            await self._replace(
                model,
                batch,
                [
                    (known.get(document["_id"], (0, ""))[0], document)
                    for document in batch.replacements(known)
                ],
            )
        raise contended(model, batch.existing[0].id)

    async def _stored(self, model: str, writes: Iterable[Write]) -> dict[str, Stored]:
        """Versions and creation times of the documents that exist.

        Raises:
            ConfigurationError: one of them was not written by Interstore.
        """
        cursor = self._collection(model).find(
            {"_id": {"$in": [write.id for write in writes]}},
            {ENVELOPE: 1},
            collation=SIMPLE,
            batch_size=1_000,
        )
        known: dict[str, Stored] = {}
        async for found in cursor:
            if ENVELOPE not in found:
                raise not_ours(found["_id"])
            known[found["_id"]] = (found[ENVELOPE]["version"], found[ENVELOPE]["created_at"])
        return known

    async def _ids(self, model: str, writes: Iterable[Write]) -> set[str]:
        """The ids that exist."""
        ids = {"$in": [write.id for write in writes]}
        cursor = self._collection(model).find(
            {"_id": ids}, {"_id": 1}, collation=SIMPLE, batch_size=1_000
        )
        return {found["_id"] for found in await cursor.to_list()}

    async def _replace(
        self, model: str, batch: Batch, documents: Iterable[tuple[Any, dict[str, Any]]]
    ) -> None:
        """Store each over the one that has the version, or meets the condition on it."""
        operations = [
            ReplaceOne(
                {"_id": document["_id"], VERSION: version},
                document,
                upsert=True,
                collation=SIMPLE,
            )
            for version, document in documents
        ]
        if not operations:
            return
        collection = await self._writable(model)
        await self._expire(model, earliest(write.expires for write in batch.writes))
        try:
            await collection.bulk_write(operations, ordered=False)
        except BulkWriteError as error:
            batch.failed(error, self.errors)
            await self._explain(model, batch)

    @translated_write
    async def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Write documents as they are; 0 for each that the mode leaves as it was.

        To insert one that exists takes longer than to look for it. So they are looked for
        if there were some in the page before.
        """
        batch = Batch(model, writes)
        await self._make_room(model, [write.id for write in writes])
        known = await self._ids(model, writes) if model in self._repeated else set()
        await self._insert(model, batch, batch.documents(known))
        if batch.existing:
            self._repeated.add(model)
        else:
            self._repeated.discard(model)
        if mode == "insert_if_absent":
            return batch.leave()
        for _ in range(_ATTEMPTS):
            if not batch.existing:
                return batch.outcomes
            older = mode == "replace_if_newer"
            versions = await self._stored(model, batch.existing)  # which refuses those of others
            if older:
                batch.leave_newer(versions)
            await self._replace(
                model,
                batch,
                [
                    ({"$lt": document[ENVELOPE]["version"]} if older else {"$gt": 0}, document)
                    for document in batch.replacements()
                ],
            )
            if older:
                return batch.leave()
        raise contended(model, batch.existing[0].id)

    @translated_write
    async def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Delete every document that matches, each atomically."""
        filter = all_of([compile_filter(await self._living(model, tree)), OURS])
        result = await self._collection(model).delete_many(filter, collation=SIMPLE)
        return BulkResult(deleted=result.deleted_count)

    # By capability.

    @asynccontextmanager
    async def transaction(self, isolation: Isolation) -> AsyncGenerator[AsyncTransaction]:
        """This database in a transaction.

        Raises:
            UnsupportedError: it is a single server, or the isolation is not ``"snapshot"``.
        """
        from interstore_backends.mongodb._async.transactions import AsyncPast, AsyncTransaction

        reading = isolation == "reading"
        session = await self._new_session(snapshot=reading)
        kind = AsyncPast if reading else AsyncTransaction
        async with kind.of(self, session, self._transactions, isolation) as database:
            yield database

    def foreign(self, source: ForeignSource) -> AsyncMongoDBForeign:
        """A collection or a view that others made in the database."""
        from interstore_backends.mongodb._async.foreign import AsyncMongoDBForeign

        return AsyncMongoDBForeign(source, self)

    @translated
    async def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""
        existed = model in await self._model_names()
        if existed or await self._declarations(model):
            await self._drop_with_indexes(model)
        self._forget(model)
        return existed
