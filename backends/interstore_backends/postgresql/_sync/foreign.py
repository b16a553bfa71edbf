# Generated from backends/interstore_backends/postgresql/_async/foreign.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 5fe8a1cc95799beaacbe5e96

"""Tables and views that others made in the same database, which are read and updated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import psycopg

from interstore._sync.foreign_database import ForeignDatabase
from interstore.changes import Changes
from interstore.document import Document
from interstore.errors import ConfigurationError
from interstore.filters.tree import Node
from interstore.foreign import ForeignSource, IdType, NativeId, Span, absent
from interstore.foreign_values import exact_changes
from interstore_backends.postgresql import foreign_schema
from interstore_backends.postgresql._sync.models import Models
from interstore_backends.postgresql._sync.statements import Statements
from interstore_backends.postgresql.foreign_columns import ForeignTable, check_stored, values_of
from interstore_backends.postgresql.foreign_conditions import condition, order, span_conditions
from interstore_backends.postgresql.settings import LIMITS, PostgreSQLSettings
from interstore_backends.postgresql.values import Parameters, text_array

__all__ = ["PostgreSQLForeign"]

T = TypeVar("T")

_CHANGED: Final = frozenset({"42P01", "42703", "42704", "42804"})
"""What a statement meets whose table was altered since it was looked at."""
_SAMPLED_PAGES: Final = 2_000


class PostgreSQLForeign(ForeignDatabase):
    """One table or view, through the connections of the store's database."""

    def __init__(
        self,
        source: ForeignSource,
        connections: Statements,
        models: Models,
        settings: PostgreSQLSettings,
    ) -> None:
        super().__init__(source, "postgresql", LIMITS)
        source.refuse_partition(self.name)
        self._connections = connections
        self._models = models
        self._schema = settings.schema
        self._known: ForeignTable | None = None

    # Reads.

    def kind(self) -> IdType | None:
        def work(table: ForeignTable) -> IdType:
            return table.id_type

        return self._with_table(work)

    def _read(self, tree: Node, span: Span, limit: int) -> list[Document]:
        def work(table: ForeignTable) -> list[Document]:
            if span.after is None and table.id.nullable:
                self._refuse_null(table)
            parameters = Parameters([str(limit)])
            terms = span_conditions(table, span, parameters)
            narrow = condition(table, tree, parameters)
            if narrow is not None:
                terms.append(narrow)
            where = f" WHERE {' AND '.join(terms)}" if terms else ""
            end = f"{where} ORDER BY {order(table, span)} LIMIT $1::bigint"
            rows = self._connections.read(table.select + end, parameters.values)
            return [table.document(row) for row in rows]

        return self._with_table(work)

    def _refuse_null(self, table: ForeignTable) -> None:
        """A NULL is behind no id, so pages would leave its row out."""
        asked = f"{table.select} WHERE {table.id.quoted} IS NULL LIMIT 1"
        for row in self._connections.read(asked):
            table.document(row)  # which says so

    def _fetch(self, ids: Sequence[NativeId]) -> list[Document]:
        def work(table: ForeignTable) -> list[Document]:
            wanted = {table.bound(id) for id in ids if table.fits(id)}
            if len(wanted) == 1:
                where, values = table.is_id, [*wanted]
            else:
                where = f"{table.id.quoted} = ANY ($1::text::{table.id.type}[])"
                values = [text_array(sorted(wanted))]
            rows = self._connections.read(f"{table.select} WHERE {where}", values)
            # A column's own equality may find more.
            return [document for document in map(table.document, rows) if document.id in wanted]

        return self._with_table(work)

    def _total(self) -> int:
        def work(table: ForeignTable) -> int:
            [[total]] = self._connections.read(f"SELECT count(*) FROM {table.quoted}")
            return int(total)

        return self._with_table(work)

    def _splits(self, n: int) -> list[str]:
        def work(table: ForeignTable) -> list[str]:
            sample = self._sample(table)
            sql = (
                "SELECT x::text FROM unnest((SELECT percentile_disc($1::float8[]) WITHIN GROUP "
                f"(ORDER BY {table.id.quoted}) FROM {table.quoted}{sample})) WITH ORDINALITY "
                "AS u(x, number) WHERE x IS NOT NULL ORDER BY number"
            )
            shares = text_array([repr(share / n) for share in range(1, n)])
            rows = self._connections.read(sql, [shares])
            return list(dict.fromkeys(str(id) for (id,) in rows))

        return self._with_table(work)

    def _sample(self, table: ForeignTable) -> str:
        """Which pages to look at: all, unless they are many."""
        size = "SELECT pg_relation_size($1::oid) / current_setting('block_size')::int"
        if table.kind not in ("r", "m"):
            return ""
        [[pages]] = self._connections.read(size, [table.oid])
        if pages <= _SAMPLED_PAGES:
            return ""
        return f" TABLESAMPLE SYSTEM ({100 * _SAMPLED_PAGES / pages:.6f})"

    # Writes.

    def _change(self, id: NativeId, changes: Changes) -> Document | None:
        def work(table: ForeignTable) -> Document | None:
            self._check_writable(table, "update")
            if not table.fits(id):
                return None
            key = table.bound(id)
            with self._connections.transaction() as transaction:
                asked = f"{table.select} WHERE {table.is_id} FOR UPDATE"
                rows = transaction.run(asked, [key])
                if not rows:
                    return None
                document: Document = table.document(rows[0])
                before = document.fields()
                exact = exact_changes(changes, before)
                after = exact.apply_to(before)
                values = values_of(table, rows[0], after, exact)
                if not values:
                    return document
                listed = ",".join(
                    f"{column.quoted} = {column.placeholder(number)}"
                    for number, column in enumerate(values, 2)
                )
                update = f"UPDATE {table.quoted} SET {listed} WHERE {table.is_id} RETURNING "
                rows = transaction.run(update + table.listed, [key, *values.values()])
                document = table.document(rows[0])
                check_stored(values, after, document)
                return document

        return self._with_table(work)

    def _remove(self, id: NativeId) -> bool:
        def work(table: ForeignTable) -> bool:
            self._check_writable(table, "delete")
            if not table.fits(id):
                return False
            sql = f"DELETE FROM {table.quoted} WHERE {table.is_id}"
            deleted, _ = self._connections.write(sql, [table.bound(id)])
            return deleted > 0

        return self._with_table(work)

    def _check_writable(self, table: ForeignTable, operation: str) -> None:
        if table.is_view:
            raise self._refused(operation, "it is a view; open the table that it shows")
        if not table.unique:
            raise self._refused(
                operation,
                f"nothing keeps {table.id.name!r} unique, so more than one row could be meant; "
                "give it a unique index",
            )

    # The table.

    def _with_table(self, work: Callable[[ForeignTable], T]) -> T:
        """What `work` returns. If the table was altered since, it is looked at again."""
        try:
            known = self._known
            if known is not None:
                try:
                    return work(known)
                except psycopg.Error as error:
                    if error.sqlstate not in _CHANGED:
                        raise
                    self._known = None
            table = self._known = self._load()
            return work(table)
        except psycopg.Error as error:
            raise self._connections.error(error, self.source.name) from error

    def _load(self) -> ForeignTable:
        """What the database has under that name.

        Raises:
            ConfigurationError: nothing, or nothing that can be presented as the source says.
        """
        read = self._connections.read
        for place in foreign_schema.candidates(self.source, self._schema):
            relations = read(foreign_schema.RELATION, place)
            if relations:
                self._refuse_ours(place)
                oid = [relations[0][0]]
                columns = read(foreign_schema.COLUMNS, oid)
                keys = read(foreign_schema.KEYS, oid)
                return foreign_schema.make_table(self.source, place, relations[0], columns, keys)
        found = [str(name) for (name,) in read(foreign_schema.NAMES, [self._schema])]
        models = self._models.names()
        others = [name for name in found if name not in models]
        raise self._wrong(absent("table or view", self.source.name, others))

    def _refuse_ours(self, place: tuple[str, str]) -> None:
        schema, name = place
        if schema != self._schema:
            return
        if name.startswith("interstore") or name in self._models.names():
            raise self._wrong("it is Interstore's own; read it as a model of the store")

    def _wrong(self, problem: str) -> ConfigurationError:
        return foreign_schema.wrong(self.source, problem)
