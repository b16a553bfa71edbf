"""`Overlay`: a table with what a transaction has written laid over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeVar

from interstore.filters.order import sort_value
from interstore.filters.tree import Node
from interstore.prepared import Query
from interstore_backends._table.entries import Entries, Key
from interstore_backends._table.order import Span
from interstore_backends._table.projection import sort_key
from interstore_backends._table.search import Found
from interstore_backends._table.table import Table

__all__ = ["Overlay"]

T = TypeVar("T")


class Overlay(Table):
    """Reads as a table that holds what `base` does, and has been written to since.

    `base` is not changed, and nobody else changes it meanwhile, but for what expires. What is
    written lies in a table of its own, with the same indexes; it hides what `base` has of the
    same ids. So a transaction costs what it writes, not what there is.
    """

    __slots__ = ("_base", "_hidden", "_own")

    def __init__(self, base: Table) -> None:
        super().__init__()
        self._base = base
        self._own = Table()
        self._hidden: set[str] = set()
        self._own.declare(base.declared)
        self.declared, self.check = base.declared, base.check
        self.bytes = base.bytes
        self.records = _Laid(base.records, self._own.records, self._hidden)
        self.expired = base.expired

    def steady(self, read: Callable[[Table], T]) -> T:
        return read(self)

    def store(self, id: str, record: bytes, expires: str | None = None) -> None:
        self.bytes += len(record) - len(self.records.get(id, b""))
        self._own.store(id, record, expires)
        self._hidden.add(id)

    def remove(self, id: str) -> None:
        self.bytes -= len(self.records.get(id, b""))
        self._own.remove(id)
        self._hidden.add(id)

    def sweep(self) -> None:
        for table in (self._base, self._own):
            if table.expiring:
                table.sweep()

    def unique_owners(self) -> list[tuple[Entries, Mapping[Key, str]]]:
        own = self._own.unique_owners()
        return [
            (entries, _Owners(owners, laid, self._hidden))
            for (entries, owners), (_, laid) in zip(self._base.unique_owners(), own, strict=True)
        ]

    def candidates(self, tree: Node) -> Sequence[str] | None:
        found = self._base.candidates(tree)
        if found is None or not self._hidden:
            return found
        return [*(id for id in found if id not in self._hidden), *self._own.records]

    def narrowing(self, tree: Node) -> Found | None:
        return self._base.narrowing(tree)

    def ordering(self, query: Query) -> Found | None:
        return self._base.ordering(query)

    def in_order(self, query: Query) -> list[bytes] | None:
        if not self._hidden:
            return self._base.in_order(query)
        key = sort_key(query.order)
        if key is None:
            return None
        limit = None if query.limit is None else query.limit + len(self._hidden)
        found = self._base.in_order(query.only(limit=limit))
        if found is None:
            return None
        rows = [row for row in ((key(each), each) for each in found) if not self._hides(row[0])]
        own = [(key(each), each) for each in self._own.all()]
        descending = query.order[0].descending
        if query.after is not None:
            start = tuple(sort_value(value) for value in query.after)
            own = [row for row in own if (row[0] < start if descending else row[0] > start)]
        return [each for _, each in sorted(rows + own, reverse=descending)]

    def _hides(self, values: tuple[tuple[str, ...], ...]) -> bool:
        return values[-1][-1] in self._hidden  # the order ends with the id

    def all(self) -> list[bytes]:
        if not self._hidden:
            return self._base.all()
        kept = [each for id, each in list(self._base.records.items()) if id not in self._hidden]
        return kept + self._own.all()

    def ids(self) -> list[str]:
        return sorted(self.records)

    def _ids(self, span: Span, descending: bool, limit: int) -> list[str]:
        hidden = self._hidden
        found = self._base._ids(span, descending, limit + len(hidden))
        own = self._own._ids(span, descending, limit)
        kept = (id for id in found if id not in hidden)
        return sorted([*kept, *own], reverse=descending)[:limit]


class _Laid(Mapping[str, bytes]):
    """The records of an overlay."""

    def __init__(
        self, base: Mapping[str, bytes], own: Mapping[str, bytes], hidden: set[str]
    ) -> None:
        self._base = base
        self._own = own
        self._hidden = hidden

    def __getitem__(self, id: str) -> bytes:
        return self._own[id] if id in self._hidden else self._base[id]

    def __contains__(self, id: object) -> bool:
        return id in (self._own if id in self._hidden else self._base)

    def __iter__(self) -> Iterator[str]:
        kept = (id for id in list(self._base) if id not in self._hidden)
        return chain(kept, self._own)

    def __len__(self) -> int:
        gone = sum(id in self._base for id in self._hidden)
        return len(self._base) - gone + len(self._own)


class _Owners(Mapping[Key, str]):
    """Which id has which key, in an overlay."""

    def __init__(self, base: Mapping[Key, str], own: Mapping[Key, str], hidden: set[str]) -> None:
        self._base = base
        self._own = own
        self._hidden = hidden

    def __getitem__(self, key: Key) -> str:
        owner = self._own.get(key)
        if owner is None:
            owner = self._base[key]
            if owner in self._hidden:
                raise KeyError(key)
        return owner

    def __iter__(self) -> Iterator[Key]:
        kept = (key for key, id in self._base.items() if id not in self._hidden)
        return chain(kept, self._own)

    def __len__(self) -> int:
        return sum(1 for _ in self)
