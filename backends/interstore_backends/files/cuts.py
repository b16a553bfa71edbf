"""Where a file can be divided: found while its records are counted."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from interstore.files import Record
from interstore.prepared import Partition

__all__ = ["Cuts"]

_MOST: Final = 4_096
"""Places that are kept. When there are more records, every second place is given up."""


class Cuts:
    """The number of a file's records, and the ends of some of them.

    In the middle of a file nobody can tell where a record begins: a line of CSV may lie within a
    quoted cell, and a bracket within a text. But all records are counted before they are divided.

    Attributes:
        count: how many records there are.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self.count = 0
        self._ends: list[int] = []
        self._stride = 1
        for record in records:
            self.count += 1
            if self.count % self._stride == 0:
                self._ends.append(record.end)
                if len(self._ends) == _MOST:
                    self._ends = self._ends[1::2]
                    self._stride *= 2

    def partitions(self, n: int) -> list[Partition]:
        """At most `n` shares of about as many records, each with its first byte and the next's."""
        places: list[int | None] = [0]
        for number in range(1, n):
            index = self.count * number // n // self._stride
            if index > 0 and index * self._stride < self.count:
                end = self._ends[index - 1]
                if end != places[-1]:
                    places.append(end)
        places.append(None)
        if len(places) == 2:
            return [Partition()]
        return [Partition(token=[start, end]) for start, end in pairwise(places)]
