# Generated from backends/interstore_backends/postgresql/_async/transacted.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 3de09272c965a8bc34a3835e

"""Statements of one transaction, on the connection that it has."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from interstore.errors import InterstoreError, UnavailableError
from interstore.transactions import Isolation, has_ended
from interstore_backends.postgresql._sync.building import connect_beside
from interstore_backends.postgresql._sync.pinned import Pinned
from interstore_backends.postgresql._sync.statements import (
    Connection,
    Parameters,
    Statements,
    Transaction,
)
from interstore_backends.postgresql.errors import Stalled, is_lost, was_rolled_back
from interstore_backends.postgresql.rows import Row
from interstore_backends.postgresql.settings import PostgreSQLSettings

__all__ = ["Transacted"]

T = TypeVar("T")

_BEGIN: Final[dict[Isolation, bytes]] = {
    "snapshot": b"BEGIN ISOLATION LEVEL REPEATABLE READ; SAVEPOINT interstore",
    "serializable": b"BEGIN ISOLATION LEVEL SERIALIZABLE; SAVEPOINT interstore",
    # The first query fixes the state.
    "reading": b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SAVEPOINT interstore; SELECT 1",
}
_KEEP: Final = b"RELEASE SAVEPOINT interstore; SAVEPOINT interstore"
_BACK: Final = b"ROLLBACK TO SAVEPOINT interstore"


class Transacted(Pinned):
    """Statements that take effect together, by one caller at a time.

    To PostgreSQL a statement that fails ends the transaction. So that a refused document does
    not, a savepoint stands behind the last statement that wrote something. It is moved when the
    next statement comes: the last one needs none.
    """

    def __init__(self, connections: Statements, settings: PostgreSQLSettings) -> None:
        super().__init__(connections, settings)
        self._unsaved = False
        self._failure: InterstoreError | None = None

    def begin(self, isolation: Isolation) -> None:
        """Take a connection, and begin.

        Raises:
            InterstoreError: what the server or the pool says.
        """
        deadline = monotonic() + self._timeout
        connection = self._connections.take(deadline)
        try:
            while self._is_dead(connection):
                self._connections.give_back(connection)
                connection = self._connections.take(deadline)
            connection.cached.execute(_BEGIN[isolation], prepare=False)
        except BaseException as error:
            self._connections.give_back(connection)
            if isinstance(error, psycopg.Error):
                raise self.error(error) from error
            raise
        connection.deadline = None
        self._connection = connection

    def commit(self) -> None:
        """Have everything applied.

        Raises:
            OperationTimeoutError: nobody knows whether it was.
            UnavailableError: nothing was.
        """
        connection = self.take(monotonic() + self._timeout)
        try:
            if self._is_dead(connection):  # of what was not sent, all is known
                raise self._lost()
            connection.cached.execute(b"COMMIT", prepare=False)
        except psycopg.Error as error:
            if is_lost(error) or isinstance(error, Stalled):
                raise self.error.unsure_of_commit(error) from error
            raise self.error(error) from error
        finally:
            self._ended = True
            self.give_back(connection)

    def roll_back(self) -> None:
        """Undo everything, and end."""
        deadline = monotonic() + self._timeout
        try:
            _ = self.pool
        except UnavailableError:  # closed, or of another process: not ours to use
            self._ended = True
            return
        with suppress(InterstoreError, psycopg.Error):
            connection = self._held(deadline)
            try:
                connection.cached.execute(b"ROLLBACK", prepare=False)
            finally:
                self._ended = True
                self.give_back(connection)
        self.close()

    def take(self, deadline: float) -> Connection:
        connection = self._held(deadline)
        if self._failure is not None:
            self._lock.release()
            raise self._over() from self._failure
        return connection

    def _held(self, deadline: float) -> Connection:
        """The connection, whatever became of the transaction; to be given back."""
        _ = self.pool  # raises if it is closed, or another process's
        if not self._enter(deadline):
            raise self.error.busy()
        connection = self._connection
        if self._ended or connection is None:
            self._lock.release()
            raise has_ended("postgresql")
        connection.deadline = deadline
        return connection

    def _lost(self) -> UnavailableError:
        return UnavailableError(
            f"{self.error.place}: the connection was lost before the transaction was committed; "
            "nothing of it is applied",
            backend="postgresql",
        )

    def _over(self) -> UnavailableError:
        return UnavailableError(
            f"the transaction is over, and nothing of it is applied: {self._failure}",
            backend="postgresql",
        )

    def _leave(self) -> None:
        """Release the lock; and the connection, if the transaction has ended."""
        connection = self._connection
        try:
            if connection is not None and self._ended:
                self._connection = None
                self._connections.give_back(connection)
        finally:
            self._lock.release()
        if self._ended and self._connection is not None:  # it ended just now
            self.close()

    def read(self, sql: str, values: Parameters = (), *, prepare: bool | None = None) -> list[Row]:
        def rows(cursor: psycopg.RawCursor[Row]) -> list[Row]:
            return cursor.fetchall()

        return self._execute(sql, values, prepare, rows)

    def write(
        self,
        sql: str,
        values: Parameters = (),
        *,
        prepare: bool | None = None,
        returning: bool = False,
    ) -> tuple[int, list[Row]]:
        def written(cursor: psycopg.RawCursor[Row]) -> tuple[int, list[Row]]:
            self._unsaved = True
            return cursor.rowcount, cursor.fetchall() if returning else []

        return self._execute(sql, values, prepare, written)

    def _execute(
        self,
        sql: str,
        values: Parameters,
        prepare: bool | None,
        result: Callable[[psycopg.RawCursor[Row]], T],
    ) -> T:
        connection = self.take(monotonic() + self._timeout)
        try:
            cursor = psycopg.RawCursor(connection)
            if self._unsaved:
                cursor.execute(_KEEP, prepare=False)
                self._unsaved = False
            prepared = self._prepare if prepare else prepare
            cursor.execute(sql.encode(), values, prepare=prepared)
            return result(cursor)
        except psycopg.Error as error:
            self._undo(connection, error)
            raise
        except BaseException:  # what became of it was not waited for
            self._failure = UnavailableError("an operation in it was cancelled")
            raise
        finally:
            self.give_back(connection)

    def _undo(self, connection: Connection, error: psycopg.Error) -> None:
        """Go back to before the statement that failed, if that is possible."""
        status = connection.pgconn.transaction_status
        if status == TransactionStatus.INERROR and not was_rolled_back(error):
            try:
                connection.cached.execute(_BACK, prepare=False)
            except psycopg.Error as worse:
                error = worse
            else:
                return
        if status != TransactionStatus.INTRANS:
            self._failure = self.error(error)

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        """Another, on a connection beside the pool: models are made for everybody at once.

        It must not wait for one of the pool, which others have that wait for one as well.
        """
        connection = connect_beside(self._settings, self.error)
        try:
            with connection.transaction():
                yield Transaction(connection)
        finally:
            connection.close()
