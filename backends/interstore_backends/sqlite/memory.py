"""A database in memory: one connection for everything, because the database lives in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from interstore_backends.sqlite.connections import Connections

__all__ = ["MemoryConnections"]

T = TypeVar("T")


class MemoryConnections(Connections):
    """Lends its one connection to readers and writers alike, one at a time."""

    def take(self) -> Any:
        if not self.lock.acquire(timeout=self._settings.timeout):
            raise self.translate.timed_out()
        try:
            return self.writer()
        except BaseException:
            self.lock.release()
            raise

    def give(self, cursor: Any) -> None:
        self.lock.release()

    def inline(self, read: Callable[[Any], T]) -> T:
        if not self.lock.acquire(blocking=False):
            raise BlockingIOError
        try:
            return read(self.writer())
        finally:
            self.lock.release()

    def before_fork(self, timeout: float) -> None:
        """Wait for a moment at which nobody writes: the child gets a copy of its own."""
        if self.lock.acquire(timeout=timeout):
            self._held.append(self.lock)
