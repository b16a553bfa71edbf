"""PostgreSQL's types as documents have them: to and from the texts of values.

Every value travels as PostgreSQL's own text, which is exact for every type in the sessions
that Interstore opens; so nothing depends on what a driver makes of a type.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from interstore.foreign_values import present_decimal, present_float, present_json, read_float

__all__ = ["DECIMAL", "DIRECT", "Kind", "array_literal", "input_text", "kind_of", "present"]

Kind: TypeAlias = Literal[
    "int", "float", "decimal", "money", "bool", "text", "uuid", "timestamptz", "timestamp",
    "date", "time", "bytea", "json", "other",
]  # fmt: skip

_KINDS: Final[Mapping[str, Kind]] = {
    "int2": "int", "int4": "int", "int8": "int", "oid": "int",
    "float4": "float", "float8": "float", "numeric": "decimal", "money": "money",
    "bool": "bool", "uuid": "uuid", "bytea": "bytea",
    "text": "text", "varchar": "text", "bpchar": "text", "name": "text", "char": "text",
    "timestamptz": "timestamptz", "timestamp": "timestamp", "date": "date", "time": "time",
    "json": "json", "jsonb": "json",
}  # fmt: skip

DIRECT: Final = frozenset({"text", "uuid", "other"})
"""Kinds whose text is what documents have."""

DECIMAL: Final = re.compile(r"(-?[0-9]+(\.[0-9]+)?(E[+-]?[0-9]+)?|NaN|-?Infinity)\Z")
_OUTSIDE: Final = re.compile(r"-?infinity\Z|[0-9]{5,}-|.* BC\Z")
"""Times and days that Python has not, in PostgreSQL's own words."""
_OCTAL: Final = re.compile(rb"\\([0-3][0-7]{2}|\\)")


def kind_of(name: str) -> Kind:
    """The kind of a type of PostgreSQL's own; of any other, its text is exact."""
    return _KINDS.get(name, "other")


# From PostgreSQL.


def present(kind: Kind, text: str) -> Any:
    """The value of a document, from the text that a column gives."""
    return _PRESENT[kind](text)


def _timestamptz(text: str) -> str:
    if len(text) == 29 and text.endswith("+00"):
        return f"{text[:10]}T{text[11:26]}Z"
    moment = _moment(text)
    if moment is None:
        return text  # infinity, or before or after what Python's years hold
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _timestamp(text: str) -> str:
    moment = _moment(text)
    return text if moment is None else moment.isoformat(timespec="microseconds")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _time(text: str) -> str:
    try:
        return time.fromisoformat(text).isoformat(timespec="microseconds")
    except ValueError:
        return text  # 24:00:00


def _bytea(text: str) -> str:
    """Of a scalar: base64 in lines. Of an element: either of PostgreSQL's own forms."""
    if not text.startswith("\\"):
        return text.replace("\n", "")
    raw = text.encode()
    if raw.startswith(b"\\x"):
        return b64encode(bytes.fromhex(text[2:])).decode()
    return b64encode(
        _OCTAL.sub(lambda m: b"\\" if m[1] == b"\\" else bytes([int(m[1], 8)]), raw)
    ).decode()


def _same(text: str) -> str:
    return text


_PRESENT: Final[Mapping[Kind, Callable[[str], Any]]] = {
    "int": int,
    "float": lambda text: present_float(float(text)),
    "decimal": lambda text: present_decimal(Decimal(text)),
    "money": lambda text: present_decimal(Decimal(text)),
    "bool": lambda text: text == "true",
    "text": _same,
    "uuid": _same,
    "other": _same,
    "timestamptz": _timestamptz,
    "timestamp": _timestamp,
    "date": _same,
    "time": _time,
    "bytea": _bytea,
    "json": lambda text: present_json(json.loads(text)),
}


# To PostgreSQL.


def input_text(kind: Kind, value: Any) -> str:
    """What PostgreSQL reads as `value`, a scalar of a document, not null.

    Raises:
        ValueError: no value of that kind is presented so; the message says what is.
    """
    return _INPUT[kind](value)


def _int(value: Any) -> str:
    if type(value) is not int:
        raise ValueError("an integer")
    return str(value)


def _float(value: Any) -> str:
    if type(value) in (int, float):
        return repr(float(value)) if abs(value) < 1e308 else repr(value)
    if isinstance(value, str) and read_float(value) is not None:
        return value
    raise ValueError("a number")


def _decimal(value: Any) -> str:
    if isinstance(value, str) and DECIMAL.match(value):
        return value
    raise ValueError("a Decimal, or the text of one")


def _bool(value: Any) -> str:
    if type(value) is not bool:
        raise ValueError("true or false")
    return "true" if value else "false"


def _string(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("a string")
    return value


def _uuid(value: Any) -> str:
    try:
        if str(UUID(_string(value))) == value:
            return str(value)
    except ValueError:
        pass
    raise ValueError("a UUID, or its text in lower case")


def _aware(value: Any) -> str:
    moment = _moment(_string(value))
    if not _OUTSIDE.match(value) and (moment is None or moment.utcoffset() is None):
        raise ValueError("a datetime with a time zone, or the ISO text of one")
    return str(value)


def _naive(value: Any) -> str:
    moment = _moment(_string(value))
    if not _OUTSIDE.match(value) and (moment is None or moment.utcoffset() is not None):
        raise ValueError(
            "the ISO text of a time without zone, as '2026-01-31T12:00:00', for the column has none"
        )
    return str(value)


def _date(value: Any) -> str:
    try:
        return (
            value
            if _OUTSIDE.match(_string(value))
            else date.fromisoformat(_string(value)).isoformat()
        )
    except ValueError:
        raise ValueError("a date") from None


def _clock(value: Any) -> str:
    try:
        if time.fromisoformat(_string(value)).tzinfo is None:
            return str(value)
    except ValueError:
        pass
    raise ValueError("a time of day")


def _bytes(value: Any) -> str:
    try:
        return "\\x" + b64decode(_string(value), validate=True).hex()
    except (Base64Error, ValueError):
        raise ValueError("bytes, or their base64 text") from None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


_INPUT: Final[Mapping[Kind, Callable[[Any], str]]] = {
    "int": _int, "float": _float, "decimal": _decimal, "money": _decimal, "bool": _bool,
    "text": _string, "uuid": _uuid, "other": _string, "timestamptz": _aware,
    "timestamp": _naive, "date": _date, "time": _clock, "bytea": _bytes, "json": _json,
}  # fmt: skip


def array_literal(kind: Kind, values: Any) -> str:
    """Nested lists as an array of PostgreSQL.

    Raises:
        ValueError: they hold what is no value of the kind.
    """
    if not isinstance(values, list):
        raise ValueError("a list")
    parts: list[str] = []
    for value in values:
        if value is None:
            parts.append("NULL")
        elif isinstance(value, list) and kind != "json":
            parts.append(array_literal(kind, value))
        else:
            text = input_text(kind, value).replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'"{text}"')
    return "{" + ",".join(parts) + "}"
