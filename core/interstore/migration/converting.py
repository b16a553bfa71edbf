"""Codecs by name, for values of others that documents cannot hold as they are.

=================== ========================================================================
``int64``           integers of 64 bits, as `interstore.codecs.Int64` stores them: 20 digits
``scaled:2``        decimals of 2 places, as `interstore.codecs.Scaled`: integers of the
                    smallest unit
``decimal``         decimals, as the door stores `Decimal`: exact text
``number``          numbers, also from text; NaN and the infinities become null
``bool``            true and false, 1 and 0, yes and no
``text``            any scalar as text: the digits of an integer; NUL characters are left out,
                    half a character (a lone surrogate) becomes U+FFFD
``json``            what a JSON text holds
``datetime``        points in time, as the door stores `datetime`. Those that name no zone need
                    one, ``datetime:Europe/Oslo``; ``datetime:unix`` are seconds since 1970,
                    ``datetime:unix-ms`` milliseconds
``date``            ``2026-01-31``
``uuid``            lower case with hyphens
``bytes``           base64, from base64; ``bytes:hex`` from hexadecimal digits
=================== ========================================================================

null stays null, the elements of arrays are converted one by one, and MongoDB's Extended JSON
(``{"$oid": ...}``, ``{"$date": ...}``, ``{"$numberLong": ...}``) counts as what it means.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from interstore.codecs import Int64, Scaled
from interstore.errors import ConfigurationError
from interstore.values import canonical_scalar

__all__ = ["CODECS", "Convert", "compile_codec"]

Convert: TypeAlias = Callable[[Any], Any]
"""What is stored for a value; raises `ValueError` if that cannot be."""

CODECS: Final = (
    "int64", "scaled:N", "decimal", "number", "bool", "text", "json", "datetime", "datetime:ZONE",
    "datetime:unix", "datetime:unix-ms", "date", "uuid", "bytes", "bytes:hex",
)  # fmt: skip


def compile_codec(name: str) -> Convert:
    """The codec of that name.

    Raises:
        ConfigurationError: there is none.
    """
    kind, _, argument = name.partition(":")
    convert = _with_argument(kind, argument) if argument else _PLAIN.get(kind)
    if convert is None:
        raise ConfigurationError(f"there is no codec {name!r}; there are {', '.join(CODECS)}")

    def apply(value: Any) -> Any:
        value = _plain(value)
        if value is None:
            return None
        return [apply(item) for item in value] if isinstance(value, list) else convert(value)

    return apply


def _with_argument(kind: str, argument: str) -> Convert | None:
    if kind == "scaled" and argument.isdecimal():
        scaled = Scaled(int(argument))
        return lambda value: scaled.encode(_decimal(value))
    if kind == "bytes" and argument == "hex":
        return _from_hex
    if kind == "datetime" and argument in _UNITS:
        unit = _UNITS[argument]
        return lambda value: _since_1970(value, unit)
    if kind == "datetime":
        try:
            zone = ZoneInfo(argument)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigurationError(f"there is no time zone {argument!r}") from None
        return lambda value: _datetime(value, zone)
    return None


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final = {"unix": timedelta(seconds=1), "unix-ms": timedelta(milliseconds=1)}
_EXTENDED: Final = frozenset(
    ("$oid", "$date", "$numberLong", "$numberInt", "$numberDouble", "$numberDecimal", "$uuid")
)


def _plain(value: Any) -> Any:
    """What a value of Extended JSON means; any other value as it is."""
    if not (isinstance(value, dict) and len(value) == 1):
        return value
    [(key, inner)] = value.items()
    if key == "$date" and isinstance(inner, dict):
        return _since_1970(_plain(inner), _UNITS["unix-ms"])
    if key == "$binary" and isinstance(inner, dict):
        return inner.get("base64")
    return inner if key in _EXTENDED else value


def _since_1970(value: Any, unit: timedelta) -> Any:
    number = _number(value)
    try:
        return canonical_scalar(None if number is None else _EPOCH + unit * number)
    except OverflowError:
        raise ValueError(f"{_shown(value)} lies outside the years 1 to 9999") from None


def _shown(value: Any) -> str:
    return f"{value!r:.60}"


def _scalar(value: Any) -> Any:
    if isinstance(value, dict):
        raise ValueError(f"{_shown(value)} is an object")
    return value


def _decimal(value: Any) -> Decimal:
    value = _scalar(value)
    if isinstance(value, bool):
        raise ValueError(f"{value} is no number")
    try:
        return Decimal(value.strip() if isinstance(value, str) else repr(value))
    except InvalidOperation:
        raise ValueError(f"{_shown(value)} is no number") from None


def _int64(value: Any) -> str:
    number = _decimal(value)
    if not number.is_finite() or number != number.to_integral_value():
        raise ValueError(f"{_shown(value)} is not an integer of 64 bits")
    return Int64().encode(int(number))


def _number(value: Any) -> int | float | None:
    number = _decimal(value)
    if not number.is_finite():
        return None
    return int(number) if number == number.to_integral_value() else float(number)


def _bool(value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in _TRUTH:
        raise ValueError(f"{_shown(value)} is neither true nor false")
    return _TRUTH[text]


_TRUTH: Final = {
    "true": True, "t": True, "yes": True, "y": True, "1": True,
    "false": False, "f": False, "no": False, "n": False, "0": False,
}  # fmt: skip


def _text(value: Any) -> str:
    value = _scalar(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).replace("\0", "")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is not a text")
    try:
        return msgspec.json.decode(value)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{_shown(value)} is not JSON: {error}") from None


def _datetime(value: Any, zone: ZoneInfo | None = None) -> Any:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{_shown(value)} is not a point in time (ISO 8601)") from None
    if moment.tzinfo is None:
        if zone is None:
            raise ValueError(
                f"{_shown(value)} names no time zone: say which one, as in datetime:UTC"
            )
        moment = moment.replace(tzinfo=zone)
    return canonical_scalar(moment)


def _date(value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise ValueError(f"{_shown(value)} is not a date (2026-01-31)") from None


def _uuid(value: Any) -> str:
    try:
        return str(UUID(value))
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"{_shown(value)} is not a UUID") from None


def _from_base64(value: Any) -> Any:
    try:
        return canonical_scalar(b64decode(value, validate=True))
    except (TypeError, ValueError):
        raise ValueError(f"{_shown(value)} is not base64") from None


def _from_hex(value: Any) -> Any:
    try:
        return canonical_scalar(bytes.fromhex(value.removeprefix("\\x").removeprefix("0x")))
    except (AttributeError, ValueError):
        raise ValueError(f"{_shown(value)} is not hexadecimal") from None


_PLAIN: Final[dict[str, Convert]] = {
    "int64": _int64,
    "decimal": lambda value: canonical_scalar(_decimal(value)),
    "number": _number,
    "bool": _bool,
    "text": _text,
    "json": _json,
    "datetime": _datetime,
    "date": _date,
    "uuid": _uuid,
    "bytes": _from_base64,
}
