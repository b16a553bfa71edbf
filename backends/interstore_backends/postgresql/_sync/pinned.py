# Generated from backends/interstore_backends/postgresql/_async/pinned.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 3e97ac3e4ededf3534e950ef

"""One connection, kept for a burst of statements."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Final

from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

from interstore._compat import Lock
from interstore.errors import UnavailableError
from interstore.transactions import Isolation
from interstore_backends.postgresql._sync.statements import Connection, Statements
from interstore_backends.postgresql.settings import PostgreSQLSettings

__all__ = ["Pinned"]

_IDLE: Final = TransactionStatus.IDLE


class Pinned(Statements):
    """Statements on one connection of others, used by one caller at a time.

    The connection is taken by `open`. One that breaks is given back for another, as it would
    be between two statements outside.
    """

    def __init__(self, connections: Statements, settings: PostgreSQLSettings) -> None:
        super().__init__(settings, connections.error)
        self._connections = connections
        self._lock = Lock()
        self._waiting = 0
        self._connection: Connection | None = None
        self._ended = False

    @property
    def pool(self) -> ConnectionPool[Connection]:
        return self._connections.pool

    def open(self) -> None:
        if self._connection is None:
            self.give_back(self.take(monotonic() + self._timeout))

    def close(self) -> None:
        self._ended = True
        # If it is in use, whoever uses it gives it back.
        free = self._lock.acquire(blocking=False)
        if free:
            self._leave()

    @contextmanager
    def session(self) -> Generator[Statements]:
        yield self

    def transacted(self, isolation: Isolation) -> AbstractContextManager[Statements]:
        return self._connections.transacted(isolation)

    def take(self, deadline: float) -> Connection:
        _ = self.pool  # raises if it is closed, or another process's
        if not self._enter(deadline):
            raise self.error.busy()
        try:
            if self._ended:
                raise UnavailableError(
                    "the session has ended; use the store, or open another session",
                    backend="postgresql",
                )
            connection = self._connection
            if connection is None:
                connection = self._connection = self._connections.take(deadline)
        except BaseException:
            self._lock.release()
            raise
        connection.deadline = deadline
        return connection

    def _enter(self, deadline: float) -> bool:
        """Whether the lock was free in time."""
        return self._lock.acquire(timeout=max(0, deadline - monotonic()))

    def give_back(self, connection: Connection) -> None:
        connection.deadline = None
        self._leave()

    def _leave(self) -> None:
        """Release the lock; and the connection, if it broke or the session is over."""
        connection = self._connection
        try:
            if connection is not None and (
                self._ended or connection.pgconn.transaction_status != _IDLE
            ):
                self._connection = None
                self._connections.give_back(connection)
        finally:
            self._lock.release()
        if self._ended and self._connection is not None:  # it ended just now
            self.close()
