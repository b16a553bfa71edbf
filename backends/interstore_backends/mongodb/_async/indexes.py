"""Indexes: declaring, building and dropping them, and what they refuse."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

import pymongo
from pymongo.errors import OperationFailure

from interstore._compat_async import sleep
from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    PermissionDeniedError,
    UnavailableError,
)
from interstore.indexes import SHOWN_IDS, Index, check_new_index, clashing, objection, unfit
from interstore_backends.mongodb._async.connection import AsyncConnection, patient, translated
from interstore_backends.mongodb.driver_async import DriverCollection
from interstore_backends.mongodb.errors import (
    CAUGHT,
    REFUSED,
    duplicate,
    is_duplicate,
    is_duplicate_id,
)
from interstore_backends.mongodb.indexes import (
    INDEXES,
    MODELS,
    Declaration,
    Native,
    check_where,
    clashes,
    holds,
    is_same,
    is_strict,
    joined,
    misfits,
    natives,
    new_stamp,
    rules,
    split,
    taken_under,
)
from interstore_backends.mongodb.options import SIMPLE

__all__ = ["AsyncIndexes"]

T = TypeVar("T")

_AGE: Final = 5.0
"""Seconds for which declarations are believed to be what they were. A query proves it."""
_BUILD_SECONDS: Final = 3600.0
"""How long it may take to build an index, and to look at every document for it."""
_LEASE_SECONDS: Final = 60.0
"""When the lock on a model's declarations is taken from who does not return it."""
_LOCKED_SECONDS: Final = 45.0
_REMEMBERED: Final = 1_000
_ATTEMPTS: Final = 10
_NOWHERE: Final = 27  # IndexNotFound
_NO_COLLECTION: Final = 26
_OTHER_NAME: Final = frozenset({85, 86})
_ABORTED: Final = 276  # IndexBuildAborted
_BUILDING: Final = 12587  # BackgroundOperationInProgressForNamespace
_FORBIDDEN: Final = 13
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


