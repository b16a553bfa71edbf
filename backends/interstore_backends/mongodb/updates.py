"""From changes to MongoDB's update operators and pipelines. Pure."""

from __future__ import annotations

from typing import Any, Final

from interstore.changes import Changes
from interstore.expiry import KEEP
from interstore.filters.tree import And, Exists, Node, Not, Or, Type, TypeName
from interstore.paths import Path
from interstore.prepared import MAX_DOCUMENT_BYTES, Write
from interstore.values import MAX_INTEGER
from interstore_backends.mongodb.compile import sort_expression
from interstore_backends.mongodb.conditions import Filter, all_of, compile_filter
from interstore_backends.mongodb.keys import ENVELOPE, escape_fields, escape_value, field_path
from interstore_backends.mongodb.records import date_of, envelope_of

__all__ = [
    "ALARM",
    "CREATED",
    "MISFITS",
    "OURS",
    "UPDATED",
    "VERSION",
    "alarm",
    "fits",
    "guards",
    "operators",
    "replacement",
]

VERSION: Final = f"{ENVELOPE}.version"
CREATED: Final = f"{ENVELOPE}.created_at"
UPDATED: Final = f"{ENVELOPE}.updated_at"
EXPIRES: Final = f"{ENVELOPE}.expires"
EXPIRES_AT: Final = f"{ENVELOPE}.expires_at"

OURS: Final[Filter] = {VERSION: {"$gt": 0}}
"""Met by documents that have an envelope."""

MISFITS: Final = frozenset({2, 14, 28, 121})
"""Codes of the errors for a path that meets the wrong type: of $push, of $inc, of a parent,
and of a validator. What was to be stored tells which it was."""

ALARM: Final = 241
"""The code of the error of `alarm`."""

_SAFE_BYTES: Final = MAX_DOCUMENT_BYTES // 16
"""As JSON, a document has at most six times the bytes that it has as BSON (of a control
character). So two of these, what was there and what is added, stay within the limit."""

_IS_SMALL: Final[Filter] = {"$lt": [{"$bsonSize": "$$ROOT"}, _SAFE_BYTES]}
_SMALL: Final[Filter] = {"$expr": _IS_SMALL}


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
    if changes.expires is None:
        update.setdefault("$unset", {}).update({EXPIRES: "", EXPIRES_AT: ""})
    elif changes.expires is not KEEP:
        update["$set"] |= {EXPIRES: changes.expires, EXPIRES_AT: date_of(changes.expires)}
    return update


def guards(changes: Changes) -> Filter | None:
    """Met only by documents that stay within the limits whatever the operators do.

    ``None`` if the values themselves may be too large for that.
    """
    growing = _grows(changes)
    if growing is None:
        return None
    conditions: list[Filter] = [_SMALL] if growing else []
    for path, bound in _bounds(changes):
        field = field_path(path)
        conditions += [{field: {"$not": {"$gt": bound}}}, {field: {"$not": {"$lt": -bound}}}]
    return {"$and": conditions} if conditions else {}


def alarm(changes: Changes) -> Filter:
    """Met by every document; an error for one that `guards` are not met by.

    A filter that left such a document out would go on to the next one of the order.
    """
    terms: list[Any] = [_IS_SMALL] if _grows(changes) else []
    for path, bound in _bounds(changes):
        within = {"$and": [{"$lte": ["$$v", bound]}, {"$gte": ["$$v", -bound]}]}
        number = {"$in": [{"$type": "$$v"}, ["int", "long", "double", "decimal"]]}
        term = {"$cond": [number, within, True]}
        terms.append({"$let": {"vars": {"v": sort_expression(path)}, "in": term}})
    if not terms:
        return {}
    # No number. Of a field, because a constant is judged before there is any document.
    failure = {"$toInt": {"$concat": ["misfit ", f"${UPDATED}"]}}
    return {"$expr": {"$cond": [{"$and": terms}, True, failure]}}


def fits(changes: Changes) -> Filter | None:
    """Met only by documents of which each path meets the type that it needs, and by `guards`.

    ``None`` if these cannot be told.
    """
    guarded = guards(changes)
    if guarded is None:
        return None
    needs: dict[tuple[Path, str], Node] = {}
    for change in changes.changes:
        if change.kind == "unset":
            continue
        for depth in range(1, len(change.path)):
            _need(needs, change.path[:depth], "object")
        if change.kind != "set":
            _need(needs, change.path, "number" if change.kind == "inc" else "array")
    return all_of([compile_filter(And(tuple(needs.values()))), guarded])


def _need(needs: dict[tuple[Path, str], Node], path: Path, kind: TypeName) -> None:
    needs[path, kind] = Or((Not(Exists(path)), Type(path, frozenset({kind}))))


def _bounds(changes: Changes) -> list[tuple[Path, float]]:
    """The paths that grow by a number, and how large what is there may be."""
    return [
        (change.path, MAX_INTEGER - abs(change.value) - 2)
        for change in changes.changes
        if change.kind == "inc"
    ]


def _grows(changes: Changes) -> bool | None:
    """Whether documents grow; ``None`` if they may grow by more than is safe."""
    grown = sum(
        sum(map(len, change.path)) + _size(change.value)
        for change in changes.changes
        if change.kind in ("set", "push")
    )
    return grown > 0 if grown <= _SAFE_BYTES else None


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
    grows. A document of others stays as it is: the pipeline looks, because MongoDB finds a
    document faster by its id alone than by a filter that asks for more.

    Raises:
        InvalidDocumentError: the document is too large.
    """
    _ = write.json
    envelope: dict[str, Any] = {
        name: {"$literal": value} for name, value in envelope_of(write).items()
    }
    version = {"$add": [{"$ifNull": [f"${VERSION}", 0]}, 1]}
    created = {"$ifNull": [f"${ENVELOPE}.created_at", {"$literal": write.created}]}
    # What has expired is not there; and no time is above "~".
    gone = {"$lte": [{"$ifNull": [f"${EXPIRES}", "~"]}, {"$literal": write.updated}]}
    envelope["version"] = {"$cond": [gone, 1, version]}
    envelope["created_at"] = {"$cond": [gone, {"$literal": write.created}, created]}
    fields = {"_id": write.id, **escape_fields(write.fields)}
    new = {"$mergeObjects": [{"$literal": fields}, {ENVELOPE: envelope}]}
    return [{"$replaceWith": {"$cond": [_IS_OURS_OR_NEW, new, "$$ROOT"]}}]


_IS_OURS_OR_NEW: Final[Filter] = {
    # Where nothing was, there is nothing but the id.
    "$or": [{"$gt": [f"${VERSION}", 0]}, {"$eq": ["$$ROOT", {"_id": "$_id"}]}]
}
