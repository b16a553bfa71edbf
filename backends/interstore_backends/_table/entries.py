"""`Entries`: one index of a table, kept up only once somebody has asked for it.

A key is flat: for each path the rank of its value's class and the value, as
`interstore.filters.order.sort_value` has them, so that keys compare as values sort. An entry
is a key with the id behind it. Of a partial index, a key ends with whether the document is one of
those that it is about, in the way of a value that is null if it is not.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from interstore.filters.order import sort_value
from interstore.indexes import Index
from interstore.paths import Reference
from interstore_backends._table.projection import getters, matcher

__all__ = ["HIGHEST", "Entries", "Entry", "Key", "is_claim", "key_of", "mark"]

Key: TypeAlias = tuple[Any, ...]
Entry: TypeAlias = tuple[Any, ...]

_INSORT_BELOW: Final = 64
"""So many changed entries are moved one by one; more are sorted in."""


class _Highest:
    """Greater than whatever it is compared with."""

    def __lt__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return True


HIGHEST: Final = _Highest()


def key_of(value: Any) -> Key:
    """The part of a key that a value is."""
    rank: Key = sort_value(value)
    return rank if len(rank) == 2 else (0, 0)


class Entries:
    """The keys of one index.

    Writers only note which ids they touched; whoever asks next works that in. The caller
    holds the table's lock.

    Attributes:
        index: what is indexed.
        references: the same, as filters and sorts name it.
    """

    __slots__ = ("_dirty", "_elements", "_entries", "_keys", "_owners", "_read", "_width", "index",
                 "references")  # fmt: skip

    def __init__(self, index: Index) -> None:
        self.index = index
        self.references: tuple[Reference, ...] = index.references
        self._read = _reader(index)
        self._width = 2 * len(index.paths) if index.where else None
        self._keys: dict[str, Key] | None = None
        self._dirty: set[str] = set()
        self._entries: list[Entry] | None = None
        self._owners: dict[Key, str] | None = None
        self._elements: dict[Key, set[str]] | None = None

    def touched(self, id: str) -> None:
        """Note that the record of `id` was stored or removed."""
        if self._keys is not None:
            self._dirty.add(id)

    def keys(self, records: Mapping[str, bytes]) -> dict[str, Key]:
        """The key of each id."""
        self._refresh(records)
        assert self._keys is not None
        return self._keys

    def ordered(self, records: Mapping[str, bytes]) -> list[Entry]:
        """Every entry, in order."""
        keys = self.keys(records)
        if self._entries is None:
            self._entries = sorted(self._entry(key, id) for id, key in keys.items())
        return self._entries

    def _entry(self, key: Key, id: str) -> Entry:
        return (*key[: self._width], id)

    def owners(self, records: Mapping[str, bytes]) -> dict[Key, str]:
        """The id that has each key in which nothing is null or missing."""
        keys = self.keys(records)
        if self._owners is None:
            self._owners = {key: id for id, key in keys.items() if is_claim(key)}
        return self._owners

    def elements(self, records: Mapping[str, bytes]) -> dict[Key, set[str]]:
        """Of an index of lists: the ids that have each element."""
        keys = self.keys(records)
        if self._elements is None:
            self._elements = {}
            for id, key in keys.items():
                self._file(id, key)
        return self._elements

    def _file(self, id: str, key: Key) -> None:
        assert self._elements is not None
        for element in key:
            self._elements.setdefault(element, set()).add(id)

    def _refresh(self, records: Mapping[str, bytes]) -> None:
        read = self._read
        if self._keys is None:
            self._keys = {id: read(record) for id, record in records.items()}
        elif self._dirty:
            changes = list(self._changes(records))
            self._dirty.clear()
            self._move_entries(changes)
            self._move_owners(changes)
            self._move_elements(changes)

    def _changes(
        self, records: Mapping[str, bytes]
    ) -> Iterator[tuple[str, Key | None, Key | None]]:
        """The ids whose keys changed, with the old and the new one; `keys` gets the new."""
        keys = self._keys
        assert keys is not None
        for id in self._dirty:
            record = records.get(id)
            old, new = keys.pop(id, None), None if record is None else self._read(record)
            if new is not None:
                keys[id] = new
            if old != new:
                yield id, old, new

    def _move_entries(self, changes: list[tuple[str, Key | None, Key | None]]) -> None:
        entries = self._entries
        if entries is None:
            return
        if len(changes) < _INSORT_BELOW:
            for id, old, new in changes:
                if old is not None:
                    del entries[bisect_left(entries, self._entry(old, id))]
                if new is not None:
                    insort(entries, self._entry(new, id))
            return
        moved = {id for id, _, _ in changes}
        entries[:] = [entry for entry in entries if entry[-1] not in moved]
        entries += [self._entry(new, id) for id, _, new in changes if new is not None]
        entries.sort()

    def _move_owners(self, changes: list[tuple[str, Key | None, Key | None]]) -> None:
        owners = self._owners
        if owners is None:
            return
        for id, old, _ in changes:
            if old is not None and owners.get(old) == id:
                del owners[old]
        for id, _, new in changes:
            if new is not None and is_claim(new):
                owners[new] = id

    def _move_elements(self, changes: list[tuple[str, Key | None, Key | None]]) -> None:
        elements = self._elements
        if elements is None:
            return
        for id, old, new in changes:
            for element in old or ():
                known = elements.get(element)
                if known is not None:
                    known.discard(id)
                    if not known:
                        del elements[element]
            if new is not None:
                self._file(id, new)


def is_claim(key: Key) -> bool:
    """Whether nothing in the key is null or missing."""
    return 0 not in key[::2]


def mark(is_meant: bool) -> Key:
    """The end of a key of a partial index."""
    return (1, 0) if is_meant else (0, 0)


def _reader(index: Index) -> Callable[[bytes], Key]:
    """What reads the key from a record."""
    if index.where:
        whole = _reader(replace(index, where=()))
        keep = matcher(index.condition)
        assert keep is not None
        return lambda record: (*whole(record), *mark(bool(keep((record,)))))
    decode, found = getters(index.references)
    if index.list:
        [get] = found

        def elements(record: bytes) -> Key:
            value = get(decode(record))
            return tuple({key_of(each) for each in value}) if type(value) is list else ()

        return elements
    if len(found) == 1:
        [get] = found
        return lambda record: key_of(get(decode(record)))

    def flat(record: bytes) -> Key:
        row = decode(record)
        return tuple([part for get in found for part in key_of(get(row))])

    return flat
