"""Statements of one transaction, on the connection that it has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from interstore.errors import InterstoreError, UnavailableError
from interstore.transactions import Isolation, has_ended
from interstore_backends.postgresql._async.building import connect_beside
from interstore_backends.postgresql._async.pinned import AsyncPinned
from interstore_backends.postgresql._async.statements import (
    AsyncConnection,
    AsyncStatements,
    AsyncTransaction,
    Parameters,
)
from interstore_backends.postgresql.errors import Stalled, is_lost, was_rolled_back
from interstore_backends.postgresql.rows import Row
from interstore_backends.postgresql.settings import PostgreSQLSettings

__all__ = ["AsyncTransacted"]

T = TypeVar("T")

_BEGIN: Final[dict[Isolation, bytes]] = {
    "snapshot": b"BEGIN ISOLATION LEVEL REPEATABLE READ; SAVEPOINT interstore",
    "serializable": b"BEGIN ISOLATION LEVEL SERIALIZABLE; SAVEPOINT interstore",
    # The first query fixes the state.
    "reading": b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SAVEPOINT interstore; SELECT 1",
}
_KEEP: Final = b"RELEASE SAVEPOINT interstore; SAVEPOINT interstore"
_BACK: Final = b"ROLLBACK TO SAVEPOINT interstore"


class AsyncTransacted(AsyncPinned):
    """Statements that take effect together, by one caller at a time.

    To PostgreSQL a statement that fails ends the transaction. So that a refused document does
    not, a savepoint stands behind the last statement that wrote something. It is moved when the
    next statement comes: the last one needs none.
    """

    def __init__(self, connections: AsyncStatements, settings: PostgreSQLSettings) -> None:
        super().__init__(connections, settings)
        self._unsaved = False
        self._failure: InterstoreError | None = None

    async def begin(self, isolation: Isolation) -> None:
        """Take a connection, and begin.

        Raises:
            InterstoreError: what the server or the pool says.
        """
        deadline = monotonic() + self._timeout
        connection = await self._connections.take(deadline)
        try:
            while await self._is_dead(connection):
                await self._connections.give_back(connection)
                connection = await self._connections.take(deadline)
            await connection.cached.execute(_BEGIN[isolation], prepare=False)
        except BaseException as error:
            await self._connections.give_back(connection)
            if isinstance(error, psycopg.Error):
                raise self.error(error) from error
            raise
        connection.deadline = None
        self._connection = connection

    async def commit(self) -> None:
        """Have everything applied.

        Raises:
            OperationTimeoutError: nobody knows whether it was.
            UnavailableError: nothing was.
        """
        connection = await self.take(monotonic() + self._timeout)
        try:
            if await self._is_dead(connection):  # of what was not sent, all is known
                raise self._lost()
            await connection.cached.execute(b"COMMIT", prepare=False)
        except psycopg.Error as error:
            if is_lost(error) or isinstance(error, Stalled):
                raise self.error.unsure_of_commit(error) from error
            raise self.error(error) from error
        finally:
            self._ended = True
            await self.give_back(connection)

    async def roll_back(self) -> None:
        """Undo everything, and end."""
        deadline = monotonic() + self._timeout
        try:
            _ = self.pool
        except UnavailableError:  # closed, or of another process: not ours to use
            self._ended = True
            return
        with suppress(InterstoreError, psycopg.Error):
            connection = await self._held(deadline)
            try:
                await connection.cached.execute(b"ROLLBACK", prepare=False)
            finally:
                self._ended = True
                await self.give_back(connection)
        await self.close()

    async def take(self, deadline: float) -> AsyncConnection:
        connection = await self._held(deadline)
        if self._failure is not None:
            self._lock.release()
            raise self._over() from self._failure
        return connection

    async def _held(self, deadline: float) -> AsyncConnection:
        """The connection, whatever became of the transaction; to be given back."""
        _ = self.pool  # raises if it is closed, or another process's
        if not await self._enter(deadline):
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

    async def _leave(self) -> None:
        """Release the lock; and the connection, if the transaction has ended."""
        connection = self._connection
        try:
            if connection is not None and self._ended:
                self._connection = None
                await self._connections.give_back(connection)
        finally:
            self._lock.release()
        if self._ended and self._connection is not None:  # it ended just now
            await self.close()

    async def read(
        self, sql: str, values: Parameters = (), *, prepare: bool | None = None
    ) -> list[Row]:
        async def rows(cursor: psycopg.AsyncRawCursor[Row]) -> list[Row]:
            return await cursor.fetchall()

        return await self._execute(sql, values, prepare, rows)

    async def write(
        self,
        sql: str,
        values: Parameters = (),
        *,
        prepare: bool | None = None,
        returning: bool = False,
    ) -> tuple[int, list[Row]]:
        async def written(cursor: psycopg.AsyncRawCursor[Row]) -> tuple[int, list[Row]]:
            self._unsaved = True
            return cursor.rowcount, await cursor.fetchall() if returning else []

        return await self._execute(sql, values, prepare, written)

    async def _execute(
        self,
        sql: str,
        values: Parameters,
        prepare: bool | None,
        result: Callable[[psycopg.AsyncRawCursor[Row]], Awaitable[T]],
    ) -> T:
        connection = await self.take(monotonic() + self._timeout)
        try:
            cursor = psycopg.AsyncRawCursor(connection)
            if self._unsaved:
                await cursor.execute(_KEEP, prepare=False)
                self._unsaved = False
            prepared = self._prepare if prepare else prepare
            await cursor.execute(sql.encode(), values, prepare=prepared)
            return await result(cursor)
        except psycopg.Error as error:
            await self._undo(connection, error)
            raise
        except BaseException:  # what became of it was not waited for
            self._failure = UnavailableError("an operation in it was cancelled")
            raise
        finally:
            await self.give_back(connection)

    async def _undo(self, connection: AsyncConnection, error: psycopg.Error) -> None:
        """Go back to before the statement that failed, if that is possible."""
        status = connection.pgconn.transaction_status
        if status == TransactionStatus.INERROR and not was_rolled_back(error):
            try:
                await connection.cached.execute(_BACK, prepare=False)
            except psycopg.Error as worse:
                error = worse
            else:
                return
        if status != TransactionStatus.INTRANS:
            self._failure = self.error(error)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncTransaction]:
        """Another, on a connection beside the pool: models are made for everybody at once.

        It must not wait for one of the pool, which others have that wait for one as well.
        """
        connection = await connect_beside(self._settings, self.error)
        try:
            async with connection.transaction():
                yield AsyncTransaction(connection)
        finally:
            await connection.close()
