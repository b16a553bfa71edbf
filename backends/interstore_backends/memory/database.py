"""The memory engine's database."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from interstore.errors import InterstoreError, OperationTimeoutError, UnavailableError
from interstore.indexes import Index
from interstore.names import check_new_model
from interstore.transactions import Isolation
from interstore.watching import ChangePage, expired, not_watched
from interstore_backends._table.admission import ChangeIndexes
from interstore_backends._table.changes import ChangeLog, removals_before
from interstore_backends._table.database import Decide, TableDatabase
from interstore_backends._table.frozen import FrozenDatabase
from interstore_backends._table.records import Change
from interstore_backends._table.table import Table
from interstore_backends._table.transaction import Transaction
from interstore_backends.memory import CAPABILITIES
from interstore_backends.memory.settings import MemorySettings

__all__ = ["MemoryDatabase"]

_TIMEOUT: Final = 30.0
"""Seconds that a writer waits for a transaction, as by default on the other engines."""


class MemoryDatabase(TableDatabase):
    """Documents in tables of this process. `disconnect` forgets them."""

    name = "memory"
    capabilities = CAPABILITIES

    def __init__(self, settings: MemorySettings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._watching = threading.Lock()
        self._applying: threading.Event | None = None
        self._transaction: Transaction | None = None
        self._tables: dict[str, Table] | None = None
        self._logs: dict[str, ChangeLog] = {}

    def connect(self) -> None:
        if self._tables is None:
            self._tables = {}

    def disconnect(self) -> None:
        self._tables = None
        self._logs = {}
        if self._transaction is not None:
            self._transaction.end()

    def ping(self) -> None:
        """Return if the store is open."""
        self._open()

    def models(self) -> list[str]:
        """The names of the models that exist, sorted."""
        return sorted(self._open())

    def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""
        with self._locked():
            self._logs.pop(model, None)
            return self._open().pop(model, None) is not None

    def _open(self) -> dict[str, Table]:
        if self._tables is None:
            raise UnavailableError("memory is not connected", backend=self.name)
        return self._tables

    def _table(self, model: str) -> Table | None:
        if self._applying is not None:
            self._wait_for_all_of_it()
        return self.current_table(model)

    def _wait_for_all_of_it(self) -> None:
        applying = self._applying
        if applying is not None:  # still
            applying.wait()

    def current_table(self, model: str) -> Table | None:
        """The table of a model; ``None`` if there is no such model."""
        tables = self._tables
        if tables is None:
            tables = self._open()
        table = tables.get(model)
        if table is not None and table.expiring:
            table.sweep()
        return table

    def check_creation(self, model: str, existing: list[str]) -> None:
        """Refuse a name that differs from another in case only."""
        check_new_model(model, existing)

    @contextmanager
    def _locked(self) -> Generator[None]:
        """Keep other writers out."""
        if not self._lock.acquire(timeout=_TIMEOUT):
            raise OperationTimeoutError(
                f"a transaction has been open for more than {_TIMEOUT:g} s: what writes through "
                "the store itself within its block waits in vain; nothing was written",
                backend=self.name,
            )
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def transaction(self, isolation: Isolation) -> Generator[Transaction | FrozenDatabase]:
        """This database in a transaction: the one that writes, so it is always serializable.

        One that only reads is a copy, and lets others write.
        """
        if isolation == "reading":
            with self._locked():
                tables = {model: table.frozen() for model, table in self._open().items()}
            yield FrozenDatabase(self.name, self.capabilities, self.limits, tables)
            return
        with self._locked():
            self._open()
            transaction = self._transaction = Transaction(self)
            try:
                yield transaction
                self._apply(transaction.finish())
            finally:
                self._transaction = None
                transaction.end()

    def _apply(self, changes: Mapping[str, list[Change]]) -> None:
        """Apply all of it; who reads meanwhile waits until all of it is."""
        tables = self._open()
        applying = self._applying = threading.Event()
        for model, each in changes.items():
            if model in tables:
                self._log(model, removals_before(tables[model], each))
        try:
            for model, each in changes.items():
                tables.setdefault(model, Table()).take_in(
                    (change.id, None if change.removes else b"{" + change.body, change.expires)
                    for change in each
                )
        finally:
            self._applying = None
            applying.set()
        for model, each in changes.items():
            self._log(model, each)

    def _made(self, model: str) -> Table:
        """The table, made if there is none. To be called under the lock."""
        table = self._table(model)
        if table is None:
            tables = self._open()
            check_new_model(model, tables)
            table = tables[model] = Table()
        return table

    def _change_indexes(self, model: str, change: ChangeIndexes, *, create: bool) -> bool:
        with self._locked():
            table = self._table(model)
            if table is None:
                if not create:
                    return False
                table = self._made(model)
            declared = change(table, table.declared)
            if declared is None:
                return False
            table.declare(declared)
            return True

    def indexes(self, model: str) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        table = self._table(model)
        return [] if table is None else list(table.declared)

    find_by_id_inline = TableDatabase.find_by_id

    def _commit(self, model: str, decide: Decide) -> tuple[int, InterstoreError | None]:
        if not self._lock.acquire(blocking=False):
            with self._locked():
                return self._commit_changes(model, decide)
        try:
            return self._commit_changes(model, decide)
        finally:
            self._lock.release()

    def _commit_changes(self, model: str, decide: Decide) -> tuple[int, InterstoreError | None]:
        table = self.current_table(model)
        changes = decide(Table() if table is None else table)
        if changes and table is None:
            table = self._made(model)
        elif table is not None:
            self._log(model, removals_before(table, changes))
        for change in changes:
            assert table is not None
            if change.removes:
                table.remove(change.id)
            else:
                table.store(change.id, b"{" + change.body, change.expires)
        self._log(model, changes)
        return len(changes), None

    # Watching.

    def _log(self, model: str, changes: Sequence[Change]) -> None:
        log = self._logs.get(model)
        if log is not None:
            with self._watching:
                for change in changes:
                    log.add(change)

    def enable_watch(self, model: str, retention: float) -> None:
        """Keep the changes of a model, for so many seconds."""
        with self._locked():
            self._made(model)
            log = self._logs.get(model)
            if log is None:
                self._logs[model] = ChangeLog(self.name, model, retention)
            else:
                log.retention = retention

    def disable_watch(self, model: str) -> bool:
        """Forget them, and keep them no longer; return whether they were."""
        with self._locked():
            self._open()
            return self._logs.pop(model, None) is not None

    def start_watch(self, model: str, since: str | None) -> str:
        """A position: behind `since`, or behind all that there is."""
        with self._watching:
            self._open()
            log = self._logs.get(model)
            if log is None:
                raise not_watched(model, self.name)
            return log.start(since)

    def read_changes(self, model: str, after: str, wait: float) -> ChangePage:
        """The next changes after a position. It waits for none."""
        with self._watching:
            self._open()
            log = self._logs.get(model)
            if log is None:
                raise expired(model, self.name, "it was dropped, or disable_watch called")
            return log.read(after)
