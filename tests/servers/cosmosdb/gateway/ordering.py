"""The index of one order of a partition's items: who asks in that order need not sort them all.

As the service's: a query that begins anywhere in it costs what it gives, however many items there
are. It is built when first asked for, and kept from then on.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from tests.servers.cosmosdb.gateway.sql.values import UNDEFINED, sort_key

__all__ = ["Order", "Ordered", "Paths"]

Paths: TypeAlias = tuple[tuple[str, ...], ...]
Entry: TypeAlias = tuple[tuple[Any, ...], int]
"""What an item is sorted by, and its number."""


class Ordered(NamedTuple):
    """An order that is asked for.

    Attributes:
        paths: of the properties.
        descending: all of them.
        first: those with this value at the first path only; one value in a list, or all if empty.
    """

    paths: Paths
    descending: bool
    first: Sequence[Any] = ()


class Order:
    """The items' numbers, sorted by their values at some paths."""

    def __init__(self, paths: Paths, items: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        self._paths = paths
        self._keys = {number: self._key(body) for number, body in items}
        self._entries: list[Entry] = sorted((key, number) for number, key in self._keys.items())

    def _key(self, body: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(sort_key(_value(body, path)) for path in self._paths)

    def put(self, number: int, body: Mapping[str, Any]) -> None:
        """An item is new, or has another body."""
        self.remove(number)
        key = self._keys[number] = self._key(body)
        insort(self._entries, (key, number))

    def remove(self, number: int) -> None:
        """An item is not there any more, if it was."""
        key = self._keys.pop(number, None)
        if key is not None:
            del self._entries[bisect_left(self._entries, (key, number))]

    def numbers(self, wanted: Ordered) -> Iterator[int]:
        """In the order; those that are equal in it as they were made."""
        entries, low, high = self._entries, 0, len(self._entries)
        if wanted.first:
            key = sort_key(wanted.first[0])
            low = bisect_left(entries, key, key=_first)
            high = bisect_right(entries, key, key=_first)
        if not wanted.descending:
            yield from (entries[at][1] for at in range(low, high))
            return
        while high > low:
            start = bisect_left(entries, (entries[high - 1][0],), low, high)
            yield from (entries[at][1] for at in range(start, high))
            high = start


def _first(entry: Entry) -> Any:
    return entry[0][0]


def _value(body: Any, path: Iterable[str]) -> Any:
    for step in path:
        body = body.get(step, UNDEFINED) if isinstance(body, dict) else UNDEFINED
    return body
