"""Stored documents, to and from Interstore's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bson.int64 import Int64

from interstore.document import Document, make_document
from interstore.errors import ConfigurationError
from interstore.prepared import Write
from interstore.times import parse_time
from interstore.values import MAX_INTEGER
from interstore_backends.mongodb.keys import (
    ENVELOPE,
    MAY_BE_ESCAPED,
    escape_fields,
    unescape_fields,
)

__all__ = ["CODEC", "envelope_of", "not_ours", "read_batch", "read_document", "stored"]


class _Integers(TypeDecoder):
    """The driver reads 64-bit integers as a class of its own."""

    bson_type: Any = Int64  # pyright: ignore[reportIncompatibleMethodOverride]

    def transform_bson(self, value: Any) -> int | float:
        return int(value) if -MAX_INTEGER <= value <= MAX_INTEGER else float(value)


class _Floats(TypeDecoder):
    """Integral floats are integers, as they are where documents are written."""

    bson_type: Any = float  # pyright: ignore[reportIncompatibleMethodOverride]

    def transform_bson(self, value: Any) -> int | float:
        if value.is_integer() and -MAX_INTEGER <= value <= MAX_INTEGER:
            return int(value)
        number: float = value
        return number


CODEC: Final[CodecOptions[dict[str, Any]]] = CodecOptions(
    type_registry=TypeRegistry([_Integers(), _Floats()])
)


def stored(write: Write) -> dict[str, Any]:
    """The document to store.

    Raises:
        InvalidDocumentError: it is too large.
    """
    _ = write.json  # which is where size is judged, and costs a tenth of the BSON
    return {"_id": write.id, **escape_fields(write.fields), ENVELOPE: envelope_of(write)}


def envelope_of(write: Write) -> dict[str, Any]:
    """Version and times. BSON's dates are of milliseconds; so the one for an index is extra."""
    envelope: dict[str, Any] = {
        "version": write.version,
        "created_at": write.created,
        "updated_at": write.updated,
    }
    if write.expires is not None:
        envelope["expires"] = write.expires
        envelope["expires_at"] = _date(write.expires)
    return envelope


def _date(text: str) -> datetime:
    """The time without its microseconds: the index expires documents by the minute anyway."""
    time = parse_time(text)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def read_document(document: dict[str, Any]) -> Document:
    """The document as callers see it. The argument is used up.

    Raises:
        ConfigurationError: it is not one that Interstore wrote.
    """
    return _read(document, escaped=True)


def read_batch(data: bytes) -> Iterable[Document]:
    """The documents of a batch as it came from the server."""
    documents: list[dict[str, Any]] = bson.decode_all(data, CODEC)
    escaped = MAY_BE_ESCAPED(data) is not None
    return [_read(document, escaped=escaped) for document in documents]


def _read(document: dict[str, Any], *, escaped: bool) -> Document:
    id = document.pop("_id", None)
    envelope = document.pop(ENVELOPE, None)
    if escaped:
        document = unescape_fields(document)
    try:
        return make_document(
            document,
            id,
            envelope["version"],
            envelope["created_at"],
            envelope["updated_at"],
            envelope.get("expires"),
        )
    except (KeyError, TypeError, AttributeError):
        raise not_ours(id) from None


def not_ours(id: Any) -> ConfigurationError:
    """The error for a document that others wrote."""
    return ConfigurationError(
        f"the document with _id {id!r} was not written by Interstore: it has no field "
        f"{ENVELOPE!r} with its version and times. A collection that others write to cannot be "
        "a model: store.foreign(...) opens it as it is",
        backend="mongodb",
        id=id if isinstance(id, str) else None,
    )
