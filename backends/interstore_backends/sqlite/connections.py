"""The connections of one database: one that writes, under a lock, and some that read.

Each is held by its one cursor, which is used again and again: making one takes a third of a
microsecond, a tenth of a short statement.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from interstore.errors import UnavailableError
from interstore_backends.sqlite import fork
from interstore_backends.sqlite.driver import Driver
from interstore_backends.sqlite.errors import Translator, is_busy
from interstore_backends.sqlite.functions import Filters
from interstore_backends.sqlite.opening import Opener, absolute
from interstore_backends.sqlite.settings import SQLiteSettings

if TYPE_CHECKING:
    from interstore_backends.sqlite.transactions import Transaction

__all__ = ["Connections"]

T = TypeVar("T")

_IDLE: Final = 16
"""Reading connections that are kept while nobody reads."""


class Connections:
    """Opens, lends and closes the connections to one file.

    All are in autocommit mode. A single statement that writes needs no BEGIN: SQLite takes
    the lock before it reads, as for BEGIN IMMEDIATE. Who does not get it at once tries again
    (see `waiting`): the busy handler is for readers only.

    Attributes:
        lock: held while `writer` is used.
        translate: makes Interstore's errors of the driver's.
    """

    def __init__(self, settings: SQLiteSettings, driver: Driver) -> None:
        self.file = settings.path if settings.in_memory else absolute(settings.path)
        self.lock = threading.Lock()
        self.translate = Translator(self.file, settings.timeout)
        self.filters = Filters()
        self._settings = settings
        self._driver = driver
        self._opener = Opener(self.file, settings, driver, self.filters)
        self._opening = threading.Lock()
        self._connected = False
        self._writer: Any = None
        self._idle: list[Any] = []
        self._readers = 0
        self._inline: Any = None
        self._inline_lock = threading.Lock()
        self._held: list[threading.Lock] = []
        self._quiet = True
        self._transactions: set[Transaction] = set()
        self._spare: list[Any] = []
        self._forked_within = False

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
                self._opener.make_folder()
                self._writer = self._opener.writer()
            except self._driver.Error as error:
                raise self.translate(error) from error
            self._connected = True
        fork.watch(self)

    def close(self) -> None:
        """Close every connection; those that are lent, when they come back."""
        fork.forget(self)
        with self._opening:
            self._connected = False
        for transaction in list(self._transactions):
            self._keep(transaction.end())
        with self.lock, self._opening, self._inline_lock:
            self._close_all()

    def _close_all(self) -> None:
        while self._idle:
            self._idle.pop().connection.close()
            self._readers -= 1
        while self._spare:
            self._spare.pop().connection.close()
        for cursor in (self._inline, self._writer):
            if cursor is not None:
                cursor.connection.close()
        self._inline = self._writer = None

    # Lending.

    def writer(self) -> Any:
        """The cursor that writes. The caller holds `lock`."""
        if self._writer is None:
            self._check_connected()
            self._writer = self._opener.writer()
        return self._writer

    def transaction(self, cursor: Any, work: Callable[[], T]) -> T:
        """What `work` returns, its writes applied together or not at all.

        If another has the lock, nothing is done, and the driver's error says so.
        """
        try:
            # An interrupt that comes while this waits is raised when the lock is ours.
            cursor.execute("BEGIN IMMEDIATE")
            result = work()
            cursor.execute("COMMIT")
        except BaseException:
            self._roll_back(cursor)
            raise
        return result

    @contextmanager
    def transacted(self, *, reading: bool) -> Generator[Connections]:
        """One connection, what is written with it being applied together or not at all.

        Args:
            reading: whether nothing is written, so that no lock is needed.

        Raises:
            InterstoreError: when the block is left: nothing was applied.
        """
        from interstore_backends.sqlite.transactions import Transaction

        self._check_connected()
        transaction = Transaction(self._settings, self._driver)
        self._transactions.add(transaction)
        fork.watch(transaction)
        try:
            transaction.begin(self._spare.pop() if self._spare else None, reading=reading)
            yield transaction
            transaction.commit()
        finally:
            fork.forget(transaction)
            self._transactions.discard(transaction)
            self._keep(transaction.end())

    def _keep(self, cursor: Any) -> None:
        """Have the next transaction use it, or close it."""
        if cursor is None:
            return
        if self._connected and not self._spare:
            self._spare.append(cursor)
        else:
            cursor.connection.close()

    def _roll_back(self, cursor: Any) -> None:
        if not cursor.connection.in_transaction:  # SQLite does so itself if the disk is full
            return
        try:
            cursor.execute("ROLLBACK")
        except self._driver.Error:  # closing does it; another is opened when needed
            cursor.connection.close()
            self._writer = None

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
            try:
                cursor = self._opener.cursor(self._settings.timeout)
                cursor.execute("PRAGMA query_only = ON")
            except self._driver.Error as error:
                raise self.translate(error) from error
            self._readers += 1
        return cursor

    def _check_connected(self) -> None:
        if self._forked_within:
            raise UnavailableError(
                f"{self.file}: this process was forked from another while a transaction was open "
                "there; SQLite takes its locks for this one's: fork before, or after",
                backend="sqlite",
            )
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
                self._inline = self._opener.cursor(0)
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
        if child and self._transactions:
            self._forked_within = True
        if child and not self._quiet:
            _abandoned.append((self._writer, self._inline, self._idle, self._spare))
            self._writer, self._inline, self._idle, self._readers = None, None, [], 0
            self._spare = []
            self.lock, self._opening = threading.Lock(), threading.Lock()
            self._inline_lock = threading.Lock()
            self._held.clear()
        while self._held:
            self._held.pop().release()


_abandoned: Final[list[Any]] = []
"""What a child must neither use nor close."""
