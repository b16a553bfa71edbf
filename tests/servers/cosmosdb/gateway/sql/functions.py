"""The system functions, as Microsoft's pages describe each; on what they are not for: undefined."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from tests.servers.cosmosdb.gateway.sql.patterns import matches
from tests.servers.cosmosdb.gateway.sql.values import (
    UNDEFINED,
    equal,
    kind,
    number,
    sort_key,
)

__all__ = ["AGGREGATES", "FUNCTIONS"]

Definition: TypeAlias = tuple[Callable[..., Any], int, int]
"""With the least and the greatest number of its arguments."""


def _is(*kinds: str) -> Definition:
    return lambda value: kind(value) in kinds, 1, 1


def _integer(value: Any) -> bool:
    return number(value) and float(value).is_integer() and abs(value) < 2**63


def _text(function: Callable[[str, str], bool]) -> Definition:
    """Of a text and another, without regard to ASCII and other case if a third says so."""

    def compare(value: Any, other: Any, ignore_case: Any = False) -> Any:
        if not isinstance(value, str) or not isinstance(other, str):
            return UNDEFINED
        if not isinstance(ignore_case, bool):
            return UNDEFINED
        if ignore_case:
            return function(value.lower(), other.lower())
        return function(value, other)

    return compare, 2, 3


def _of_text(function: Callable[[str], Any]) -> Definition:
    return lambda value: function(value) if isinstance(value, str) else UNDEFINED, 1, 1


def _of_number(function: Callable[[float], Any]) -> Definition:
    def compute(value: Any) -> Any:
        if not number(value):
            return UNDEFINED
        try:
            found = float(function(value))
        except (ValueError, OverflowError):
            return UNDEFINED
        return int(found) if found.is_integer() and abs(found) < 1e21 else found

    return compute, 1, 1


def _round(value: float) -> float:
    """Half away from zero."""
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _concat(*values: Any) -> Any:
    return "".join(values) if all(isinstance(value, str) for value in values) else UNDEFINED


def _index_of(value: Any, other: Any, start: Any = 0) -> Any:
    if isinstance(value, str) and isinstance(other, str) and _integer(start):
        return value.find(other, int(start))
    return UNDEFINED


def _substring(value: Any, start: Any, length: Any) -> Any:
    if not isinstance(value, str) or not _integer(start) or not _integer(length):
        return UNDEFINED
    first = max(0, int(start))
    return value[first : first + max(0, int(length))]


def _left(value: Any, length: Any) -> Any:
    return _substring(value, 0, length)


def _right(value: Any, length: Any) -> Any:
    if not isinstance(value, str) or not _integer(length):
        return UNDEFINED
    return value[-int(length) :] if length > 0 else ""


def _replace(value: Any, old: Any, new: Any) -> Any:
    if isinstance(value, str) and isinstance(old, str) and isinstance(new, str):
        return value.replace(old, new) if old else value
    return UNDEFINED


def _to_string(value: Any) -> Any:
    import json

    if value is UNDEFINED:
        return UNDEFINED
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _to_number(value: Any) -> Any:
    if not isinstance(value, str):
        return UNDEFINED
    if re.fullmatch(r"\s*-?\d+(\.\d+)?([eE][+-]?\d+)?\s*", value) is None:
        return UNDEFINED
    found = float(value)
    return int(found) if found.is_integer() and abs(found) < 1e21 else found


def _regex_match(value: Any, expression: Any, flags: Any = "") -> Any:
    if not isinstance(value, str) or not isinstance(expression, str) or not isinstance(flags, str):
        return UNDEFINED
    return matches(expression, flags)(value)


def _array_contains(values: Any, sought: Any, partial: Any = False) -> Any:
    if not isinstance(values, list) or sought is UNDEFINED:
        return UNDEFINED
    if partial is True and isinstance(sought, dict):
        return any(_covers(value, sought) for value in values)
    return any(equal(value, sought) is True for value in values)


def _covers(value: Any, part: Mapping[str, Any]) -> bool:
    return isinstance(value, dict) and all(
        key in value
        and (
            _covers(value[key], wanted)
            if isinstance(wanted, dict)
            else equal(value[key], wanted) is True
        )
        for key, wanted in part.items()
    )


def _array_contains_any(values: Any, *sought: Any) -> Any:
    if not isinstance(values, list):
        return UNDEFINED
    return any(_array_contains(values, one) is True for one in sought)


def _array_contains_all(values: Any, *sought: Any) -> Any:
    if not isinstance(values, list):
        return UNDEFINED
    return all(_array_contains(values, one) is True for one in sought)


def _array_length(values: Any) -> Any:
    return len(values) if isinstance(values, list) else UNDEFINED


def _array_slice(values: Any, start: Any, length: Any = None) -> Any:
    if not isinstance(values, list) or not _integer(start):
        return UNDEFINED
    first = int(start) if start >= 0 else max(0, len(values) + int(start))
    if length is None:
        return values[first:]
    return values[first : first + max(0, int(length))] if _integer(length) else UNDEFINED


def _array_concat(*values: Any) -> Any:
    if not all(isinstance(value, list) for value in values):
        return UNDEFINED
    return [item for value in values for item in value]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def _log(value: Any, base: Any = math.e) -> Any:
    if number(value) and number(base) and value > 0 and base > 0 and base != 1:
        return math.log(value) if base == math.e else math.log(value, base)
    return UNDEFINED


def _power(value: Any, exponent: Any) -> Any:
    if not number(value) or not number(exponent):
        return UNDEFINED
    return _of_number(lambda base: float(base) ** exponent)[0](value)


def _iif(test: Any, yes: Any, no: Any) -> Any:
    return yes if test is True else no


FUNCTIONS: Final[Mapping[str, Definition]] = {
    "IS_DEFINED": (lambda value: value is not UNDEFINED, 1, 1),
    "IS_NULL": _is("null"),
    "IS_BOOL": _is("boolean"),
    "IS_NUMBER": _is("number"),
    "IS_STRING": _is("string"),
    "IS_ARRAY": _is("array"),
    "IS_OBJECT": _is("object"),
    "IS_PRIMITIVE": _is("null", "boolean", "number", "string"),
    "IS_FINITE_NUMBER": _is("number"),
    "IS_INTEGER": (_integer, 1, 1),
    "STARTSWITH": _text(str.startswith),
    "ENDSWITH": _text(str.endswith),
    "CONTAINS": _text(lambda value, other: other in value),
    "STRINGEQUALS": _text(str.__eq__),
    "REGEXMATCH": (_regex_match, 2, 3),
    "CONCAT": (_concat, 2, 1000),
    "INDEX_OF": (_index_of, 2, 3),
    "SUBSTRING": (_substring, 3, 3),
    "LEFT": (_left, 2, 2),
    "RIGHT": (_right, 2, 2),
    "REPLACE": (_replace, 3, 3),
    "LENGTH": _of_text(len),
    "LOWER": _of_text(str.lower),
    "UPPER": _of_text(str.upper),
    "TRIM": _of_text(str.strip),
    "LTRIM": _of_text(str.lstrip),
    "RTRIM": _of_text(str.rstrip),
    "REVERSE": _of_text(lambda value: value[::-1]),
    "TOSTRING": (_to_string, 1, 1),
    "STRINGTONUMBER": (_to_number, 1, 1),
    "ARRAY_CONTAINS": (_array_contains, 2, 3),
    "ARRAY_CONTAINS_ANY": (_array_contains_any, 2, 1000),
    "ARRAY_CONTAINS_ALL": (_array_contains_all, 2, 1000),
    "ARRAY_LENGTH": (_array_length, 1, 1),
    "ARRAY_SLICE": (_array_slice, 2, 3),
    "ARRAY_CONCAT": (_array_concat, 2, 1000),
    "ABS": _of_number(abs),
    "CEILING": _of_number(math.ceil),
    "FLOOR": _of_number(math.floor),
    "ROUND": _of_number(_round),
    "TRUNC": _of_number(math.trunc),
    "SIGN": _of_number(lambda value: (value > 0) - (value < 0)),
    "SQRT": _of_number(math.sqrt),
    "SQUARE": _of_number(lambda value: value * value),
    "EXP": _of_number(math.exp),
    "LOG": (_log, 1, 2),
    "LOG10": _of_number(math.log10),
    "POWER": (_power, 2, 2),
    "IIF": (_iif, 3, 3),
    "GETCURRENTDATETIME": (_now, 0, 0),
    "GETCURRENTTIMESTAMP": (lambda: int(datetime.now(UTC).timestamp() * 1000), 0, 0),
}


def _count(values: Iterable[Any]) -> int:
    return sum(value is not UNDEFINED for value in values)


def _sum(values: Iterable[Any]) -> Any:
    """Undefined as soon as one is no number; what is not there does not count."""
    total = 0.0
    for value in values:
        if value is UNDEFINED:
            continue
        if not number(value):
            return UNDEFINED
        total += value
    return int(total) if total.is_integer() and abs(total) < 1e21 else total


def _average(values: Iterable[Any]) -> Any:
    there = [value for value in values if value is not UNDEFINED]
    total = _sum(there)
    return UNDEFINED if total is UNDEFINED or not there else total / len(there)


def _extreme(choose: Callable[..., Any]) -> Callable[[Iterable[Any]], Any]:
    def extreme(values: Iterable[Any]) -> Any:
        there = [value for value in values if value is not UNDEFINED]
        if not there or any(isinstance(value, (list, dict)) for value in there):
            return UNDEFINED
        return choose(there, key=sort_key)

    return extreme


AGGREGATES: Final[Mapping[str, Callable[[Iterable[Any]], Any]]] = {
    "COUNT": _count,
    "SUM": _sum,
    "AVG": _average,
    "MIN": _extreme(min),
    "MAX": _extreme(max),
}
