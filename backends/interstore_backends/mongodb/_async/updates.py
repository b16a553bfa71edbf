"""Updates of documents that a filter names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import OperationFailure

from interstore._async.operations import AsyncOperations
from interstore.bulk import BulkResult
from interstore.changes import Changes
from interstore.document import Document
from interstore.filters.tree import And, In, Node
from interstore.paths import Envelope
from interstore.prepared import Query
from interstore_backends.mongodb._async.connection import translated_write
from interstore_backends.mongodb._async.writes import AsyncWrites
from interstore_backends.mongodb.compile import compile_query, sorts_by_fields
from interstore_backends.mongodb.conditions import Filter, all_of, compile_filter
from interstore_backends.mongodb.errors import REFUSED, is_duplicate, is_index_gone
from interstore_backends.mongodb.indexes import split
from interstore_backends.mongodb.keys import field_path
from interstore_backends.mongodb.options import SIMPLE
from interstore_backends.mongodb.records import read_document
from interstore_backends.mongodb.updates import (
    ALARM,
    MISFITS,
    OURS,
    UPDATED,
    alarm,
    fits,
    operators,
)

__all__ = ["AsyncUpdates"]

_PAGE: Final = 1_000
"""Documents looked at one by one between two commands that update all the others."""


class AsyncUpdates(AsyncWrites):
    """Updates of documents that a filter names."""

    @translated_write
    async def update_many(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """Update every document that matches: by one command those that the changes fit.

        Those that they do not fit are looked for before, since afterwards nobody could tell
        them from documents that were updated already, and then tried and reported one by one.
        """
        if changes.is_empty:
            return BulkResult(updated=await self.count(model, tree))
        fitting = fits(changes)
        if fitting is None or await self._may_differ(model, changes):
            return await self._update_each(model, tree, changes)
        await self._expire(model, changes.expiry)
        living = compile_filter(await self._living(model, tree))
        result, matching, after = BulkResult(), all_of([living, OURS]), None
        while True:
            misfits = await self._misfits(model, matching, fitting, after)
            until = misfits[-1] if len(misfits) == _PAGE else None
            ids: Filter = {"$nin": misfits} if misfits else {}
            ids |= {"$gt": after} if after is not None else {}
            ids |= {"$lte": until} if until is not None else {}
            these = all_of([matching, fitting, {"_id": ids} if ids else {}])
            updated = await self._update_all(model, these, changes)
            if updated is None:
                return await self._update_each(model, tree, changes)
            result.updated += updated
            if misfits:
                rest = And((tree, In(Envelope.ID, tuple(misfits))))
                looked_at = await self._update_each(model, rest, changes)
                result.updated += looked_at.updated
                result.failed += looked_at.failed
                result.outcomes += looked_at.outcomes
            if until is None:
                return result
            after = until

    async def _misfits(
        self, model: str, matching: Filter, fitting: Filter, after: str | None
    ) -> list[str]:
        """The first ids of documents that match and that the changes do not fit."""
        if not fitting:
            return []
        beyond: Filter = {"_id": {"$gt": after}} if after is not None else {}
        cursor = self._collection(model).find(
            all_of([matching, {"$nor": [fitting]}, beyond]),
            {"_id": 1},
            sort=[("_id", 1)],
            limit=_PAGE,
            batch_size=_PAGE,
            collation=SIMPLE,
        )
        return [found["_id"] for found in await cursor.to_list()]

    async def _update_all(self, model: str, filter: Filter, changes: Changes) -> int | None:
        """How many documents were updated; ``None`` if the first was refused, and so none."""
        try:
            result = await self._collection(model).update_many(
                filter, operators(changes), collation=SIMPLE
            )
        except OperationFailure as error:
            if error.code != REFUSED and not is_duplicate(error.code):
                raise
            if await self._collection(model).find_one({UPDATED: changes.updated}, {"_id": 1}):
                # An index was declared at this very moment.
                raise
            return None
        return int(result.modified_count)

    async def _update_each(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """One document after the other, each read before."""
        return await AsyncOperations.update_many(self._derived(), model, tree, changes)

    async def _may_differ(self, model: str, changes: Changes) -> bool:
        """Whether an index, or a validator of others, may refuse some documents and not others.

        A command stops at the first document that is refused, and does not say how many it
        updated before. What declared types refuse, they refuse of all that the changes fit.
        """
        options = await self._collection_options(model)
        if split(options.get("validator", {}))[1]:
            return True
        changed = [field_path(change.path) for change in changes.changes]
        async for index in await self._collection(model).list_indexes():
            if index["name"] == "_id_" or _is_ours(index):
                continue
            if any(_overlap(name, field) for name in index["key"] for field in changed):
                return True
        return False

    @translated_write
    async def find_one_and_update(
        self, model: str, query: Query, changes: Changes
    ) -> Document | None:
        """Update the first document of the query's order; ``None`` if none matches.

        In one round trip, if the order is one of MongoDB's own. Otherwise, and for a document
        that the changes do not fit, it is read, and updated in that version.
        """
        if not changes.is_empty and not query.skip and fits(changes) is not None:
            try:
                done, found = await self._update_first(model, query, changes)
            except OperationFailure as error:
                if not _asks_for_a_closer_look(error.code):
                    raise
            else:
                if done:
                    return None if found is None else read_document(found)
        return await AsyncOperations.find_one_and_update(self._derived(), model, query, changes)

    async def _update_first(
        self, model: str, query: Query, changes: Changes
    ) -> tuple[bool, dict[str, Any] | None]:
        """Whether that could be done, and the document as it is then."""
        await self._expire(model, changes.expiry)
        query = query.only(tree=await self._living(model, query.tree))
        declared = await self._ready(model) if sorts_by_fields(query) else ()
        plan = compile_query(query.only(limit=1, fields=None), declared)
        if not plan.sort:
            return False, None
        options: dict[str, Any] = {} if plan.hint is None else {"hint": plan.hint}
        return True, await self._collection(model).find_one_and_update(
            all_of([plan.filter, OURS, alarm(changes)]),
            operators(changes),
            sort=plan.sort,
            return_document=ReturnDocument.AFTER,
            collation=SIMPLE,
            **options,
        )

    @translated_write
    async def find_one_and_delete(self, model: str, query: Query) -> Document | None:
        """Delete the first document of the query's order and return it; ``None`` if none matches.

        In one round trip, if the order is one of MongoDB's own.
        """
        declared = await self._ready(model) if sorts_by_fields(query) else ()
        tree = await self._living(model, query.tree)
        plan = compile_query(query.only(tree=tree, limit=1, fields=None), declared)
        if plan.sort and not query.skip:
            options: dict[str, Any] = {} if plan.hint is None else {"hint": plan.hint}
            try:
                found = await self._collection(model).find_one_and_delete(
                    all_of([plan.filter, OURS]), sort=plan.sort, collation=SIMPLE, **options
                )
            except OperationFailure as error:
                if not is_index_gone(error.code, hinted=plan.hint is not None):
                    raise
            else:
                return None if found is None else read_document(found)
        return await AsyncOperations.find_one_and_delete(self._derived(), model, query)


def _asks_for_a_closer_look(code: int | None) -> bool:
    """Of an error: whether doing the same step by step tells what is wrong, or is right."""
    closer = code in MISFITS or code == ALARM or is_duplicate(code)
    return closer or is_index_gone(code, hinted=True)


def _is_ours(index: Mapping[str, Any]) -> bool:
    return str(index["name"]).startswith("interstore_") and not index.get("unique")


def _overlap(indexed: str, changed: str) -> bool:
    """Whether a change of one field may be a change of the other; a name of no field is all."""
    if indexed.startswith(("$", "_fts")) or indexed.endswith("$**"):
        return True
    return f"{indexed}.".startswith(f"{changed}.") or f"{changed}.".startswith(f"{indexed}.")
