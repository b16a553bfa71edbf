"""Documents that expire: who knows of a model that it has such, and what removes them.

A document of the collection of declarations says so, from the first document that expires on. Then
there is a TTL index, too, by which MongoDB itself removes them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from pymongo import ReturnDocument
from pymongo.errors import OperationFailure

from interstore._compat_async import sleep
from interstore.expiry import seconds_until, unexpired
from interstore.filters.tree import Node
from interstore.times import now
from interstore_backends.mongodb._async.connection import translated_write
from interstore_backends.mongodb._async.indexes import AsyncIndexes
from interstore_backends.mongodb.keys import ENVELOPE
from interstore_backends.mongodb.options import SIMPLE
from interstore_backends.mongodb.records import date_of

__all__ = ["AsyncExpiry"]

_BELIEVED_SECONDS: Final = 2.0
"""So long, a process takes it for granted that the documents of a model do not expire. Whoever
stores the first one that does waits for it, if that expires sooner."""
_INDEX: Final = "interstore_expires_at"
_FORBIDDEN: Final = 13
_BATCH: Final = 1_000
_REMEMBERED: Final = 1_000


class AsyncExpiry(AsyncIndexes):
    """What is known of expiry, and the sweep."""

    async def _living(self, model: str, tree: Node) -> Node:
        """The tree for what has not expired: the same where nothing does."""
        return unexpired(tree) if await self._expires(model) else tree

    async def _expires(self, model: str) -> bool:
        """Whether documents of the model expire."""
        if model in self._expiring:
            return True
        if self._plain.get(model, 0.0) > time.monotonic():
            return False
        believed = time.monotonic() + _BELIEVED_SECONDS
        if await self._declared_in().find_one({"_id": _flag(model)}, {"_id": 1}):
            self._expiring.add(model)
            return True
        if len(self._plain) >= _REMEMBERED:
            self._plain.clear()
        self._plain[model] = believed
        return False

    async def _expire(self, model: str, expires: str | None) -> None:
        """Let documents of a model expire, of which one is to be stored that does."""
        if expires is None:
            return
        if model not in self._expiring:
            await self._begin_expiry(model, expires)
        if model not in self._removing:
            await self._index_expiry(model)

    async def _begin_expiry(self, model: str, expires: str) -> None:
        """Say that documents of the model expire.

        Whoever takes it for granted that none does is waited for, if that expires sooner.
        """
        since = {"expires": model, "since": {"$ifNull": ["$since", "$$NOW"]}}
        age = {"age": {"$subtract": ["$$NOW", "$since"]}}
        found = await self._declared_in().find_one_and_update(
            {"_id": _flag(model)},
            [{"$set": since}, {"$set": age}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        rest = _BELIEVED_SECONDS - (0 if found is None else int(found["age"]) / 1000)
        if rest > 0 and seconds_until(expires) <= rest:
            await sleep(rest)
        self._expiring.add(model)

    async def _index_expiry(self, model: str) -> None:
        """Have MongoDB remove what has expired."""
        try:
            await self._database()[model].create_index(
                [(f"{ENVELOPE}.expires_at", 1)], name=_INDEX, expireAfterSeconds=0, sparse=True
            )
        except OperationFailure as error:
            if error.code != _FORBIDDEN:  # then a sweep removes it
                raise
        self._removing.add(model)

    @translated_write
    async def sweep(self, model: str, limit: int, ids: Sequence[str] | None = None) -> int:
        """Remove documents that have expired, at most `limit`; return how many."""
        if not await self._expires(model):
            return 0
        if ids is None:
            await self._index_expiry(model)
        return await self._remove_expired(model, limit, ids)

    async def _remove_expired(
        self, model: str, limit: int, ids: Sequence[str] | None = None
    ) -> int:
        moment = now()
        gone = {f"{ENVELOPE}.expires": {"$lte": moment}}
        if ids is None:
            found = self._collection(model).find(
                {f"{ENVELOPE}.expires_at": {"$lte": date_of(moment)}, **gone},
                {"_id": 1},
                limit=limit,
                batch_size=limit,
                collation=SIMPLE,
            )
            ids = [each["_id"] for each in await found.to_list()]
        if not ids:
            return 0
        result = await self._collection(model).delete_many(
            {"_id": {"$in": list(ids)}, **gone}, collation=SIMPLE
        )
        return int(result.deleted_count)

    async def _make_room(self, model: str, ids: Sequence[str]) -> None:
        """Remove what has expired of documents that are to be written over."""
        if await self._expires(model):
            await self._remove_expired(model, len(ids), ids)

    async def _remove_all_expired(self, model: str) -> None:
        while await self._expires(model) and await self._remove_expired(model, _BATCH) == _BATCH:
            pass


def _flag(model: str) -> str:
    """The id of the document that says it; no model's name has a space."""
    return f"expiry {model}"
