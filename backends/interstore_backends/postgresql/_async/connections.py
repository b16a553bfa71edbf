"""The pool of connections, and one of them kept for a session."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from os import getpid
from time import monotonic
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from interstore.errors import InterstoreError, UnavailableError
from interstore.transactions import Isolation
from interstore_backends.postgresql._async.pinned import AsyncPinned
from interstore_backends.postgresql._async.statements import AsyncConnection, AsyncStatements
from interstore_backends.postgresql._async.transacted import AsyncTransacted
from interstore_backends.postgresql.conninfo import (
    Attempts,
    connect_arguments,
    session_statements,
)
from interstore_backends.postgresql.errors import OLDEST, Translator, too_old
from interstore_backends.postgresql.settings import PostgreSQLSettings

__all__ = ["AsyncConnections"]


class AsyncConnections(AsyncStatements):
    """Connections to one database, at most `pool_size` of them."""

    def __init__(self, settings: PostgreSQLSettings) -> None:
        secrets = () if settings.password is None else (settings.password,)
        super().__init__(settings, Translator(settings.place, settings.timeout, secrets))
        self._attempts = Attempts()
        self._process = 0
        self._pool: AsyncConnectionPool[AsyncConnection] | None = None
        self._sessions: set[AsyncPinned] = set()

    def __del__(self) -> None:
        if self._pool is not None and self._process == getpid():
            warnings.warn(
                f"{self._settings.place}: a store was not closed; use it as a context manager, "
                "or call its close()",
                ResourceWarning,
                stacklevel=2,
            )

    @property
    def pool(self) -> AsyncConnectionPool[AsyncConnection]:
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
        arguments = self._arguments()
        await self._try(arguments)
        pool = self._new_pool(arguments)
        try:
            await pool.open(wait=True, timeout=self._timeout)
        except PoolTimeout:
            problem = self._why_none()
        else:
            self._opened(pool)
            return
        raise problem

    def _arguments(self) -> dict[str, Any]:
        return connect_arguments(self._settings) | {"context": self._attempts}

    def _opened(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self._pool, self._process = pool, getpid()

    def _new_pool(self, arguments: dict[str, Any]) -> AsyncConnectionPool[AsyncConnection]:
        return AsyncConnectionPool(
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

    async def close(self) -> None:
        """Close every connection; sessions end."""
        pool, self._pool = self._pool, None
        for session in list(self._sessions):
            await session.close()
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
            version = connection.info.server_version
            await connection.close()
            if version >= OLDEST:
                return
            problem = too_old(self._settings.place, version)
        # Outside the handler: the driver's error may hold the password.
        raise problem

    async def _configure(self, connection: AsyncConnection) -> None:
        statements = session_statements(self._settings)
        if statements is not None:
            await connection.execute(statements.encode(), prepare=False)
        connection.cached = psycopg.AsyncRawCursor(connection)

    async def take(self, deadline: float) -> AsyncConnection:
        pool = self.pool
        problem: InterstoreError
        try:
            connection = await pool.getconn(deadline - monotonic())
        except PoolTimeout:
            problem = self._why_none()
        except PoolClosed:
            problem = UnavailableError("the store was closed meanwhile", backend="postgresql")
        else:
            connection.deadline = deadline
            return connection
        raise problem

    async def give_back(self, connection: AsyncConnection) -> None:
        connection.deadline = None
        if self._pool is None:
            await connection.close()
        else:
            await self._pool.putconn(connection)

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncStatements]:
        session = AsyncPinned(self, self._settings)
        self._sessions.add(session)
        try:
            await session.open()
            yield session
        finally:
            self._sessions.discard(session)
            await session.close()

    @asynccontextmanager
    async def transacted(self, isolation: Isolation) -> AsyncGenerator[AsyncStatements]:
        transaction = AsyncTransacted(self, self._settings)
        self._sessions.add(transaction)
        try:
            await transaction.begin(isolation)
            yield transaction
            await transaction.commit()
        finally:
            self._sessions.discard(transaction)
            await transaction.roll_back()

    def _why_none(self) -> InterstoreError:
        """Why no connection was to be had: none can be made, or all are in use."""
        problem = self._attempts.problem
        if problem is not None:
            return self.error(problem)
        if self._attempts.running:
            return self.error.timed_out()
        return self.error.exhausted(self._settings.pool_size)
