"""The connection of one transaction, which no other operation uses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from interstore.errors import InterstoreError, UnavailableError
from interstore.transactions import has_ended
from interstore_backends.sqlite.driver import Driver
from interstore_backends.sqlite.memory import MemoryConnections
from interstore_backends.sqlite.settings import SQLiteSettings
from interstore_backends.sqlite.waiting import in_turn

__all__ = ["Transaction"]

T = TypeVar("T")


class Transaction(MemoryConnections):
    """Lends its one connection to one operation at a time.

    It has the file's lock of writers from the beginning to the end: what it reads cannot change.
    A statement that fails undoes itself alone, except where SQLite undoes everything.
    """

    def __init__(self, settings: SQLiteSettings, driver: Driver) -> None:
        super().__init__(settings, driver)
        self._ended = False
        self._abandoned: Any = None

    def begin(self, spare: Any, *, reading: bool) -> None:
        """Wait for the lock, with a cursor that another transaction has left, or a new one."""
        try:
            cursor = self._writer = spare or self._opener.writer()
            if reading:
                cursor.execute("BEGIN")
                cursor.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()  # what fixes it
                return
            in_turn(lambda: cursor.execute("BEGIN IMMEDIATE"), self._settings.timeout)
        except self._driver.Error as error:
            raise self.translate(error) from error

    def commit(self) -> None:
        """Have everything applied.

        Raises:
            InterstoreError: nothing was.
        """
        cursor = self.take()
        try:
            cursor.execute("COMMIT")
        except self._driver.Error as error:
            raise self.translate(error) from error
        finally:
            self.give(cursor)

    def end(self) -> Any:
        """Undo what is not committed; return the cursor, if there is one that is still good."""
        with self.lock:
            self._ended = True
            cursor, self._writer = self._writer, None
            if cursor is None:
                return None
            try:
                if cursor.connection.in_transaction:
                    cursor.execute("ROLLBACK")
            except self._driver.Error:  # closing does it
                cursor.connection.close()
                return None
            return cursor

    def writer(self) -> Any:
        if self._ended or self._writer is None:
            raise has_ended("sqlite")
        if not self._writer.connection.in_transaction:
            raise self._undone()
        return self._writer

    def _undone(self) -> InterstoreError:
        return UnavailableError(
            f"{self.file}: SQLite has undone the whole transaction after an error of the disk or "
            "of memory; nothing of it is applied",
            backend="sqlite",
        )

    def transaction(self, cursor: Any, work: Callable[[], T]) -> T:
        """What `work` returns, its writes undone alone if it fails."""
        cursor.execute("SAVEPOINT interstore")
        try:
            result = work()
        except BaseException:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK TO interstore")
                cursor.execute("RELEASE interstore")
            raise
        cursor.execute("RELEASE interstore")
        return result

    def before_fork(self, timeout: float) -> None:
        """Let no other thread be at work in it meanwhile."""
        if self.lock.acquire(timeout=timeout):
            self._held.append(self.lock)

    def after_fork(self, *, child: bool) -> None:
        if child:
            # Neither to be used nor to be closed: it is the parent's.
            self._ended, self._abandoned, self._writer = True, self._writer, None
            self.lock = threading.Lock()
            self._held.clear()
        super().after_fork(child=False)
