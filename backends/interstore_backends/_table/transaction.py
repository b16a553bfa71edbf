"""`Transaction`: the operations of a database on overlays, applied by the engine at the end."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

from interstore.capabilities import Capabilities, Limits
from interstore.errors import InterstoreError
from interstore.indexes import Index
from interstore.transactions import has_ended
from interstore_backends._table.admission import ChangeIndexes
from interstore_backends._table.database import Decide, TableDatabase
from interstore_backends._table.overlay import Overlay
from interstore_backends._table.records import Change
from interstore_backends._table.table import Table

__all__ = ["Engine", "Transaction"]

T = TypeVar("T")

_OPERATIONS: Final = (
    "create", "find_by_id", "update", "delete", "find", "find_by_ids", "count", "exists", "put",
    "create_many", "put_many", "update_many", "delete_many", "find_one_and_update",
    "find_one_and_delete", "aggregate", "distinct", "ping", "scan", "partitions", "models",
    "stats", "explain", "write_page", "indexes",
)  # fmt: skip


class Engine(Protocol):
    """What a transaction needs of its engine, which keeps other writers out until its end."""

    name: str
    capabilities: Capabilities
    limits: Limits

    def models(self) -> list[str]:
        """The names of the models that exist, sorted."""
        ...

    def current_table(self, model: str) -> Table | None:
        """The table with all that was committed; ``None`` if there is no such model."""

    def check_creation(self, model: str, existing: list[str]) -> None:
        """Refuse to create a model that does not exist, if it must not be."""


class Transaction(TableDatabase):
    """Reads what was committed before it began and what it wrote; nobody else sees that.

    Its operations run one after the other, whoever calls them.
    """

    def __init__(self, engine: Engine) -> None:
        self.name = engine.name
        self.capabilities = engine.capabilities
        self.limits = engine.limits
        self._engine = engine
        self._tables: dict[str, Overlay] = {}
        self._changes: dict[str, list[Change]] = {}
        self._calls = threading.RLock()  # `stats` asks for `models`
        self._ended = False

    def _check(self) -> None:
        if self._ended:
            raise has_ended(self.name)

    def connect(self) -> None:
        """It is connected."""

    def disconnect(self) -> None:
        """There is nothing to close."""

    def ping(self) -> None:
        """Return if it has not ended."""

    def abandon(self) -> None:
        """In the child of a process that began it: have it end without effect."""
        self._calls = threading.RLock()
        self.end()

    def end(self) -> None:
        """Refuse every operation from now on, and forget what was written."""
        with self._calls:
            self._ended = True
            self._tables.clear()
            self._changes.clear()

    def finish(self) -> Mapping[str, list[Change]]:
        """What was written to each model, in order. It is the last that is asked of it.

        Raises:
            UnavailableError: it has ended.
        """
        with self._calls:
            self._check()
            self._ended = True
            return self._changes

    def models(self) -> list[str]:
        """The names of the models that exist, and of those that it wrote to, sorted."""
        return sorted({*self._engine.models(), *self._changes})

    def indexes(self, model: str) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        table = self._table(model)
        return [] if table is None else list(table.declared)

    def _table(self, model: str) -> Table | None:
        table = self._tables.get(model)
        if table is None:
            base = self._engine.current_table(model)
            if base is None:
                return None
            table = self._tables[model] = Overlay(base)
        table.sweep()
        return table

    def _commit(self, model: str, decide: Decide) -> tuple[int, InterstoreError | None]:
        table = self._table(model)
        changes = decide(Overlay(Table()) if table is None else table)
        if not changes:
            return 0, None
        if table is None:
            self._engine.check_creation(model, self.models())
            table = self._tables[model] = Overlay(Table())
        for change in changes:
            if change.removes:
                table.remove(change.id)
            else:
                table.store(change.id, b"{" + change.body, change.expires)
        self._changes.setdefault(model, []).extend(changes)
        return len(changes), None

    def drop(self, model: str) -> bool:
        """Not asked for: `interstore` refuses it within a transaction."""
        raise NotImplementedError

    def _change_indexes(self, model: str, change: ChangeIndexes, *, create: bool) -> bool:
        raise NotImplementedError


def _in_turn(operation: Callable[..., T]) -> Callable[..., T]:
    @functools.wraps(operation)
    def call(self: Transaction, *args: Any, **kwargs: Any) -> T:
        with self._calls:
            self._check()
            return operation(self, *args, **kwargs)

    return call


for _name in _OPERATIONS:
    setattr(Transaction, _name, _in_turn(getattr(Transaction, _name)))
