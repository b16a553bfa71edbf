"""The operations that only read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from pymongo.errors import OperationFailure

from interstore._async.operations import AsyncOperations
from interstore.aggregation import Aggregation, Group, arrange
from interstore.document import Document
from interstore.expiry import has_expired, unexpired
from interstore.filters.order import sort_value
from interstore.filters.tree import Node, Scalar
from interstore.paths import Reference
from interstore.prepared import Partition, Query, ScanPage
from interstore.pushdown import distinct_groups
from interstore.times import now
from interstore_backends.mongodb._async.connection import translated
from interstore_backends.mongodb._async.expiry import AsyncExpiry
from interstore_backends.mongodb.aggregates import compile_aggregation, groups_of
from interstore_backends.mongodb.compile import Find, compile_query, is_proof, sorts_by_fields
from interstore_backends.mongodb.conditions import Filter, compile_filter
from interstore_backends.mongodb.errors import CAUGHT, is_index_gone
from interstore_backends.mongodb.options import SIMPLE
from interstore_backends.mongodb.records import (
    not_expired,
    not_ours,
    read_document,
    read_documents,
    writes_of,
)

__all__ = ["AsyncReads"]

_BATCH: Final = 1_000
_SAMPLES: Final = 50
"""Ids looked at for each share of a model."""


class AsyncReads(AsyncExpiry):
    """The operations that only read."""

    @translated
    async def find_by_id(self, model: str, id: str) -> Document | None:
        found = await self._collection(model).find_one({"_id": id}, collation=SIMPLE)
        if found is None:
            return None
        document = read_document(found)
        return None if document.expires is not None and has_expired(document) else document

    @translated
    async def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """The documents that exist among `ids`."""
        found = await self._read(model, {"_id": {"$in": list(ids)}})
        if any(document.expires is not None for document in found):
            time = now()
            return [document for document in found if not has_expired(document, time)]
        return found

    @translated
    async def find(self, model: str, query: Query) -> Iterable[Document]:
        if await self._expires(model):
            query = query.only(tree=unexpired(query.tree))
        if not sorts_by_fields(query):
            return await self._found(model, query, compile_query(query))
        plan = compile_query(query, await self._ready(model))
        try:
            documents = await self._found(model, query, plan)
        except OperationFailure as error:
            if not is_index_gone(error.code, hinted=plan.hint is not None):
                raise
        else:
            if not plan.is_guarded:
                return documents
            if documents and is_proof(documents[-1]):
                return documents[:-1]
        # A declaration is gone, and the order may be another.
        self._distrust(model)
        return await self._found(model, query, compile_query(query))

    async def _found(self, model: str, query: Query, plan: Find) -> list[Document]:
        if plan.sort:
            options = {} if plan.hint is None else {"hint": plan.hint}
            return await self._read(
                model,
                plan.filter,
                plan.projection,
                sort=plan.sort,
                skip=query.skip,
                limit=query.limit or 0,
                allow_disk_use=True,
                **options,
            )
        cursor = await self._collection(model).aggregate(
            plan.pipeline, collation=SIMPLE, allowDiskUse=True, batchSize=_BATCH
        )
        return await _all(cursor)

    async def _read(
        self, model: str, filter: Filter, projection: Any = None, **options: Any
    ) -> list[Document]:
        cursor = self._collection(model).find(
            filter, projection, collation=SIMPLE, batch_size=_BATCH, **options
        )
        return await _all(cursor)

    @translated
    async def count(self, model: str, tree: Node) -> int:
        """How many documents match."""
        filter = compile_filter(await self._living(model, tree))
        return await self._collection(model).count_documents(filter, collation=SIMPLE)

    @translated
    async def exists(self, model: str, tree: Node) -> bool:
        """Whether any document matches."""
        filter = compile_filter(await self._living(model, tree))
        found = await self._collection(model).find_one(filter, {"_id": 1}, collation=SIMPLE)
        return found is not None

    @translated
    async def aggregate(self, model: str, aggregation: Aggregation) -> list[dict[str, Any]]:
        """One row for each group."""
        groups = await self._groups(model, aggregation)
        # Of no documents, MongoDB has no group either.
        if groups is None or not (groups or aggregation.group_by):
            return await AsyncOperations.aggregate(self._derived(), model, aggregation)
        return arrange(groups, aggregation)

    @translated
    async def distinct(self, model: str, path: Reference, tree: Node) -> list[Scalar]:
        """The scalars that stand at `path`, each once, in sort order."""
        groups = await self._groups(model, distinct_groups(path, tree)) or []
        return sorted([value for (value,), _ in groups], key=sort_value)

    async def _groups(self, model: str, aggregation: Aggregation) -> list[Group] | None:
        """The groups; ``None`` if only core can tell them, of whole documents."""
        living = replace(aggregation, tree=await self._living(model, aggregation.tree))
        cursor = await self._collection(model).aggregate(
            compile_aggregation(living),
            collation=SIMPLE,
            allowDiskUse=True,
            batchSize=_BATCH,
        )
        return groups_of(await cursor.to_list(), aggregation)

    def _derived(self) -> AsyncOperations:
        """What is built on the operations on one document."""
        database: Any = self  # the engine, of which this class is a part
        return AsyncOperations(database)

    @translated
    async def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """One page of a partition, in the order of ids, after the last id of the page before."""
        bounds: dict[str, str] = {}
        lower = partition.after if after is None else after
        if lower is not None:
            bounds["$gt"] = lower
        if partition.until is not None:
            bounds["$lte"] = partition.until
        filter: Filter = {"_id": bounds} if bounds else {}
        if await self._expires(model):
            filter |= not_expired()
        cursor = self._collection(model).find(
            filter, collation=SIMPLE, batch_size=_BATCH, sort=[("_id", 1)], limit=limit
        )
        found = await cursor.to_list()
        return ScanPage.later(
            lambda: read_documents(found),
            lambda: writes_of(found),
            found[-1]["_id"] if len(found) == limit else None,
        )

    @translated
    async def partitions(self, model: str, n: int) -> list[Partition]:
        """At most `n` shares of about the same number of documents, judged by some of them."""
        if n <= 1:
            return [Partition()]
        cursor = await self._collection(model).aggregate(
            [{"$sample": {"size": n * _SAMPLES}}, {"$project": {"_id": 1}}], batchSize=n * _SAMPLES
        )
        ids = set()
        async for found in cursor:
            if not isinstance(found["_id"], str):
                raise not_ours(found["_id"])
            ids.add(found["_id"])
        ordered = sorted(ids)
        n = min(n, len(ordered)) or 1
        splits = [ordered[len(ordered) * share // n - 1] for share in range(1, n)]
        return [
            Partition(after=after, until=until) for after, until in pairwise([None, *splits, None])
        ]

    async def ping(self) -> None:
        """Return if the server answers."""
        try:
            await self._database().command("ping")
        except CAUGHT as error:
            raise self.errors(error) from error


async def _all(cursor: Any) -> list[Document]:
    """Everything that a cursor gives, a batch at a time: what was read needs no room twice."""
    documents: list[Document] = []
    while batch := await cursor.to_list(_BATCH):
        documents += read_documents(batch)
    return documents
