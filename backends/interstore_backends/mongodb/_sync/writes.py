# Generated from backends/interstore_backends/mongodb/_async/writes.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 7143c3ea37229247eefe80dc

"""Writes of one document."""

from __future__ import annotations

from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import OperationFailure

from interstore.changes import Changes, check_version, not_found
from interstore.document import Document, make_document
from interstore.errors import ConflictError, InterstoreError, UnavailableError
from interstore.prepared import Write
from interstore_backends.mongodb._sync.connection import translated_write
from interstore_backends.mongodb._sync.reads import Reads
from interstore_backends.mongodb.conditions import Filter
from interstore_backends.mongodb.errors import (
    REFUSED,
    duplicate_id,
    is_duplicate,
    is_duplicate_id,
)
from interstore_backends.mongodb.keys import ENVELOPE
from interstore_backends.mongodb.options import SIMPLE
from interstore_backends.mongodb.records import not_expired, not_ours, read_document, stored
from interstore_backends.mongodb.updates import (
    CREATED,
    MISFITS,
    OURS,
    UPDATED,
    VERSION,
    guards,
    operators,
    replacement,
)

__all__ = ["Writes", "contended"]

_ATTEMPTS: Final = 100
"""How often a write is tried while others write the same document."""


class Writes(Reads):
    """Writes of one document."""

    @translated_write
    def create(self, model: str, write: Write) -> Document:
        document = stored(write)
        collection = self._writable(model)
        self._expire(model, write.expires)
        try:
            collection.insert_one(document)
        except OperationFailure as error:
            # A validator is asked before the id is looked for.
            if error.code == REFUSED and self.find_by_id(model, write.id) is not None:
                raise duplicate_id(model, write.id) from error
            self._raise_objection(model, write.id, write.fields, error)
            raise
        return write.document()

    @translated_write
    def put(self, model: str, write: Write, *, if_version: int | None = None) -> Document:
        """Replace the document if it exists, else create it.

        Raises:
            NotFoundError: `if_version` is given and the document does not exist.
            ConflictError: its version is not `if_version`.
        """
        return self._put(model, write, if_version, upsert=if_version is None)

    def _put(self, model: str, write: Write, if_version: int | None, *, upsert: bool) -> Document:
        pipeline = replacement(write)
        collection = self._writable(model) if upsert else self._collection(model)
        self._expire(model, write.expires)
        these = {"_id": write.id} if upsert else _this(write.id, if_version)
        for _ in range(_ATTEMPTS):
            try:
                found = collection.find_one_and_update(
                    these,
                    pipeline,
                    {ENVELOPE: 1},
                    upsert=upsert,
                    return_document=ReturnDocument.AFTER,
                    collation=SIMPLE,
                )
            except OperationFailure as error:
                if not is_duplicate(error.code) or not is_duplicate_id(error.details):
                    self._raise_objection(model, write.id, write.fields, error)
                    raise
                continue  # created by another since
            if found is None:
                refusal = self._refused(model, write.id, if_version)
                if refusal is None:
                    continue
                raise refusal
            envelope = found.get(ENVELOPE)
            if type(envelope) is not dict or envelope.get("updated_at") != write.updated:
                raise not_ours(write.id)
            return make_document(
                write.fields,
                write.id,
                envelope["version"],
                envelope["created_at"],
                write.updated,
                write.expires,
            )
        raise contended(model, write.id)

    @translated_write
    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        if changes.is_empty:
            current = self.find_by_id(model, id)
            return changes.apply(model, id, current, if_version).document()
        if changes.replacement is not None:
            updated = changes.updated
            write = Write(
                id,
                changes.replacement,
                version=1,
                created=updated,
                updated=updated,
                expires=changes.expiry,
            )
            return self._put(model, write, if_version, upsert=False)
        these = _this(id, if_version)
        if changes.created is not None:
            these[CREATED] = changes.created
        found = self._update_natively(model, these, changes)
        if found is not None:
            return read_document(found)
        return self._read_and_replace(model, id, changes, if_version)

    def _update_natively(
        self, model: str, filter: Filter, changes: Changes
    ) -> dict[str, Any] | None:
        """The document after the update; ``None`` if a closer look is needed."""
        guarded = guards(changes)
        if guarded is None:
            return None
        self._expire(model, changes.expiry)
        try:
            return self._collection(model).find_one_and_update(
                filter | guarded,
                operators(changes),
                return_document=ReturnDocument.AFTER,
                collation=SIMPLE,
            )
        except OperationFailure as error:
            if error.code in MISFITS:
                return None
            self._raise_objection(model, str(filter["_id"]), None, error)
            raise

    def _read_and_replace(
        self, model: str, id: str, changes: Changes, if_version: int | None
    ) -> Document:
        """The update by hand: to say what did not fit, and for what the operators cannot do."""
        collection = self._collection(model)
        self._expire(model, changes.expiry)
        for _ in range(_ATTEMPTS):
            current = self.find_by_id(model, id)
            write = changes.apply(model, id, current, if_version)
            try:
                replaced = collection.replace_one(
                    _exactly(current, write), stored(write), collation=SIMPLE
                )
            except OperationFailure as error:
                self._raise_objection(model, id, write.fields, error)
                raise
            if replaced.matched_count:
                return write.document()
        raise contended(model, id)

    @translated_write
    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        collection = self._collection(model)
        for _ in range(_ATTEMPTS):
            this = _this(id, if_version)
            if if_created is not None:
                this[CREATED] = if_created
            result = collection.delete_one(this, collation=SIMPLE)
            if result.deleted_count or if_version is None:
                return bool(result.deleted_count)
            refusal = self._refused(model, id, if_version, if_created)
            if refusal is not None:
                raise refusal
        raise contended(model, id)

    def _refused(
        self, model: str, id: str, if_version: int | None, if_created: str | None = None
    ) -> InterstoreError | None:
        """Why a guarded write changed nothing, by a fresh read.

        ``None`` if the document has reached that version only since: the write may be tried
        again.
        """
        current = self.find_by_id(model, id)
        if current is None or if_version is None:
            return not_found(model, id)
        try:
            check_version(model, current, if_version, if_created)
        except ConflictError as error:
            return error
        return None


def _this(id: str, version: int | None) -> Filter:
    """The document of that id, in that version or any, if it has not expired."""
    versions = OURS if version is None else {VERSION: version}
    return {"_id": id, **versions, **not_expired()}


def _exactly(current: Document | None, write: Write) -> Filter:
    """What was read before `write` was made of it.

    A document that was deleted and made anew since may have the same version.
    """
    assert current is not None
    return {
        **_this(write.id, current.version),
        CREATED: current.created,
        UPDATED: current.updated,
    }


def contended(model: str, id: str) -> UnavailableError:
    """The error for a write that others were always ahead of."""
    return UnavailableError(
        f"{model} {id!r} was written by others {_ATTEMPTS} times while this call tried to; "
        "try again later",
        backend="mongodb",
        model=model,
        id=id,
    )
