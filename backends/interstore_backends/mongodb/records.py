"""Stored documents, to and from Interstore's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import bson
import msgspec
from bson.int64 import Int64

from interstore.document import Document, make_document
from interstore.errors import ConfigurationError
from interstore.prepared import StoredWrite, Write
from interstore.times import now, parse_time
from interstore.values import MAX_INTEGER
from interstore_backends.mongodb.keys import (
    ENVELOPE,
    escape_fields,
    unescape_fields,
)

__all__ = [
    "date_of",
    "envelope_of",
    "not_expired",
    "not_ours",
    "read_document",
    "read_documents",
    "stored",
    "writes_of",
]


class _StoredWrite(StoredWrite[dict[str, Any]]):
    """Keeps the document as the driver read it.

    Attributes:
        average: about how many bytes those that were read with it have as BSON.
    """

    __slots__ = ("average",)
    average: int

    @property
    def size(self) -> int:
        """About how many bytes the document has, or those that were read with it."""
        return self.average if self._json is None else len(self._json)

    def _decoded(self) -> dict[str, Any]:
        # Nested values may be used up: to be stored, they are as good as they were.
        [document] = read_documents((self.stored.copy(),))
        del document["id"]
        return dict(document)

    def _encoded(self) -> bytes:
        """What the text shows to be canonical needs no look at each value."""
        fields = self.stored.copy()
        del fields["_id"], fields[ENVELOPE]
        try:
            text = _encode(fields)
        except TypeError:  # the driver's own class of 64-bit integers
            return super()._encoded()
        return super()._encoded() if b"%" in text or _integral(text) else text


def writes_of(documents: Sequence[dict[str, Any]]) -> list[Write]:
    """The writes that store elsewhere what the driver has read, as it is.

    Raises:
        ConfigurationError: one of the documents was not written by Interstore.
    """
    writes: list[Write] = []
    id: Any = None
    average = _average_size(documents)
    try:
        for document in documents:
            id = document.get("_id")
            envelope = document[ENVELOPE]
            write = _StoredWrite(
                document,
                id,
                int(envelope["version"]),
                envelope["created_at"],
                envelope["updated_at"],
                envelope.get("expires"),
            )
            write.average = average
            writes.append(write)
    except (KeyError, TypeError, AttributeError):
        raise not_ours(id) from None
    return writes


def _average_size(documents: Sequence[dict[str, Any]]) -> int:
    """About how many bytes each has as BSON: some are looked at, as that takes its time."""
    some = documents[::_EVERY]
    return sum(map(len, map(bson.encode, some))) // (len(some) or 1)


_EVERY: Final = 32
"""Of so many documents, one is encoded to see how long it is."""
_encode: Final = msgspec.json.Encoder().encode
_integral: Final = re.compile(rb"\.0+[],}]").search
"""Finds what may be a float like 1.0, which is the integer 1 everywhere else."""


def stored(write: Write) -> dict[str, Any]:
    """The document to store.

    Raises:
        InvalidDocumentError: it is too large.
    """
    if type(write) is _StoredWrite:
        write.check_size()
        document: dict[str, Any] = write.stored
        return document
    write.check_size()
    return {"_id": write.id, **escape_fields(write.take_fields()), ENVELOPE: envelope_of(write)}


def envelope_of(write: Write) -> dict[str, Any]:
    """Version and times. BSON's dates are of milliseconds; so the one for an index is extra."""
    envelope: dict[str, Any] = {
        "version": write.version,
        "created_at": write.created,
        "updated_at": write.updated,
    }
    if write.expires is not None:
        envelope["expires"] = write.expires
        envelope["expires_at"] = date_of(write.expires)
    return envelope


def date_of(text: str) -> datetime:
    """The time in milliseconds, rounded up: no document is removed before its time."""
    time = parse_time(text)
    rest = -time.microsecond % 1000
    return time + timedelta(microseconds=rest) if time < _LAST else time


def not_expired() -> dict[str, Any]:
    """The filter for what has not expired."""
    return {f"{ENVELOPE}.expires": {"$not": {"$lte": now()}}}


_LAST: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def read_document(document: dict[str, Any]) -> Document:
    """The document as callers see it, of one as the driver read it, which is used up.

    Raises:
        ConfigurationError: it is not one that Interstore wrote.
    """
    return read_documents((document,))[0]


def read_documents(documents: Iterable[dict[str, Any]]) -> list[Document]:
    """`read_document` of each. Written out, because this is most of what reading costs."""
    made: list[Document] = []
    id: Any = None
    try:
        for document in documents:
            id = document.pop("_id", None)
            envelope = document.pop(ENVELOPE)
            escaped = "%" in "".join(document)
            for key, value in document.items():
                kind = type(value)
                if kind is str or kind is int:
                    continue
                if kind is float:
                    if not value % 1:
                        document[key] = _number(value)
                elif kind is dict or kind is list:
                    escaped |= _settle(value)
                elif kind is Int64:
                    document[key] = _number(value)
            made.append(
                make_document(
                    unescape_fields(document) if escaped else document,
                    id,
                    int(envelope["version"]),
                    envelope["created_at"],
                    envelope["updated_at"],
                    envelope.get("expires"),
                )
            )
    except (KeyError, TypeError, AttributeError):
        raise not_ours(id) from None
    return made


_AS_READ: Final = frozenset({str, int, bool, type(None)})
"""What the driver reads as Interstore has it."""


def _settle(value: dict[str, Any] | list[Any]) -> bool:
    """Put numbers as Interstore has them in place; return whether a key may be escaped.

    Decoders of the driver's could do it, but would make it take 40 us more for every reply.
    """
    escaped = False
    items: Any
    if type(value) is dict:
        escaped = "%" in "".join(value)
        items = value.items()
    else:
        items = enumerate(value)
    if _AS_READ.issuperset(map(type, value.values() if type(value) is dict else value)):
        return escaped  # as in most lists, and without a loop in Python
    for key, item in items:
        kind = type(item)
        if kind is float:
            if not item % 1:
                value[key] = _number(item)
        elif kind is Int64:
            value[key] = _number(item)
        elif kind is dict or kind is list:
            escaped |= _settle(item)
    return escaped


def _number(value: float) -> int | float:
    """Integral floats are integers, as they are where documents are written.

    The driver reads 64-bit integers as a class of its own.
    """
    if -MAX_INTEGER <= value <= MAX_INTEGER:
        return value if value % 1 else int(value)
    return float(value)


def not_ours(id: Any) -> ConfigurationError:
    """The error for a document that others wrote."""
    return ConfigurationError(
        f"the document with _id {id!r} was not written by Interstore: it has no field "
        f"{ENVELOPE!r} with its version and times. A collection that others write to cannot be "
        "a model: store.foreign(...) opens it as it is",
        backend="mongodb",
        id=id if isinstance(id, str) else None,
    )
