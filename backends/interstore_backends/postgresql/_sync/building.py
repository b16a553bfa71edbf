# Generated from backends/interstore_backends/postgresql/_async/building.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: d136a45ff04436b2dc72aedf

"""Building and removing the indexes of one model, one at a time, while others write.

The steps cannot be one transaction, so the declaration goes first and is marked as ready last.
What is declared and not ready while nobody builds is what an interrupted build has left; the
next one removes it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Final

import msgspec
import psycopg

from interstore._compat import sleep
from interstore.errors import InterstoreError, OperationTimeoutError
from interstore.indexes import Index, check_new_index, clashing, unfit
from interstore_backends.postgresql._sync.statements import Connection, Transaction
from interstore_backends.postgresql.conninfo import Attempts, patient_arguments, session_statements
from interstore_backends.postgresql.errors import REFUSALS, Translator
from interstore_backends.postgresql.indexes import IndexStatements, expiry_index
from interstore_backends.postgresql.schema import EXPIRY, Registry, Table
from interstore_backends.postgresql.settings import PostgreSQLSettings

__all__ = ["Builder", "connect_beside"]

_ATTEMPTS: Final = 5
"""How often building starts again because others stored what does not fit meanwhile."""
_LOCK_MILLISECONDS: Final = 500
"""So long, a change of the table waits for others to finish: they wait behind it."""
_PAUSE: Final = 0.3
_PATIENCE_MILLISECONDS: Final = 2_000
"""So long, the index of what expires waits for others' transactions to end."""

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Index).decode


class Builder:
    """Who builds the indexes of a model, having made sure that nobody else does."""

    def __init__(
        self,
        connection: Connection,
        settings: PostgreSQLSettings,
        registry: Registry,
        table: Table,
    ) -> None:
        self._connection = connection
        self._run = Transaction(connection).run
        self._settings = settings
        self._registry = registry
        self._table = table

    @classmethod
    @contextmanager
    def alone(
        cls, settings: PostgreSQLSettings, error: Translator, registry: Registry, table: Table
    ) -> Generator[Builder]:
        """The one builder of a model, on two connections beside the pool.

        One does the work; an open transaction on the other has the lock, which poolers keep.
        """
        guard = connect_beside(settings, error)
        try:
            _wait_for_turn(Transaction(guard), registry.try_lock(table.model))
            connection = connect_beside(settings, error)
            try:
                yield cls(connection, settings, registry, table)
            finally:
                connection.close()
                with suppress(psycopg.Error):  # if it is lost, so is the lock
                    Transaction(guard).run("COMMIT")
        finally:
            guard.close()

    def ensure(self, index: Index) -> None:
        """Build an index unless it is there, and have the planner know what is in it."""
        declared = self._declared()
        existing = [each for each, ready in declared if ready]
        if index in existing:
            return
        check_new_index(index, existing)
        for each, ready in declared:
            if not ready:
                self._remove(each)
        for _ in range(_ATTEMPTS - 1):
            try:
                self._build(index)
                break
            except REFUSALS:  # by what was stored meanwhile; next time, it is found
                pass
        else:
            self._build(index)
        self._run(f"ANALYZE {self._table.name}")

    def index_expiry(self) -> None:
        """Build the index of what expires unless it is there."""
        drop, create = expiry_index(self._registry.schema, self._table)
        key = [self._table.model, EXPIRY]
        ready = self._run(self._registry.is_ready, key)
        if ready == [(False,)]:
            # Whoever sweeps does not wait long for others' transactions: there is another sweep.
            self._run(f"SET lock_timeout = {_PATIENCE_MILLISECONDS}")
            for statement in (drop, create):  # an interrupted build leaves an invalid one
                self._run(statement)
            self._run(self._registry.finish, key)

    def drop(self, name: str) -> bool:
        """Remove an index; return whether it existed."""
        for index, _ in self._declared():
            if index.name == name:
                self._remove(index)
                return True
        return False

    def _declared(self) -> list[tuple[Index, bool]]:
        rows = self._run(self._registry.declared, [self._table.model])
        return [(_decode(definition), ready) for definition, ready in rows]

    def _build(self, index: Index) -> None:
        statements = self._statements(index)
        self._check_stored(index, statements)
        key = [self._table.model, index.name]
        begin = [(self._registry.declare, [*key, _encode(index).decode()])]
        if statements.demands:
            begin.append((statements.demand, []))
        self._briefly(begin)
        try:
            if statements.demands:
                self._run(statements.validate)
            for statement in statements.build:
                self._run(statement)
            if not self._run(self._registry.finish, key):
                # With its model, which may have been made again since.
                raise psycopg.errors.UndefinedTable(f"{index.name} was dropped meanwhile")
        except BaseException:
            # What cannot be removed now, the next build removes.
            with suppress(psycopg.Error, InterstoreError):
                self._remove(index)
            raise

    def _remove(self, index: Index) -> None:
        """Remove an index, or what there is of it."""
        statements = self._statements(index)
        key = [self._table.model, index.name]
        begin: list[tuple[str, Sequence[str]]] = [(self._registry.begin_removal, key)]
        if statements.demands:
            begin.append((statements.yield_demand, []))
        self._briefly(begin)
        for statement in statements.remove:
            self._run(statement)
        self._run(self._registry.forget, key)

    def _statements(self, index: Index) -> IndexStatements:
        return IndexStatements(self._registry.schema, self._table, index)

    def _check_stored(self, index: Index, statements: IndexStatements) -> None:
        """Refuse an index that stored documents stand in the way of."""
        if statements.demands:
            [(count,)] = self._run(statements.count_unfit)
            if count:
                ids = [id for (id,) in self._run(statements.first_unfit)]
                raise unfit(self._table.model, index, count, ids)
        if index.unique:
            [(count,)] = self._run(statements.count_clashing)
            if count:
                ids = [id for (id,) in self._run(statements.first_clashing)]
                raise clashing(self._table.model, index, count, ids)

    def _briefly(self, statements: Sequence[tuple[str, Sequence[str]]]) -> None:
        """A transaction that needs the table for itself for a moment.

        It waits for those who use the table, but so shortly that nobody waits long behind it,
        and tries again until the time of an operation is up.
        """
        deadline = monotonic() + self._settings.timeout
        while True:
            try:
                with self._connection.transaction():
                    self._run(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
                    for sql, values in statements:
                        self._run(sql, values)
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
            sleep(_PAUSE)


def _wait_for_turn(guard: Transaction, try_lock: str) -> None:
    """Begin a transaction that has the lock.

    Whoever has it builds, and in the end waits for the transactions that ran a statement at that
    moment. So each attempt is a transaction of its own: one for all would wait for the builder,
    and the builder for it.
    """
    wait = 0.05
    while True:
        guard.run("BEGIN")
        if guard.run(try_lock) == [(True,)]:
            return
        guard.run("ROLLBACK")
        sleep(wait)
        wait = min(wait * 2, 1.0)


def connect_beside(settings: PostgreSQLSettings, error: Translator) -> Connection:
    """A connection beside the pool, for statements that may take long."""
    try:
        connection: Connection = Connection.connect(
            **patient_arguments(settings), context=Attempts()
        )
    except psycopg.Error as problem:
        raised = error(problem)
    else:
        if (statements := session_statements(settings)) is not None:
            connection.execute(statements.encode(), prepare=False)
        return connection
    # Outside the handler: the driver's error may hold the password.
    raise raised
