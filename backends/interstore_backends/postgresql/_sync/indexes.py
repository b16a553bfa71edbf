# Generated from backends/interstore_backends/postgresql/_async/indexes.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 8efe08f6c8374d50dd90d126

"""Which indexes there are, and how they come and go."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final

import psycopg

from interstore.errors import UnavailableError
from interstore.filters.tree import ALL
from interstore.indexes import Index
from interstore_backends.postgresql._sync.building import Builder
from interstore_backends.postgresql._sync.many import Bulk
from interstore_backends.postgresql.schema import Table

__all__ = ["Indexes"]

_ATTEMPTS: Final = 5
_BATCH: Final = 1_000
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
                    if index.unique:
                        self._remove_all_expired(table)
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

    _transacted = False

    def sweep(self, model: str, limit: int, ids: Sequence[str] | None = None) -> int:
        """Remove documents that have expired, at most `limit` in one statement; return how many.

        The first sweep of a model builds the index that they are found by, beside others' writes.
        """
        table = self._table(model)
        self._living(table, ALL)
        if table is None or not table.expiring:
            return 0
        # The build would wait for the end of all transactions, this one too.
        if ids is None and not table.is_swept and not self._transacted:
            self._index_expiry(table)
        return self._remove_expired(table, limit, ids)

    def _index_expiry(self, table: Table) -> None:
        with self._translated(table.model):
            try:
                with self._builder(table) as builder:
                    builder.index_expiry()
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.LockNotAvailable):
                pass  # what has expired is found without as well
            except _GONE:
                self._models.forget(table.model)
        table.is_swept = True

    def _remove_all_expired(self, table: Table) -> None:
        self._living(table, ALL)
        while table.expiring and self._remove_expired(table, _BATCH, None) == _BATCH:
            pass

    def _builder(self, table: Table) -> AbstractContextManager[Builder]:
        _ = self._connections.pool  # raises if there is none
        return Builder.alone(self._settings, self._connections.error, self._models.registry, table)
