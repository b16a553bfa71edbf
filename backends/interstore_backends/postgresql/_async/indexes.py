"""Which indexes there are, and how they come and go."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Final

import psycopg

from interstore.errors import UnavailableError
from interstore.indexes import Index
from interstore_backends.postgresql._async.building import AsyncBuilder
from interstore_backends.postgresql._async.many import AsyncBulk
from interstore_backends.postgresql.schema import Table

__all__ = ["AsyncIndexes"]

_ATTEMPTS: Final = 5
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

    def _builder(self, table: Table) -> AbstractAsyncContextManager[AsyncBuilder]:
        _ = self._connections.pool  # raises if there is none
        return AsyncBuilder.alone(
            self._settings, self._connections.error, self._models.registry, table
        )
