"""From changes to an UPDATE of one round trip. Pure: changes of the same shape, the same text.

The statement changes a document only if the changes fit it, and if the result is certainly
portable. If it changes nothing, a read-modify-write finds out why, or does the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias

from interstore.changes import Changes
from interstore.expiry import KEEP
from interstore.prepared import MAX_DOCUMENT_BYTES
from interstore.values import MAX_INTEGER
from interstore_backends.postgresql.quoting import path_expression, quote_text
from interstore_backends.postgresql.values import json_text, text_array

__all__ = ["Update", "compile_update", "update_page"]

_Shape: TypeAlias = "tuple[tuple[str, tuple[str, ...]], ...]"

_SET: Final = "version = t.version + 1, updated_at = $1"
"""What every update sets besides the document, of a table called `t`."""

_SMALL: Final = 1_000
"""A document of fewer stored bytes is, uncompressed and as text, below half of the limit."""
_MAX_GROWTH: Final = 200_000
_ROOM: Final = (
    f"(pg_column_size(doc) < {_SMALL} OR "
    f"octet_length(doc::text) < {MAX_DOCUMENT_BYTES - _MAX_GROWTH})"
)
"""The document may grow by so much."""


@dataclass(frozen=True, slots=True)
class Update:
    """An update as SQL.

    Attributes:
        assignments: what follows ``SET``; the time of the write is ``$1``.
        fits: the condition under which the changes fit; empty if they always do.
        values: the operands, numbered from the `first` that was asked for.
    """

    assignments: str
    fits: str
    values: list[str | None]

    @classmethod
    def of(
        cls, changes: Changes, document: str, fits: str, values: list[str], first: int
    ) -> Update:
        """The update to a new ``doc``, and to another expiry if one is asked for."""
        assignments = f"doc = {document}, {_SET}"
        if changes.expires is KEEP:
            return cls(assignments, fits, [*values])
        expiry = f"expires_at = ${first + len(values)}::timestamptz"
        return cls(f"{assignments}, {expiry}", fits, [*values, changes.expires])


def compile_update(changes: Changes, first: int) -> Update | None:
    """The changes, with placeholders from ``$first`` on; ``None`` if SQL is not to do it."""
    if changes.is_empty:
        return None
    if changes.replacement is not None:
        replacement = [json_text(changes.replacement)]
        return Update.of(changes, f"${first}::jsonb", "", replacement, first)
    values = [json_text(change.value) for change in changes.changes if change.kind != "unset"]
    growth = sum(map(len, values)) + sum(
        len(step) * 6 + 6 for change in changes.changes for step in change.path
    )
    if growth > _MAX_GROWTH:
        return None
    if all(change.kind == "set" and len(change.path) == 1 for change in changes.changes):
        fields = {change.path[0]: change.value for change in changes.changes}
        # As one object: the server need not build it, and the text is the same for all keys.
        return Update.of(changes, f"(doc || ${first}::jsonb)", _ROOM, [json_text(fields)], first)
    document, fits = _compile(
        tuple([(change.kind, change.path) for change in changes.changes]), first
    )
    return Update.of(changes, document, fits, values, first)


def update_page(table: str, where: str, update: Update) -> str:
    """The statement that updates some of the documents that match, in the order of ids.

    Those after ``$2``, at most ``$3``. It tells how many were updated, how many it looked at,
    the last of these, and those that the changes did not fit.
    """
    joint = f"{where} AND" if where else " WHERE"
    return (
        f"WITH hit AS MATERIALIZED (SELECT id AS hit_id, ({update.fits or 'TRUE'}) IS TRUE AS fits "
        f"FROM {table}{joint} id > $2 ORDER BY id LIMIT $3::bigint FOR UPDATE), "
        f"done AS (UPDATE {table} t SET {update.assignments} FROM hit "
        "WHERE id = hit_id AND fits RETURNING 1) "
        "SELECT (SELECT count(*) FROM done), count(*), max(hit_id), "
        "array_agg(hit_id) FILTER (WHERE NOT fits) FROM hit"
    )


@lru_cache(maxsize=256)
def _compile(shape: _Shape, first: int) -> tuple[str, str]:
    root = _Branch()
    guards = _Guards()
    unsets: list[tuple[str, ...]] = []
    number = first
    for kind, path in shape:
        if kind == "unset":
            unsets.append(path)
            continue
        root.add(kind, path, f"${number}")
        guards.add(kind, path, f"${number}")
        number += 1
    document = root.sql("doc", ()) if root.branches else "doc"
    for path in unsets:
        document = _without(document, path)
    guards.terms.append(_ROOM)
    return document, " AND ".join(guards.terms)


def _without(document: str, path: Sequence[str]) -> str:
    """`document` without what lies at `path`, whose text could also mean elements of arrays."""
    if len(path) == 1:
        return f"({document} - {quote_text(path[0])}::text)"
    parent = path_expression("doc", tuple(path[:-1]))
    keys = quote_text(text_array(path))
    return (
        f"({document} #- CASE WHEN jsonb_typeof({parent}) = 'object' "
        f"THEN {keys}::text[] ELSE '{{}}'::text[] END)"
    )


@dataclass(slots=True)
class _Branch:
    """What changes in one object: by key, an inner object or a change."""

    branches: dict[str, _Branch | tuple[str, str]] = field(default_factory=dict)

    def add(self, kind: str, path: Sequence[str], operand: str) -> None:
        key, *rest = path
        if not rest:
            self.branches[key] = (kind, operand)
            return
        inner = self.branches.setdefault(key, _Branch())
        assert isinstance(inner, _Branch)
        inner.add(kind, rest, operand)

    def sql(self, value: str, path: tuple[str, ...]) -> str:
        parts = [value if not path else f"coalesce({value}, '{{}}'::jsonb)"]
        for key, change in self.branches.items():
            inner = path_expression(value, (key,))
            if isinstance(change, _Branch):
                made = change.sql(inner, (*path, key))
            else:
                made = _made(*change, inner)
            parts.append(f"jsonb_build_object({quote_text(key)}::text, {made})")
        return "(" + " || ".join(parts) + ")"


def _made(kind: str, operand: str, value: str) -> str:
    if kind == "set":
        return f"{operand}::jsonb"
    if kind == "push":
        return f"coalesce({value}, '[]'::jsonb) || jsonb_build_array({operand}::jsonb)"
    return f"to_jsonb({_sum(operand, value)})"


def _sum(operand: str, value: str) -> str:
    """As doubles: numeric would make 0.3 of 0.1 + 0.2."""
    return (
        f"(CASE WHEN jsonb_typeof({value}) = 'number' THEN {value}::float8 ELSE 0 END "
        f"+ {operand}::float8)"
    )


class _Guards:
    """The conditions under which the changes fit a document."""

    def __init__(self) -> None:
        self.terms: list[str] = []

    def add(self, kind: str, path: tuple[str, ...], operand: str) -> None:
        for depth in range(1, len(path)):
            self._need(path_expression("doc", path[:depth]), "object")
        value = path_expression("doc", path)
        if kind == "inc":
            self._need(value, "number")
            self.terms.append(f"abs({_sum(operand, value)}) <= {MAX_INTEGER}")
        elif kind == "push":
            self._need(value, "array")

    def _need(self, value: str, kind: str) -> None:
        term = f"coalesce(jsonb_typeof({value}), '{kind}') = '{kind}'"
        if term not in self.terms:
            self.terms.append(term)
