"""The documents: airports of the world, and as many more like them as a benchmark asks for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from itertools import count
from typing import Any, Final

import airportsdata

__all__ = ["COUNTRY", "FIRST", "LAST", "ZONE", "Dataset", "Document"]

Document = dict[str, Any]

COUNTRY: Final = "SE"
"""Of a filter without an index: 153 of the 28,000 airports."""

ZONE: Final = "Europe/Stockholm"
"""Of a filter with an index: almost the same ones."""

FIRST, LAST = "ES", "ET"
"""Of a filter on ids, from and before: about as many, found by the primary key."""


class Dataset:
    """A number of documents, and what the operations on them need.

    The first 28,000 are real airports; the others are the same ones under new ids.
    """

    def __init__(self, size: int) -> None:
        self.documents = list(_documents(size))
        self._ids = [document["id"] for document in self.documents]
        self._random = random.Random(size)
        self._serial = count()

    def __len__(self) -> int:
        return len(self.documents)

    def ids(self, n: int) -> list[str]:
        """Ids of documents that are stored, in no order."""
        return self._random.choices(self._ids, k=n)

    def different_ids(self, n: int) -> list[str]:
        """Likewise, none twice."""
        return self._random.sample(self._ids, min(n, len(self._ids)))

    def stored(self, n: int) -> list[Document]:
        """Documents that are stored, each with another elevation."""
        chosen = self._random.choices(self.documents, k=n)
        return [{**document, "elevation": next(self._serial)} for document in chosen]

    def fresh(self, n: int) -> list[Document]:
        """Documents that are not stored yet."""
        chosen = self._random.choices(self.documents, k=n)
        return [{**document, "id": f"new-{next(self._serial):09}"} for document in chosen]

    def changes(self, n: int) -> list[tuple[str, Document]]:
        """An id and a field to set, `n` times."""
        return [(id, {"elevation": next(self._serial)}) for id in self.ids(n)]


def _documents(size: int) -> Iterator[Document]:
    airports = _airports()
    for number in range(size):
        copy, index = divmod(number, len(airports))
        document = airports[index]
        yield {**document, "id": f"{document['id']}-{copy}"} if copy else document


@cache
def _airports() -> list[Document]:
    airports = airportsdata.load("ICAO")
    return [{"id": id, **fields} for id, fields in airports.items()]
