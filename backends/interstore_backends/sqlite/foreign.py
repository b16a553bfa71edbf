"""Tables and views that others made in the same file, as a database that reads and updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from interstore._sync.foreign_database import ForeignDatabase
from interstore.changes import Changes
from interstore.document import Document
from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InterstoreError,
    OperationTimeoutError,
)
from interstore.filters.tree import Node
from interstore.foreign import ForeignSource, IdType, NativeId, Renaming, Span, absent
from interstore.foreign_values import check_kept, exact_changes, touched
from interstore_backends.sqlite import schema
from interstore_backends.sqlite.errors import is_too_complex
from interstore_backends.sqlite.foreign_columns import Column, ForeignTable, load_columns
from interstore_backends.sqlite.foreign_conditions import condition, every, order, span_conditions
from interstore_backends.sqlite.waiting import in_turn

if TYPE_CHECKING:
    from interstore_backends.sqlite.connections import Connections
    from interstore_backends.sqlite.driver import Driver

__all__ = ["SQLiteForeign"]

T = TypeVar("T")

_UNIQUE = "UNIQUE constraint failed: "


class SQLiteForeign(ForeignDatabase):
    """One table or view, through the connections of the store's database."""

    def __init__(self, source: ForeignSource, connections: Connections, driver: Driver) -> None:
        from interstore_backends.sqlite.settings import LIMITS

        super().__init__(source, "sqlite", LIMITS)
        source.refuse_partition(self.name)
        self._connections = connections
        self._driver = driver
        self._known: tuple[int, ForeignTable] | None = None

    # Reads.

    def kind(self) -> IdType | None:
        return self._reading(lambda cursor: self._table(cursor).id_type)

    def _read(self, tree: Node, span: Span, limit: int) -> list[Document]:
        def work(cursor: Any) -> list[Document]:
            table = self._table(cursor)
            if span.after is None:
                self._refuse_null(cursor, table)
            try:
                return self._page_of(cursor, table, tree, span, limit)
            except self._driver.Error as error:
                if not is_too_complex(error):
                    raise
                return self._page_of(cursor, table, None, span, limit)

        return self._reading(work)

    def _page_of(
        self, cursor: Any, table: ForeignTable, tree: Node | None, span: Span, limit: int
    ) -> list[Document]:
        narrow = None if tree is None else condition(table, tree)
        conditions = span_conditions(table, span) + ([] if narrow is None else [narrow])
        where, parameters = every(conditions) if conditions else ("1", [])
        asked = f"{table.select} WHERE {where} ORDER BY {order(table, span)} LIMIT ?"
        rows = cursor.execute(asked, (*parameters, limit)).fetchall()
        return [table.document(row) for row in rows]

    def _refuse_null(self, cursor: Any, table: ForeignTable) -> None:
        """A NULL is behind no id, so pages would leave its row out."""
        if table.id.nullable:
            asked = f"{table.select} WHERE {table.id.quoted} IS NULL LIMIT 1"
            for row in cursor.execute(asked).fetchall():
                table.document(row)  # which says so

    def _fetch(self, ids: Sequence[NativeId]) -> list[Document]:
        return self._reading(lambda cursor: self._rows(cursor, self._table(cursor), ids)[0])

    def _rows(
        self, cursor: Any, table: ForeignTable, ids: Sequence[NativeId]
    ) -> tuple[list[Document], list[tuple[Any, ...]]]:
        documents: list[Document] = []
        found: list[tuple[Any, ...]] = []
        for id in ids:
            parameter = table.parameter(id)
            asked = f"{table.select} WHERE {table.is_id} LIMIT 2"
            rows = cursor.execute(asked, (parameter, parameter))
            for row in rows.fetchall():
                documents.append(table.document(row))
                found.append(row)
        return documents, found

    def _total(self) -> int:
        def work(cursor: Any) -> int:
            counted = cursor.execute(f"SELECT count(*) FROM {self._table(cursor).quoted}")
            return int(counted.fetchone()[0])

        return self._reading(work)

    def _splits(self, n: int) -> list[str]:
        def work(cursor: Any) -> list[str]:
            table = self._table(cursor)
            id = table.id.quoted
            [(total,)] = cursor.execute(f"SELECT count(*) FROM {table.quoted}").fetchall()
            splits: list[str] = []
            where, parameters = "", list[Any]()
            for share in range(1, min(n, total)):
                size = total * share // n - total * (share - 1) // n
                asked = f"{table.select}{where} ORDER BY {id} LIMIT 1 OFFSET ?"
                rows = cursor.execute(asked, (*parameters, max(size, 1) - 1)).fetchall()
                splits += [table.document(row).id for row in rows]
                where, parameters = f" WHERE {id} > ?", [row[0] for row in rows] or parameters
            return splits

        return self._reading(work)

    # Writes.

    def _change(self, id: NativeId, changes: Changes) -> Document | None:
        def work(cursor: Any, table: ForeignTable) -> Document | None:
            [documents, rows] = self._rows(cursor, table, [id])
            if not rows:
                return None
            before = documents[0].fields()
            exact = exact_changes(changes, before)
            after = exact.apply_to(before)
            columns = touched(self.source.name, table.columns, after, exact)
            stored = dict(zip(table.columns, rows[0][1:], strict=True))
            values = {
                column: column.changed(stored[name], after[name], exact)
                for name, column in columns.items()
            }
            if values:
                listed = ",".join(f"{column.quoted} = ?" for column in values)
                cursor.execute(
                    f"UPDATE {table.quoted} SET {listed} WHERE {table.is_id}",
                    (*values.values(), rows[0][0], rows[0][0]),
                )
            [[document], _] = self._rows(cursor, table, [id])
            for name, column in columns.items():
                declared = f"declared {column.declared or 'without type'}"
                check_kept(name, declared, after[name], document[name])
            return document

        return self._writing("update", work)

    def _remove(self, id: NativeId) -> bool:
        def work(cursor: Any, table: ForeignTable) -> bool:
            _, rows = self._rows(cursor, table, [id])
            for row in rows:
                where = f"WHERE {table.is_id}"
                cursor.execute(f"DELETE FROM {table.quoted} {where}", (row[0], row[0]))
            return bool(rows)

        return self._writing("delete", work)

    # The table.

    def _table(self, cursor: Any) -> ForeignTable:
        """As it is now: it is looked at again when the schema has changed."""
        version = cursor.execute("PRAGMA schema_version").fetchone()[0]
        if self._known is not None and self._known[0] == version:
            return self._known[1]
        table = _load(cursor, self.source)
        if table.id_type is not None:
            self._known = version, table
        return table

    def _reading(self, work: Callable[[Any], T]) -> T:
        cursor = self._connections.take()
        try:
            return work(cursor)
        except self._driver.Error as error:
            raise self._translated(error) from error
        finally:
            self._connections.give(cursor)

    def _writing(self, operation: str, work: Callable[[Any, ForeignTable], T]) -> T:
        connections = self._connections
        if not connections.lock.acquire(timeout=self._timeout):
            raise self._timed_out()
        try:
            return in_turn(lambda: self._transacted(operation, work), self._timeout)
        except self._driver.Error as error:
            raise self._translated(error) from error
        finally:
            connections.lock.release()

    def _transacted(self, operation: str, work: Callable[[Any, ForeignTable], T]) -> T:
        cursor = self._connections.writer()
        # Off by default, and others rely on it.
        cursor.execute("PRAGMA foreign_keys = ON")
        table = self._table(cursor)
        if table.kind == "view":
            raise self._refused(operation, "it is a view; open the table that it shows")
        if not table.unique:
            raise self._refused(
                operation,
                f"nothing keeps {table.id.name!r} unique, so more than one row could be "
                "meant; give it a unique index",
            )
        return self._connections.transaction(cursor, lambda: work(cursor, table))

    @property
    def _timeout(self) -> float:
        return self._connections.translate.timeout

    def _timed_out(self) -> OperationTimeoutError:
        return self._connections.translate.timed_out()

    def _translated(self, error: Exception) -> InterstoreError:
        made = self._connections.translate(error, self.source.name)
        if isinstance(made, DuplicateError):
            made.index = str(error).partition(_UNIQUE)[2] or None
        return made


