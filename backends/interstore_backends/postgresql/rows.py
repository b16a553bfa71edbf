"""Rows of a model's table, to and from documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from interstore.collecting import collection_paused
from interstore.document import Document, make_document
from interstore.prepared import StoredWrite, Write
from interstore.times import format_time
from interstore.values import MAX_INTEGER, decode_fields

__all__ = [
    "Row",
    "canonical_time",
    "decode",
    "json_of",
    "read_document",
    "read_documents",
    "row_of",
    "writes_of",
]

Row = tuple[Any, ...]
"""id, version, created_at, updated_at, expires_at, doc; all texts but the version."""

_decode: Final[Callable[[bytes], dict[str, Any]]] = decode_fields
_decode_all: Final = msgspec.json.Decoder(list[dict[str, Any]]).decode
_CHUNK: Final = 500
"""Rows whose texts are joined: more, and they no longer fit the processor's cache."""
_DIGITS_TO_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
_SIXTEEN: Final = b"0" * 16
_LARGE: Final = re.compile(rb"[ \[-][0-9]{16}")
_INTEGRAL: Final = re.compile(rb"\.0+[],}]")


def decode(text: str) -> dict[str, Any]:
    """The fields of what PostgreSQL gives for a jsonb.

    It writes numbers without exponents, so 1e22 comes as 23 digits, which must not become
    an integer; and another program's 1.0 as it is. Hardly any document has such numbers.
    """
    data = text.encode()
    if _is_plain(data):
        return _decode(data)
    fields: dict[str, Any] = json.loads(text, parse_int=_integer, parse_float=_float)
    return fields


def _is_plain(data: bytes) -> bool:
    """Whether every number in `data` is certainly canonical. Cheap tests come first."""
    if _SIXTEEN in data.translate(_DIGITS_TO_ZERO) and _LARGE.search(data):
        return False
    return b".0" not in data or not _INTEGRAL.search(data)


def _integer(digits: str) -> int | float:
    number = int(digits) if len(digits) < 18 else float(digits)
    return number if -MAX_INTEGER <= number <= MAX_INTEGER else float(number)


def _float(text: str) -> int | float:
    number = float(text)
    if number.is_integer() and -MAX_INTEGER <= number <= MAX_INTEGER:
        return int(number)  # another program's 1.0
    return number


def canonical_time(text: str) -> str:
    """The canonical text of what PostgreSQL gives for a timestamptz."""
    if len(text) == 29:  # 2026-01-31 12:00:00.123456+00, almost always
        return f"{text[:10]}T{text[11:26]}Z"
    return format_time(datetime.fromisoformat(text))


def read_document(row: Row) -> Document:
    """The document of a row."""
    id, version, created, updated, expires, text = row
    return make_document(
        decode(text),
        id,
        version,
        canonical_time(created),
        canonical_time(updated),
        None if expires is None else canonical_time(expires),
    )


def read_documents(rows: Sequence[Row]) -> list[Document]:
    """`read_document` of each row: many texts decoded at once, and each time made once."""
    if len(rows) <= _CHUNK:
        return _read_chunk(rows)
    documents: list[Document] = []
    with collection_paused():
        for start in range(0, len(rows), _CHUNK):
            documents += _read_chunk(rows[start : start + _CHUNK])
    return documents


def _read_chunk(rows: Sequence[Row]) -> list[Document]:
    data = ("[" + ",".join([row[5] for row in rows]) + "]").encode()
    if not _is_plain(data):
        return [read_document(row) for row in rows]
    documents = []
    known = time = ""
    for (id, version, created, updated, expires, _), fields in zip(
        rows, _decode_all(data), strict=True
    ):
        if created != known:
            known, time = created, canonical_time(created)
        documents.append(
            make_document(
                fields,
                id,
                version,
                time,
                time if updated == known else canonical_time(updated),
                None if expires is None else canonical_time(expires),
            )
        )
    return documents


class _StoredRow(StoredWrite[str]):
    """Keeps the text of the fields, as PostgreSQL gives it."""

    __slots__ = ()

    def _decoded(self) -> dict[str, Any]:
        return decode(self.stored)

    def _encoded(self) -> bytes:
        """Without the spaces; numbers as they are everywhere else."""
        data = self.stored.encode()
        if _is_plain(data):
            return msgspec.json.format(data, indent=-1)
        return super()._encoded()

    @property
    def size(self) -> int:
        """About how many bytes the document has."""
        return len(self.stored)


def writes_of(rows: Sequence[Row]) -> list[Write]:
    """The writes that store the rows' documents elsewhere as they are."""
    writes: list[Write] = []
    known = time = ""
    for id, version, created, updated, expires, text in rows:
        if created != known:
            known, time = created, canonical_time(created)
        writes.append(
            _StoredRow(
                text,
                id,
                version,
                time,
                time if updated == known else canonical_time(updated),
                None if expires is None else canonical_time(expires),
            )
        )
    return writes


def json_of(write: Write) -> bytes:
    """The document as JSON that PostgreSQL makes the same of as of any other.

    Raises:
        InvalidDocumentError: the document is too large.
    """
    if type(write) is not _StoredRow:
        return write.json
    write.check_size()
    text: str = write.stored
    return text.encode()


def row_of(write: Write) -> Sequence[str | None]:
    """The parameters that store a document.

    Raises:
        InvalidDocumentError: the document is too large.
    """
    return (
        write.id,
        str(write.version),
        write.created,
        write.updated,
        write.expires,
        write.json.decode(),
    )
