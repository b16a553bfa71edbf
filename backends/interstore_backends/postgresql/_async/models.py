"""Which models exist, and how they are made."""

from __future__ import annotations

from copy import copy

import psycopg

from interstore.names import check_new_model
from interstore_backends.postgresql import schema
from interstore_backends.postgresql._async.statements import AsyncStatements
from interstore_backends.postgresql.errors import is_undefined_table
from interstore_backends.postgresql.schema import Registry, Table
from interstore_backends.postgresql.settings import PostgreSQLSettings

__all__ = ["AsyncModels"]


class AsyncModels:
    """The models of a schema; those that were seen are remembered."""

    def __init__(self, connections: AsyncStatements, settings: PostgreSQLSettings) -> None:
        self._connections = connections
        self._auto_create = settings.auto_create
        self._registry = Registry(settings.schema)
        self.known: dict[str, Table] = {}

    def over(self, connections: AsyncStatements) -> AsyncModels:
        """The same models, by other connections."""
        models = copy(self)
        models._connections = connections
        return models

    async def find(self, model: str) -> Table | None:
        """The model's table; ``None`` if the model does not exist.

        Raises:
            ConfigurationError: a newer Interstore made it.
        """
        table = self.known.get(model)
        if table is not None:
            return table
        try:
            rows = await self._connections.read(self._registry.find, [model])
        except psycopg.Error as error:
            if is_undefined_table(error):
                return None
            raise
        if not rows:
            return None
        [[layout]] = rows
        if layout != schema.LAYOUT:
            raise schema.newer_layout(model, layout)
        return self._remember(model)

    def _remember(self, model: str) -> Table:
        table = self.known[model] = self._registry.table(model)
        return table

    async def names(self) -> list[str]:
        """The names of the models that exist, sorted."""
        try:
            return [name for (name,) in await self._connections.read(self._registry.models)]
        except psycopg.Error as error:
            if is_undefined_table(error):
                return []
            raise

    async def make(self, model: str) -> Table:
        """The model's table, made if there is none.

        Raises:
            ConfigurationError: models are not to be made by writes, or something else has
                the name already.
            InvalidQueryError: the name differs from another model's in case only.
        """
        table = await self.find(model)
        if table is not None:
            return table
        if not self._auto_create:
            raise schema.creation_is_off(model, await self.names())
        registry = self._registry
        async with self._connections.transaction() as transaction:
            run = transaction.run
            await run(registry.lock)
            if not await run(registry.schema_exists):
                await run(registry.create_schema)
            if await run(registry.exists) != [(True,)]:
                await run(registry.create)
            existing = [name for (name,) in await run(registry.models)]
            if model not in existing:
                check_new_model(model, existing)
                if kind := await run(registry.kind_of(model)):
                    raise schema.not_ours(model, kind[0][0], registry.schema)
                await run(registry.create_table(model))
                await run(registry.add, [model])
        return self._remember(model)

    async def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""
        table = await self.find(model)
        self.known.pop(model, None)
        if table is None:
            return False
        async with self._connections.transaction() as transaction:
            await transaction.run(self._registry.lock)
            await transaction.run(f"DROP TABLE IF EXISTS {table.name}")
            return bool(await transaction.run(self._registry.remove, [model]))

    def forget(self, model: str) -> None:
        """Look again, the next time."""
        self.known.pop(model, None)
