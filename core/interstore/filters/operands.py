"""What stands to the right of an operator: checked, and in canonical form."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Any, Final, NamedTuple

from interstore.errors import InvalidQueryError
from interstore.filters.limits import check_values
from interstore.filters.references import shown
from interstore.filters.tree import Scalar
from interstore.paths import Reference, show_path
from interstore.values import canonical_scalar

__all__ = ["Place", "flag", "length", "ordered", "scalar", "scalars", "text"]

MAX_LENGTH: Final = 2**31 - 1


class Place(NamedTuple):
    """Where a condition stands: its path, and the ``$elemMatch`` around it, for messages."""

    path: Reference
    around: str = ""

    def __str__(self) -> str:
        path = show_path(self.path) if self.path != () else "each element"
        path = path.encode("utf-8", "backslashreplace").decode()
        return f"{self.around}{path}" if len(path) <= 80 else f"{self.around}{path[:77]}..."

    def refuse(self, operator: str, problem: str) -> InvalidQueryError:
        """The error that `operator` at this place has `problem`."""
        return InvalidQueryError(f"filter on '{self}': {operator} {problem}")


def scalar(value: Any, operator: str, place: Place) -> Scalar:
    """A canonical scalar."""
    kind = type(value)
    if value is None or kind is bool or (kind is str and value.isascii() and "\0" not in value):
        result: Scalar = value
        return result
    if isinstance(value, dict):
        raise place.refuse(
            operator,
            f"cannot compare a whole object ({shown(value)}); compare fields by dotted path, "
            f"as in {{{str(place) + '.name'!r}: ...}}",
        )
    if isinstance(value, (list, tuple, set, frozenset)):
        raise place.refuse(operator, f"takes one scalar, not {shown(value)}")
    try:
        return canonical_scalar(value)
    except ValueError as error:
        raise place.refuse(operator, f"cannot take this value: {error}") from None


def scalars(values: Any, operator: str, place: Place) -> tuple[Scalar, ...]:
    """Canonical scalars, in the caller's order (a set's in a fixed one)."""
    if not isinstance(values, (list, tuple, set, frozenset)):
        raise place.refuse(operator, f"takes a list of scalars, not {shown(values)}")
    check_values(len(values), f"filter on '{place}': {operator}")
    result = tuple([scalar(value, operator, place) for value in values])
    if isinstance(values, (set, frozenset)):
        return tuple(sorted(result, key=lambda value: (type(value).__name__, repr(value))))
    return result


def elements(values: Any, operator: str, place: Place) -> tuple[Scalar, ...]:
    """The canonical elements of an array that is compared as a whole."""
    for value in values:
        if isinstance(value, (dict, list, tuple)):
            raise place.refuse(
                operator,
                f"compares arrays of scalars only, and {shown(values)} holds {shown(value)}; "
                "compare by path, as in 'a[0].b', or use $elemMatch",
            )
    return scalars(values, operator, place)


def ordered(value: Any, operator: str, place: Place) -> int | float | str:
    """A canonical number or string that a range can end at."""
    raw = value.value if isinstance(value, Enum) else value
    if isinstance(raw, (Decimal, bytes, bytearray, memoryview)):
        raise place.refuse(
            operator,
            f"cannot order {shown(value)}: a {type(raw).__name__} is stored as text whose order "
            "is not its value's; it can only be compared by $eq and $in",
        )
    result = scalar(value, operator, place)
    if result is None or result is True or result is False:
        raise place.refuse(
            operator, f"takes a number or a string, not {shown(value)}; compare it by $eq or $ne"
        )
    return result


def text(value: Any, operator: str, place: Place) -> str:
    """A string."""
    result = scalar(value, operator, place) if isinstance(value, (str, Enum)) else None
    if type(result) is not str:
        raise place.refuse(operator, f"takes a string, not {shown(value)}")
    return result


def flag(value: Any, operator: str, place: Place) -> bool:
    """True or False."""
    if type(value) is not bool:
        raise place.refuse(operator, f"takes True or False, not {shown(value)}")
    return value


def length(value: Any, operator: str, place: Place) -> int:
    """The length of an array."""
    if type(value) is not int or not 0 <= value <= MAX_LENGTH:
        raise place.refuse(operator, f"takes a length from 0 to {MAX_LENGTH}, not {shown(value)}")
    return value
