"""The connections of one database: one that writes, under a lock, and some that read.

Each is held by its one cursor, which is used again and again: making one takes a third of a
microsecond, a tenth of a short statement.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from interstore.errors import ConfigurationError, UnavailableError
from interstore_backends.sqlite import fork, schema
from interstore_backends.sqlite.driver import Driver
from interstore_backends.sqlite.errors import Translator, is_busy
from interstore_backends.sqlite.functions import Filters, register
from interstore_backends.sqlite.settings import SQLiteSettings

__all__ = ["Connections"]

T = TypeVar("T")

_STATEMENTS: Final = 256
"""Prepared statements that a connection keeps: the texts of filters vary."""

_IDLE: Final = 16
"""Reading connections that are kept while nobody reads."""

_JOURNAL_BYTES: Final = 64 * 1024 * 1024
"""A journal that one large transaction made longer is cut to this length again."""


class Connections:
    """Opens, lends and closes the connections to one file.

    All are in autocommit mode. A single statement that writes needs no BEGIN: SQLite takes
    the lock before it reads, waiting with its busy handler, as for BEGIN IMMEDIATE.

    Attributes:
        lock: held while `writer` is used.
        translate: makes Interstore's errors of the driver's.
    """

    def __init__(self, settings: SQLiteSettings, driver: Driver) -> None:
        self.file = settings.path if settings.in_memory else str(_absolute(settings.path))
        self.lock = threading.Lock()
        self.translate = Translator(self.file, settings.timeout)
        self.filters = Filters()
        self._settings = settings
        self._driver = driver
        self._opening = threading.Lock()
        self._connected = False
        self._writer: Any = None
        self._idle: list[Any] = []
        self._readers = 0
        self._inline: Any = None
        self._inline_lock = threading.Lock()
        self._held: list[threading.Lock] = []
        self._quiet = True

    # Opening and closing.

    def open(self) -> None:
        """Open the file, made if there is none, and see that it is Interstore's.

        Raises:
            ConfigurationError, PermissionDeniedError, CorruptionError, UnavailableError,
            OperationTimeoutError.
        """
        with self.lock:
            if self._connected:
                return
            try:
                self._make_folder()
                self._writer = self._retry(self._open_writer)
            except self._driver.Error as error:
                raise self.translate(error) from error
            self._connected = True
        fork.watch(self)

    def close(self) -> None:
        """Close every connection; those that are lent, when they come back."""
        fork.forget(self)
        with self.lock, self._opening, self._inline_lock:
            self._connected = False
            self._close_all()

    def _close_all(self) -> None:
        while self._idle:
            self._idle.pop().connection.close()
            self._readers -= 1
        for cursor in (self._inline, self._writer):
            if cursor is not None:
                cursor.connection.close()
        self._inline = self._writer = None

    def _make_folder(self) -> None:
        if self._settings.in_memory:
            return
        folder = Path(self.file).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"the folder {folder} of the database cannot be made: {error.strerror}; change "
                "DATABASE_PATH, or make it",
                backend="sqlite",
            ) from error

    def _retry(self, attempt: Callable[[], T]) -> T:
        """`attempt`, again and again while others have the file locked.

        The busy handler does not serve the switch to WAL, nor every moment of a recovery.
        """
        deadline = time.monotonic() + self._settings.timeout
        pause = 0.001
        while True:
            try:
                return attempt()
            except self._driver.Error as error:
                if not is_busy(error) or time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def _open(self, timeout: float) -> Any:
        """The cursor of a new connection."""
        connection = self._driver.connect(
            self.file,
            timeout=timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
        )
        register(connection, self.filters)
        return connection.cursor()

    def _open_writer(self) -> Any:
        cursor = self._open(self._settings.timeout)
        try:
            self._prepare_writer(cursor)
        except BaseException:
            cursor.connection.close()
            raise
        return cursor

    def _prepare_writer(self, cursor: Any) -> None:
        execute = cursor.execute
        if not self._settings.in_memory:
            mode = execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise ConfigurationError(
                    f"{self.file}: the file system does not let SQLite share memory between "
                    f"processes (journal mode {mode!r}, not 'wal'); use a local disk",
                    backend="sqlite",
                )
        level = "FULL" if self._settings.durability == "fsync" else "NORMAL"
        execute(f"PRAGMA synchronous = {level}")
        if sys.platform == "darwin":
            execute("PRAGMA fullfsync = ON")
        execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
        encoding = execute("PRAGMA encoding").fetchone()[0]
        if encoding != "UTF-8":
            raise ConfigurationError(
                f"{self.file} is a database in {encoding}, in which text is not ordered by code "
                "point; use another file",
                backend="sqlite",
            )
        schema.set_up(cursor, self.file, self.transaction)

    # Lending.

    def writer(self) -> Any:
        """The cursor that writes. The caller holds `lock`."""
        if self._writer is None:
            self._check_connected()
            self._writer = self._retry(self._open_writer)
        return self._writer

    def transaction(self, cursor: Any, work: Callable[[], T]) -> T:
        """What `work` returns, its writes applied together or not at all."""
        cursor.execute("BEGIN IMMEDIATE")
        try:
            result = work()
            cursor.execute("COMMIT")
        except BaseException:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise
        return result

    def take(self) -> Any:
        """A cursor to read with; to be given back."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._open_reader()

    def give(self, cursor: Any) -> None:
        """Take back what `take` lent."""
        if self._connected and len(self._idle) < _IDLE:
            self._idle.append(cursor)
            return
        with self._opening:
            self._readers -= 1
        cursor.connection.close()

    def _open_reader(self) -> Any:
        with self._opening:
            self._check_connected()
            cursor = self._open(self._settings.timeout)
            self._readers += 1
        try:
            cursor.execute("PRAGMA query_only = ON")
        except BaseException:
            self.give(cursor)
            raise
        return cursor

    def _check_connected(self) -> None:
        if not self._connected:
            raise UnavailableError(f"{self.file} is not connected", backend="sqlite")

    def inline(self, read: Callable[[Any], T]) -> T:
        """What `read` returns of a cursor that never waits.

        Raises:
            BlockingIOError: it would have to wait.
        """
        if not self._inline_lock.acquire(blocking=False):
            raise BlockingIOError
        try:
            if self._inline is None:
                self._check_connected()
                self._inline = self._open(0)
            return read(self._inline)
        except self._driver.Error as error:
            if is_busy(error):
                raise BlockingIOError from error
            raise
        finally:
            self._inline_lock.release()

    # Forking: see `fork`.

    def before_fork(self, timeout: float) -> None:
        """Close every connection, and keep other threads from opening one."""
        self._quiet = False
        deadline = time.monotonic() + timeout
        for lock in (self.lock, self._opening, self._inline_lock):
            if not lock.acquire(timeout=timeout):
                return
            self._held.append(lock)
        self._close_all()
        while self._readers and time.monotonic() < deadline:
            self._opening.release()  # a reader that is given back may need it
            time.sleep(0.001)
            self._opening.acquire()
            self._close_all()
        self._quiet = not self._readers

    def after_fork(self, *, child: bool) -> None:
        """Let go. A child leaves what could not be closed alone: closing it would harm."""
        if child and not self._quiet:
            _abandoned.append((self._writer, self._inline, self._idle))
            self._writer, self._inline, self._idle, self._readers = None, None, [], 0
            self.lock, self._opening = threading.Lock(), threading.Lock()
            self._inline_lock = threading.Lock()
            self._held.clear()
        while self._held:
            self._held.pop().release()


_abandoned: Final[list[Any]] = []


class MemoryConnections(Connections):
    """One connection for everything: the database lives in it."""

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


def make_connections(settings: SQLiteSettings, driver: Driver) -> Connections:
    """The connections that the settings ask for; none is open yet."""
    kind = MemoryConnections if settings.in_memory else Connections
    return kind(settings, driver)


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()
