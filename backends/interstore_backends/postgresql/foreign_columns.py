"""Tables that others made: their columns, and rows to and from documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from interstore.changes import Changes
from interstore.errors import ConfigurationError, InvalidDocumentError
from interstore.foreign import ForeignDocument, ForeignSource, IdType, NativeId
from interstore.foreign_values import changed_json, check_kept, touched
from interstore_backends.postgresql.foreign_types import (
    DIRECT,
    Kind,
    array_literal,
    input_text,
    present,
)
from interstore_backends.postgresql.quoting import quote_name

__all__ = ["Column", "ForeignTable", "check_stored", "values_of"]

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: in the database.
        shown: in documents.
        kind: how its values, or the elements of its arrays, are presented.
        is_array: whether they are arrays.
        type: PostgreSQL's name of its type without modifiers, to cast to.
        base: the short name of the type that it rests on, if it is a domain.
        declared: PostgreSQL's name of its type as declared, for messages.
        nullable: whether it may be NULL.
        exact: whether values that are equal for the column are the same texts.
        computed: whether the database alone writes it.
    """

    name: str
    shown: str
    kind: Kind
    is_array: bool
    type: str
    base: str
    declared: str
    nullable: bool
    exact: bool
    computed: bool

    @property
    def quoted(self) -> str:
        """As statements have it."""
        return quote_name(self.name)

    @property
    def text(self) -> str:
        """The expression of its text."""
        if self.is_array:
            return f"to_jsonb({self.quoted}::text[])::text"
        if self.kind == "bytea":
            return f"encode({self.quoted},'base64')"
        if self.kind == "money":
            return f"{self.quoted}::numeric::text"
        return f"{self.quoted}::text"

    def present(self, text: str) -> Any:
        """The value of a document, from `text`."""
        if not self.is_array:
            return present(self.kind, text)
        return _nested(self.kind, json.loads(text))

    def changed(self, old: str | None, value: Any, changes: Changes) -> str | None:
        """The text to store so that the document has `value`.

        Args:
            old: the text that the column has.
            value: what the changes make of the field.
            changes: the changes.

        Raises:
            InvalidDocumentError: the column cannot hold it.
        """
        if self.computed:
            raise InvalidDocumentError(
                f"{self.shown!r} is a column that the database computes; change what it is "
                "computed from",
                path=self.shown,
            )
        if value is None:
            return None
        try:
            if self.is_array:
                return array_literal(self.kind, value)
            if self.kind == "json":
                return changed_json(old, changes, self.shown)
            return input_text(self.kind, value)
        except ValueError as error:
            raise InvalidDocumentError(
                f"{self.shown!r} is a column of type {self.declared}, which cannot hold "
                f"{value!r:.60}: it takes {error}",
                path=self.shown,
            ) from None

    def placeholder(self, number: int) -> str:
        """What is assigned to it, given the number of the parameter that holds the text."""
        if self.kind == "money" and not self.is_array:
            return f"${number}::text::numeric::money"
        return f"${number}::text::{self.type}"


def _nested(kind: Kind, value: Any) -> Any:
    if isinstance(value, list):
        return [_nested(kind, item) for item in value]
    if value is None or kind == "money":  # which has no cast from its elements' text
        return value
    return present(kind, value)


@dataclass(frozen=True, slots=True)
class ForeignTable:
    """A table or a view of others, as it was when it was looked at.

    Attributes:
        source: what was asked for.
        oid: PostgreSQL's number of it.
        kind: PostgreSQL's ``relkind``.
        quoted: the name with its schema, as statements have it.
        id: the column of the ids.
        id_type: what they are.
        columns: the other columns, by their names in documents.
        unique: whether the database sees to it that no id stands in two rows.
    """

    source: ForeignSource
    oid: str
    kind: str
    quoted: str
    id: Column
    id_type: IdType
    columns: Mapping[str, Column]
    unique: bool

    @property
    def is_view(self) -> bool:
        """Whether it is not to be written."""
        return self.kind in ("v", "m")

    @property
    def listed(self) -> str:
        """What a SELECT names; the id comes first."""
        return ",".join(column.text for column in (self.id, *self.columns.values()))

    @property
    def select(self) -> str:
        """The statement that reads every row."""
        return f"SELECT {self.listed} FROM {self.quoted} AS t"

    @property
    def is_id(self) -> str:
        """The condition that a row has the id that is the first parameter."""
        condition = f"{self.id.quoted} = $1::text::{self.id.type}"
        if not self.id.exact:
            condition += f' AND {self.id.quoted}::text COLLATE "C" = $1::text'
        return condition

    def document(self, row: Row) -> ForeignDocument:
        """The document of a row.

        Raises:
            ConfigurationError: it has no id.
        """
        id, *texts = row
        if id is None:
            raise ConfigurationError(
                f"foreign {self.source.name!r}: the id column {self.id.name!r} holds NULL; choose "
                "another column with id=, or open a view without such rows",
                backend="postgresql",
                model=self.source.name,
            )
        fields = {
            shown: text if text is None or _is_direct(column) else column.present(text)
            for (shown, column), text in zip(self.columns.items(), texts, strict=True)
        }
        return ForeignDocument(fields, id=id)

    def fits(self, id: NativeId) -> bool:
        """Whether the column can hold the id at all."""
        return not isinstance(id, int) or -_INT64 <= id < _INT64

    def bound(self, id: NativeId) -> str:
        """The id as a parameter; an integer that no row can have as the nearest that may."""
        if isinstance(id, int):
            return str(max(-_INT64, min(id, _INT64 - 1)))
        return str(UUID(id)) if self.id_type == "uuid" else id


_INT64: Final = 2**63


def _is_direct(column: Column) -> bool:
    return column.kind in DIRECT and not column.is_array


def values_of(
    table: ForeignTable, row: Row, after: Mapping[str, Any], changes: Changes
) -> dict[Column, str | None]:
    """The columns to write, and the text to store in each.

    Raises:
        InvalidDocumentError: there is no such column, or it cannot hold the value.
    """
    stored = dict(zip(table.columns, row[1:], strict=True))
    columns = touched(table.source.name, table.columns, after, changes)
    return {
        column: column.changed(stored[name], after[name], changes)
        for name, column in columns.items()
    }


def check_stored(
    values: Mapping[Column, str | None], wanted: Mapping[str, Any], stored: Mapping[str, Any]
) -> None:
    """Refuse what a column's type, or a trigger, has made something else of.

    Raises:
        InvalidDocumentError: it has.
    """
    for column, text in values.items():
        if column.kind == "other" and not column.is_array:
            continue  # the database's own form of it
        asked, got = wanted[column.shown], stored.get(column.shown)
        if text is not None and column.kind != "json":
            # In canonical form: 1.50 is 1.5.
            asked = _nested_again(column, asked)
        check_kept(column.shown, f"a column of type {column.declared}", asked, got)


def _nested_again(column: Column, value: Any) -> Any:
    if isinstance(value, list):
        return [_nested_again(column, item) for item in value]
    if value is None or column.kind == "bytea":
        return value
    return present(column.kind, input_text(column.kind, value))
