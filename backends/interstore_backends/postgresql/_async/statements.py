"""Statements on whatever connection there is: bounded in time, repeated only where that is safe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from select import POLLIN, poll
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg_pool import AsyncConnectionPool

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

__all__ = ["AsyncConnection", "AsyncStatements", "AsyncTransaction"]

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
            # The driver's frames hold the socket of an attempt that timed out, in a cycle.
            error.__traceback__ = None
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


class AsyncStatements(ABC):
    """What runs statements on connections that it takes and gives back."""

    def __init__(self, settings: PostgreSQLSettings, error: Translator) -> None:
        self.error = error
        self._settings = settings
        self._timeout = settings.timeout
        self._prepare = True if settings.prepare else None

    @property
    @abstractmethod
    def pool(self) -> AsyncConnectionPool[AsyncConnection]:
        """The open pool.

        Raises:
            UnavailableError: there is none, or it is another process's.
        """

    @abstractmethod
    async def open(self) -> None:
        """Make ready; called again, do nothing."""

    @abstractmethod
    async def close(self) -> None:
        """Give every connection back; called again, do nothing."""

    @abstractmethod
    def session(self) -> AbstractAsyncContextManager[AsyncStatements]:
        """The same on one connection, which it keeps."""

    @abstractmethod
    def transacted(self, isolation: Isolation) -> AbstractAsyncContextManager[AsyncStatements]:
        """Statements that take effect together, when the block is left without an error."""

    @abstractmethod
    async def take(self, deadline: float) -> AsyncConnection:
        """A connection, to be given back."""

    @abstractmethod
    async def give_back(self, connection: AsyncConnection) -> None:
        """Give a connection back; one that is broken is replaced."""

    async def read(
        self, sql: str, values: Parameters = (), *, prepare: bool | None = None
    ) -> list[Row]:
        """The rows of a query. Repeated on another connection if one is lost.

        `prepare` says whether it is a prepared statement: at once, never, or, if it is
        ``None``, when it was repeated often enough.
        """
        deadline = monotonic() + self._timeout
        query, prepared = sql.encode(), self._prepare if prepare else prepare
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
            connection = await self.take(deadline)
            try:
                if await self._is_dead(connection):
                    continue  # with another
                cursor = connection.cached
                await cursor.execute(query, values, prepare=prepared)
                return cursor.rowcount, await cursor.fetchall() if returning else []
            except psycopg.Error as error:
                if is_lost(error):
                    raise Unsure(str(error)) from error
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
        except psycopg.Error as error:
            if is_lost(error):
                raise Unsure(str(error)) from error
            raise
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
