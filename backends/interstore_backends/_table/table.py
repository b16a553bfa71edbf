"""`Table`: the index of one model, from ids to records."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Final, TypeVar

from interstore.filters.tree import Node
from interstore.indexes import Check, Index, compile_check
from interstore.prepared import Query
from interstore.times import now
from interstore_backends._table.entries import Entries, Key
from interstore_backends._table.order import EVERYTHING, Order, Span
from interstore_backends._table.records import decode_head
from interstore_backends._table.search import Found, best, in_order, ordering

__all__ = ["Table"]

_CHUNK: Final = 1_000

T = TypeVar("T")


class Table:
    """The records of one model.

    Reads of one record need no lock: `records.get(id)`, after `sweep()` where `expiring` is
    not empty. Writers are kept apart by the engine; the table's own lock keeps its parts
    together and is held briefly.

    Attributes:
        records: the record of each id.
        bytes: their length in all.
        expiring: a heap of times and ids; some may have been written over since.
        expired: the versions, by id, of what `sweep` took out and nobody has removed.
        declared: the indexes; set by `declare`.
        check: what they ask of a document's fields.
    """

    __slots__ = (
        "_held", "_indexes", "_lock", "_order", "_taken", "bytes", "check", "declared", "expired",
        "expiring", "records",
    )  # fmt: skip

    def __init__(self, records: dict[str, bytes] | None = None) -> None:
        self._held: dict[str, bytes] = {} if records is None else records
        self.records: Mapping[str, bytes] = self._held
        self.bytes = sum(map(len, self.records.values()))
        self.expiring: list[tuple[str, str]] = []
        self.expired: dict[str, int] = {}
        self._lock = threading.Lock()
        self._order = Order()
        self._taken = 0
        self._indexes: tuple[Entries, ...] = ()
        self.declared: tuple[Index, ...] = ()
        self.check: Check | None = None

    def frozen(self) -> Table:
        """The same records and declarations, whatever is written to this table from now on."""
        with self._lock:
            table = Table(self._held.copy())
            table.expiring = self.expiring.copy()
            table.declared = self.declared
            return table

    def steady(self, read: Callable[[Table], T]) -> T:
        """What `read` gives, which sees all or none of what is taken in at once.

        It may look at the table several times. If something was taken in meanwhile, it reads
        again, what nobody writes to.
        """
        with self._lock:  # nothing is being taken in
            taken = self._taken
        found = read(self)
        return found if taken == self._taken else read(self.frozen())

    def store(self, id: str, record: bytes, expires: str | None = None) -> None:
        """Hold `record`, in place of the one that `id` had."""
        with self._lock:
            self._store(id, record, expires)

    def _store(self, id: str, record: bytes, expires: str | None) -> None:
        old = self._held.get(id)
        self._held[id] = record
        self.bytes += len(record)
        if old is None:
            self._order.added(id)
        else:
            self.bytes -= len(old)
        for entries in self._indexes:
            entries.touched(id)
        if self.expired:
            self.expired.pop(id, None)
        if expires is not None:
            heappush(self.expiring, (expires, id))
            if len(self.expiring) > 2 * len(self._held) + _CHUNK:
                self._renew_expiring()

    def remove(self, id: str) -> None:
        """Hold no record of `id`."""
        with self._lock:
            self._remove(id)
            if self.expired:
                self.expired.pop(id, None)

    def _remove(self, id: str) -> None:
        old = self._held.pop(id, None)
        if old is not None:
            self.bytes -= len(old)
            self._order.removed(id)
            for entries in self._indexes:
                entries.touched(id)

    def _renew_expiring(self) -> None:
        """Leave out what was written over: a document may be touched often while it lives."""
        get = self._held.get
        self.expiring = [
            (expires, id)
            for expires, id in set(self.expiring)
            if (record := get(id)) is not None and decode_head(record).ex == expires
        ]
        heapify(self.expiring)

    def take_in(self, entries: Iterable[tuple[str, bytes | None, str | None]]) -> None:
        """Hold the records, none of them without the others.

        Args:
            entries: of each its id, the record or ``None`` if it is removed, and its expiry.
        """
        entries = list(entries)
        with self._lock:
            self._taken += len(entries) > 1
            if self._take_in_new(entries):
                return
            for id, record, expires in entries:
                if record is None:
                    self._remove(id)
                    self.expired.pop(id, None)
                else:
                    self._store(id, record, expires)

    def _take_in_new(self, entries: Sequence[tuple[str, bytes | None, str | None]]) -> bool:
        """Hold many records at once, if nothing has to be done for each of them."""
        if len(entries) == 1 or self._indexes or self.expired:
            return False
        records = {id: record for id, record, expires in entries if record and not expires}
        held = self._held
        if len(records) != len(entries) or not held.keys().isdisjoint(records):
            return False
        held.update(records)
        self.bytes += sum(map(len, records.values()))
        self._order.added_many(records)
        return True

    def sweep(self) -> None:
        """Take out what has expired: from then on, it is in `expired` only."""
        time = now()
        if self.expiring[0][0] > time:
            return
        with self._lock:
            while self.expiring and self.expiring[0][0] <= time:
                expires, id = heappop(self.expiring)
                record = self.records.get(id)
                head = None if record is None else decode_head(record)
                if head is not None and head.ex == expires:
                    self._remove(id)
                    self.expired[id] = head.v

    def declare(self, indexes: tuple[Index, ...]) -> None:
        """Have these indexes. What was built of those that stay is kept."""
        with self._lock:
            known = {entries.index: entries for entries in self._indexes}
            self._indexes = tuple(known.get(index) or Entries(index) for index in indexes)
            self.declared = indexes
            self.check = compile_check(indexes)

    def unique_owners(self) -> list[tuple[Entries, Mapping[Key, str]]]:
        """Of each unique index, which id has which key."""
        with self._lock:
            return [
                (entries, entries.owners(self.records))
                for entries in self._indexes
                if entries.index.unique
            ]

    def candidates(self, tree: Node) -> Sequence[str] | None:
        """Ids among which all are that match, by the best index; ``None`` if none helps."""
        if not self._indexes:
            return None
        found = self.narrowing(tree)
        return None if found is None else found.ids

    def narrowing(self, tree: Node) -> Found | None:
        """What `candidates` finds, and the index."""
        with self._lock:
            return best(self._indexes, self.records, tree)

    def ordering(self, query: Query) -> Found | None:
        """The index that `in_order` goes along; ``None`` if none has the order."""
        with self._lock:
            return ordering(self._indexes, self.records, query)

    def in_order(self, query: Query) -> list[bytes] | None:
        """Records in the query's order by an index, yet to be filtered; ``None`` if none has it.

        They are as they were at one moment, so no record stands where its values do not.
        """
        if not self._indexes:
            return None
        with self._lock:
            return in_order(self._indexes, self.records, query)

    def all(self) -> list[bytes]:
        """Every record, in no particular order."""
        with self._lock:
            return list(self.records.values())

    def ids(self) -> list[str]:
        """Every id, in order."""
        with self._lock:
            records = self.records
            return [id for id in self._order.ids(records) if id in records]

    def walk(
        self, span: Span = EVERYTHING, *, descending: bool = False, first: int | None = None
    ) -> Iterator[list[bytes]]:
        """The records of a span of ids, in order, in lists that grow from `first`.

        What is written meanwhile may or may not be seen; no record is seen twice.
        """
        chunk = _CHUNK if first is None else min(max(first, 16), _CHUNK)
        while True:
            ids = self._ids(span, descending, chunk)
            if not ids:
                return
            get = self.records.get
            yield [record for id in ids if (record := get(id)) is not None]
            if len(ids) < chunk:
                return
            span = span.below(ids[-1], False) if descending else span.above(ids[-1], False)
            chunk = min(chunk * 4, _CHUNK)

    def _ids(self, span: Span, descending: bool, limit: int) -> list[str]:
        with self._lock:
            ids = self._order.ids(self.records)
            begin, end = span.slice_of(ids)
            if descending:
                return ids[max(begin, end - limit) : end][::-1]
            return ids[begin : min(end, begin + limit)]
