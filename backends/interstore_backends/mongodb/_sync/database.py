# Generated from backends/interstore_backends/mongodb/_async/database.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 2195628af820fa78e0f8e5be

"""The MongoDB engine: Interstore's operations as commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from pymongo import ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from interstore.bulk import BulkResult, WriteOutcome
from interstore.filters.tree import ALL, Node
from interstore.prepared import Write, WriteMode
from interstore_backends.mongodb._sync.connection import translated
from interstore_backends.mongodb._sync.reads import SIMPLE
from interstore_backends.mongodb._sync.writes import Writes
from interstore_backends.mongodb.bulk import Batch
from interstore_backends.mongodb.conditions import all_of, compile_filter
from interstore_backends.mongodb.errors import CAUGHT
from interstore_backends.mongodb.keys import ENVELOPE
from interstore_backends.mongodb.records import not_ours, stored
from interstore_backends.mongodb.settings import CAPABILITIES, LIMITS
from interstore_backends.mongodb.updates import OURS, VERSION, replacement

__all__ = ["MongoDBDatabase"]

Operation: TypeAlias = UpdateOne | ReplaceOne[dict[str, Any]]


class MongoDBDatabase(Writes):
    """A database on a MongoDB replica set, sharded cluster or single server.

    An acknowledged write is in the journals of a majority; reads are the primary's.
    """

    name = "mongodb"
    capabilities = CAPABILITIES
    limits = LIMITS

    # Writes of many documents.

    @translated
    def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Create each; the outcome of each, in order. The ids are distinct."""
        batch = Batch(model, writes)
        self._insert(model, batch)
        return batch.outcomes

    def _insert(self, model: str, batch: Batch) -> None:
        documents = batch.documents()
        if not documents:
            return
        collection = self._writable(model)
        try:
            collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            batch.failed(error, self.errors)

    @translated
    def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Put each; the outcome of each, in order. The ids are distinct."""
        batch = Batch(model, writes)
        self._insert(model, batch)
        while batch.existing:
            self._replace(model, batch)
        return batch.outcomes

    def _replace(self, model: str, batch: Batch) -> None:
        """Replace the documents that were there, each in the version that it has now.

        Should it have another by then, to insert it fails for its id, which is reported, and
        it is tried again: so the outcome is the version that this very write gave it.
        """
        writes = batch.existing
        known = self._versions(model, writes)
        versions = [known.get(write.id, 0) for write in writes]
        operations = [
            UpdateOne(
                # As a range, so that the version is no part of what is inserted.
                {"_id": write.id, VERSION: {"$gte": version, "$lte": version}},
                replacement(write),
                upsert=True,
                collation=SIMPLE,
            )
            for write, version in zip(writes, versions, strict=True)
        ]
        batch.again(version + 1 for version in versions)
        self._bulk(model, batch, operations)

    def _versions(self, model: str, writes: Iterable[Write]) -> dict[str, int]:
        """The versions of the documents that exist.

        Raises:
            ConfigurationError: one of them was not written by Interstore.
        """
        cursor = self._collection(model).find(
            {"_id": {"$in": [write.id for write in writes]}},
            {ENVELOPE: 1},
            collation=SIMPLE,
            batch_size=1_000,
        )
        versions: dict[str, int] = {}
        for found in cursor:
            if ENVELOPE not in found:
                raise not_ours(found["_id"])
            versions[found["_id"]] = found[ENVELOPE]["version"]
        return versions

    def _bulk(self, model: str, batch: Batch, operations: Sequence[Operation]) -> None:
        collection = self._writable(model)
        try:
            result = collection.bulk_write(operations, ordered=False)
        except BulkWriteError as error:
            batch.failed(error, self.errors)
        else:
            batch.inserted(result.upserted_ids or ())

    @translated
    def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Write documents as they are; 0 for each that the mode leaves as it was."""
        batch = Batch(model, writes)
        self._insert(model, batch)
        if mode == "insert_if_absent":
            return batch.leave()
        while batch.existing:
            self._write_over(model, batch, only_older=mode == "replace_if_newer")
            self._versions(model, batch.existing)
            if mode == "replace_if_newer":
                return batch.leave()
        return batch.outcomes

    def _write_over(self, model: str, batch: Batch, *, only_older: bool) -> None:
        """Replace the documents that were there; to insert one that must stay fails."""
        writes = batch.existing
        operations = [
            ReplaceOne(
                {"_id": write.id, VERSION: {"$lt": write.version} if only_older else {"$gt": 0}},
                stored(write),
                upsert=True,
                collation=SIMPLE,
            )
            for write in writes
        ]
        batch.again(write.version for write in writes)
        self._bulk(model, batch, operations)

    @translated
    def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Delete every document that matches, each atomically."""
        filter = all_of([compile_filter(tree), OURS])
        result = self._collection(model).delete_many(filter, collation=SIMPLE)
        return BulkResult(deleted=result.deleted_count)

    # By capability.

    def models(self) -> list[str]:
        """The names of the models that exist, sorted."""
        try:
            return self._model_names()
        except CAUGHT as error:
            raise self.errors(error) from error

    @translated
    def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""
        existed = model in self._model_names()
        if existed:
            self._database().drop_collection(model)
        self._existing.discard(model)
        return existed

    def stats(self) -> dict[str, Any]:
        """Documents of each model, bytes, the server's version and the settings in force."""
        database = self._database()
        documents = {model: self.count(model, ALL) for model in self.models()}
        try:
            figures = database.command("dbStats")
            server = database.command("buildInfo")
            hello = database.command("hello")
        except CAUGHT as error:
            raise self.errors(error) from error
        return {
            "documents": sum(documents.values()),
            "bytes": int(figures["storageSize"]) + int(figures["indexSize"]),
            "models": documents,
            "mongodb": server["version"],
            "replica_set": hello.get("setName"),
            "durability": self._settings.durability,
        }
