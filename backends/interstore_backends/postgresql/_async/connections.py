"""The pool, and statements on it: bounded in time, repeated only where that is safe."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from os import getpid
from select import POLLIN, poll
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from interstore.errors import InterstoreError, UnavailableError
from interstore_backends.postgresql.conninfo import (
    Attempts,
    connect_arguments,
    session_statements,
)
from interstore_backends.postgresql.errors import Stalled, Translator, is_lost, was_rolled_back
from interstore_backends.postgresql.rows import Row
from interstore_backends.postgresql.settings import PostgreSQLSettings
from interstore_backends.postgresql.waiting import until

__all__ = ["AsyncConnection", "AsyncConnections"]

T = TypeVar("T")
Parameters = Sequence[str | None]

_FEW: Final = 20
_LAST_WORDS: Final = 10
_ROLLBACKS: Final = 20
"""How often what the server undid because of others is repeated."""


class AsyncConnection(psycopg.AsyncConnection[Row]):
    """A connection that waits no longer than to its deadline."""

    deadline: float | None = None
    cached: psycopg.AsyncRawCursor[Row]

    @classmethod
    async def connect(cls, conninfo: str = "", **arguments: Any) -> Any:
        attempts: Attempts = arguments["context"]
        attempts.running += 1
        try:
            connection = await super().connect(conninfo, **arguments)
        except psycopg.Error as error:
            attempts.problem = error
            raise
        finally:
            attempts.running -= 1
        attempts.problem = None
        return connection

    async def wait(self, gen: PQGen[T], *args: Any, **kwargs: Any) -> T:
        if self.deadline is not None:
            gen = until(self.deadline, gen)
        try:
            return await super().wait(gen, *args, **kwargs)
        except Stalled:
            # What it says next would answer the statement that nobody waits for any more.
            self.pgconn.finish()
            raise


class AsyncTransaction:
    """Statements that take effect together."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._cursor = psycopg.AsyncRawCursor(connection)

    async def run(self, sql: str, values: Parameters = ()) -> list[Row]:
        """The rows that a statement gives, if it gives any."""
        await self._cursor.execute(sql.encode(), values)
        return [] if self._cursor.description is None else await self._cursor.fetchall()


