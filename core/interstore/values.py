"""The door: what a document may hold, and the one canonical form in which it is stored.

One walk validates, canonicalises and copies, so nothing of the caller's is kept or changed:

* integers within ±(2**53 - 1), finite floats; integral floats of that range become
  integers (``1.0`` is stored as ``1``), because some engines cannot tell them apart;
* text without NUL and lone surrogates, neither in values nor in keys;
* objects with string keys, arrays (tuples become arrays), at most 64 levels in all;
* datetime, date, time, timedelta, UUID, Decimal, Enum and bytes as canonical text or
  integers (see `canonical_scalar`); anything else is refused.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

import msgspec

from interstore.errors import InvalidDocumentError
from interstore.filters.tree import Scalar
from interstore.paths import Step, show_path
from interstore.times import format_time

__all__ = [
    "canonical_fields", "canonical_scalar", "canonical_value", "decode_fields", "exact_integers",
]  # fmt: skip

MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 64

decode_fields: Final[Callable[[bytes], dict[str, Any]]] = msgspec.json.Decoder(
    dict[str, Any]
).decode
"""The fields of a canonical JSON text."""


class _Problem(Exception):
    """What is wrong, and where: steps are added from the inside out while it unwinds."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.steps: list[Step] = []


def canonical_fields(data: Any) -> dict[str, Any]:
    """The canonical form of a document's fields, as a new dict that shares nothing.

    Raises:
        InvalidDocumentError: `data` is no mapping, or something in it is not portable.
    """
    if not isinstance(data, Mapping):
        raise InvalidDocumentError(f"a document is a mapping, not {_kind(data)}")
    try:
        return _object(data, 1)
    except _Problem as problem:
        raise _refused(problem) from None


def canonical_value(value: Any, *, depth: int = 1, path: tuple[Step, ...] = ()) -> Any:
    """The canonical form of one value.

    Args:
        value: what a document may hold.
        depth: the level at which `value` lies, if it is an object or an array.
        path: where it lies, for messages.

    Raises:
        InvalidDocumentError: something in it is not portable.
    """
    try:
        return _value(value, depth)
    except _Problem as problem:
        problem.steps.extend(reversed(path))
        raise _refused(problem) from None


def canonical_scalar(value: Any) -> Scalar:
    """The canonical form of a scalar, as documents and filters have it.

    ========== ==============================================================
    datetime   ``2026-01-31T12:00:00.000000Z``, UTC; a naive one is refused
    date, time ``2026-01-31``, ``12:00:00.000000``; a time with a zone is refused
    timedelta  integer microseconds
    UUID       lower case with hyphens
    Decimal    decimal text without trailing zeros
    Enum       its value
    bytes      base64
    ========== ==============================================================

    Raises:
        ValueError: `value` is not a scalar, or not portable; the message names it.
    """
    try:
        result = _value(value, MAX_DEPTH + 1)
    except _Problem as problem:
        if isinstance(value, (Mapping, list, tuple)):
            raise ValueError(f"{_kind(value)} is not a scalar") from None
        raise ValueError(problem.message) from None
    scalar: Scalar = result
    return scalar


def _refused(problem: _Problem) -> InvalidDocumentError:
    path = show_path(tuple(reversed(problem.steps)))
    path = path.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    where = f"at {path}: " if problem.steps else ""
    return InvalidDocumentError(where + problem.message, path=path or None)


