"""Writes of one document.

Every write that replaces or deletes what was read is conditional on its etag, so it is applied at
most once however often it is sent. What cannot be conditional is not sent again unless the
service refused it: after a lost answer, reading tells whether it was applied, or else the error
says that nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from azure.core import MatchConditions
from azure.cosmos.exceptions import CosmosHttpResponseError

from interstore.changes import Changes, check_version, not_found
from interstore.document import Document
from interstore.errors import DuplicateError, UnavailableError
from interstore.prepared import Write
from interstore_backends.cosmosdb._async.connection import translated_write
from interstore_backends.cosmosdb._async.reads import AsyncReads
from interstore_backends.cosmosdb.errors import (
    duplicate_id,
    is_gone,
    is_taken,
    is_unfit,
    is_unmet,
    unsure,
)
from interstore_backends.cosmosdb.keys import escape_id
from interstore_backends.cosmosdb.records import Found, stored
from interstore_backends.cosmosdb.retry import UnsureError
from interstore_backends.cosmosdb.updates import Patch, compile_patch

__all__ = ["AsyncWrites", "contended"]

_ATTEMPTS: Final = 100
"""How often a write is tried while others write the same document."""


class AsyncWrites(AsyncReads):
    """Writes of one document."""

    async def _read(self, model: str, id: str) -> Found | None:
        """The item, also where the document has expired."""
        item = await self._item(model, id)
        return None if item is None else Found.of(item)

    async def _read_living(self, model: str, id: str) -> Found | None:
        found = await self._read(model, id)
        return None if found is None or found.has_expired else found

    async def _read_many(self, model: str, writes: Sequence[Write]) -> dict[str, Found]:
        """What is there of what is to be written, by ids."""
        items = await self._items(model, [write.id for write in writes])
        return {found.document.id: found for found in map(Found.of, items)}

    # Create.

    @translated_write
    async def create(self, model: str, write: Write) -> Document:
        await self._check(model, write.id, write.fields)
        await self._create(model, write)
        return write.document()

    async def _create(self, model: str, write: Write) -> None:
        """Create the item.

        Raises:
            DuplicateError: the id exists.
        """
        await self._expire(model, write.expires)
        item = stored(write)
        for attempt in range(2):
            try:
                await self._container(model).create_item(item, no_response=True)
                return
            except UnsureError as error:
                await self._settle(model, write, error)
                return
            except CosmosHttpResponseError as error:
                if is_taken(error):
                    raise duplicate_id(model, write.id) from error
                if not is_gone(error) or attempt:
                    raise
            await self._make(model)

    async def _settle(self, model: str, write: Write, error: Exception) -> None:
        """Return if a creation that may have happened did.

        Raises:
            DuplicateError: another's document is there.
            OperationTimeoutError: none is.
        """
        found = await self._read(model, write.id)
        if found is None:
            raise unsure(model, write.id, error) from error
        if found.document.created != write.created:
            raise duplicate_id(model, write.id) from error

    # Replace.

    async def _replace(self, model: str, found: Found, write: Write) -> bool:
        """Store `write` in the place of what was read; whether that was still there.

        Raises:
            OperationTimeoutError: it was not, and may have given way to this very write.
        """
        await self._expire(model, write.expires)
        item = stored(write)
        doubt: UnsureError | None = None
        for _ in range(_ATTEMPTS):
            try:
                await self._container(model).replace_item(
                    item["id"],
                    item,
                    etag=found.etag,
                    match_condition=MatchConditions.IfNotModified,
                    no_response=True,
                )
                return True
            except UnsureError as error:
                doubt = error
            except CosmosHttpResponseError as error:
                if not (is_unmet(error) or is_gone(error)):
                    raise
                if doubt is None:
                    return False
                now = await self._read(model, write.id)
                if now is not None and _is_result(now.document, write):
                    return True
                raise unsure(model, write.id, doubt) from doubt
        raise unsure(model, write.id, doubt or Exception()) from doubt

    @translated_write
    async def put(self, model: str, write: Write, *, if_version: int | None = None) -> Document:
        """Replace the document if it exists, else create it.

        Raises:
            NotFoundError: `if_version` is given and the document does not exist.
            ConflictError: its version is not `if_version`.
        """
        await self._check(model, write.id, write.fields)
        return (await self._put(model, write, if_version)).document()

    async def _put(
        self,
        model: str,
        write: Write,
        if_version: int | None,
        seen: Mapping[str, Found] | None = None,
    ) -> Write:
        """What was stored.

        Args:
            seen: what a moment ago was there, by ids.
        """
        for attempt in range(_ATTEMPTS):
            if seen is None or attempt:
                found = await self._read(model, write.id)
            else:
                found = seen.get(write.id)
            if found is None:
                if if_version is not None:
                    raise not_found(model, write.id)
                try:
                    await self._create(model, write)
                except DuplicateError:
                    continue  # created by another since
                return write
            if found.has_expired:
                if if_version is not None:
                    raise not_found(model, write.id)
                new = write
            else:
                check_version(model, found.document, if_version)
                new = over(found.document, write)
            if await self._replace(model, found, new):
                return new
        raise contended(model, write.id)

    # Update.

    @translated_write
    async def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        declared = await self._declared(model)
        patch = compile_patch(changes, if_version, declared.indexes)
        if patch is not None:
            done = await self._patch(model, id, patch, changes, if_version)
            if done is not None:
                return done
        for _ in range(_ATTEMPTS):
            found = await self._read_living(model, id)
            write = await self._change(model, id, found, changes, if_version)
            if write is not None:
                return write.document()
        raise contended(model, id)

    async def _change(
        self, model: str, id: str, found: Found | None, changes: Changes, if_version: int | None
    ) -> Write | None:
        """Apply the changes to what was read; ``None`` if it is not there any more."""
        document = None if found is None else found.document
        write = changes.apply(model, id, document, if_version)
        if changes.is_empty or found is None:
            return write
        await self._check(model, id, write.fields)
        return write if await self._replace(model, found, write) else None

    async def _patch(
        self, model: str, id: str, patch: Patch, changes: Changes, if_version: int | None
    ) -> Document | None:
        """The document after the patch; ``None`` if a closer look is needed."""
        escaped = escape_id(id)
        try:
            item = await self._container(model).patch_item(
                escaped, escaped, patch.operations, filter_predicate=patch.condition
            )
            return Found.of(item).document
        except CosmosHttpResponseError as error:
            if is_gone(error):
                raise not_found(model, id) from error
            if is_unmet(error) or is_unfit(error):
                return None
            raise
        except UnsureError as error:
            found = await self._read(model, id)
            if found is None or found.document.updated != changes.updated:
                raise unsure(model, id, error) from error
            return found.document

    # Delete.

    @translated_write
    async def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        if if_version is None and not (await self._declared(model)).expiring:
            return await self._delete(model, id, None)
        for _ in range(_ATTEMPTS):
            found = await self._read_living(model, id)
            if found is None:
                if if_version is None:
                    return False
                raise not_found(model, id)
            check_version(model, found.document, if_version, if_created)
            if await self._delete(model, id, found.etag):
                return True
        raise contended(model, id)

    async def _delete(self, model: str, id: str, etag: str | None) -> bool:
        """Delete the item, in the state of that etag or any; whether it was there.

        Raises:
            OperationTimeoutError: it may have been deleted by this very call.
        """
        condition: dict[str, Any] = {}
        if etag is not None:
            condition = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        escaped = escape_id(id)
        try:
            await self._container(model).delete_item(escaped, escaped, **condition)
        except CosmosHttpResponseError as error:
            if is_gone(error) or is_unmet(error):
                return False
            raise
        except UnsureError as error:
            raise unsure(model, id, error) from error
        return True


def over(document: Document, write: Write) -> Write:
    """What a put stores in the place of a document."""
    return Write(
        write.id,
        write.fields,
        version=document.version + 1,
        created=document.created,
        updated=write.updated,
        expires=write.expires,
        json=write.json,
    )


def _is_result(document: Document, write: Write) -> bool:
    return (document.version, document.created, document.updated) == (
        write.version,
        write.created,
        write.updated,
    )


def contended(model: str, id: str) -> UnavailableError:
    """The error for a write that others were always ahead of."""
    return UnavailableError(
        f"{model} {id!r} was written by others {_ATTEMPTS} times while this call tried to; "
        "try again later",
        backend="cosmosdb",
        model=model,
        id=id,
    )
