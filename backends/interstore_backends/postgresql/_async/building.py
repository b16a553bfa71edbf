"""Building and removing the indexes of one model, one at a time, while others write.

The steps cannot be one transaction, so the declaration goes first and is marked as ready last.
What is declared and not ready while nobody builds is what an interrupted build has left; the
next one removes it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Final

import msgspec
import psycopg

from interstore._compat_async import sleep
from interstore.errors import InterstoreError, OperationTimeoutError
from interstore.indexes import Index, check_new_index, clashing, unfit
from interstore_backends.postgresql._async.statements import AsyncConnection, AsyncTransaction
from interstore_backends.postgresql.conninfo import Attempts, patient_arguments, session_statements
from interstore_backends.postgresql.errors import REFUSALS, Translator
from interstore_backends.postgresql.indexes import IndexStatements, expiry_index
from interstore_backends.postgresql.schema import EXPIRY, Registry, Table
from interstore_backends.postgresql.settings import PostgreSQLSettings

__all__ = ["AsyncBuilder", "connect_beside"]

_ATTEMPTS: Final = 5
"""How often building starts again because others stored what does not fit meanwhile."""
_LOCK_MILLISECONDS: Final = 500
"""So long, a change of the table waits for others to finish: they wait behind it."""
_PAUSE: Final = 0.3
_PATIENCE_MILLISECONDS: Final = 2_000
"""So long, the index of what expires waits for others' transactions to end."""

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Index).decode


