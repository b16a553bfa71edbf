"""Rows of a model's table, to and from documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from interstore.document import Document, make_document
from interstore.prepared import StoredWrite, Write
from interstore.times import now
from interstore.values import decode_fields
from interstore_backends.sqlite.keys import stored_json, unescape_keys
from interstore_backends.sqlite.schema import Table

__all__ = [
    "Row",
    "StaleTable",
    "find_all",
    "find_one",
    "find_rows",
    "read_document",
    "read_documents",
    "row_of",
    "writes_of",
]

Row = tuple[Any, ...]
"""id, version, created_at, updated_at, expires_at, doc as text: as statements have them."""

_decode: Final[Callable[[str], dict[str, Any]]] = decode_fields  # type: ignore[assignment]


class StaleTable(Exception):
    """The table is of another format than this process remembers: it was made anew."""


def read_document(row: Row) -> Document:
    """The document of a row.

    Raises:
        StaleTable: the document is no text.
        msgspec.DecodeError: the text is no JSON object.
    """
    id, version, created, updated, expires, text = row
    if type(text) is not str:
        raise StaleTable
    fields = _decode(text)
    if "%" in text:
        fields = unescape_keys(fields)
    return make_document(fields, id, version, created, updated, expires)


def read_documents(rows: Iterable[Row]) -> list[Document]:
    """`read_document` of each row: the same written out, for each call costs."""
    documents = []
    for id, version, created, updated, expires, text in rows:
        if type(text) is not str:
            raise StaleTable
        fields = _decode(text)
        if "%" in text:
            fields = unescape_keys(fields)
        documents.append(make_document(fields, id, version, created, updated, expires))
    return documents


def find_one(cursor: Any, table: Table, id: str) -> Document | None:
    """The document of that id."""
    row = cursor.execute(table.get, (id,)).fetchone()
    if row is None or (row[4] is not None and row[4] <= now()):
        return None
    return read_document(row)


def find_all(cursor: Any, query: str, parameters: Sequence[Any]) -> list[Document]:
    """The documents that a query gives."""
    return read_documents(cursor.execute(query, parameters).fetchall())


class _StoredWrite(StoredWrite[Row]):
    """Keeps the row."""

    __slots__ = ()

    def _decoded(self) -> dict[str, Any]:
        text = self.stored[5]
        fields = _decode(text)
        return unescape_keys(fields) if "%" in text else fields

    @property
    def size(self) -> int:
        """About how many bytes the document has."""
        return len(self.stored[5])

    def _encoded(self) -> bytes:
        text: str = self.stored[5]
        return super()._encoded() if "%" in text else text.encode()


def writes_of(rows: Sequence[Row]) -> list[Write]:
    """The writes that store the rows' documents elsewhere as they are.

    Raises:
        msgspec.DecodeError: a text is no JSON object.
    """
    if len(_check("[" + ",".join([row[5] for row in rows]) + "]")) != len(rows):
        raise msgspec.DecodeError("a document is not one JSON object, but several")
    return [_StoredWrite(row, *row[:5]) for row in rows]


class _Object(msgspec.Struct):
    """Any object of JSON, nothing of which is kept."""


_check: Final = msgspec.json.Decoder(list[_Object]).decode


def find_rows(cursor: Any, query: str, parameters: Sequence[Any]) -> list[Row]:
    """The rows that a query gives.

    Raises:
        StaleTable: one of the documents is no text.
    """
    rows: list[Row] = cursor.execute(query, parameters).fetchall()
    if not {str}.issuperset(map(type, [row[5] for row in rows])):
        raise StaleTable
    return rows


def row_of(write: Write) -> Row:
    """The row that holds a document.

    Raises:
        InvalidDocumentError: the document is too large.
    """
    if type(write) is _StoredWrite:
        write.check_size()
        row: Row = write.stored
        return row
    return (
        write.id,
        write.version,
        write.created,
        write.updated,
        write.expires,
        stored_json(write),
    )
