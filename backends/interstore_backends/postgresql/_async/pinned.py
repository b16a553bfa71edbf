"""One connection, kept for a burst of statements."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import monotonic
from typing import Final

from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from interstore._compat_async import ASYNC, Lock
from interstore.errors import UnavailableError
from interstore.transactions import Isolation
from interstore_backends.postgresql._async.statements import AsyncConnection, AsyncStatements
from interstore_backends.postgresql.settings import PostgreSQLSettings

if ASYNC:
    import asyncio

__all__ = ["AsyncPinned"]

_IDLE: Final = TransactionStatus.IDLE


class AsyncPinned(AsyncStatements):
    """Statements on one connection of others, used by one caller at a time.

    The connection is taken by `open`. One that breaks is given back for another, as it would
    be between two statements outside.
    """

    def __init__(self, connections: AsyncStatements, settings: PostgreSQLSettings) -> None:
        super().__init__(settings, connections.error)
        self._connections = connections
        self._lock = Lock()
        self._waiting = 0
        self._connection: AsyncConnection | None = None
        self._ended = False

    @property
    def pool(self) -> AsyncConnectionPool[AsyncConnection]:
        return self._connections.pool

    async def open(self) -> None:
        if self._connection is None:
            await self.give_back(await self.take(monotonic() + self._timeout))

    async def close(self) -> None:
        self._ended = True
        # If it is in use, whoever uses it gives it back.
        if ASYNC:
            free = not self._lock.locked() and await self._lock.acquire()
        else:
            free = self._lock.acquire(blocking=False)
        if free:
            await self._leave()

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncStatements]:
        yield self

    def transacted(self, isolation: Isolation) -> AbstractAsyncContextManager[AsyncStatements]:
        return self._connections.transacted(isolation)

    async def take(self, deadline: float) -> AsyncConnection:
        _ = self.pool  # raises if it is closed, or another process's
        if not await self._enter(deadline):
            raise self.error.busy()
        try:
            if self._ended:
                raise UnavailableError(
                    "the session has ended; use the store, or open another session",
                    backend="postgresql",
                )
            connection = self._connection
            if connection is None:
                connection = self._connection = await self._connections.take(deadline)
        except BaseException:
            self._lock.release()
            raise
        connection.deadline = deadline
        return connection

    async def _enter(self, deadline: float) -> bool:
        """Whether the lock was free in time."""
        if ASYNC:
            if not self._waiting and not self._lock.locked():
                return await self._lock.acquire()
            self._waiting += 1
            try:
                async with asyncio.timeout(deadline - monotonic()):
                    return await self._lock.acquire()
            except TimeoutError:
                return False
            finally:
                self._waiting -= 1
        else:
            return self._lock.acquire(timeout=max(0, deadline - monotonic()))

    async def give_back(self, connection: AsyncConnection) -> None:
        connection.deadline = None
        await self._leave()

    async def _leave(self) -> None:
        """Release the lock; and the connection, if it broke or the session is over."""
        connection = self._connection
        try:
            if connection is not None and (
                self._ended or connection.pgconn.transaction_status != _IDLE
            ):
                self._connection = None
                await self._connections.give_back(connection)
        finally:
            self._lock.release()
        if self._ended and self._connection is not None:  # it ended just now
            await self.close()
