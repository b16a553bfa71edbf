# Generated from backends/interstore_backends/postgresql/_async/indexes.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 197ba729e93e21838d9be904

"""Which indexes there are, and how they come and go."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

import psycopg

from interstore.errors import UnavailableError
from interstore.indexes import Index
from interstore_backends.postgresql._sync.building import Builder
from interstore_backends.postgresql._sync.many import Bulk
from interstore_backends.postgresql.schema import Table

__all__ = ["Indexes"]

_ATTEMPTS: Final = 5
_GONE: Final = (psycopg.errors.UndefinedTable, psycopg.errors.ForeignKeyViolation)
"""What is raised when another drops the model meanwhile."""


class Indexes(Bulk):
    """The operations on indexes."""

    def ensure_index(self, model: str, index: Index) -> None:
        """Build the index unless it exists, while others read and write.

        However long that takes: neither the timeout of operations nor the server's
        ``statement_timeout`` ends it. Cancelled, it leaves nothing behind.
        """
        with self._translated(model):
            for _ in range(_ATTEMPTS):
                table = self._models.make(model)
                if (index, True) in self._models.declared(model):
                    return
                try:
                    self._models.prepare_for(index)
                    with self._builder(table) as builder:
                        builder.ensure(index)
                except _GONE:
                    self._models.forget(model)
                else:
                    return
                finally:
                    table.fresh_until = 0.0
        raise UnavailableError(
            f"others dropped {model!r} again and again while its index was built; try again",
            backend="postgresql",
            model=model,
        )

    def indexes(self, model: str) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        with self._translated(model):
            return [index for index, ready in self._models.declared(model) if ready]

    def drop_index(self, model: str, name: str) -> bool:
        """Remove the index of that name, and what it demands; return whether it existed.

        What an interrupted build left is removed as well.
        """
        table = self._table(model)
        if table is None:
            return False
        with self._translated(model):
            if not any(index.name == name for index, _ in self._models.declared(model)):
                return False
            try:
                with self._builder(table) as builder:
                    return builder.drop(name)
            finally:
                table.fresh_until = 0.0

    def _builder(self, table: Table) -> AbstractContextManager[Builder]:
        _ = self._connections.pool  # raises if there is none
        return Builder.alone(self._settings, self._connections.error, self._models.registry, table)
