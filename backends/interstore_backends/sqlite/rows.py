"""Rows of a model's table, to and from documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from interstore.document import Document
from interstore.prepared import Write
from interstore.values import decode_fields
from interstore_backends.sqlite.keys import stored_json, unescape_keys

__all__ = ["Row", "StaleTable", "read_document", "row_of"]

Row = tuple[Any, ...]
"""id, version, created_at, updated_at, expires_at, doc as text: as statements have them."""

_decode: Final[Callable[[str], dict[str, Any]]] = decode_fields  # type: ignore[assignment]


class StaleTable(Exception):
    """The table is of another format than this process remembers: it was made anew."""


def read_document(row: Row) -> Document:
    """The document of a row.

    Raises:
        StaleTable: the document is no text.
        ValueError: the text is no JSON object.
    """
    id, version, created, updated, expires, text = row
    if type(text) is not str:
        raise StaleTable
    fields = _decode(text)
    if "%" in text:
        fields = unescape_keys(fields)
    return Document(
        fields, id=id, version=version, created=created, updated=updated, expires=expires
    )


def row_of(write: Write) -> Row:
    """The row that holds a document.

    Raises:
        InvalidDocumentError: the document is too large.
    """
    return (
        write.id,
        write.version,
        write.created,
        write.updated,
        write.expires,
        stored_json(write),
    )
