"""The operators of a condition, ``{path: {operator: operand}}``, one function each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, get_args

from interstore.errors import InvalidQueryError
from interstore.filters.combine import all_of, negate
from interstore.filters.operands import (
    Place,
    elements,
    flag,
    length,
    ordered,
    scalar,
    scalars,
    text,
)
from interstore.filters.references import shown
from interstore.filters.regex import PortableRegex
from interstore.filters.tree import (
    NONE,
    Bound,
    Eq,
    Exists,
    Has,
    In,
    Node,
    Range,
    Regex,
    Size,
    Text,
    Type,
    TypeName,
)

__all__ = ["LOGICAL", "OPERATORS", "RANGES", "equals", "ranges", "unknown"]

Build = Callable[[Any, str, Place], Node]

LOGICAL: Final = ("$and", "$or", "$nor", "$not")
RANGES: Final = frozenset(["$gt", "$gte", "$lt", "$lte"])
TYPE_NAMES: Final[tuple[TypeName, ...]] = get_args(TypeName)


def equals(value: Any, operator: str, place: Place) -> Node:
    """``$eq``: a scalar, or an array of scalars."""
    if isinstance(value, (list, tuple)):
        return Eq(place.path, elements(value, operator, place))
    return Eq(place.path, scalar(value, operator, place))


def _not_equals(value: Any, operator: str, place: Place) -> Node:
    return negate(equals(value, operator, place))


def _in(value: Any, operator: str, place: Place) -> Node:
    values = scalars(value, operator, place)
    return In(place.path, values) if values else NONE


def _not_in(value: Any, operator: str, place: Place) -> Node:
    return negate(_in(value, operator, place))


def _exists(value: Any, operator: str, place: Place) -> Node:
    node = Exists(place.path)
    return node if flag(value, operator, place) else negate(node)


def _type(value: Any, operator: str, place: Place) -> Node:
    names = [value] if isinstance(value, str) else value
    known = f"the types are {', '.join(TYPE_NAMES)}"
    if not isinstance(names, (list, tuple, set, frozenset)) or not names:
        raise place.refuse(operator, f"takes a type or a list of them, not {shown(value)}; {known}")
    types: frozenset[TypeName] = frozenset([name for name in TYPE_NAMES if name in names])
    for name in names:
        if name not in TYPE_NAMES:
            raise place.refuse(operator, f"does not know the type {shown(name)}; {known}")
    return Type(place.path, types)


def _text(kind: Literal["startsWith", "endsWith", "contains"]) -> Build:
    def build(value: Any, operator: str, place: Place) -> Node:
        return Text(place.path, kind, text(value, operator, place))

    return build


def _regex(value: Any, operator: str, place: Place) -> Node:
    try:
        return Regex(place.path, _pattern(value))
    except ValueError as error:
        raise place.refuse(operator, str(error)) from None


def _pattern(value: Any) -> PortableRegex:
    if isinstance(value, re.Pattern):
        if not isinstance(value.pattern, str):
            raise ValueError("takes a pattern of text, not of bytes")
        extra = re.RegexFlag(value.flags) & ~(re.IGNORECASE | re.UNICODE)
        if extra:
            raise ValueError(f"knows no flag but re.IGNORECASE, and the pattern has {extra!r}")
        return PortableRegex(value.pattern, bool(value.flags & re.IGNORECASE))
    if isinstance(value, (list, tuple)) and len(value) == 2 and value[1] in ("", "i"):
        pattern, ignore_case = value[0], value[1] == "i"
    else:
        pattern, ignore_case = value, False
    if not isinstance(pattern, str):
        raise ValueError(
            f'takes a pattern, [pattern, "i"] to ignore case, or an re.Pattern, not {shown(value)}'
        )
    return PortableRegex(str.__str__(pattern), ignore_case)


def _has(value: Any, operator: str, place: Place) -> Node:
    if isinstance(value, (list, tuple, set, frozenset)):
        raise place.refuse(
            operator, f"takes one scalar, not {shown(value)}; for several values use $all"
        )
    return Has(place.path, scalar(value, operator, place))


def _all(value: Any, operator: str, place: Place) -> Node:
    values = scalars(value, operator, place)
    return all_of([Has(place.path, value) for value in values]) if values else NONE


def _size(value: Any, operator: str, place: Place) -> Node:
    return Size(place.path, length(value, operator, place))


OPERATORS: Final[dict[str, Build]] = {
    "$eq": equals,
    "$ne": _not_equals,
    "$in": _in,
    "$nin": _not_in,
    "$exists": _exists,
    "$type": _type,
    "$startsWith": _text("startsWith"),
    "$endsWith": _text("endsWith"),
    "$contains": _text("contains"),
    "$regex": _regex,
    "$has": _has,
    "$all": _all,
    "$size": _size,
}
"""Those whose operand is a value. The parser itself knows `RANGES`, ``$not``, ``$elemMatch``."""


def ranges(condition: Mapping[str, Any], place: Place) -> list[Node]:
    """The ranges of a condition, two ends of one class in one node."""
    lower: list[Bound] = []
    upper: list[Bound] = []
    for operator, ends, inclusive in (
        ("$gt", lower, False),
        ("$gte", lower, True),
        ("$lt", upper, False),
        ("$lte", upper, True),
    ):
        if operator in condition:
            ends.append(Bound(ordered(condition[operator], operator, place), inclusive))
    if len(lower) == len(upper) == 1:
        low, high = lower[0], upper[0]
        if (type(low.value) is str) == (type(high.value) is str):
            return [Range(place.path, low, high)]
    return [
        *(Range(place.path, bound, None) for bound in lower),
        *(Range(place.path, None, bound) for bound in upper),
    ]


def unknown(operator: Any, place: Place | None) -> InvalidQueryError:
    """The error for an operator that does not exist, or not there, with the nearest that does."""
    where = "filter" if place is None else f"filter on '{place}'"
    known = [*OPERATORS, *sorted(RANGES), "$elemMatch", "$not"]
    if not isinstance(operator, str):
        return InvalidQueryError(
            f"{where}: {shown(operator)} is neither a path nor an operator; a path is a string or "
            "a tuple"
        )
    if operator == "$options":
        return InvalidQueryError(
            f'{where}: $options is not known; to ignore case write {{"$regex": [pattern, "i"]}}'
        )
    if place is None and operator in known:
        return InvalidQueryError(
            f"filter: {operator} needs a path before it, as in {{'age': {{'{operator}': ...}}}}"
        )
    if place is not None and operator in LOGICAL:
        return InvalidQueryError(
            f"{where}: {operator} joins whole filters, as in {{'{operator}': [{{...}}, {{...}}]}}, "
            "and cannot stand under a path"
        )
    from difflib import get_close_matches

    names = LOGICAL if place is None else known
    by_fold = {name.lower().replace("_", ""): name for name in names}
    nearest = get_close_matches(operator[:40].lower().replace("_", ""), by_fold, n=1)
    hint = f"did you mean {by_fold[nearest[0]]}?" if nearest else f"known are {', '.join(names)}"
    odd = "; a key that begins with '$' is addressed by a tuple path" if place is None else ""
    return InvalidQueryError(f"{where}: unknown operator {shown(operator)}: {hint}{odd}")
