"""Records: documents with their envelope as JSON text.

A record is one object::

    {"id": "a", "v": 2, "at": "2026-01-31T12:00:00.000000Z", "ct": "2026-01-30T...", "doc": {...}}

``at`` is when it was written, ``ct`` when the document was created (left out where that is
the same), ``doc`` the fields; ``"ex"`` before ``"id"`` is when it expires (left out where it
does not). A tombstone has ``"doc":null``. What stands before the first of these keys is the
engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from interstore.document import Document, make_document
from interstore.prepared import StoredWrite, Write
from interstore.values import decode_fields

__all__ = [
    "Change",
    "Head",
    "change_of",
    "decode_document",
    "decode_head",
    "removal_of",
    "write_of",
]

_encode_text: Final = msgspec.json.Encoder().encode
_change: Final = tuple.__new__  # without the detour by keywords, which costs as much again


class Change(NamedTuple):
    """What a write does to one document.

    Attributes:
        id: the document's id.
        version: the document's version; of a removal, the one that is removed.
        body: the new record without its opening brace.
        expires: when the document ceases to exist; ``None`` if never.
        removes: whether the record is a tombstone.
        source: the record that a table like this one has of the same; empty if there is none.
    """

    id: str
    version: int
    body: bytes
    expires: str | None = None
    removes: bool = False
    source: bytes = b""


class _StoredWrite(StoredWrite[bytes]):
    """Keeps the record.

    Attributes:
        text: of the fields, within the record.
    """

    __slots__ = ("text",)
    text: msgspec.Raw

    def _decoded(self) -> dict[str, Any]:
        return decode_fields(self.text)

    def _encoded(self) -> bytes:
        return bytes(self.text)

    @property
    def size(self) -> int:
        """How many bytes the record has."""
        return len(self.stored)

    @property
    def body(self) -> bytes:
        """The record without what is the engine's."""
        return self.stored[self.stored.index(b'"id":' if self.expires is None else b'"ex":') :]


def change_of(write: Write, version: int | None = None, created: str | None = None) -> Change:
    """The change that stores `write`, with another version and creation time if given.

    Raises:
        InvalidDocumentError: the document is larger than the portable limit.
    """
    if type(write) is _StoredWrite and version is None and created is None:
        write.check_size()
        return _change(
            Change, (write.id, write.version, write.body, write.expires, False, write.stored)
        )
    json = write.json
    if version is None:
        version = write.version
    if created is None:
        created = write.created
    updated = write.updated.encode()
    id = _encode_text(write.id)
    if created == write.updated:
        body = b'"id":%b,"v":%d,"at":"%b","doc":%b}' % (id, version, updated, json)
    else:
        body = b'"id":%b,"v":%d,"at":"%b","ct":"%b","doc":%b}' % (
            id,
            version,
            updated,
            created.encode(),
            json,
        )
    if write.expires is not None:
        body = b'"ex":"%b",%b' % (write.expires.encode(), body)
    return _change(Change, (write.id, version, body, write.expires, False, b""))


def removal_of(id: str, version: int, at: str) -> Change:
    """The change that removes the document of this version."""
    body = b'"id":%b,"v":%d,"at":"%b","doc":null}' % (_encode_text(id), version, at.encode())
    return Change(id, version, body, removes=True)


class Head(msgspec.Struct):
    """The envelope of a record."""

    id: str
    v: int
    at: str
    ct: str | None = None
    ex: str | None = None


class _Record(msgspec.Struct):
    id: str
    v: int
    at: str
    doc: dict[str, Any]
    ct: str | None = None
    ex: str | None = None


decode_head: Final[Callable[[bytes], Head]] = msgspec.json.Decoder(Head).decode
"""The envelope of a record; its fields are skipped, not decoded."""

_decode: Final = msgspec.json.Decoder(_Record).decode


def decode_document(record: bytes) -> Document:
    """The document of a record, new at each call."""
    found = _decode(record)
    at = found.at
    return make_document(found.doc, found.id, found.v, found.ct or at, at, found.ex)


class _Undecoded(msgspec.Struct):
    id: str
    v: int
    at: str
    doc: msgspec.Raw
    ct: str | None = None
    ex: str | None = None


_split: Final = msgspec.json.Decoder(_Undecoded).decode


def write_of(record: bytes) -> Write:
    """The write that stores a record's document elsewhere as it is."""
    found = _split(record)
    at = found.at
    write = _StoredWrite(record, found.id, found.v, found.ct or at, at, found.ex)
    write.text = found.doc
    return write
