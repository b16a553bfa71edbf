# Generated from backends/interstore_backends/postgresql/_async/statements.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: dbbd6b264afea74a29ad5f3f

"""Statements on whatever connection there is: bounded in time, repeated only where that is safe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from select import POLLIN, poll
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg_pool import ConnectionPool

from interstore.transactions import Isolation
from interstore_backends.postgresql.conninfo import Attempts
from interstore_backends.postgresql.errors import (
    Stalled,
    Translator,
    Unsure,
    is_lost,
    was_rolled_back,
)
from interstore_backends.postgresql.rows import Row
from interstore_backends.postgresql.settings import PostgreSQLSettings
from interstore_backends.postgresql.waiting import until

__all__ = ["Connection", "Statements", "Transaction"]

T = TypeVar("T")
Parameters = Sequence[str | None]

_FEW: Final = 20
_LAST_WORDS: Final = 10
_ROLLBACKS: Final = 20
"""How often what the server undid because of others is repeated."""


class Connection(psycopg.Connection[Row]):
    """A connection that waits no longer than to its deadline."""

    deadline: float | None = None
    cached: psycopg.RawCursor[Row]

    @classmethod
    def connect(cls, conninfo: str = "", **arguments: Any) -> Any:
        attempts: Attempts = arguments["context"]
        attempts.running += 1
        try:
            connection = super().connect(conninfo, **arguments)
        except psycopg.Error as error:
            # The driver's frames hold the socket of an attempt that timed out, in a cycle.
            error.__traceback__ = None
            attempts.problem = error
            raise
        finally:
            attempts.running -= 1
        attempts.problem = None
        return connection

    def wait(self, gen: PQGen[T], *args: Any, **kwargs: Any) -> T:
        if self.deadline is not None:
            gen = until(self.deadline, gen)
        try:
            return super().wait(gen, *args, **kwargs)
        except Stalled:
            # What it says next would answer the statement that nobody waits for any more.
            self.pgconn.finish()
            raise


class Transaction:
    """Statements that take effect together."""

    def __init__(self, connection: Connection) -> None:
        self._cursor = psycopg.RawCursor(connection)

    def run(self, sql: str, values: Parameters = ()) -> list[Row]:
        """The rows that a statement gives, if it gives any."""
        self._cursor.execute(sql.encode(), values)
        return [] if self._cursor.description is None else self._cursor.fetchall()


class Statements(ABC):
    """What runs statements on connections that it takes and gives back."""

    def __init__(self, settings: PostgreSQLSettings, error: Translator) -> None:
        self.error = error
        self._settings = settings
        self._timeout = settings.timeout
        self._prepare = True if settings.prepare else None

    @property
    @abstractmethod
    def pool(self) -> ConnectionPool[Connection]:
        """The open pool.

        Raises:
            UnavailableError: there is none, or it is another process's.
        """

    @abstractmethod
    def open(self) -> None:
        """Make ready; called again, do nothing."""

    @abstractmethod
    def close(self) -> None:
        """Give every connection back; called again, do nothing."""

    @abstractmethod
    def session(self) -> AbstractContextManager[Statements]:
        """The same on one connection, which it keeps."""

    @abstractmethod
    def transacted(self, isolation: Isolation) -> AbstractContextManager[Statements]:
        """Statements that take effect together, when the block is left without an error."""

    @abstractmethod
    def take(self, deadline: float) -> Connection:
        """A connection, to be given back."""

    @abstractmethod
    def give_back(self, connection: Connection) -> None:
        """Give a connection back; one that is broken is replaced."""

    def read(self, sql: str, values: Parameters = (), *, prepare: bool | None = None) -> list[Row]:
        """The rows of a query. Repeated on another connection if one is lost.

        `prepare` says whether it is a prepared statement: at once, never, or, if it is
        ``None``, when it was repeated often enough.
        """
        deadline = monotonic() + self._timeout
        query, prepared = sql.encode(), self._prepare if prepare else prepare
        lost = 0
        while True:
            connection = self.take(deadline)
            try:
                cursor = connection.cached
                cursor.execute(query, values, prepare=prepared)
                rows = cursor.fetchall()
                if len(rows) > _FEW:  # which the cursor would keep
                    connection.cached = psycopg.RawCursor(connection)
                return rows
            except psycopg.Error as error:
                lost = self._again(error, lost)
            finally:
                self.give_back(connection)

    def write(
        self,
        sql: str,
        values: Parameters = (),
        *,
        prepare: bool | None = None,
        returning: bool = False,
    ) -> tuple[int, list[Row]]:
        """The number of rows that a statement wrote, and those that it returns."""
        deadline = monotonic() + self._timeout
        query, prepared = sql.encode(), self._prepare if prepare else prepare
        undone = 0
        while True:
            connection = self.take(deadline)
            try:
                if self._is_dead(connection):
                    continue  # with another
                cursor = connection.cached
                cursor.execute(query, values, prepare=prepared)
                return cursor.rowcount, cursor.fetchall() if returning else []
            except psycopg.Error as error:
                if is_lost(error):
                    raise Unsure(str(error)) from error
                undone += 1
                if not was_rolled_back(error) or undone > _ROLLBACKS:
                    raise
            finally:
                self.give_back(connection)

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        """A transaction on a connection of its own."""
        deadline = monotonic() + self._timeout
        connection = self.take(deadline)
        while self._is_dead(connection):
            self.give_back(connection)
            connection = self.take(deadline)
        try:
            with connection.transaction():
                yield Transaction(connection)
        except psycopg.Error as error:
            if is_lost(error):
                raise Unsure(str(error)) from error
            raise
        finally:
            self.give_back(connection)

    def _again(self, error: psycopg.Error, lost: int) -> int:
        """How many connections were lost, this one included; or raise `error`."""
        if (is_lost(error) or was_rolled_back(error)) and lost <= self._settings.pool_size:
            return lost + 1
        raise error

    def _is_dead(self, connection: Connection) -> bool:
        """Whether the server has closed the connection while it was idle.

        Asked before a write, since of one that was sent nobody could tell what became of it.
        """
        waiting = poll()
        try:
            waiting.register(connection.pgconn.socket, POLLIN)
            # Two: what it said last, and that it left.
            for _ in range(_LAST_WORDS):
                if not waiting.poll(0):
                    return False
                connection.pgconn.consume_input()
        except psycopg.OperationalError:
            pass
        connection.close()
        return True
