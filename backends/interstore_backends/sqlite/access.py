"""How every operation of the engine runs: a cursor, the model's table, errors translated."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, TypeVar

import msgspec

from interstore.expiry import seconds_until, unexpired
from interstore.filters.tree import Node
from interstore.names import creation_is_off
from interstore_backends.sqlite import expiry, indexes, schema
from interstore_backends.sqlite.compile import Compiled, compile_filter
from interstore_backends.sqlite.connections import Connections
from interstore_backends.sqlite.driver import load_driver
from interstore_backends.sqlite.errors import is_stale, is_too_complex
from interstore_backends.sqlite.memory import MemoryConnections
from interstore_backends.sqlite.rows import StaleTable
from interstore_backends.sqlite.schema import Table
from interstore_backends.sqlite.settings import SQLiteSettings
from interstore_backends.sqlite.waiting import Turn

__all__ = ["Access"]

T = TypeVar("T")


class Access:
    """Runs work on the tables of models, which it remembers.

    A table may be dropped, or made anew in another format, by another process at any time:
    work that meets that is done once more with what is there now.

    Raises:
        MissingDriverError, ConfigurationError: the driver is not there, or too old.
    """

    def __init__(self, settings: SQLiteSettings) -> None:
        self._settings = settings
        self._driver = load_driver(settings.driver)
        kind = MemoryConnections if settings.in_memory else Connections
        self._connections = kind(settings, self._driver)
        self._translate = self._connections.translate
        self._format: schema.Format = self._new_format()
        self._tables: dict[str, Table] = {}
        self._began: dict[str, int] = {}
        self._caught = (self._driver.Error, StaleTable, msgspec.DecodeError)

    def _new_format(self) -> schema.Format:
        if not self._settings.jsonb:
            return "text"
        schema.check_format("jsonb", self._driver.version)
        return "jsonb"

    def _read(self, model: str, work: Callable[[Any, Table], T]) -> T | None:
        """What `work` returns, called with a cursor to read; ``None`` if there is no such model."""
        connections = self._connections
        for attempt in (1, 2):
            cursor = connections.take()
            try:
                table = self._tables.get(model) or self._load(cursor, model)
                return None if table is None else work(cursor, table)
            except self._caught as error:
                self._forget(model, error, final=attempt == 2)
            finally:
                connections.give(cursor)
        raise AssertionError("unreachable")

    def _write(
        self,
        model: str,
        work: Callable[[Any, Table], T],
        *,
        create: bool = False,
        expires: str | None = None,
    ) -> T | None:
        """Likewise with the cursor that writes, under its lock.

        Args:
            model: the model.
            work: does it.
            create: whether the model is created if it does not exist.
            expires: when what is written expires, if it does.
        """
        connections = self._connections
        turn: Turn | None = None
        attempt = 1
        while True:
            if not connections.lock.acquire(timeout=self._settings.timeout):
                raise self._translate.timed_out()
            try:
                cursor = connections.writer()
                table = self._tables.get(model) or self._load(cursor, model)
                if table is None and create:
                    table = self._create(cursor, model)
                if table is None:
                    return None
                if expires is not None:
                    self._expire(cursor, table, expires)
                return work(cursor, table)
            except self._caught as error:
                turn = turn or Turn(self._settings.timeout)
                if not turn.comes(error):
                    self._forget(model, error, final=attempt == 2)
                    attempt += 1
            finally:
                connections.lock.release()

    def _transact(
        self,
        model: str,
        work: Callable[[Any, Table], T],
        *,
        create: bool = False,
        expires: str | None = None,
    ) -> T | None:
        """Likewise, what `work` writes being applied together or not at all."""

        def whole(cursor: Any, table: Table) -> T:
            return self._connections.transaction(cursor, lambda: work(cursor, table))

        return self._write(model, whole, create=create, expires=expires)

    def _forget(self, model: str, error: Exception, *, final: bool) -> None:
        """Have the operation repeated if the table is another than was remembered.

        Raises:
            InterstoreError: that is not the reason.
        """
        known = self._tables.pop(model, None)
        if isinstance(error, msgspec.DecodeError):
            raise self._translate.corrupt(str(error), model) from error
        if isinstance(error, StaleTable):
            if final:
                raise self._translate.corrupt("a document is not text", model) from error
        elif final or known is None or not is_stale(error):
            raise self._translate(error, model) from error

    def _load(self, cursor: Any, model: str) -> Table | None:
        table = schema.load_table(cursor, model, self._driver.version)
        if table is not None:
            table.lists = indexes.lists(cursor, model, table)
            self._tables[model] = table
        return table

    def _create(self, cursor: Any, model: str) -> Table:
        if not self._settings.auto_create:
            raise creation_is_off(model, schema.models(cursor), "sqlite")

        def create() -> Table:
            # Another process may have been faster.
            table = schema.load_table(cursor, model, self._driver.version)
            return table or schema.create_table(cursor, model, self._format)

        table = self._connections.transaction(cursor, create)
        self._tables[model] = table
        return table

    def _filtered(self, cursor: Any, table: Table, tree: Node, run: Callable[[Compiled], T]) -> T:
        """`run` with the condition that the tree is compiled to, of what has not expired."""
        if table.expiring or table.plain_until <= monotonic():
            tree = self._unexpired(cursor, table, tree)
        try:
            return run(compile_filter(tree, table.lists))
        except self._driver.Error as error:
            if not is_too_complex(error):
                raise
        return run(self._connections.filters.compiled(tree))

    def _unexpired(self, cursor: Any, table: Table, tree: Node) -> Node:
        """The tree for what has not expired: the same where nothing does."""
        if not table.expiring:
            believed = monotonic() + expiry.BELIEVED_SECONDS
            table.expiring = expiry.is_used(cursor, table)
            table.plain_until = believed
        return unexpired(tree) if table.expiring else tree

    def _expire(self, cursor: Any, table: Table, expires: str | None) -> None:
        """Let a document expire: whoever takes it for granted that none does is waited for."""
        if expires is None or table.expiring:
            return
        if not expiry.is_used(cursor, table):
            self._connections.transaction(cursor, lambda: expiry.begin(cursor, table))
        if seconds_until(expires) <= expiry.BELIEVED_SECONDS:
            sleep(expiry.BELIEVED_SECONDS)
        table.expiring = True

    def _read_file(self, work: Callable[[Any], T]) -> T:
        cursor = self._connections.take()
        try:
            return work(cursor)
        except self._driver.Error as error:
            raise self._translate(error) from error
        finally:
            self._connections.give(cursor)