class AsyncConnections:
    """Connections to one database, at most `pool_size` of them."""

    def __init__(self, settings: PostgreSQLSettings) -> None:
        secrets = () if settings.password is None else (settings.password,)
        self.error = Translator(settings.place, settings.timeout, secrets)
        self._settings = settings
        self._timeout = settings.timeout
        self._prepare = True if settings.prepare else None
        self._attempts = Attempts()
        self._process = 0
        self._pool: AsyncConnectionPool[AsyncConnection] | None = None

    @property
    def pool(self) -> AsyncConnectionPool[AsyncConnection]:
        """The open pool.

        Raises:
            UnavailableError: there is none, or it is another process's.
        """
        if self._pool is None:
            raise UnavailableError("the store is not connected", backend="postgresql")
        if self._process != getpid():
            # Both would read and write the same sockets.
            raise UnavailableError(
                "the store was connected before this process was forked from another; connect "
                "a store of its own in each process",
                backend="postgresql",
            )
        return self._pool

    async def open(self) -> None:
        """Open the pool, once a first connection has shown that it can be had."""
        if self._pool is not None:
            return
        arguments = connect_arguments(self._settings) | {"context": self._attempts}
        await self._try(arguments)
        pool = AsyncConnectionPool(
            connection_class=AsyncConnection,
            kwargs=arguments,
            min_size=1,
            max_size=self._settings.pool_size,
            open=False,
            configure=self._configure,
            name=self._settings.place,
            timeout=self._timeout,
            reconnect_timeout=5.0,
            num_workers=2,
        )
        try:
            await pool.open(wait=True, timeout=self._timeout)
        except PoolTimeout:
            problem = self._why_none()
        else:
            self._pool, self._process = pool, getpid()
            return
        raise problem

    async def close(self) -> None:
        """Close every connection."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def _try(self, arguments: dict[str, Any]) -> None:
        """Connect once, because a pool only says that it had no success."""
        problem: InterstoreError
        try:
            connection = await AsyncConnection.connect(**arguments)
        except psycopg.Error as error:
            problem = self.error(error)
        else:
            await connection.close()
            return
        # Outside the handler: the driver's error may hold the password.
        raise problem

    async def _configure(self, connection: AsyncConnection) -> None:
        statements = session_statements(self._settings)
        if statements is not None:
            await connection.execute(statements.encode(), prepare=False)
        connection.cached = psycopg.AsyncRawCursor(connection)

    # Statements.

    async def read(self, sql: str, values: Parameters = (), *, prepare: bool = False) -> list[Row]:
        """The rows of a query. Repeated on another connection if one is lost."""
        deadline = monotonic() + self._timeout
        query, prepared = sql.encode(), self._prepare if prepare else None
        lost = 0
        while True:
            connection = await self.take(deadline)
            try:
                cursor = connection.cached
                await cursor.execute(query, values, prepare=prepared)
                rows = await cursor.fetchall()
                if len(rows) > _FEW:  # which the cursor would keep
                    connection.cached = psycopg.AsyncRawCursor(connection)
                return rows
            except psycopg.Error as error:
                lost = self._again(error, lost)
            finally:
                await self.give_back(connection)

    async def write(
        self, sql: str, values: Parameters = (), *, prepare: bool = False, returning: bool = False
    ) -> tuple[int, list[Row]]:
        """The number of rows that a statement wrote, and those that it returns."""
        deadline = monotonic() + self._timeout
        query, prepared = sql.encode(), self._prepare if prepare else None
        undone = 0
        while True:
            connection = await self.take(deadline)
            try:
                if await self._is_dead(connection):
                    continue  # with another
                cursor = connection.cached
                await cursor.execute(query, values, prepare=prepared)
                return cursor.rowcount, await cursor.fetchall() if returning else []
            except psycopg.Error as error:
                undone += 1
                if not was_rolled_back(error) or undone > _ROLLBACKS:
                    raise
            finally:
                await self.give_back(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncTransaction]:
        """A transaction on a connection of its own."""
        deadline = monotonic() + self._timeout
        connection = await self.take(deadline)
        while await self._is_dead(connection):
            await self.give_back(connection)
            connection = await self.take(deadline)
        try:
            async with connection.transaction():
                yield AsyncTransaction(connection)
        finally:
            await self.give_back(connection)

    def _again(self, error: psycopg.Error, lost: int) -> int:
        """How many connections were lost, this one included; or raise `error`."""
        if (is_lost(error) or was_rolled_back(error)) and lost <= self._settings.pool_size:
            return lost + 1
        raise error

    async def _is_dead(self, connection: AsyncConnection) -> bool:
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
        await connection.close()
        return True

    # The pool.

    async def take(self, deadline: float) -> AsyncConnection:
        """A connection, to be given back."""
        pool = self.pool
        try:
            connection = await pool.getconn(deadline - monotonic())
        except (PoolTimeout, PoolClosed):
            problem = self._why_none()
        else:
            connection.deadline = deadline
            return connection
        raise problem

    async def give_back(self, connection: AsyncConnection) -> None:
        """Give a connection back; one that is broken is replaced."""
        connection.deadline = None
        if self._pool is None:
            await connection.close()
        else:
            await self._pool.putconn(connection)

    def _why_none(self) -> InterstoreError:
        """Why no connection was to be had: none can be made, or all are in use."""
        problem = self._attempts.problem
        if problem is not None:
            return self.error(problem)
        if self._attempts.running:
            return self.error.timed_out()
        return self.error.exhausted(self._settings.pool_size)