class AsyncIndexes(AsyncConnection):
    """Indexes, and the errors of what they refuse."""

    @translated
    async def indexes(self, model: str) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        return [each.index for each in await self._declarations(model) if each.ready]

    @patient
    async def ensure_index(self, model: str, index: Index) -> None:
        """Build an index unless it exists.

        The validator first, so that no document comes that does not fit; then it is seen to
        that none is there; then MongoDB's indexes; then the declaration is ready. Each step
        may be done again, by whoever asks for the same index.

        Raises:
            ConfigurationError: it contradicts another, or the validator of others.
            InvalidDocumentError, DuplicateError: stored documents stand in its way.
            PermissionDeniedError: the user may not change the validator.
            UnsupportedError: MongoDB has no words for what the index is about.
        """
        check_where(index)
        await self._writable(model)
        for _ in range(_ATTEMPTS):
            existing = await self._declarations(model)
            if await self._stands(model, index, existing):
                return
            check_new_index(index, (each.index for each in existing))
            if index.unique:
                await self._remove_all_expired(model)
            await self._check_documents(model, index)
            declaration = await self._patiently(lambda: self._declare(model, index), _BUILD_SECONDS)
            try:
                await self._check_documents(model, index)
                native = await self._build(model, index)
            except (*CAUGHT, InterstoreError) as error:
                with suppress(*CAUGHT, UnavailableError):
                    await self._patiently(partial(self._withdraw, declaration))
                if getattr(error, "code", None) == _ABORTED:
                    continue  # by another, who dropped it
                raise
            if native is not None and await self._finish(declaration, native):
                return
        raise UnavailableError(
            f"others declared or dropped the {index} of {model} {_ATTEMPTS} times while this "
            "call tried to; try again later",
            backend="mongodb",
            model=model,
        )

    @patient
    async def drop_index(self, model: str, name: str) -> bool:
        """Remove an index; return whether it existed."""
        existed = await self._patiently(lambda: self._remove(model, name))
        if existed:
            await self._restore(model)
        return existed

    async def _remove(self, model: str, name: str) -> bool:
        async with self._lock(model):
            declared = await self._declarations(model)
            found = next((each for each in declared if each.index.name == name), None)
            if found is not None:
                await self._undo(found)
        return found is not None

    async def _patiently(
        self, change: Callable[[], Awaitable[T]], seconds: float | None = None
    ) -> T:
        """Do what MongoDB refuses to do while it builds an index of the model.

        To be repeated as a whole, so that the lock is free between.
        """
        deadline = time.monotonic() + (seconds or self._settings.timeout)
        while True:
            try:
                return await change()
            except OperationFailure as error:
                if error.code != _BUILDING or time.monotonic() > deadline:
                    raise
            await sleep(0.05)

    async def _stands(self, model: str, index: Index, existing: Iterable[Declaration]) -> bool:
        """Whether it is ready, and nobody removed by hand what serves and enforces it."""
        found = [each for each in existing if each.index == index and each.ready]
        if not found or not holds(index, await self._collection_options(model)):
            return False
        there = [each async for each in await self._collection(model).list_indexes()]
        return found[0].native in [each["name"] for each in there] and all(
            any(is_same(native, each) for each in there) for native in natives(index)
        )

    async def _remove_all_expired(self, model: str) -> None:
        """Remove every document that has expired."""

    # Declarations.

    async def _declarations(self, model: str) -> list[Declaration]:
        """All of a model's, ready or not, in the order of their names."""
        cursor = self._declared_in().find({"model": model}, collation=SIMPLE, sort=[("name", 1)])
        return [Declaration.read(document) async for document in cursor]

    async def _demanding(self, model: str) -> list[Index]:
        """The indexes that may refuse a document, also those that are not ready."""
        return [each.index for each in await self._declarations(model)]

    def _declared_in(self) -> DriverCollection[dict[str, Any]]:
        return self._database()[INDEXES]

    async def _ready(self, model: str) -> Sequence[Declaration]:
        """Those that queries may rely on if the declarations still stand: a little old."""
        now = time.monotonic()
        known = self._known.get(model)
        if known is not None and now - known[0] <= _AGE:
            return known[1]
        ready: list[Declaration] = []
        try:
            ready = [each for each in await self._declarations(model) if each.ready]
            if ready:
                options = await self._collection_options(model)
                ready = [each for each in ready if holds(each.index, options)]
        except OperationFailure as error:
            if error.code != _FORBIDDEN:
                raise
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[model] = (now, ready)
        return ready

    def _distrust(self, model: str) -> None:
        """Rely on no declaration for a while."""
        self._known[model] = (time.monotonic(), ())

    async def _declare(self, model: str, index: Index) -> Declaration:
        """Store the declaration, and make the validator demand what it does."""
        async with self._lock(model):
            existing = await self._declarations(model)
            check_new_index(index, (each.index for each in existing))
            former = next((each for each in existing if each.index == index), None)
            if former is None or former.ready:
                declaration = Declaration(model=model, index=index, stamp=new_stamp())
                document = declaration.document()
                await self._declared_in().replace_one(
                    {"_id": document["_id"]}, document, upsert=True, collation=SIMPLE
                )
            else:
                declaration = former  # another's, who is at it or went away
            try:
                await self._demand(model, [*(each.index for each in existing), index])
            except (*CAUGHT, InterstoreError):
                if former is None:
                    await self._declared_in().delete_one({"_id": declaration.id})
                raise
        return declaration

    async def _finish(self, declaration: Declaration, native: str) -> bool:
        """Say that the declaration is ready; return whether it was still there."""
        result = await self._declared_in().update_one(
            {"_id": declaration.id, "stamp": declaration.stamp},
            {"$set": {"ready": True, "native": native}},
            collation=SIMPLE,
        )
        self._known.pop(declaration.model, None)
        return bool(result.matched_count)

    async def _withdraw(self, declaration: Declaration) -> None:
        """Undo a declaration that could not be built, unless another built it."""
        async with self._lock(declaration.model):
            declared = await self._declarations(declaration.model)
            for each in declared:
                if each.stamp == declaration.stamp and not each.ready:
                    await self._undo(each)

    async def _undo(self, declaration: Declaration) -> None:
        """Remove what there is of a declaration, the validator's part after all others."""
        model, own = declaration.model, {"_id": declaration.id}
        self._known.pop(model, None)
        await self._declared_in().update_one(
            own, {"$set": {"ready": False, "stamp": new_stamp()}}, collation=SIMPLE
        )
        for native in natives(declaration.index):
            try:
                await self._collection(model).drop_index(native.name)
            except OperationFailure as error:
                if error.code not in (_NOWHERE, _NO_COLLECTION):
                    raise
        rest = [each for each in await self._declarations(model) if each.id != declaration.id]
        await self._demand(model, [each.index for each in rest])
        await self._declared_in().delete_one(own, collation=SIMPLE)

    async def _restore(self, model: str) -> None:
        """Build what other declarations shared with one that is gone."""
        for each in await self._declarations(model):
            if each.ready:
                native = await self._build(model, each.index)
                if native is not None and native != each.native:
                    await self._finish(each, native)

    async def _drop_with_indexes(self, model: str) -> None:
        """Remove a model and its declarations."""
        await self._patiently(lambda: self._drop_all(model))
        self._forget(model)

    async def _drop_all(self, model: str) -> None:
        declared = self._declared_in()
        async with self._lock(model):
            await declared.update_many({"model": model}, {"$set": {"ready": False}})
            await self._database().drop_collection(model)
            await declared.delete_many({"model": model})
            await self._database()[MODELS].delete_one({"_id": model.lower(), "name": model})
            await declared.delete_many({"$or": [{"_id": model}, {"expires": model}]})

    @asynccontextmanager
    async def _lock(self, model: str) -> AsyncGenerator[None]:
        """Keep others from changing the model's declarations and validator.

        What is done meanwhile ends before the lock would be taken away.
        """
        locks, holder = self._declared_in(), new_stamp()
        own = {"_id": model, "holder": holder}
        new = {"$setOnInsert": {"until": _LONG_AGO}}
        free = {"_id": model, "$expr": {"$lt": ["$until", "$$NOW"]}}
        until = {"$add": ["$$NOW", round(_LEASE_SECONDS * 1000)]}
        take = [{"$set": {"until": until, "holder": holder}}]
        deadline = time.monotonic() + self._settings.timeout
        await locks.update_one({"_id": model}, new, upsert=True)
        while not (await locks.update_one(free, take)).matched_count:
            if time.monotonic() > deadline:
                raise _locked(model)
            await sleep(0.02)
            await locks.update_one({"_id": model}, new, upsert=True)
        try:
            with pymongo.timeout(min(self._settings.timeout, _LOCKED_SECONDS)):
                yield
        finally:
            await locks.update_one(own, {"$set": {"until": _LONG_AGO}})

    # The validator.

    async def _collection_options(self, model: str) -> dict[str, Any]:
        cursor = await self._database().list_collections(filter={"name": model})
        options: dict[str, Any] = {}
        async for each in cursor:
            options = dict(each["options"])
        return options

    async def _demand(self, model: str, indexes: Sequence[Index]) -> None:
        """Make the validator demand what the indexes do, and what others put there."""
        options = await self._collection_options(model)
        _, others = split(options.get("validator", {}))
        wanted = joined(indexes, others)
        if wanted == options.get("validator", {}) and (wanted == others or is_strict(options)):
            return
        if others and not is_strict(options):
            raise _lenient(model)
        try:
            await self._database().command(
                "collMod",
                model,
                validator=wanted,
                validationLevel="strict",
                validationAction="error",
            )
        except OperationFailure as error:
            if error.code == _NO_COLLECTION:
                return
            if error.code == _FORBIDDEN:
                raise _forbidden(self._settings.place, model) from error
            raise

    # What stands in the way, and what is built.

    async def _check_documents(self, model: str, index: Index) -> None:
        if not rules(index):
            return
        collection, filter = self._collection(model), misfits(index)
        with pymongo.timeout(_BUILD_SECONDS):
            found = collection.find(
                filter, {"_id": 1}, sort=[("_id", 1)], limit=SHOWN_IDS, collation=SIMPLE
            )
            ids = [str(document["_id"]) async for document in found]
            if ids:
                count = await collection.count_documents(filter, collation=SIMPLE)
                raise unfit(model, index, max(count, len(ids)), ids)

    async def _build(self, model: str, index: Index) -> str | None:
        """Build MongoDB's indexes; the name of the one for queries.

        ``None`` where documents stood in the way and do not any more.
        """
        made = [await self._build_one(model, index, each) for each in natives(index)]
        return made[0] if None not in made else None

    async def _build_one(self, model: str, index: Index, native: Native) -> str | None:
        collection = self._collection(model)
        for attempt in range(3):
            async for existing in await collection.list_indexes():
                if is_same(native, existing):
                    return str(existing["name"])
            try:
                with pymongo.timeout(_BUILD_SECONDS):
                    await collection.create_index(native.key, name=native.name, **native.options)
            except OperationFailure as error:
                if is_duplicate(error.code):
                    await self._check_clashes(model, index)
                    return None
                if error.code not in _OTHER_NAME or attempt:
                    raise
            else:
                return native.name
        return None

    async def _check_clashes(self, model: str, index: Index) -> None:
        with pymongo.timeout(_BUILD_SECONDS):
            cursor = await self._collection(model).aggregate(
                clashes(index, SHOWN_IDS), collation=SIMPLE, allowDiskUse=True
            )
            [found] = [each async for each in cursor]
        if found["count"]:
            ids = [str(each["ids"]) for each in found["ids"]]
            raise clashing(model, index, found["count"][0]["n"], ids)

    # What is refused from then on.

    def _objection(
        self,
        model: str,
        id: str,
        fields: dict[str, Any] | None,
        problem: Mapping[str, Any],
        indexes: Sequence[Index],
    ) -> InterstoreError | None:
        """Why an index refused to store a document.

        ``None`` where it was none of ours, or where what was to be stored is not known.

        Args:
            fields: what was to be stored, if that is known.
            problem: the server's error.
        """
        found: InterstoreError | None = None
        if is_duplicate(problem.get("code")):
            if not is_duplicate_id(problem):
                found = taken_under(model, id, indexes, problem)
            found = found or duplicate(model, id, problem)
        elif problem.get("code") == REFUSED and fields is not None:
            found = objection(indexes, fields)
        if found is not None:
            found.backend, found.model, found.id = "mongodb", model, id
        return found

    async def _raise_objection(
        self, model: str, id: str, fields: dict[str, Any] | None, error: OperationFailure
    ) -> None:
        """Raise why an index refused to store a document, if that is what the error is about."""
        problem = {**(error.details or {}), "code": error.code}
        if error.code != REFUSED and not is_duplicate(error.code):
            return
        unknown = error.code == REFUSED or not is_duplicate_id(error.details)
        indexes = await self._demanding(model) if unknown else []
        found = self._objection(model, id, fields, problem, indexes)
        if found is not None:
            raise found from error


def _locked(model: str) -> UnavailableError:
    return UnavailableError(
        f"another process changes the indexes of {model}; try again later",
        backend="mongodb",
        model=model,
    )


def _lenient(model: str) -> ConfigurationError:
    return ConfigurationError(
        f"{model} has a validator of others that lets documents pass (validationLevel is not "
        "'strict', or validationAction not 'error'), and MongoDB has these once for a "
        "collection: make it strict, or remove it, before an index is declared",
        backend="mongodb",
        model=model,
    )


def _forbidden(place: str, model: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"{place}: the user may not change the validator of {model}, which holds documents to "
        "what the index declares: grant the privilege collMod on the collection (the role "
        "dbAdmin on the database has it)",
        backend="mongodb",
        model=model,
    )
