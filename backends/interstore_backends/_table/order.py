"""The ids of a table in order, kept up only once somebody has asked for it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["EVERYTHING", "Order", "Span"]

_INSORT_BELOW: Final = 64
"""So many new ids are inserted one by one; more are appended and sorted in."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range of ids by code point; ``None`` is an open end."""

    lower: str | None = None
    upper: str | None = None
    with_lower: bool = False
    with_upper: bool = False

    def above(self, id: str | None, inclusive: bool) -> Span:
        """The part of this span that lies above `id`."""
        if id is None:
            return self
        if self.lower is not None:
            if id < self.lower:
                return self
            if id == self.lower:
                inclusive = inclusive and self.with_lower
        return Span(id, self.upper, inclusive, self.with_upper)

    def below(self, id: str | None, inclusive: bool) -> Span:
        """The part of this span that lies below `id`."""
        if id is None:
            return self
        if self.upper is not None:
            if id > self.upper:
                return self
            if id == self.upper:
                inclusive = inclusive and self.with_upper
        return Span(self.lower, id, self.with_lower, inclusive)

    def slice_of(self, ids: list[str]) -> tuple[int, int]:
        """Where in the sorted `ids` this span begins and ends."""
        begin, end = 0, len(ids)
        if self.lower is not None:
            find = bisect_left if self.with_lower else bisect_right
            begin = find(ids, self.lower)
        if self.upper is not None:
            find = bisect_right if self.with_upper else bisect_left
            end = find(ids, self.upper, begin)
        return begin, end

    def __contains__(self, id: str) -> bool:
        begin, end = self.slice_of([id])
        return begin < end


EVERYTHING: Final = Span()


class Order:
    """The ids of a table in order.

    Ids that were added or removed are only noted, and worked in when the order is next
    asked for: most programs never ask.
    """

    __slots__ = ("_ids", "_new", "_removed")

    def __init__(self) -> None:
        self._ids: list[str] | None = None
        self._new: list[str] = []
        self._removed: set[str] = set()

    def added(self, id: str) -> None:
        """Note an id that the table did not hold."""
        ids = self._ids
        if ids is None:
            return
        if id in self._removed:
            self._removed.discard(id)
        elif not self._new and (not ids or id > ids[-1]):
            ids.append(id)
        else:
            self._new.append(id)

    def added_many(self, ids: Iterable[str]) -> None:
        """Note ids that the table did not hold."""
        if self._ids is not None:
            for id in ids:
                self.added(id)

    def removed(self, id: str) -> None:
        """Note an id that the table no longer holds."""
        if self._ids is not None:
            self._removed.add(id)

    def ids(self, held: Collection[str]) -> list[str]:
        """The ids in order, with some of the removed still among them.

        Args:
            held: what the table holds.
        """
        ids = self._ids
        if ids is None:
            self._ids = ids = sorted(held)
            return ids
        if self._new:
            if len(self._new) < _INSORT_BELOW:
                for id in self._new:
                    insort(ids, id)
            else:
                ids += self._new
                ids.sort()
            self._new = []
        if len(self._removed) > len(held):
            self._ids = ids = [id for id in ids if id not in self._removed]
            self._removed = set()
        return ids
