"""How a statement refers to a value of a document, and how it compares one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from interstore.filters.tree import Scalar
from interstore.paths import Envelope, Path, Reference
from interstore_backends.sqlite.keys import quote_path

__all__ = ["COLUMNS", "LOWEST", "Parameter", "Value", "bind", "order_expression"]

Parameter = int | float | str | bytes

COLUMNS: Final = {
    Envelope.ID: "id",
    Envelope.VERSION: "version",
    Envelope.CREATED_AT: "created_at",
    Envelope.UPDATED_AT: "updated_at",
    Envelope.EXPIRES_AT: "expires_at",
}

LOWEST: Final = "-9e999"
"""Minus infinity: below every number that a document can hold."""

_encode: Final = msgspec.json.Encoder().encode
_TINY: Final = 1e-50
_HUGE: Final = 1e50


@dataclass(frozen=True, slots=True)
class Value:
    """A value in a document, as expressions of SQL.

    Attributes:
        type: SQLite's name of its class; NULL where it is missing.
        scalar: the value itself, if it is a scalar.
        inside: the arguments that lead ``json_each`` and ``json_array_length`` to it.
    """

    type: str
    scalar: str
    inside: str

    @classmethod
    def at(cls, document: str, path: Path) -> Value:
        """What lies at `path` of the JSON in the column `document`."""
        inside = f"{document},{quote_path(path)}"
        return cls(f"json_type({inside})", f"json_extract({inside})", inside)

    @classmethod
    def element(cls, alias: str) -> Value:
        """The row of a ``json_each``.

        Without the plus, SQLite moves what ``type='array'`` says of the column into other
        conditions, and takes scalars for malformed JSON.
        """
        return cls(f"+{alias}.type", f"{alias}.value", f"{alias}.value")

    @property
    def key(self) -> str:
        """The value as one sort key, never NULL.

        SQLite's own order of storage classes, numbers < text < blobs, is the portable one
        once booleans are blobs and whatever else is below the numbers. An index on this
        expression serves equality, ranges, prefixes, sorting and keyset paging; it must be
        the same text then.
        """
        scalar = self.scalar
        return (
            f"CASE {self.type} WHEN 'integer' THEN {scalar} WHEN 'real' THEN {scalar} "
            f"WHEN 'text' THEN {scalar} WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' "
            f"ELSE {LOWEST} END"
        )


def order_expression(reference: Reference) -> str:
    """What to sort by, so that it is the portable order."""
    if reference is Envelope.EXPIRES_AT:
        return f"coalesce(expires_at,{LOWEST})"
    if isinstance(reference, Envelope):
        return COLUMNS[reference]
    return Value.at("doc", reference).key


def bind(value: Scalar, parameters: list[Parameter]) -> str:
    """An operand to compare a `Value.key` with; what it needs is added to `parameters`."""
    if isinstance(value, bool):
        return "x'01'" if value else "x'00'"
    if value is None:
        return LOWEST
    if isinstance(value, float) and not _TINY < abs(value) < _HUGE:
        # Newer libraries read a quarter of such numbers in a JSON text as one of the two
        # doubles beside them, so the operand must be read from the same text.
        parameters.append(_encode(value).decode())
        return "json_extract(?,'$')"
    parameters.append(value)
    return "?"