def _load(cursor: Any, source: ForeignSource) -> ForeignTable:
    """What the file has under that name.

    Raises:
        ConfigurationError: nothing, or nothing that can be presented as the source says.
    """
    known = "SELECT type, name FROM sqlite_schema WHERE type IN ('table','view') ORDER BY name"
    found = cursor.execute(known).fetchall()
    kinds = {name: kind for kind, name in found}
    if source.name not in kinds:
        others = [name for name in kinds if not name.startswith(("sqlite_", "interstore"))]
        models = schema.models(cursor)
        others = [name for name in others if name not in models]
        raise _wrong(source, absent("table or view", source.name, others))
    if source.name.startswith("interstore") or source.name in schema.models(cursor):
        raise _wrong(source, "it is Interstore's own; read it as a model of the store")
    rows = cursor.execute(
        'SELECT name, type, "notnull", pk, hidden > 1 FROM pragma_table_xinfo(?) WHERE hidden <> 1',
        (source.name,),
    ).fetchall()
    id = source.id or _primary_key(source, rows)
    id_column, columns = load_columns(rows, Renaming(source, id))
    stored = _stored_as(cursor, source, id_column)
    id_type = source.id_type or _id_type(source, id_column, stored)
    if id_type == "objectid":
        raise _wrong(source, "SQLite has no ObjectIds: id_type is 'int', 'uuid' or 'string'")
    return ForeignTable(
        source=source,
        kind=kinds[source.name],
        id=id_column,
        id_type=None if stored is None else id_type,
        id_blob=id_type == "uuid" and stored == "blob",
        columns={column.shown: column for column in columns},
        unique=_is_unique(cursor, source, id_column, rows),
    )


