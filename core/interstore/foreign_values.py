"""Values of foreign data that more than one engine presents, and changes that keep them exact."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from interstore.changes import Change, Changes
from interstore.errors import InterstoreError, InvalidDocumentError
from interstore.paths import resolve
from interstore.values import MAX_INTEGER, canonical_scalar

__all__ = [
    "changed_json", "exact_changes", "present_decimal", "present_float", "present_json",
    "read_float", "unreadable",
]  # fmt: skip

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
