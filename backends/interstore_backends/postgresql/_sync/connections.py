# Generated from backends/interstore_backends/postgresql/_async/connections.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 15c249cddf065bfb67b81fe3

"""The pool of connections, and one of them kept for a session."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from os import getpid
from time import monotonic
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from interstore.errors import InterstoreError, UnavailableError
from interstore.transactions import Isolation
from interstore_backends.postgresql._sync.pinned import Pinned
from interstore_backends.postgresql._sync.statements import Connection, Statements
from interstore_backends.postgresql._sync.transacted import Transacted
from interstore_backends.postgresql.conninfo import (
    Attempts,
    connect_arguments,
    session_statements,
)
from interstore_backends.postgresql.errors import OLDEST, Translator, too_old
from interstore_backends.postgresql.settings import PostgreSQLSettings

__all__ = ["Connections"]


class Connections(Statements):
    """Connections to one database, at most `pool_size` of them."""

    def __init__(self, settings: PostgreSQLSettings) -> None:
        secrets = () if settings.password is None else (settings.password,)
        super().__init__(settings, Translator(settings.place, settings.timeout, secrets))
        self._attempts = Attempts()
        self._process = 0
        self._pool: ConnectionPool[Connection] | None = None
        self._sessions: set[Pinned] = set()

    def __del__(self) -> None:
        if self._pool is not None and self._process == getpid():
            warnings.warn(
                f"{self._settings.place}: a store was not closed; use it as a context manager, "
                "or call its close()",
                ResourceWarning,
                stacklevel=2,
            )

    @property
    def pool(self) -> ConnectionPool[Connection]:
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

    def open(self) -> None:
        """Open the pool, once a first connection has shown that it can be had."""
        if self._pool is not None:
            return
        arguments = self._arguments()
        self._try(arguments)
        pool = self._new_pool(arguments)
        try:
            pool.open(wait=True, timeout=self._timeout)
        except PoolTimeout:
            problem = self._why_none()
        else:
            self._opened(pool)
            return
        raise problem

    def _arguments(self) -> dict[str, Any]:
        return connect_arguments(self._settings) | {"context": self._attempts}

    def _opened(self, pool: ConnectionPool[Connection]) -> None:
        self._pool, self._process = pool, getpid()

    def _new_pool(self, arguments: dict[str, Any]) -> ConnectionPool[Connection]:
        return ConnectionPool(
            connection_class=Connection,
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

    def close(self) -> None:
        """Close every connection; sessions end."""
        pool, self._pool = self._pool, None
        for session in list(self._sessions):
            session.close()
        if pool is not None:
            pool.close()

    def _try(self, arguments: dict[str, Any]) -> None:
        """Connect once, because a pool only says that it had no success."""
        problem: InterstoreError
        try:
            connection = Connection.connect(**arguments)
        except psycopg.Error as error:
            problem = self.error(error)
        else:
            version = connection.info.server_version
            connection.close()
            if version >= OLDEST:
                return
            problem = too_old(self._settings.place, version)
        # Outside the handler: the driver's error may hold the password.
        raise problem

    def _configure(self, connection: Connection) -> None:
        statements = session_statements(self._settings)
        if statements is not None:
            connection.execute(statements.encode(), prepare=False)
        connection.cached = psycopg.RawCursor(connection)

    def take(self, deadline: float) -> Connection:
        pool = self.pool
        problem: InterstoreError
        try:
            connection = pool.getconn(deadline - monotonic())
        except PoolTimeout:
            problem = self._why_none()
        except PoolClosed:
            problem = UnavailableError("the store was closed meanwhile", backend="postgresql")
        else:
            connection.deadline = deadline
            return connection
        raise problem

    def give_back(self, connection: Connection) -> None:
        connection.deadline = None
        if self._pool is None:
            connection.close()
        else:
            self._pool.putconn(connection)

    @contextmanager
    def session(self) -> Generator[Statements]:
        session = Pinned(self, self._settings)
        self._sessions.add(session)
        try:
            session.open()
            yield session
        finally:
            self._sessions.discard(session)
            session.close()

    @contextmanager
    def transacted(self, isolation: Isolation) -> Generator[Statements]:
        transaction = Transacted(self, self._settings)
        self._sessions.add(transaction)
        try:
            transaction.begin(isolation)
            yield transaction
            transaction.commit()
        finally:
            self._sessions.discard(transaction)
            transaction.roll_back()

    def _why_none(self) -> InterstoreError:
        """Why no connection was to be had: none can be made, or all are in use."""
        problem = self._attempts.problem
        if problem is not None:
            return self.error(problem)
        if self._attempts.running:
            return self.error.timed_out()
        return self.error.exhausted(self._settings.pool_size)
