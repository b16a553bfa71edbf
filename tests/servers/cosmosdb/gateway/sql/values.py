"""The values of the language: JSON and one that is not there; how they compare."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

__all__ = ["UNDEFINED", "Undefined", "equal", "kind", "less", "number", "rank", "sort_key"]


class Undefined(enum.Enum):
    """What a missing property has, and an operation on values that it is not made for."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED

KINDS: Mapping[type, str] = {
    Undefined: "undefined",
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}

RANKS = {name: rank for rank, name in enumerate(dict.fromkeys(KINDS.values()))}


def kind(value: Any) -> str:
    """Undefined, null, boolean, number, string, array or object."""
    return KINDS[type(value)]


def rank(value: Any) -> int:
    """Where its kind stands in the order of ORDER BY."""
    return RANKS[KINDS[type(value)]]


def number(value: Any) -> TypeGuard[int | float]:
    return type(value) is int or type(value) is float


def equal(left: Any, right: Any) -> bool | Undefined:
    """Undefined between kinds: the table of the page "Equality and comparison operators".

    (Microsoft's offline engine says false instead; no query should depend on which.)
    """
    if kind(left) != kind(right) or left is UNDEFINED:
        return UNDEFINED
    return same(left, right)


def same(left: Any, right: Any) -> bool:
    """Deep equality, in which 1 is not true."""
    if kind(left) != kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


def less(left: Any, right: Any) -> bool | Undefined:
    """Strings by code point; undefined between kinds, and for what has no order."""
    if kind(left) != kind(right) or isinstance(left, (Undefined, list, dict)):
        return UNDEFINED
    if left is None:
        return False
    return bool(left < right)


def sort_key(value: Any) -> tuple[int, Any]:
    """For ORDER BY; among arrays and among objects the order is none that is documented."""
    order = rank(value)
    if value is None or value is UNDEFINED:
        return order, 0
    if isinstance(value, (list, dict)):
        return order, json.dumps(value, sort_keys=True)
    return order, value
