"""Entries: JSON texts, each with the scopes that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from interstore.document import Document, make_document

__all__ = [
    "ABSENT",
    "Entry",
    "decode_document",
    "decode_documents",
    "encode_document",
    "encode_documents",
]

ABSENT: Final = b"null"
"""The text of a document that is not there."""


class Entry(NamedTuple):
    """What is kept under a key.

    Attributes:
        text: UTF-8 JSON; never anything that could be executed.
        scopes: what it belongs to: when one of them is invalidated, so is the entry.
        until: the monotonic time at which it is dropped.
    """

    text: bytes
    scopes: tuple[str, ...]
    until: float


class _Kept(msgspec.Struct, array_like=True, omit_defaults=True):
    fields: dict[str, Any]
    version: int
    created: str
    updated: str
    expires: str | None = None
    partial: bool = False


_encode: Final = msgspec.json.Encoder().encode
_decode_one: Final = msgspec.json.Decoder(_Kept | None).decode
_decode_many: Final = msgspec.json.Decoder(list[_Kept]).decode


def encode_document(document: Document | None) -> bytes:
    """The text of a document, or `ABSENT`."""
    return ABSENT if document is None else _encode(_kept(document))


def decode_document(text: bytes) -> Document | None:
    """The document, the caller's own; ``None`` for `ABSENT`."""
    kept = _decode_one(text)
    return None if kept is None else _document(kept)


def encode_documents(documents: Sequence[Document]) -> bytes:
    """The text of some documents."""
    return _encode([_kept(document) for document in documents])


def decode_documents(text: bytes) -> list[Document]:
    """The documents, the caller's own."""
    return [_document(kept) for kept in _decode_many(text)]


def _kept(document: Document) -> _Kept:
    return _Kept(
        document,
        document.version,
        document.created,
        document.updated,
        document.expires,
        document.partial,
    )


def _document(kept: _Kept) -> Document:
    document = make_document(
        kept.fields, kept.fields["id"], kept.version, kept.created, kept.updated, kept.expires
    )
    document.partial = kept.partial
    return document
