"""Tables that others made: their columns, and values between SQLite and documents.

SQLite's columns have no types, its values do; the declared name of a type only tells what
is meant where storage cannot: BOOLEAN, JSON and UUID.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from interstore.changes import Changes
from interstore.errors import ConfigurationError, InvalidDocumentError
from interstore.foreign import ForeignDocument, ForeignSource, IdType, NativeId, Renaming
from interstore.foreign_values import (
    changed_json,
    present_float,
    present_json,
    read_float,
    unreadable,
)
from interstore_backends.sqlite.keys import quote_name

__all__ = ["Column", "ForeignTable", "blob_of", "load_columns"]

Affinity: TypeAlias = Literal["INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC"]
Meaning: TypeAlias = Literal["plain", "bool", "json", "uuid"]

_AFFINITIES: Final[tuple[tuple[tuple[str, ...], Affinity], ...]] = (
    # https://www.sqlite.org/datatype3.html, section 3.1, in its order
    (("INT",), "INTEGER"),
    (("CHAR", "CLOB", "TEXT"), "TEXT"),
    (("BLOB",), "BLOB"),
    (("REAL", "FLOA", "DOUB"), "REAL"),
)
_MEANINGS: Final[Mapping[str, Meaning]] = {
    "BOOL": "bool", "BOOLEAN": "bool",
    "JSON": "json", "JSONB": "json",
    "UUID": "uuid", "GUID": "uuid", "UNIQUEIDENTIFIER": "uuid",
}  # fmt: skip
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")
_INT64: Final = 2**63


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: in the database.
        shown: in documents.
        declared: the name of its type, as it is declared; perhaps empty.
        affinity: what SQLite makes of that name.
        meaning: what storage alone does not tell.
        nullable: whether it may be NULL.
        computed: whether the database alone writes it.
    """

    name: str
    shown: str
    declared: str
    affinity: Affinity
    meaning: Meaning
    nullable: bool
    computed: bool

    @property
    def quoted(self) -> str:
        """As statements have it."""
        return quote_name(self.name)

    def present(self, table: str, value: Any) -> Any:
        """The value as documents have it.

        Raises:
            InvalidDocumentError: a JSON column holds something else.
        """
        kind = type(value)
        if kind is float:
            return present_float(value)
        if kind is bytes:
            if self.meaning == "uuid" and len(value) == 16:
                return str(UUID(bytes=value))
            return b64encode(value).decode()
        if self.meaning == "bool" and kind is int and value in (0, 1):
            return value == 1
        if self.meaning == "json" and kind is str:
            try:
                return present_json(json.loads(value))
            except ValueError as error:
                raise unreadable(
                    table,
                    self.name,
                    f"is declared {self.declared} and holds {value!r:.60}, which is no JSON",
                    "correct the row, or open a view that has the column as TEXT",
                ) from error
        return value

    def changed(self, old: Any, value: Any, changes: Changes) -> Any:
        """What to store so that the document has `value`.

        Args:
            old: what is stored.
            value: what the changes make of the field.
            changes: the changes.

        Raises:
            InvalidDocumentError: the column cannot hold it.
        """
        if self.computed:
            raise self._refused("what is written", "the database computes it")
        if value is None:
            return None
        if self.meaning == "json":
            text = old if old is None or isinstance(old, str) else json.dumps(old)
            return changed_json(text, changes, self.shown)
        if isinstance(value, (dict, list)):
            raise self._refused("arrays and objects", "only a column declared JSON takes them")
        if isinstance(value, str):
            return self._from_text(old, value)
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, int) and not -_INT64 <= value < _INT64:
            raise self._refused(f"{value:.3e}", "its integers have 64 bits")
        return value

    def _from_text(self, old: Any, text: str) -> str | bytes | float:
        if self.meaning == "uuid" and isinstance(old, bytes):
            blob = blob_of(self, text)
            return text if blob is None else blob
        if self.affinity == "BLOB" and (self.declared or isinstance(old, bytes)):
            try:
                return b64decode(text, validate=True)
            except (Base64Error, ValueError):
                raise self._refused(f"{text!r:.60}", "give bytes, or their base64 text") from None
        number = read_float(text) if self.affinity in ("REAL", "NUMERIC") else None
        return text if number is None or number != number else number

    def _refused(self, what: str, cure: str) -> InvalidDocumentError:
        declared = f"a {self.declared} column" if self.declared else "a column without type"
        return InvalidDocumentError(
            f"{self.shown!r} is {declared}, which cannot hold {what}: {cure}", path=self.shown
        )


