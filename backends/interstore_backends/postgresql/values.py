"""How statements refer to a value of a document, and how operands are bound.

Every operand is bound as text and cast where it stands, so the type of a parameter depends
on the statement alone and a prepared statement serves every value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeGuard

import msgspec

from interstore.filters.tree import Scalar
from interstore.paths import Envelope, Path, Reference
from interstore_backends.postgresql.quoting import path_expression

__all__ = [
    "CASTS", "COLUMNS", "NOT_INDEXED", "Indexed", "Parameters", "class_and_text", "is_plain",
    "json_text", "order_expressions", "order_values", "rank", "text", "text_array",
]  # fmt: skip

COLUMNS: Final = {
    Envelope.ID: "id",
    # As it is compared, with operands that may have a fraction; versions are exact in doubles.
    Envelope.VERSION: "(version::float8)",
    Envelope.CREATED_AT: "created_at",
    Envelope.UPDATED_AT: "updated_at",
    Envelope.EXPIRES_AT: "expires_at",
}
CASTS: Final = {
    Envelope.ID: "text",
    Envelope.VERSION: "float8",
    Envelope.CREATED_AT: "timestamptz",
    Envelope.UPDATED_AT: "timestamptz",
    Envelope.EXPIRES_AT: "timestamptz",
}

_encode: Final = msgspec.json.Encoder().encode


class Indexed(NamedTuple):
    """What the indexes of a model serve, by paths of the document."""

    keys: frozenset[Path] = frozenset()
    """Paths with an index on `rank` and `text`."""
    lists: frozenset[Path] = frozenset()
    """Paths with an index of the elements of lists."""


NOT_INDEXED: Final = Indexed()


class Parameters:
    """The operands of one statement, in the order of their numbers.

    Args:
        first: operands that the statement itself has, before all others.
    """

    __slots__ = ("values",)

    def __init__(self, first: Sequence[str] = ()) -> None:
        self.values: list[str] = list(first)

    def bind(self, value: str, cast: str) -> str:
        """The placeholder of an operand."""
        self.values.append(value)
        return f"${len(self.values)}::{cast}"


def json_text(value: object) -> str:
    """`value` as JSON, to be cast to jsonb."""
    return _encode(value).decode()


def text_array(texts: Iterable[str]) -> str:
    """Texts as a literal of a PostgreSQL array, to be cast to its type."""
    quoted = [each.replace("\\", "\\\\").replace('"', '\\"') for each in texts]
    return '{"' + '","'.join(quoted) + '"}' if quoted else "{}"


def rank(value: str) -> str:
    """The first of the two sort keys of a value: its class, or the number that it is.

    PostgreSQL sorts -Infinity < numbers < Infinity < NaN, and NaN is equal to itself. Every
    portable number is a double, so nothing is lost.
    """
    return (
        f"(CASE jsonb_typeof({value}) WHEN 'number' THEN {value}::float8 "
        "WHEN 'string' THEN 'Infinity'::float8 WHEN 'boolean' THEN 'NaN'::float8 "
        "ELSE '-Infinity'::float8 END)"
    )


def text(value: str) -> str:
    """The second: the text, in the order of code points. jsonb's own order is the database's."""
    return (
        f"(CASE jsonb_typeof({value}) WHEN 'string' THEN {value} #>> '{{}}' "
        f"WHEN 'boolean' THEN {value} #>> '{{}}' ELSE '' END COLLATE \"C\")"
    )


def class_and_text(value: Scalar) -> tuple[str, str]:
    """What `rank` and `text` give for a scalar."""
    if value is None:
        return "-Infinity", ""
    if isinstance(value, str):
        return "Infinity", value
    if isinstance(value, bool):
        return "NaN", "true" if value else "false"
    return repr(value), ""


def order_expressions(reference: Reference) -> tuple[str, ...]:
    """What to sort by, so that it is the portable order."""
    if reference is Envelope.EXPIRES_AT:
        return ("coalesce(expires_at, '-infinity')",)
    if isinstance(reference, Envelope):
        return (COLUMNS[reference],)
    value = path_expression("doc", reference)
    return rank(value), text(value)


def order_values(reference: Reference, value: Scalar, parameters: Parameters) -> tuple[str, ...]:
    """The operands to compare `order_expressions` with, for a value of a position."""
    if isinstance(reference, Envelope):
        bound = "-infinity" if value is None else str(value)
        return (parameters.bind(bound, CASTS[reference]),)
    first, second = class_and_text(value)
    return parameters.bind(first, "float8"), parameters.bind(second, "text")


def is_plain(reference: Reference) -> TypeGuard[Path]:
    """Whether it is a path of keys only, at least one."""
    if isinstance(reference, Envelope) or not reference:
        return False
    return all(isinstance(step, str) for step in reference)
