"""Conditions on the envelope: fewer operators, and operands of the field's own type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from interstore.filters.operands import Place, scalar
from interstore.filters.references import shown
from interstore.paths import Envelope
from interstore.times import format_time

__all__ = ["canonical_condition"]

_COMPARE: Final = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin")
_TEXT: Final = ("$startsWith", "$endsWith", "$contains", "$regex")
_ALLOWED: Final[dict[Envelope, tuple[str, ...]]] = {
    Envelope.ID: (*_COMPARE, *_TEXT),
    Envelope.VERSION: _COMPARE,
    Envelope.CREATED_AT: _COMPARE,
    Envelope.UPDATED_AT: _COMPARE,
    Envelope.EXPIRES_AT: (*_COMPARE, "$exists"),
}


def canonical_condition(condition: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """`condition` with its operands in the form that the field is stored in.

    ``$not`` is left as it is: what lies in it is a condition on the same field.

    Raises:
        InvalidQueryError: an operator that the field does not have, or an operand of
            another type than the field's.
    """
    field = place.path
    assert isinstance(field, Envelope)
    allowed = _ALLOWED[field]
    convert = _CONVERT[field]
    result: dict[str, Any] = {}
    for operator, operand in condition.items():
        if operator == "$not":
            result[operator] = operand
        elif operator not in allowed:
            raise place.refuse(
                operator, f"is not for this field; it has {', '.join(allowed)} and $not"
            )
        elif operator in ("$in", "$nin") and isinstance(operand, (list, tuple, set, frozenset)):
            result[operator] = [convert(value, operator, place) for value in operand]
        elif operator in _COMPARE:
            result[operator] = convert(operand, operator, place)
        else:
            result[operator] = operand
    return result


def _id(value: Any, operator: str, place: Place) -> Any:
    result = None if isinstance(value, (list, tuple)) else scalar(value, operator, place)
    if type(result) is not str:
        hint = "; for several ids use $in" if isinstance(value, (list, tuple)) else ""
        raise place.refuse(operator, f"takes a string, not {shown(value)}{hint}")
    return result


def _version(value: Any, operator: str, place: Place) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise place.refuse(operator, f"takes a number, not {shown(value)}")
    return scalar(value, operator, place)


def _time(value: Any, operator: str, place: Place) -> Any:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise place.refuse(
                operator, f"takes a datetime or its ISO text, not {shown(value)}"
            ) from None
    if not isinstance(value, datetime):
        raise place.refuse(operator, f"takes an aware datetime, not {shown(value)}")
    try:
        return format_time(value)
    except ValueError as error:
        raise place.refuse(operator, f"cannot take {shown(value)}: {error}") from None


def _time_or_never(value: Any, operator: str, place: Place) -> Any:
    # Ranges refuse the null themselves, and say what to use.
    return None if value is None else _time(value, operator, place)


_CONVERT: Final[dict[Envelope, Callable[[Any, str, Place], Any]]] = {
    Envelope.ID: _id,
    Envelope.VERSION: _version,
    Envelope.CREATED_AT: _time,
    Envelope.UPDATED_AT: _time,
    Envelope.EXPIRES_AT: _time_or_never,
}