def blob_of(column: Column, text: str) -> bytes | None:
    """The bytes that the column may present as this text."""
    if column.meaning == "uuid":
        try:
            known = UUID(text)
        except ValueError:
            pass
        else:
            return known.bytes if str(known) == text else None
    return b64decode(text) if _BASE64.match(text) else None


@dataclass(frozen=True, slots=True)
class ForeignTable:
    """A table or a view of others, as it is now.

    Attributes:
        source: what was asked for.
        kind: ``"table"`` or ``"view"``.
        id: the column of the ids.
        id_type: what they are; ``None`` if there is no row that could tell.
        id_blob: whether they are stored as blobs.
        columns: the other columns, by their names in documents.
        unique: whether the database sees to it that no id stands in two rows.
    """

    source: ForeignSource
    kind: str
    id: Column
    id_type: IdType | None
    id_blob: bool
    columns: Mapping[str, Column]
    unique: bool

    @property
    def quoted(self) -> str:
        """The name, as statements have it."""
        return quote_name(self.source.name)

    @property
    def select(self) -> str:
        """The statement that reads every row; the id comes first."""
        listed = ",".join(column.quoted for column in (self.id, *self.columns.values()))
        return f"SELECT {listed} FROM {self.quoted}"

    @property
    def is_id(self) -> str:
        """The condition that a row has an id, which is bound twice.

        Its column's own collation may find more, but only that one uses its index.
        """
        return f"{self.id.quoted} = ? AND +{self.id.quoted} = ? COLLATE BINARY"

    def parameter(self, id: NativeId) -> int | float | str | bytes:
        """The id as it is stored; for an integer that no row can have, an infinite one."""
        if isinstance(id, int):
            return id if -_INT64 <= id < _INT64 else math.copysign(math.inf, id)
        return UUID(id).bytes if self.id_blob else id

    def document(self, row: tuple[Any, ...]) -> ForeignDocument:
        """The document of a row.

        Raises:
            ConfigurationError: its id is of another type than the ids are said to be of.
            InvalidDocumentError: a value cannot be presented.
        """
        name = self.source.name
        fields = {
            shown: value
            if value is None or (column.meaning == "plain" and type(value) in (int, str))
            else column.present(name, value)
            for (shown, column), value in zip(self.columns.items(), row[1:], strict=True)
        }
        return ForeignDocument(fields, id=self._id(row[0]))

    def _id(self, value: Any) -> str:
        match self.id_type, value:
            case "int", int():
                return str(value)
            case "string", str():
                return value
            case "uuid", str() if not self.id_blob and _is_uuid(value):
                return value
            case "uuid", bytes() if self.id_blob and len(value) == 16:
                return str(UUID(bytes=value))
            case _:
                pass
        kind = "NULL" if value is None else f"{value!r:.60}, a {_STORED[type(value)]}"
        raise ConfigurationError(
            f"foreign {self.source.name!r}: the id column {self.id.name!r} holds {kind}, and the "
            f"ids are said to be of type {self.id_type!r}; give id_type=, choose another column "
            "with id=, or open a view without such rows",
            backend="sqlite",
            model=self.source.name,
        )


_STORED: Final = {int: "integer", float: "real", str: "text", bytes: "blob"}


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def load_columns(rows: list[tuple[Any, ...]], renaming: Renaming) -> tuple[Column, list[Column]]:
    """The id's column and the others.

    Args:
        rows: name, declared type, whether NOT NULL, place in the primary key or 0,
            whether it is computed; in order.
        renaming: the names in documents.

    Raises:
        ConfigurationError: a name in `renaming` does not exist, or hides another.
    """
    columns: list[Column] = []
    id_column: Column | None = None
    renaming.check([row[0] for row in rows])
    for name, declared, required, key, computed in rows:
        plain = (declared or "").upper()
        is_id = name == renaming.id
        affinity = _affinity(plain)
        column = Column(
            name=name,
            shown="id" if is_id else renaming.presented(name),
            declared=plain,
            affinity=affinity,
            meaning=_MEANINGS.get(plain.partition("(")[0].strip(), "plain"),
            # An INTEGER PRIMARY KEY is the rowid.
            nullable=not required and not (key and plain == "INTEGER"),
            computed=bool(computed),
        )
        if is_id:
            id_column = column
        else:
            columns.append(column)
    assert id_column is not None, "checked just now"
    return id_column, columns


def _affinity(declared: str) -> Affinity:
    for parts, affinity in _AFFINITIES:
        if any(part in declared for part in parts):
            return affinity
    return "NUMERIC" if declared else "BLOB"
