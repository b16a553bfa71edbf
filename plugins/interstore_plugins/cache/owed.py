"""What a shared cache has yet to be told, and when it may be asked again."""

from __future__ import annotations

import time
from collections.abc import Iterable
from threading import Lock
from typing import Final

import msgspec

__all__ = ["Due", "Owed", "outage"]

REST_SECONDS: Final = 1.0
"""So long a server that failed is left alone."""


def outage() -> tuple[type[Exception], ...]:
    """The errors that mean that the server cannot be used now."""
    from redis.exceptions import RedisError

    return (RedisError, OSError, TimeoutError, msgspec.DecodeError)


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """Invalidations, as they are published, too.

    Attributes:
        source: the name of the process's cache that they came from, which has done them.
    """

    keys: list[str]
    scopes: list[str]
    patterns: list[str]
    source: str | None = None

    @property
    def nothing(self) -> bool:
        """Whether there is none."""
        return not (self.keys or self.scopes or self.patterns)

    def message(self, source: str | None) -> bytes:
        """For the other processes."""
        named = Due(keys=self.keys, scopes=self.scopes, patterns=self.patterns, source=source)
        return msgspec.json.encode(named)


class Owed:
    """Invalidations that wait for the server. Safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._keys: set[str] = set()
        self._scopes: set[str] = set()
        self._patterns: set[str] = set()
        self._until = 0.0
        self._taken = 0

    def add(self, keys: Iterable[str], scopes: Iterable[str], patterns: Iterable[str]) -> None:
        """These are owed from now on."""
        with self._lock:
            self._keys.update(keys)
            self._scopes.update(scopes)
            self._patterns.update(patterns)

    @property
    def any(self) -> bool:
        """Whether anything is owed, or being told just now."""
        return bool(self._keys or self._scopes or self._patterns or self._taken)

    def take(self) -> Due:
        """All that is owed, to be told now; then it is `paid`, or given back."""
        with self._lock:
            due = Due(
                keys=sorted(self._keys),
                scopes=sorted(self._scopes),
                patterns=sorted(self._patterns),
            )
            self._keys.clear()
            self._scopes.clear()
            self._patterns.clear()
            self._taken += 1
            return due

    def paid(self) -> None:
        """The server was told."""
        with self._lock:
            self._taken -= 1

    def give_back(self, due: Due) -> None:
        """The server could not be told."""
        self.add(due.keys, due.scopes, due.patterns)
        self.paid()

    @property
    def resting(self) -> bool:
        """Whether the server is to be left alone."""
        return time.monotonic() < self._until

    def rest(self) -> bool:
        """The server failed; whether that is news."""
        with self._lock:
            news = not self.resting
            self._until = time.monotonic() + REST_SECONDS
            return news
