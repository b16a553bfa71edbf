# Generated from backends/interstore_backends/postgresql/_async/models.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 0770b29de302cf04ec44ae6a

"""Which models exist, and how they are made."""

from __future__ import annotations

from copy import copy
from time import monotonic
from typing import Final

import msgspec
import psycopg

from interstore._compat import sleep
from interstore.errors import InterstoreError
from interstore.expiry import seconds_until
from interstore.indexes import Index, taken
from interstore.names import check_new_model
from interstore.prepared import Write
from interstore_backends.postgresql import indexes, schema
from interstore_backends.postgresql._sync.statements import Statements, Transaction
from interstore_backends.postgresql.errors import is_undefined_table
from interstore_backends.postgresql.rows import Row
from interstore_backends.postgresql.schema import Registry, Table
from interstore_backends.postgresql.settings import PostgreSQLSettings
from interstore_backends.postgresql.watching import WatchLog

__all__ = ["Models"]

FRESH_SECONDS: Final = 2.0
"""So long, the indexes that were seen of a model are taken for those that there are, which
decides whether one is used. Of a model whose documents do not expire, that is believed as long:
whoever stores the first one that does waits for it, if that expires sooner."""

_decode: Final = msgspec.json.Decoder(Index).decode


class Models:
    """The models of a schema; those that were seen are remembered."""

    def __init__(self, connections: Statements, settings: PostgreSQLSettings) -> None:
        self._connections = connections
        self._auto_create = settings.auto_create
        self.registry = Registry(settings.schema)
        self.known: dict[str, Table] = {}

    def over(self, connections: Statements, *, apart: bool = False) -> Models:
        """The same models, by other connections.

        What a transaction comes to know of them may be older than what others know: `apart`.
        """
        models = copy(self)
        models._connections = connections
        if apart:
            models.known = {name: copy(table) for name, table in self.known.items()}
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
            rows = self._connections.read(self.registry.find, [model])
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
        table = self.known[model] = self.registry.table(model)
        return table

    def names(self) -> list[str]:
        """The names of the models that exist, sorted."""
        try:
            return [name for (name,) in self._connections.read(self.registry.models)]
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
        registry = self.registry
        with self._connections.transaction() as transaction:
            run = transaction.run
            run(registry.lock)
            if not run(registry.schema_exists):
                run(registry.create_schema)
            self._set_up(transaction)
            existing = [name for (name,) in run(registry.models)]
            if model not in existing:
                check_new_model(model, existing)
                if kind := run(registry.kind_of(model)):
                    raise schema.not_ours(model, kind[0][0], registry.schema)
                run(registry.create_table(model))
                run(registry.add, [model])
        return self._remember(model)

    def _set_up(self, transaction: Transaction) -> None:
        """Make the tables about models, where they are not."""
        if transaction.run(self.registry.exists) != [(True,)]:
            for statement in self.registry.create:
                transaction.run(statement)

    def prepare_for(self, index: Index) -> None:
        """Make what an index needs beside its own, where it is not."""
        with self._connections.transaction() as transaction:
            transaction.run(self.registry.lock)
            self._set_up(transaction)
            if index.list and transaction.run(self.registry.measures) != [(True,)]:
                transaction.run(self.registry.create_measure)

    def declared(self, model: str) -> list[tuple[Index, bool]]:
        """The indexes of a model in the order of their names, each with whether it is ready."""
        rows = self._rows(self.registry.declared, model)
        return [(_decode(definition), ready) for definition, ready in rows]

    def _rows(self, sql: str, model: str) -> list[Row]:
        """The declarations of a model."""
        try:
            return self._connections.read(sql, [model], prepare=True)
        except psycopg.Error as error:
            if is_undefined_table(error):
                return []
            raise

    def expire(self, table: Table, expires: str) -> None:
        """Let documents of a model expire, of which one is to be stored that does.

        Whoever takes it for granted that none does is waited for, if that expires sooner.
        """
        with self._connections.transaction() as transaction:
            transaction.run(self.registry.lock)
            self._set_up(transaction)
            transaction.run(self.registry.begin_expiry, [table.model])
            ages = transaction.run(self.registry.expiry_age, [table.model])
        rest = FRESH_SECONDS - (ages[0][0] if ages else 0.0)
        if rest > 0 and seconds_until(expires) <= rest:
            sleep(rest)
        table.expiring = True

    def look(self, table: Table) -> None:
        """See which indexes a model has now."""
        table.fresh_until = monotonic() + FRESH_SECONDS  # others need not look meanwhile
        try:
            rows = self._rows(self.registry.all_declared, table.model)
        except psycopg.errors.InsufficientPrivilege:
            rows = []
        except BaseException:
            table.fresh_until = 0.0
            raise
        expiry = [ready for name, _, ready in rows if name == schema.EXPIRY]
        table.expiring, table.is_swept = table.expiring or bool(expiry), any(expiry)
        declared = [
            (_decode(definition), ready)
            for name, definition, ready in rows
            if name != schema.EXPIRY
        ]
        table.declared = tuple([index for index, _ in declared])
        table.indexed = indexes.served([index for index, ready in declared if ready])

    def refusal(self, table: Table, write: Write, constraint: str) -> InterstoreError | None:
        """Why an index refused to store a document; ``None`` if it was none of ours."""
        error = self._refusal(table, write, constraint)
        if error is None:
            self.look(table)
            error = self._refusal(table, write, constraint)
        if error is not None:
            error.backend, error.model, error.id = "postgresql", table.model, write.id
        return error

    def _refusal(self, table: Table, write: Write, constraint: str) -> InterstoreError | None:
        for index in table.declared:
            if constraint == indexes.constraint_of(index):
                return indexes.demanded(table.model, write, index)
            if constraint == indexes.unique_of(table.model, index):
                return taken(table.model, write.id, index)
        return None

    def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""
        table = self.find(model)
        self.known.pop(model, None)
        if table is None:
            return False
        with self._connections.transaction() as transaction:
            transaction.run(self.registry.lock)
            transaction.run(f"DROP TABLE IF EXISTS {table.name}")
            log = WatchLog(self.registry.schema, model)
            if transaction.run(log.exists) == [(True,)]:
                for statement in log.remove(table=False):
                    transaction.run(statement)
            return bool(transaction.run(self.registry.remove, [model]))

    def forget(self, model: str) -> None:
        """Look again, the next time."""
        self.known.pop(model, None)