def _object(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise _Problem(f"objects and arrays are nested deeper than {MAX_DEPTH} levels")
    result: dict[str, Any] = {}
    key: Any = None
    try:
        for key, item in value.items():
            if type(key) is not str:
                key = _key(key)
            if "\0" in key or not key.isascii():
                _check_text(key, "the key")
            kind = type(item)
            if kind is str:
                if "\0" in item or not item.isascii():
                    _check_text(item, "the text")
                result[key] = item
            elif kind is int:
                if not -MAX_INTEGER <= item <= MAX_INTEGER:
                    _check_large(item)
                result[key] = item
            elif item is None or kind is bool:
                result[key] = item
            elif kind is float:
                result[key] = _float(item)
            else:
                result[key] = _value(item, depth + 1)
    except _Problem as problem:
        problem.steps.append(key if isinstance(key, str) else repr(key))
        raise
    return result


def _array(value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
    if depth > MAX_DEPTH:
        raise _Problem(f"objects and arrays are nested deeper than {MAX_DEPTH} levels")
    result: list[Any] = []
    try:
        for item in value:
            result.append(_value(item, depth + 1))  # noqa: PERF401 (its length is the index)
    except _Problem as problem:
        problem.steps.append(len(result))
        raise
    return result


def _value(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is str:
        if "\0" in value or not value.isascii():
            _check_text(value, "the text")
        return value
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            _check_large(value)
        return value
    if value is None or kind is bool:
        return value
    if kind is float:
        return _float(value)
    if kind is dict:
        return _object(value, depth)
    if kind is list or kind is tuple:
        return _array(value, depth)
    return _other(value, depth)


def _float(value: float) -> int | float:
    if value.is_integer():
        return int(value) if -MAX_INTEGER <= value <= MAX_INTEGER else value
    if value - value != 0.0:  # NaN and the infinities
        raise _Problem(f"{value} is not a number that can be stored; use null or a text")
    return value


def _check_text(text: str, what: str) -> None:
    if "\0" in text:
        raise _Problem(f"{what} {_shown(text)} holds a NUL character (U+0000)")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Problem(f"{what} {_shown(text)} holds a lone surrogate") from None


def _key(key: Any) -> str:
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, str):
        return str.__str__(key)
    raise _Problem(f"the key {_shown(key)} is {_kind(key)}; keys of objects are strings")


def _check_large(value: int) -> None:
    if _exact.get():
        return
    # Python refuses to print integers of more than 4,300 digits.
    shown = str(value) if value.bit_length() < 1000 else f"of {value.bit_length()} bits"
    raise _Problem(f"integer {shown} is outside ±(2**53 - 1); store it as a string")


_exact: Final = ContextVar("exact_integers", default=False)


@contextmanager
def exact_integers() -> Generator[None]:
    """Within it, integers of any size pass: foreign data has them, and reads them exactly."""
    token = _exact.set(True)
    try:
        yield
    finally:
        _exact.reset(token)


def _other(value: Any, depth: int) -> Any:
    """What is not of a JSON type exactly: codecs, subclasses, refusals."""
    if isinstance(value, Enum):
        return _value(value.value, depth)
    for kind, codec in _CODECS:
        if isinstance(value, kind):
            return codec(value)
    if isinstance(value, str):
        return _value(str.__str__(value), depth)
    if isinstance(value, int):
        return _value(int(value), depth)
    if isinstance(value, float):
        return _float(float(value))
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, (list, tuple)):
        return _array(value, depth)
    hint = _HINTS.get(type(value).__name__, "convert it to a value that JSON has")
    raise _Problem(f"{_kind(value)} cannot be stored: {hint}")


def _datetime(value: datetime) -> str:
    try:
        return format_time(value)
    except ValueError as error:
        raise _Problem(f"{value!r} cannot be stored: {error}") from None


def _time(value: time) -> str:
    if value.tzinfo is not None:
        raise _Problem(f"{value!r} cannot be stored: a time of day has no time zone")
    return value.isoformat(timespec="microseconds")


def _timedelta(value: timedelta) -> int:
    microseconds = value // timedelta(microseconds=1)
    if not -MAX_INTEGER <= microseconds <= MAX_INTEGER:
        raise _Problem(f"{value!r} has more than 2**53 - 1 microseconds")
    return microseconds


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise _Problem(f"{value!r} is not a number that can be stored; use null or a text")
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return "0"
    stripped = text.rstrip("0")
    exponent += len(text) - len(stripped)
    plain = Decimal((sign, tuple(map(int, stripped)), exponent))
    # Far from the point, zeros written out would be longer than any document.
    return format(plain, "f") if -40 <= exponent <= 40 else str(plain)


def _bytes(value: bytes | bytearray | memoryview) -> str:
    return b64encode(value).decode("ascii")


_CODECS: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (datetime, _datetime),  # before date, of which it is a subclass
    (date, date.isoformat),
    (time, _time),
    (timedelta, _timedelta),
    (UUID, str),
    (Decimal, _decimal),
    ((bytes, bytearray, memoryview), _bytes),
)

_HINTS: Final = {
    "set": "use a list",
    "frozenset": "use a list",
    "generator": "use a list",
    "complex": "store its parts",
}


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
