"""Values of BSON as documents have them, and back in the types that a collection has."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from bson import json_util
from bson.binary import Binary, UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.objectid import ObjectId

from interstore.errors import InvalidDocumentError
from interstore.foreign import IdType, NativeId
from interstore.foreign_values import present_decimal, present_float, read_float, unreadable

__all__ = [
    "FOREIGN_CODEC", "as_date", "as_decimal", "bson_id", "id_kind", "like", "present", "shown_id",
]  # fmt: skip

FOREIGN_CODEC: Final[CodecOptions[dict[str, Any]]] = CodecOptions(
    tz_aware=True,
    uuid_representation=UuidRepresentation.UNSPECIFIED,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
"""Everything as BSON has it; dates that Python has not as milliseconds."""

_INT64: Final = 2**63
_INT32: Final = 2**31
_UUID: Final = 4
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z\Z")
_MILLISECONDS: Final = re.compile(r"(-?[0-9]{1,18}) ms\Z")
_DECIMAL: Final = re.compile(r"(-?[0-9]+(\.[0-9]+)?(E[+-]?[0-9]+)?|NaN|-?Infinity)\Z")


# From BSON.


def present(collection: str, name: str, value: Any) -> Any:
    """The value of a document.

    Args:
        collection: for messages.
        name: the field, for messages.
        value: as `FOREIGN_CODEC` reads it.

    Raises:
        InvalidDocumentError: it is of a type that nothing here knows.
    """
    kind = type(value)
    if value is None or kind in (str, int, bool):
        return value
    if kind is dict:
        return {key: present(collection, name, item) for key, item in value.items()}
    if kind is list:
        return [present(collection, name, item) for item in value]
    known = _PRESENT.get(kind)
    if known is not None:
        return known(value)
    try:
        # MongoDB's own form in JSON: regular expressions, timestamps, code, references.
        return json.loads(json_util.dumps(value, json_options=json_util.CANONICAL_JSON_OPTIONS))
    except TypeError as error:
        problem = f"holds {value!r:.60}, a {kind.__name__}, which has no form in documents"
        raise unreadable(
            collection, name, problem, "open a view without it, or that converts it"
        ) from error


def _date(value: datetime) -> str:
    return value.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _binary(value: Binary) -> str:
    if value.subtype == _UUID and len(value) == 16:
        return str(UUID(bytes=bytes(value)))
    return b64encode(value).decode()


_PRESENT: Final[Mapping[type, Callable[[Any], Any]]] = {
    Int64: int,
    float: present_float,
    datetime: _date,
    DatetimeMS: lambda value: f"{int(value)} ms",
    ObjectId: str,
    Decimal128: lambda value: present_decimal(value.to_decimal()),
    Binary: _binary,
    bytes: lambda value: b64encode(value).decode(),
}


# Ids.


def id_kind(value: Any) -> IdType | None:
    """What an id is; ``None`` if it is nothing that ids can be."""
    if isinstance(value, ObjectId):
        return "objectid"
    if isinstance(value, str):
        return "string"
    if isinstance(value, Binary):
        return "uuid" if value.subtype == _UUID and len(value) == 16 else None
    if isinstance(value, float):  # old shells write every number so
        return "int" if value.is_integer() and abs(value) < 2**53 else None
    return "int" if isinstance(value, int) and not isinstance(value, bool) else None


def shown_id(value: Any) -> str:
    """The id of a document, of a value that has an `id_kind`."""
    if isinstance(value, Binary):
        return _binary(value)
    return str(int(value)) if isinstance(value, (int, float)) else str(value)


def bson_id(kind: IdType, id: NativeId) -> Any:
    """The id as the collection has it; ``None`` if MongoDB has no such integer."""
    if isinstance(id, int):
        return Int64(id) if -_INT64 <= id < _INT64 else None
    if kind == "objectid":
        return ObjectId(id)
    return Binary(UUID(id).bytes, _UUID) if kind == "uuid" else id


# To BSON.


def as_date(text: str) -> datetime | None:
    """The date that a canonical text is, if it has no more than milliseconds."""
    if not _TIME.match(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.microsecond % 1000 == 0 else None


def as_decimal(text: str) -> Decimal128 | None:
    """The decimal number that a text is, if MongoDB holds it exactly."""
    if not _DECIMAL.match(text):
        return None
    try:
        number = Decimal128(text)
    except (ArithmeticError, ValueError):
        return None
    exact = number.to_decimal()
    return number if exact.is_nan() or exact == Decimal(text) else None


def like(old: Any, value: Any, path: str) -> Any:
    """A document's value in the type that the collection has at its place.

    Args:
        old: what is there now.
        value: what is to be there.
        path: for messages.

    Raises:
        InvalidDocumentError: MongoDB, or the type that is there, cannot hold it.
    """
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        return {key: like(before.get(key), item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        known = old if isinstance(old, list) else []
        return [
            like(known[index] if index < len(known) else None, item, f"{path}[{index}]")
            for index, item in enumerate(value)
        ]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return _integer(old, value, path)
    return _text(old, value, path) if isinstance(value, str) else value


def _integer(old: Any, value: int, path: str) -> int | float:
    if not -_INT64 <= value < _INT64:
        raise InvalidDocumentError(
            f"{path!r} would be {value:.3e}: integers in MongoDB have 64 bits", path=path
        )
    if type(old) is float and abs(value) <= 2**53:
        return float(value)
    return Int64(value) if isinstance(old, Int64) or not -_INT32 <= value < _INT32 else value


def _text(old: Any, text: str, path: str) -> Any:
    if isinstance(old, (datetime, DatetimeMS)):
        if _TIME.match(text) and as_date(text) is None:
            raise InvalidDocumentError(
                f"{path!r} is a BSON date, which has milliseconds and cannot hold {text}: round it",
                path=path,
            )
        outside = _MILLISECONDS.match(text)
        return DatetimeMS(int(outside[1])) if outside else as_date(text) or text
    if isinstance(old, ObjectId):
        return ObjectId(text) if ObjectId.is_valid(text) and text == text.lower() else text
    if isinstance(old, Decimal128):
        return as_decimal(text) or text
    if isinstance(old, (bytes, Binary)):
        return _as_binary(old, text)
    number = read_float(text) if isinstance(old, float) else None
    return text if number is None else number


def _as_binary(old: Any, text: str) -> Any:
    subtype = old.subtype if isinstance(old, Binary) else 0
    try:
        if subtype == _UUID:
            return Binary(UUID(text).bytes, _UUID)
        return Binary(b64decode(text, validate=True), subtype)
    except ValueError:
        return text
