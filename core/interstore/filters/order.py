"""The order of documents: total, and the same on every engine.

Ascending: missing, null, arrays and objects (all equal) < numbers < strings by code point
< false < true; documents that are equal in every key, by id. Descending is the exact reverse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import total_ordering
from typing import Any, Final, TypeAlias

from interstore.document import Document
from interstore.filters.evaluate import document_getter
from interstore.paths import Envelope
from interstore.prepared import Position, SortKey

__all__ = ["ascending_key", "is_after", "order_key", "position_of", "sort_value"]

Key: TypeAlias = Any
"""Something that compares; what it is made of is this module's own affair."""

_NULL: Final = (0,)
_RANKS: Final[dict[type, int]] = {int: 1, float: 1, str: 2, bool: 3}


def sort_value(value: Any) -> tuple[Any, ...]:
    """A tuple that compares with others of its kind as `value` sorts, ascending."""
    rank = _RANKS.get(type(value))
    return _NULL if rank is None else (rank, value)


def order_key(order: Sequence[SortKey]) -> Callable[[Document], Key]:
    """A key function for `sorted`: documents come out in `order`.

    Where every key descends, sorting by `ascending_key` in reverse is faster.
    """
    return _key(order, [key.descending for key in order])


def ascending_key(order: Sequence[SortKey]) -> Callable[[Document], Key]:
    """A key function for `sorted` that takes every key as ascending."""
    return _key(order, [False] * len(order))


def position_of(document: Document, order: Sequence[SortKey]) -> Position:
    """Where `document` stands in `order`: a page may start after it."""
    values = (document_getter(key.path)(document) for key in order)
    return tuple(value if type(value) in _RANKS else None for value in values)


def is_after(order: Sequence[SortKey], position: Position) -> Callable[[Document], bool]:
    """A function that tells whether a document comes after `position` in `order`."""
    key = order_key(order)
    descending = [key.descending for key in order]
    start = _joined([sort_value(value) for value in position], descending)
    return lambda document: bool(key(document) > start)


def _key(order: Sequence[SortKey], descending: list[bool]) -> Callable[[Document], Key]:
    getters = [document_getter(key.path) for key in order]
    if len(order) == 1 and order[0].path is Envelope.ID and not descending[0]:
        return lambda document: (sort_value(document["id"]),)
    if not any(descending) and len(getters) == 2:
        first, second = getters
        return lambda document: (sort_value(first(document)), sort_value(second(document)))
    return lambda document: _joined([sort_value(get(document)) for get in getters], descending)


def _joined(values: list[tuple[Any, ...]], descending: list[bool]) -> tuple[Any, ...]:
    return tuple(
        [
            _Reversed(value) if reverse else value
            for value, reverse in zip(values, descending, strict=True)
        ]
    )


@total_ordering
class _Reversed:
    """Compares as its value does, the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: tuple[Any, ...]) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and self.value == other.value

    def __lt__(self, other: _Reversed) -> bool:
        return other.value < self.value

    __hash__ = None  # type: ignore[assignment]