class AsyncBuilder:
    """Who builds the indexes of a model, having made sure that nobody else does."""

    def __init__(
        self,
        connection: AsyncConnection,
        settings: PostgreSQLSettings,
        registry: Registry,
        table: Table,
    ) -> None:
        self._connection = connection
        self._run = AsyncTransaction(connection).run
        self._settings = settings
        self._registry = registry
        self._table = table

    @classmethod
    @asynccontextmanager
    async def alone(
        cls, settings: PostgreSQLSettings, error: Translator, registry: Registry, table: Table
    ) -> AsyncGenerator[AsyncBuilder]:
        """The one builder of a model, on two connections beside the pool.

        One does the work; an open transaction on the other has the lock, which poolers keep.
        """
        guard = await connect_beside(settings, error)
        try:
            await _wait_for_turn(AsyncTransaction(guard), registry.try_lock(table.model))
            connection = await connect_beside(settings, error)
            try:
                yield cls(connection, settings, registry, table)
            finally:
                await connection.close()
                with suppress(psycopg.Error):  # if it is lost, so is the lock
                    await AsyncTransaction(guard).run("COMMIT")
        finally:
            await guard.close()

    async def ensure(self, index: Index) -> None:
        """Build an index unless it is there, and have the planner know what is in it."""
        declared = await self._declared()
        existing = [each for each, ready in declared if ready]
        if index in existing:
            return
        check_new_index(index, existing)
        for each, ready in declared:
            if not ready:
                await self._remove(each)
        for _ in range(_ATTEMPTS - 1):
            try:
                await self._build(index)
                break
            except REFUSALS:  # by what was stored meanwhile; next time, it is found
                pass
        else:
            await self._build(index)
        await self._run(f"ANALYZE {self._table.name}")

    async def index_expiry(self) -> None:
        """Build the index of what expires unless it is there."""
        drop, create = expiry_index(self._registry.schema, self._table)
        key = [self._table.model, EXPIRY]
        ready = await self._run(self._registry.is_ready, key)
        if ready == [(False,)]:
            # Whoever sweeps does not wait long for others' transactions: there is another sweep.
            await self._run(f"SET lock_timeout = {_PATIENCE_MILLISECONDS}")
            for statement in (drop, create):  # an interrupted build leaves an invalid one
                await self._run(statement)
            await self._run(self._registry.finish, key)

    async def drop(self, name: str) -> bool:
        """Remove an index; return whether it existed."""
        for index, _ in await self._declared():
            if index.name == name:
                await self._remove(index)
                return True
        return False

    async def _declared(self) -> list[tuple[Index, bool]]:
        rows = await self._run(self._registry.declared, [self._table.model])
        return [(_decode(definition), ready) for definition, ready in rows]

    async def _build(self, index: Index) -> None:
        statements = self._statements(index)
        await self._check_stored(index, statements)
        key = [self._table.model, index.name]
        begin = [(self._registry.declare, [*key, _encode(index).decode()])]
        if statements.demands:
            begin.append((statements.demand, []))
        await self._briefly(begin)
        try:
            if statements.demands:
                await self._run(statements.validate)
            for statement in statements.build:
                await self._run(statement)
            if not await self._run(self._registry.finish, key):
                # With its model, which may have been made again since.
                raise psycopg.errors.UndefinedTable(f"{index.name} was dropped meanwhile")
        except BaseException:
            # What cannot be removed now, the next build removes.
            with suppress(psycopg.Error, InterstoreError):
                await self._remove(index)
            raise

    async def _remove(self, index: Index) -> None:
        """Remove an index, or what there is of it."""
        statements = self._statements(index)
        key = [self._table.model, index.name]
        begin: list[tuple[str, Sequence[str]]] = [(self._registry.begin_removal, key)]
        if statements.demands:
            begin.append((statements.yield_demand, []))
        await self._briefly(begin)
        for statement in statements.remove:
            await self._run(statement)
        await self._run(self._registry.forget, key)

    def _statements(self, index: Index) -> IndexStatements:
        return IndexStatements(self._registry.schema, self._table, index)

    async def _check_stored(self, index: Index, statements: IndexStatements) -> None:
        """Refuse an index that stored documents stand in the way of."""
        if statements.demands:
            [(count,)] = await self._run(statements.count_unfit)
            if count:
                ids = [id for (id,) in await self._run(statements.first_unfit)]
                raise unfit(self._table.model, index, count, ids)
        if index.unique:
            [(count,)] = await self._run(statements.count_clashing)
            if count:
                ids = [id for (id,) in await self._run(statements.first_clashing)]
                raise clashing(self._table.model, index, count, ids)

    async def _briefly(self, statements: Sequence[tuple[str, Sequence[str]]]) -> None:
        """A transaction that needs the table for itself for a moment.

        It waits for those who use the table, but so shortly that nobody waits long behind it,
        and tries again until the time of an operation is up.
        """
        deadline = monotonic() + self._settings.timeout
        while True:
            try:
                async with self._connection.transaction():
                    await self._run(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
                    for sql, values in statements:
                        await self._run(sql, values)
                return
            except psycopg.errors.LockNotAvailable as error:
                if monotonic() >= deadline:
                    raise OperationTimeoutError(
                        f"others have used the table of {self._table.model!r} without a pause for "
                        f"{self._settings.timeout:g} seconds; end their transactions (see "
                        "pg_stat_activity), or raise DATABASE_TIMEOUT",
                        backend="postgresql",
                        model=self._table.model,
                    ) from error
            await sleep(_PAUSE)


async def _wait_for_turn(guard: AsyncTransaction, try_lock: str) -> None:
    """Begin a transaction that has the lock.

    Whoever has it builds, and in the end waits for the transactions that ran a statement at that
    moment. So each attempt is a transaction of its own: one for all would wait for the builder,
    and the builder for it.
    """
    wait = 0.05
    while True:
        await guard.run("BEGIN")
        if await guard.run(try_lock) == [(True,)]:
            return
        await guard.run("ROLLBACK")
        await sleep(wait)
        wait = min(wait * 2, 1.0)


async def connect_beside(settings: PostgreSQLSettings, error: Translator) -> AsyncConnection:
    """A connection beside the pool, for statements that may take long."""
    try:
        connection: AsyncConnection = await AsyncConnection.connect(
            **patient_arguments(settings), context=Attempts()
        )
    except psycopg.Error as problem:
        raised = error(problem)
    else:
        if (statements := session_statements(settings)) is not None:
            await connection.execute(statements.encode(), prepare=False)
        return connection
    # Outside the handler: the driver's error may hold the password.
    raise raised
