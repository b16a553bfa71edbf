"""A database as it was at one moment: copies of its tables, which share the records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from interstore.capabilities import Capabilities, Limits
from interstore.errors import InterstoreError, UnsupportedError
from interstore.indexes import Index
from interstore_backends._table.admission import ChangeIndexes
from interstore_backends._table.database import Decide, TableDatabase
from interstore_backends._table.table import Table

__all__ = ["FrozenDatabase"]


class FrozenDatabase(TableDatabase):
    """Reads tables that nobody writes to. It takes about a hundred bytes a document."""

    def __init__(
        self, name: str, capabilities: Capabilities, limits: Limits, tables: Mapping[str, Table]
    ) -> None:
        self.name = name
        self.capabilities = capabilities
        self.limits = limits
        self._tables = tables

    def connect(self) -> None:
        """It is connected."""

    def disconnect(self) -> None:
        """It ends with its block."""

    def ping(self) -> None:
        """Return: nothing can be away."""

    def models(self) -> list[str]:
        return sorted(self._tables)

    def indexes(self, model: str) -> list[Index]:
        table = self._tables.get(model)
        return [] if table is None else list(table.declared)

    def _table(self, model: str) -> Table | None:
        table = self._tables.get(model)
        if table is not None and table.expiring:
            table.sweep()
        return table

    def _commit(self, model: str, decide: Decide) -> tuple[int, InterstoreError | None]:
        self._refuse()

    def _change_indexes(self, model: str, change: ChangeIndexes, *, create: bool) -> bool:
        self._refuse()

    def drop(self, model: str) -> bool:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UnsupportedError("a snapshot is for reading only", backend=self.name)
