"""From changes to MongoDB's update operators and pipelines. Pure."""

from __future__ import annotations

from typing import Any, Final

from interstore.changes import Changes
from interstore.prepared import MAX_DOCUMENT_BYTES, Write
from interstore.values import MAX_INTEGER
from interstore_backends.mongodb.conditions import Filter
from interstore_backends.mongodb.keys import ENVELOPE, escape_fields, escape_value, field_path
from interstore_backends.mongodb.records import envelope_of

__all__ = ["MISFITS", "OURS", "VERSION", "guards", "operators", "replacement"]

VERSION: Final = f"{ENVELOPE}.version"
UPDATED: Final = f"{ENVELOPE}.updated_at"

OURS: Final[Filter] = {VERSION: {"$gt": 0}}
"""Met by documents that have an envelope."""

MISFITS: Final = frozenset({2, 14, 28, 121})
"""Codes of the errors for a path that meets the wrong type: of $push, of $inc, of a parent,
and of a validator. What was to be stored tells which it was."""

_SAFE_BYTES: Final = MAX_DOCUMENT_BYTES // 16
"""As JSON, a document has at most six times the bytes that it has as BSON (of a control
character). So two of these, what was there and what is added, stay within the limit."""

_SMALL: Final[Filter] = {"$expr": {"$lt": [{"$bsonSize": "$$ROOT"}, _SAFE_BYTES]}}


def operators(changes: Changes) -> dict[str, Any]:
    """The update: the changes, and the envelope."""
    update: dict[str, Any] = {
        "$set": {UPDATED: changes.updated},
        "$inc": {VERSION: 1},
    }
    for change in changes.changes:
        field = field_path(change.path)
        if change.kind == "set":
            update["$set"][field] = escape_value(change.value)
        elif change.kind == "inc":
            update["$inc"][field] = change.value
        elif change.kind == "push":
            update.setdefault("$push", {})[field] = {"$each": [escape_value(change.value)]}
        else:
            update.setdefault("$unset", {})[field] = ""
    return update


def guards(changes: Changes) -> Filter | None:
    """Met only by documents that stay within the limits whatever the operators do.

    ``None`` if the values themselves may be too large for that.
    """
    grown = 0
    conditions: list[Filter] = []
    for change in changes.changes:
        if change.kind == "inc":
            field, bound = field_path(change.path), MAX_INTEGER - abs(change.value) - 2
            conditions += [{field: {"$not": {"$gt": bound}}}, {field: {"$not": {"$lt": -bound}}}]
        elif change.kind != "unset":
            grown += sum(map(len, change.path)) + _size(change.value)
    if grown > _SAFE_BYTES:
        return None
    if grown:
        conditions.append(_SMALL)
    return {"$and": conditions} if conditions else {}


def _size(value: Any) -> int:
    """No less than a sixth of the bytes that the value has as JSON."""
    kind = type(value)
    if kind is str:
        return len(value) * (1 if value.isascii() else 4) + 2
    if kind is dict:
        return sum(len(key) * 4 + _size(item) + 4 for key, item in value.items()) + 2
    if kind is list:
        return sum(map(_size, value)) + len(value) + 2
    return 24


def replacement(write: Write) -> list[dict[str, Any]]:
    """A pipeline that puts the document in the place of another, or where there is none.

    Every value of the caller's stands in ``$literal``. The creation time stays, the version
    grows.

    Raises:
        InvalidDocumentError: the document is too large.
    """
    _ = write.json
    envelope: dict[str, Any] = {
        name: {"$literal": value} for name, value in envelope_of(write).items()
    }
    envelope["version"] = {"$add": [{"$ifNull": [f"${VERSION}", 0]}, 1]}
    envelope["created_at"] = {"$ifNull": [f"${ENVELOPE}.created_at", {"$literal": write.created}]}
    fields = {"_id": write.id, **escape_fields(write.fields)}
    return [{"$replaceWith": {"$mergeObjects": [{"$literal": fields}, {ENVELOPE: envelope}]}}]
