"""How fields of a class are stored that JSON cannot hold as they are, and filtered as stored.

A field declares its codec beside its type::

    views: Annotated[int, Int64()]
    price: Annotated[Decimal, Scaled(2)]

Both keep their order, so ranges, sorts and indexes work. Without one, integers beyond
2**53 - 1 are refused, and Decimals are stored as text that is compared for equality alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol

from interstore.errors import InvalidDocumentError, InvalidQueryError
from interstore.filters.builder import Expression
from interstore.values import MAX_INTEGER

__all__ = ["Codec", "Int64", "Scaled", "Span", "encode_changes", "encode_filter"]

MAX_INT64: Final = 2**63 - 1


class Codec(Protocol):
    """How the values of one field are stored. ``None`` is stored as it is."""

    def encode(self, value: Any) -> Any:
        """What is stored; `ValueError` if that cannot be."""

    def decode(self, stored: Any) -> Any:
        """What was encoded."""


@dataclass(frozen=True)
class Int64:
    """Integers of 64 bits, as 20 digits of n + 2**63: the order of the texts is theirs."""

    def encode(self, value: Any) -> str:
        """The 20 digits."""
        if type(value) is not int or not -MAX_INT64 - 1 <= value <= MAX_INT64:
            raise ValueError(f"{value!r:.80} is not an integer of 64 bits")
        return f"{value + MAX_INT64 + 1:020d}"

    def decode(self, stored: Any) -> int:
        """The integer."""
        if not isinstance(stored, str) or len(stored) != 20 or not stored.isdecimal():
            raise ValueError(f"{stored!r:.80} is not the 20 digits of an Int64")
        return int(stored) - MAX_INT64 - 1


@dataclass(frozen=True)
class Scaled:
    """Decimals with a fixed number of places, as an integer of the smallest unit.

    Attributes:
        places: digits behind the point; a value with more is refused, not rounded.
    """

    places: int

    def encode(self, value: Any) -> int:
        """The integer."""
        if isinstance(value, bool) or not isinstance(value, (Decimal, int)):
            raise ValueError(f"{value!r:.80} is not a Decimal")
        try:
            units = Decimal(value).scaleb(self.places)
            whole = int(units)
        except (InvalidOperation, ValueError, OverflowError):
            raise ValueError(f"{value} is not a finite number") from None
        if whole != units:
            raise ValueError(f"{value} has more than {self.places} decimal places")
        if not -MAX_INTEGER <= whole <= MAX_INTEGER:
            raise ValueError(f"{value} has more than 2**53 - 1 units of {self.places} places")
        return whole

    def decode(self, stored: Any) -> Decimal:
        """The Decimal, with all its places."""
        if type(stored) is not int:
            raise ValueError(f"{stored!r:.80} is not an integer of units")
        return Decimal(stored).scaleb(-self.places)


@dataclass(frozen=True)
class Span:
    """Timedeltas as microseconds: the door's own form, declared by the type alone."""

    def encode(self, value: Any) -> Any:
        """The same: the door does it."""
        return value

    def decode(self, stored: Any) -> Any:
        """The timedelta; what is no integer is left to the class to refuse."""
        return timedelta(microseconds=stored) if type(stored) is int else stored


_LISTED: Final = frozenset({"$in", "$nin", "$all"})
_AS_THEY_ARE: Final = frozenset({"$exists", "$type", "$size"})
_LOGICAL: Final = frozenset({"$and", "$or", "$nor"})
_OF_LISTS: Final = frozenset({"$has", "$all", "$size", "$elemMatch", "$exists", "$type"})


def encode_filter(filter: Any, codecs: Mapping[str, Codec], lists: frozenset[str]) -> Any:
    """`filter` with the operands of declared fields as they are stored.

    Args:
        filter: a filter as callers give it; it is not changed.
        codecs: the codecs of top-level fields.
        lists: top-level fields that are declared lists.

    Raises:
        InvalidQueryError: an operand cannot be a value of its field, or asks a list what
            only a scalar can answer.
    """
    if isinstance(filter, Expression):
        filter = filter.filter
    if not (codecs or lists) or not isinstance(filter, Mapping):
        return filter
    encoded: dict[Any, Any] = {}
    for key, condition in filter.items():
        name: Any = key[0] if isinstance(key, tuple) and len(key) == 1 else key
        if key in _LOGICAL and isinstance(condition, (list, tuple)):
            condition = [encode_filter(each, codecs, lists) for each in condition]
        elif key == "$not":
            condition = encode_filter(condition, codecs, lists)
        elif name in codecs:
            condition = _condition(name, condition, codecs[name])
        elif name in lists:
            _check_list(name, condition)
        encoded[key] = condition
    return encoded


def _condition(name: str, condition: Any, codec: Codec) -> Any:
    if not isinstance(condition, Mapping):
        return _operand(name, condition, codec)
    return {operator: _applied(name, operator, operand, codec)
            for operator, operand in condition.items()}  # fmt: skip


def _applied(name: str, operator: Any, operand: Any, codec: Codec) -> Any:
    if operator in _AS_THEY_ARE:
        return operand
    if operator == "$not":
        return _condition(name, operand, codec)
    if operator in _LISTED and isinstance(operand, (list, tuple, set, frozenset)):
        return [_operand(name, each, codec) for each in operand]
    return _operand(name, operand, codec)


def _operand(name: str, operand: Any, codec: Codec) -> Any:
    try:
        return None if operand is None else codec.encode(operand)
    except ValueError as error:
        raise InvalidQueryError(f"the filter on {name!r}: {error}") from None


def _check_list(name: str, condition: Any) -> None:
    asked = condition if isinstance(condition, Mapping) else {"$eq": condition}
    for operator, operand in asked.items():
        if operator == "$not":
            _check_list(name, operand)
        elif operator in ("$eq", "$ne") and (operand is None or isinstance(operand, (list, tuple))):
            continue
        elif operator not in _OF_LISTS:
            raise InvalidQueryError(
                f"{name!r} is declared a list, which {operator} with {operand!r:.80} never "
                f"matches; ask for an element with {{{name!r}: {{'$has': ...}}}} or $elemMatch"
            )


def encode_changes(changes: Any, codecs: Mapping[str, Codec]) -> Any:
    """`changes` with the values of declared fields as they are stored.

    Raises:
        InvalidDocumentError: a value cannot be one of its field.
    """
    if not codecs or not isinstance(changes, Mapping):
        return changes
    encoded: dict[Any, Any] = {}
    for key, value in changes.items():
        if key in ("$set", "$inc") and isinstance(value, Mapping):
            value = {path: _change(key, path, each, codecs) for path, each in value.items()}
        elif key in codecs:
            value = _change("$set", key, value, codecs)
        encoded[key] = value
    return encoded


def _change(operator: str, path: Any, value: Any, codecs: Mapping[str, Codec]) -> Any:
    name: Any = path[0] if isinstance(path, tuple) and len(path) == 1 else path
    codec = codecs.get(name) if isinstance(name, str) else None
    if codec is None or value is None:
        return value
    if operator == "$inc" and isinstance(codec, Int64):
        raise InvalidDocumentError(
            f"$inc needs a number at {name!r}, but an Int64 is stored as text; read it, and "
            "write the sum with if_version",
            path=name,
        )
    return encode_value(name, value, codec)


def encode_value(name: str, value: Any, codec: Codec) -> Any:
    """What a field stores.

    Raises:
        InvalidDocumentError: `value` cannot be one of the field.
    """
    try:
        return None if value is None else codec.encode(value)
    except ValueError as error:
        raise InvalidDocumentError(f"at {name}: {error}", path=name) from None
