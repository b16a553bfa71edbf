"""Which indexes there are, and how they come and go."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import psycopg

from interstore.errors import UnavailableError
from interstore.filters.tree import ALL
from interstore.indexes import Index
from interstore_backends.postgresql._async.building import AsyncBuilder
from interstore_backends.postgresql._async.many import AsyncBulk
from interstore_backends.postgresql.schema import Table

__all__ = ["AsyncIndexes"]

_ATTEMPTS: Final = 5
_BATCH: Final = 1_000
_GONE: Final = (psycopg.errors.UndefinedTable, psycopg.errors.ForeignKeyViolation)
"""What is raised when another drops the model meanwhile."""


class AsyncIndexes(AsyncBulk):
    """The operations on indexes."""

    async def ensure_index(self, model: str, index: Index) -> None:
        """Build the index unless it exists, while others read and write.

        However long that takes: neither the timeout of operations nor the server's
        ``statement_timeout`` ends it. Cancelled, it leaves nothing behind.
        """
        with self._translated(model):
            for _ in range(_ATTEMPTS):
                table = await self._models.make(model)
                if (index, True) in await self._models.declared(model):
                    return
                try:
                    await self._models.prepare_for(index)
                    if index.unique:
                        await self._remove_all_expired(table)
                    async with self._builder(table) as builder:
                        await builder.ensure(index)
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

    async def indexes(self, model: str) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        with self._translated(model):
            return [index for index, ready in await self._models.declared(model) if ready]

    async def drop_index(self, model: str, name: str) -> bool:
        """Remove the index of that name, and what it demands; return whether it existed.

        What an interrupted build left is removed as well.
        """
        table = await self._table(model)
        if table is None:
            return False
        with self._translated(model):
            if not any(index.name == name for index, _ in await self._models.declared(model)):
                return False
            try:
                async with self._builder(table) as builder:
                    return await builder.drop(name)
            finally:
                table.fresh_until = 0.0

    _transacted = False

    async def sweep(self, model: str, limit: int, ids: Sequence[str] | None = None) -> int:
        """Remove documents that have expired, at most `limit` in one statement; return how many.

        The first sweep of a model builds the index that they are found by, beside others' writes.
        """
        table = await self._table(model)
        await self._living(table, ALL)
        if table is None or not table.expiring:
            return 0
        # The build would wait for the end of all transactions, this one too.
        if ids is None and not table.is_swept and not self._transacted:
            await self._index_expiry(table)
        return await self._remove_expired(table, limit, ids)

    async def _index_expiry(self, table: Table) -> None:
        with self._translated(table.model):
            try:
                async with self._builder(table) as builder:
                    await builder.index_expiry()
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.LockNotAvailable):
                pass  # what has expired is found without as well
            except _GONE:
                self._models.forget(table.model)
        table.is_swept = True

    async def _remove_all_expired(self, table: Table) -> None:
        await self._living(table, ALL)
        while table.expiring and await self._remove_expired(table, _BATCH, None) == _BATCH:
            pass

    def _builder(self, table: Table) -> AbstractAsyncContextManager[AsyncBuilder]:
        _ = self._connections.pool  # raises if there is none
        return AsyncBuilder.alone(
            self._settings, self._connections.error, self._models.registry, table
        )
