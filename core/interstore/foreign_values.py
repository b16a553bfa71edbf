"""Values of foreign data that more than one engine presents, and changes that keep them exact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, TypeVar

from interstore.changes import Change, Changes
from interstore.errors import InterstoreError, InvalidDocumentError
from interstore.paths import resolve
from interstore.values import MAX_INTEGER, canonical_scalar

__all__ = [
    "changed_json", "check_kept", "exact_changes", "present_decimal", "present_float",
    "present_json", "read_float", "touched", "unreadable",
]  # fmt: skip

K = TypeVar("K")

_FLOATS: Final = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


def present_float(value: float) -> int | float | str:
    """A float as documents have it: integral ones as integers, those that JSON lacks as text."""
    if value - value != 0.0:
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and -MAX_INTEGER <= value <= MAX_INTEGER:
        return int(value)
    return value


def read_float(text: str) -> float | None:
    """The float that `present_float` gives as this text."""
    name = _FLOATS.get(text)
    return None if name is None else float(name)


def present_decimal(value: Decimal) -> str:
    """A decimal number as its shortest exact text; ``NaN`` and ``Infinity`` as such."""
    if not value.is_finite():
        return "NaN" if value.is_nan() else "Infinity" if value > 0 else "-Infinity"
    return str(canonical_scalar(value))


def present_json(value: Any) -> Any:
    """What a JSON text holds, canonical; integers stay exact."""
    if type(value) is float:
        return present_float(value)
    if type(value) is dict:
        return {key: present_json(item) for key, item in value.items()}
    if type(value) is list:
        return [present_json(item) for item in value]
    return value


def changed_json(text: str | None, changes: Changes, name: str) -> str:
    """A JSON column's text after the changes to it.

    Args:
        text: what it holds.
        changes: of which those count whose path begins with `name`.
        name: the column's, as documents have it.

    Raises:
        InvalidDocumentError: it holds a number that would lose digits on the way.
    """
    value = None if text is None else json.loads(text, parse_float=_exact_float)
    own = tuple(change for change in changes.changes if change.path[0] == name)
    changed = replace(changes, changes=own).apply_to({name: value})
    return json.dumps(changed.get(name), ensure_ascii=False, allow_nan=False)


def _exact_float(text: str) -> float:
    number = float(text)
    if Decimal(text) != Decimal(repr(number)):
        raise InvalidDocumentError(
            f"a JSON value holds the number {text:.60}, which has more digits than a double: an "
            "update of the same column would change it. Update it with the database's own means"
        )
    return number


def exact_changes(changes: Changes, fields: dict[str, Any]) -> Changes:
    """The changes with each ``$inc`` of an integer by an integer as the exact sum."""
    return replace(changes, changes=tuple(_exact(change, fields) for change in changes.changes))


def _exact(change: Change, fields: dict[str, Any]) -> Change:
    old = resolve(fields, change.path) if change.kind == "inc" else None
    if type(old) is int and type(change.value) is int:
        return Change("set", change.path, old + change.value)
    return change


def unreadable(model: str, name: str, problem: str, cure: str) -> InterstoreError:
    """The error for a value, or a kind of values, that cannot be presented.

    Args:
        model: the table or collection.
        name: the column or field.
        problem: what it holds.
        cure: what to do.
    """
    return InvalidDocumentError(
        f"foreign {model!r}: {name!r} {problem}; {cure}", model=model, path=name
    )


def touched(
    table: str, columns: Mapping[str, K], after: Mapping[str, Any], changes: Changes
) -> dict[str, K]:
    """The columns that changes write, by their names in documents.

    Args:
        table: its name, for messages.
        columns: all columns but the id's, by their names in documents.
        after: the fields that the changes make of the row.
        changes: the changes.

    Raises:
        InvalidDocumentError: there is no such column, or it would be removed.
    """
    found: dict[str, K] = {}
    for change in changes.changes:
        name = change.path[0]
        if name not in columns:
            if change.kind == "unset":
                continue
            listed = ", ".join(map(repr, columns))
            raise InvalidDocumentError(
                f"{table!r} has no column {name!r}; it has {listed}", path=name
            )
        if name not in after:
            raise InvalidDocumentError(
                f"$unset: {name!r} is a column, which every row has; set it to None", path=name
            )
        found[name] = columns[name]
    return found


def check_kept(name: str, kind: str, asked: Any, kept: Any) -> None:
    """Refuse a value that a column's type, or a trigger, has made something else of.

    Args:
        name: the column's, in documents.
        kind: what it is, for messages.
        asked: what was to be stored.
        kept: what is stored.

    Raises:
        InvalidDocumentError: it has.
    """
    if json.dumps(asked, sort_keys=True) != json.dumps(kept, sort_keys=True):
        raise InvalidDocumentError(
            f"{name!r}, {kind}, does not keep {asked!r:.60}: it would become {kept!r:.60}; "
            "nothing was written",
            path=name,
        )
