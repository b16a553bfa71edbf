"""From changes to Cosmos DB's patches. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from interstore.changes import Change, Changes
from interstore.expiry import KEEP
from interstore.indexes import Index
from interstore.paths import Envelope, Path
from interstore.prepared import MAX_DOCUMENT_BYTES
from interstore.values import MAX_INTEGER
from interstore_backends.cosmosdb.keys import (
    ENVELOPE,
    ENVELOPE_FIELDS,
    field_path,
    value_expression,
)

__all__ = ["Patch", "compile_patch"]

_MOST: Final = 8
"""Operations in a patch: ten, of which two are the envelope's."""
_MOST_GROWTH: Final = 100_000
"""Characters that a patch may add."""
_UNSEEN_GROWTH: Final = 1_000
"""So many may be added without a look at the item's size: the service has a limit as well."""
_ROOM: Final = (MAX_DOCUMENT_BYTES - 4 * _MOST_GROWTH) // 4
"""A text of fewer characters than this is within the limit whatever they are, and grown, too."""
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Patch:
    """A patch, and the condition on which it does exactly what was asked for.

    Attributes:
        operations: as the client takes them.
        condition: of the item as it is; where it is not met, nothing happens.
    """

    def __init__(self, operations: list[dict[str, Any]], condition: str) -> None:
        self.operations = operations
        self.condition = condition


def compile_patch(
    changes: Changes, if_version: int | None, indexes: Iterable[Index]
) -> Patch | None:
    """The patch for changes; ``None`` where it could do something else than asked for."""
    asked = changes.changes
    if not asked or len(asked) > _MOST or _touches(asked, indexes) or changes.expires is not KEEP:
        return None
    if not all(_PLAIN.match(step) for change in asked for step in change.path):
        return None
    growth = sum(_size(change.value) for change in asked)
    if growth > _MOST_GROWTH:
        return None
    terms = [f"{ENVELOPE_FIELDS[Envelope.VERSION]} > 0"]
    if if_version is not None:
        terms = [f"{ENVELOPE_FIELDS[Envelope.VERSION]} = {int(if_version)}"]
    if changes.created is not None:
        terms.append(f'{ENVELOPE_FIELDS[Envelope.CREATED_AT]} = "{changes.created}"')
    expires = ENVELOPE_FIELDS[Envelope.EXPIRES_AT]
    terms.append(f'(NOT IS_DEFINED({expires}) OR {expires} > "{changes.updated}")')
    operations: list[dict[str, Any]] = []
    for change in asked:
        terms += [
            f"IS_OBJECT({value_expression('c', change.path[:depth])})"
            for depth in range(1, len(change.path))
        ]
        operation, needed = _OPERATIONS[change.kind](change)
        operations.append(operation)
        terms += needed
    if growth > _UNSEEN_GROWTH or any(change.kind == "push" for change in asked):
        terms.append(f"LENGTH(ToString(c)) < {_ROOM}")
    operations += [
        {"op": "incr", "path": f"/{ENVELOPE}/version", "value": 1},
        {"op": "set", "path": f"/{ENVELOPE}/updated_at", "value": changes.updated},
    ]
    return Patch(operations, f"FROM c WHERE {' AND '.join(dict.fromkeys(terms))}")


def _touches(changes: Iterable[Change], indexes: Iterable[Index]) -> bool:
    """Whether a change may be one that a declared index refuses."""
    declared: list[Path] = [path for index in indexes for path, _ in index.user_paths]
    return any(
        path[: len(change.path)] == change.path or change.path[: len(path)] == path
        for change in changes
        for path in declared
    )


def _set(change: Change) -> tuple[dict[str, Any], list[str]]:
    return {"op": "set", "path": field_path(change.path), "value": change.value}, []


def _unset(change: Change) -> tuple[dict[str, Any], list[str]]:
    there = f"IS_DEFINED({value_expression('c', change.path)})"
    return {"op": "remove", "path": field_path(change.path)}, [there]


def _inc(change: Change) -> tuple[dict[str, Any], list[str]]:
    value = value_expression("c", change.path)
    bound = MAX_INTEGER - int(abs(change.value)) - 2
    within = f"(IS_NUMBER({value}) AND {value} < {bound} AND {value} > -{bound})"
    operation = {"op": "incr", "path": field_path(change.path), "value": change.value}
    return operation, [f"(NOT IS_DEFINED({value}) OR {within})"]


def _push(change: Change) -> tuple[dict[str, Any], list[str]]:
    is_array = f"IS_ARRAY({value_expression('c', change.path)})"
    return {"op": "add", "path": field_path(change.path) + "/-", "value": change.value}, [is_array]


_OPERATIONS: Final = {"set": _set, "unset": _unset, "inc": _inc, "push": _push}


def _size(value: Any) -> int:
    """No less than the characters of a value."""
    kind = type(value)
    if kind is str:
        return len(value) + 2
    if kind is dict:
        return sum(len(key) + _size(item) + 4 for key, item in value.items()) + 2
    if kind is list:
        return sum(map(_size, value)) + len(value) + 2
    return 24
