"""The entries of this process, bounded in number, in bytes and in time."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from interstore_plugins.cache.entry import Entry

if TYPE_CHECKING:
    from cachetools import Cache

__all__ = ["LocalCache"]

OVERHEAD = 300
"""Bytes that an entry takes besides its text, about: key, scopes, places in tables."""


class LocalCache:
    """Keys and their entries. Safe for threads.

    Args:
        strategy: what goes first when it is full.
        max_size: the most entries.
        max_bytes: the most bytes. An entry of more than a tenth of them is not kept.
    """

    def __init__(
        self, strategy: Literal["lru", "lfu", "fifo"], max_size: int, max_bytes: int
    ) -> None:
        self._lock = Lock()
        self._max_size = max_size
        self._max_bytes = max_bytes
        self._in_scope: defaultdict[str, set[str]] = defaultdict(set)
        self._entries = _cache(strategy, max_bytes, self._unlink)
        self.evictions = 0

    def get(self, key: str) -> Entry | None:
        """The entry, if there is one whose time is not over."""
        with self._lock:
            entry: Entry | None = self._entries.get(key)
            if entry is not None and entry.until <= time.monotonic():
                self._drop(key)
                return None
            return entry

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry; others go if there is no room."""
        if _size(entry) > self._max_bytes // 10:
            return
        with self._lock:
            self._drop(key)
            while len(self._entries) >= self._max_size:
                self._entries.popitem()
            self._entries[key] = entry
            for scope in entry.scopes:
                self._in_scope[scope].add(key)

    def invalidate(
        self, keys: Iterable[str], scopes: Iterable[str], patterns: Iterable[str]
    ) -> None:
        """Drop entries: by key, by scope, and by key as shells match file names."""
        with self._lock:
            for key in keys:
                self._drop(key)
            for scope in scopes:
                for key in list(self._in_scope.get(scope, ())):
                    self._drop(key)
            for pattern in patterns:
                for key in [key for key in self._entries if fnmatchcase(key, pattern)]:
                    self._drop(key)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()
            self._in_scope.clear()

    def figures(self) -> dict[str, int]:
        """Entries, their bytes, and how many had to go for others."""
        with self._lock:
            return {
                "entries": len(self._entries),
                "bytes": int(self._entries.currsize),
                "evictions": self.evictions,
            }

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._forget(key, entry)

    def _unlink(self, key: str, entry: Entry) -> None:
        self.evictions += 1
        self._forget(key, entry)

    def _forget(self, key: str, entry: Entry) -> None:
        for scope in entry.scopes:
            keys = self._in_scope[scope]
            keys.discard(key)
            if not keys:
                del self._in_scope[scope]


def _size(entry: Entry) -> int:
    return len(entry.text) + OVERHEAD


def _cache(strategy: str, max_bytes: int, evicted: Any) -> Cache[str, Any]:
    """A cache of cachetools that tells what it lets go."""
    import cachetools

    kinds = {
        "lru": cachetools.LRUCache,
        "lfu": cachetools.LFUCache,
        "fifo": cachetools.FIFOCache,
    }
    base: Any = kinds[strategy]

    class Telling(base):  # type: ignore[misc]
        def popitem(self) -> Any:
            key, entry = super().popitem()
            evicted(key, entry)
            return key, entry

    cache: Cache[str, Any] = Telling(max_bytes, getsizeof=_size)
    return cache