def _primary_key(source: ForeignSource, rows: list[tuple[Any, ...]]) -> str:
    key = [row[0] for row in rows if row[3]]
    if len(key) == 1:
        return str(key[0])
    listed = ", ".join(repr(row[0]) for row in rows)
    why = f"its primary key is {' and '.join(map(repr, key))}" if key else "it has no primary key"
    raise _wrong(source, f"{why}; name one column with id=: {listed}")


def _stored_as(cursor: Any, source: ForeignSource, id: Column) -> str | None:
    """How the ids are stored, going by one of them."""
    table = ForeignTable(source, "", id, None, False, {}, False).quoted
    asked = f"SELECT typeof({id.quoted}) FROM {table} LIMIT 1"
    rows = cursor.execute(asked).fetchall()
    return str(rows[0][0]) if rows else None


def _id_type(source: ForeignSource, id: Column, stored: str | None) -> IdType:
    if id.meaning == "uuid":
        return "uuid"
    if id.affinity == "INTEGER" or stored == "integer":
        return "int"
    if id.affinity == "TEXT" or stored in ("text", "null", None):
        return "string"
    raise _wrong(
        source,
        f"the column {id.name!r} holds a {stored}, which is no id; give id_type='uuid' for blobs "
        "of 16 bytes, or choose another column with id=",
    )


def _is_unique(cursor: Any, source: ForeignSource, id: Column, rows: list[tuple[Any, ...]]) -> bool:
    if [row[0] for row in rows if row[3]] == [id.name]:
        return True
    indexes = cursor.execute(
        'SELECT name FROM pragma_index_list(?) WHERE "unique" = 1 AND partial = 0', (source.name,)
    ).fetchall()
    asked = "SELECT name FROM pragma_index_info(?)"
    return any(cursor.execute(asked, index).fetchall() == [(id.name,)] for index in indexes)


def _wrong(source: ForeignSource, problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"foreign {source.name!r}: {problem}", backend="sqlite", model=source.name
    )
