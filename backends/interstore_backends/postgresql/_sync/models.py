# Generated from backends/interstore_backends/postgresql/_async/models.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: acd6e665b9258d5c9d4e5312

"""Which models exist, and how they are made."""

from __future__ import annotations

from copy import copy

import psycopg

from interstore.names import check_new_model
from interstore_backends.postgresql import schema
from interstore_backends.postgresql._sync.statements import Statements
from interstore_backends.postgresql.errors import is_undefined_table
from interstore_backends.postgresql.schema import Registry, Table
from interstore_backends.postgresql.settings import PostgreSQLSettings

__all__ = ["Models"]


class Models:
    """The models of a schema; those that were seen are remembered."""

    def __init__(self, connections: Statements, settings: PostgreSQLSettings) -> None:
        self._connections = connections
        self._auto_create = settings.auto_create
        self._registry = Registry(settings.schema)
        self.known: dict[str, Table] = {}

    def over(self, connections: Statements) -> Models:
        """The same models, by other connections."""
        models = copy(self)
        models._connections = connections
        return models

    def find(self, model: str) -> Table | None:
        """The model's table; ``None`` if the model does not exist.

        Raises:
            ConfigurationError: a newer Interstore made it.
        """
        table = self.known.get(model)
        if table is not None:
            return table
        try:
            rows = self._connections.read(self._registry.find, [model])
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

    def names(self) -> list[str]:
        """The names of the models that exist, sorted."""
        try:
            return [name for (name,) in self._connections.read(self._registry.models)]
        except psycopg.Error as error:
            if is_undefined_table(error):
                return []
            raise

    def make(self, model: str) -> Table:
        """The model's table, made if there is none.

        Raises:
            ConfigurationError: models are not to be made by writes, or something else has
                the name already.
            InvalidQueryError: the name differs from another model's in case only.
        """
        table = self.find(model)
        if table is not None:
            return table
        if not self._auto_create:
            raise schema.creation_is_off(model, self.names())
        registry = self._registry
        with self._connections.transaction() as transaction:
            run = transaction.run
            run(registry.lock)
            if not run(registry.schema_exists):
                run(registry.create_schema)
            if run(registry.exists) != [(True,)]:
                run(registry.create)
            existing = [name for (name,) in run(registry.models)]
            if model not in existing:
                check_new_model(model, existing)
                if kind := run(registry.kind_of(model)):
                    raise schema.not_ours(model, kind[0][0], registry.schema)
                run(registry.create_table(model))
                run(registry.add, [model])
        return self._remember(model)

    def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""
        table = self.find(model)
        self.known.pop(model, None)
        if table is None:
            return False
        with self._connections.transaction() as transaction:
            transaction.run(self._registry.lock)
            transaction.run(f"DROP TABLE IF EXISTS {table.name}")
            return bool(transaction.run(self._registry.remove, [model]))

    def forget(self, model: str) -> None:
        """Look again, the next time."""
        self.known.pop(model, None)
