"""The SQLite engine: Interstore's operations as statements."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from interstore.bulk import BulkResult, WriteOutcome
from interstore.changes import Changes, check_version, not_found
from interstore.document import Document
from interstore.expiry import earliest
from interstore.filters.tree import ALL, Node
from interstore.indexes import Index
from interstore.prepared import Query, Write, WriteMode
from interstore.times import now
from interstore.transactions import Isolation
from interstore_backends.sqlite import bulk, expiry, indexes, schema, watching
from interstore_backends.sqlite.compile import Compiled, compile_query, where
from interstore_backends.sqlite.indexes import is_refusal, raise_refusal, refusal
from interstore_backends.sqlite.inspection import Inspection
from interstore_backends.sqlite.rows import Row, find_all, find_one, row_of
from interstore_backends.sqlite.schema import Table
from interstore_backends.sqlite.settings import CAPABILITIES, LIMITS, SQLiteSettings
from interstore_backends.sqlite.watching import Watching

if TYPE_CHECKING:
    from interstore.foreign import ForeignSource
    from interstore_backends.sqlite.foreign import SQLiteForeign

__all__ = ["SQLiteDatabase"]

T = TypeVar("T")


class _RefusedByIndex(Exception):
    """An index refused one of many documents."""


class SQLiteDatabase(Inspection, Watching):
    """A database in one SQLite file, or in memory.

    Readers never wait for a writer. Writers wait for one another, in this process and in
    others, as long as the timeout allows.
    """

    name = "sqlite"
    capabilities = CAPABILITIES
    limits = LIMITS

    def __init__(self, settings: SQLiteSettings) -> None:
        super().__init__(settings)
        if settings.in_memory:  # there is one connection, and it is everybody's
            self.capabilities = replace(CAPABILITIES, transaction=False, snapshot=False)

    def connect(self) -> None:
        self._connections.open()

    def disconnect(self) -> None:
        self._connections.close()
        self._tables.clear()

    @contextmanager
    def transaction(self, isolation: Isolation) -> Generator[Self]:
        """This database in a transaction: the one that writes, so it is always serializable."""
        with self._connections.transacted(reading=isolation == "reading") as connections:
            database = copy(self)
            database._connections = connections
            # Those it makes may be undone, and what they come to know.
            database._tables = {name: copy(table) for name, table in self._tables.items()}
            yield database

    # Writes of one document.

    def create(self, model: str, write: Write) -> Document:
        row = row_of(write)

        def work(cursor: Any, table: Table) -> int:
            try:
                created: int = cursor.execute(table.create, row).rowcount
            except self._driver.Error as error:
                raise_refusal(cursor, model, write, error)
                raise
            return created

        if not self._write(model, work, create=True, expires=write.expires):
            raise bulk.duplicate(model, write.id)
        return write.document()

    def put(self, model: str, write: Write, *, if_version: int | None = None) -> Document:
        """Replace the document if it exists, else create it.

        Raises:
            NotFoundError: `if_version` is given and the document does not exist.
            ConflictError: its version is not `if_version`.
        """
        row = row_of(write)
        guarded = (*row[3:], row[0], if_version, write.updated)

        def work(cursor: Any, table: Table) -> list[Row]:
            try:
                if if_version is None:
                    rows: list[Row] = cursor.execute(table.put, row).fetchall()
                else:
                    rows = cursor.execute(table.put_if, guarded).fetchall()
            except self._driver.Error as error:
                raise_refusal(cursor, model, write, error)
                raise
            return rows

        if if_version is None:
            stored = self._write(model, work, create=True, expires=write.expires)
        else:
            stored = self._guarded(model, write.id, if_version, work, write.expires)
        [(version, created)] = stored or []
        return Document(
            write.fields,
            id=write.id,
            version=version,
            created=created,
            updated=write.updated,
            expires=write.expires,
        )

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        def work(cursor: Any, table: Table) -> Write:
            current = find_one(cursor, table, id)
            write = changes.apply(model, id, current, if_version)
            if not changes.is_empty:
                bulk.replace(cursor, table, write, self._explain(cursor, model))
            return write

        written = self._transact(model, work, expires=changes.expiry)
        if written is None:
            raise not_found(model, id)
        return written.document()

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        def work(cursor: Any, table: Table) -> int:
            if if_version is None:
                deleted: int = cursor.execute(table.delete, (id, now())).rowcount
            else:
                deleted = cursor.execute(
                    table.delete_if, (id, now(), if_version, if_created)
                ).rowcount
            return deleted

        if if_version is None:
            return bool(self._write(model, work))
        return bool(self._guarded(model, id, if_version, work, created=if_created))

    def _guarded(
        self,
        model: str,
        id: str,
        if_version: int,
        work: Callable[[Any, Table], T],
        expires: str | None = None,
        created: str | None = None,
    ) -> T | None:
        """What `work` gives, which writes the document only if it has that version.

        Raises:
            NotFoundError: the document does not exist.
            ConflictError: it has another version, or was not created then.
        """
        while True:
            written = self._write(model, work, expires=expires)
            if written:
                return written
            # A fresh read tells why. If the document has that version now, it was made since.
            current = self.find_by_id(model, id)
            if current is None:
                raise not_found(model, id)
            check_version(model, current, if_version, created)

    def find_one_and_update(self, model: str, query: Query, changes: Changes) -> Document | None:
        """Update the first document of the query's order; ``None`` if none matches."""
        query = query.only(limit=1, fields=None)

        def work(cursor: Any, table: Table) -> Write | None:
            def run(condition: Compiled) -> list[Document]:
                rest = compile_query(query, condition)
                return find_all(cursor, table.select + rest.sql, rest.parameters)

            found = self._filtered(cursor, table, query.tree, run)
            if not found:
                return None
            write = changes.apply(model, found[0].id, found[0])
            if not changes.is_empty:
                bulk.replace(cursor, table, write, self._explain(cursor, model))
            return write

        written = self._transact(model, work, expires=changes.expiry)
        return None if written is None else written.document()

    def find_one_and_delete(self, model: str, query: Query) -> Document | None:
        """Delete the first document of the query's order and return it, or ``None``."""
        query = query.only(limit=1, fields=None)

        def work(cursor: Any, table: Table) -> Document | None:
            def run(condition: Compiled) -> list[Document]:
                rest = compile_query(query, condition)
                return find_all(cursor, table.select + rest.sql, rest.parameters)

            found = self._filtered(cursor, table, query.tree, run)
            for document in found:
                cursor.execute(f"DELETE FROM {table.name} WHERE id = ?", (document.id,))
                return document
            return None

        return self._transact(model, work)

    # Writes of many documents.

    def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Create each; the outcome of each, in order. The ids are distinct."""
        return self._bulk(
            model,
            writes,
            lambda cursor, table, explain: bulk.create_many(cursor, table, model, writes, explain),
        )

    def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Put each; the outcome of each, in order. The ids are distinct."""
        return self._bulk(
            model,
            writes,
            lambda cursor, table, explain: bulk.put_many(cursor, table, writes, explain),
        )

    def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Write documents as they are, version and times included."""
        return self._bulk(
            model,
            writes,
            lambda cursor, table, explain: bulk.write_page(cursor, table, writes, mode, explain),
        )

    def _bulk(
        self,
        model: str,
        writes: Sequence[Write],
        work: Callable[[Any, Table, bulk.Explain | None], list[WriteOutcome]],
    ) -> list[WriteOutcome]:
        if not writes:  # which creates no model
            return []

        def at_once(cursor: Any, table: Table) -> list[WriteOutcome]:
            self._make_room(cursor, table, writes)
            try:
                return work(cursor, table, None)
            except self._driver.Error as error:
                if is_refusal(error):
                    raise _RefusedByIndex from error
                raise

        expires = earliest(each.expires for each in writes)
        try:
            return self._transact(model, at_once, create=True, expires=expires) or []
        except _RefusedByIndex:
            pass

        def one_by_one(cursor: Any, table: Table) -> list[WriteOutcome]:
            self._make_room(cursor, table, writes)
            return work(cursor, table, self._explain(cursor, model))

        return self._transact(model, one_by_one, create=True, expires=expires) or []

    def _make_room(self, cursor: Any, table: Table, writes: Sequence[Write]) -> None:
        """Remove what has expired of the documents that are to be written over."""
        self._unexpired(cursor, table, ALL)
        if table.expiring:
            expiry.sweep(cursor, table, len(writes), [write.id for write in writes])

    def _explain(self, cursor: Any, model: str) -> bulk.Explain:
        """What tells, after an error, whether an index refused a document and why."""
        return lambda write, error: refusal(cursor, model, write, error)

    def update_many(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """Update every document that matches, all of them in one transaction."""

        def work(cursor: Any, table: Table) -> BulkResult:
            return self._filtered(
                cursor,
                table,
                tree,
                lambda condition: bulk.update_many(
                    cursor, table, model, condition, changes, self._explain(cursor, model)
                ),
            )

        return self._transact(model, work, expires=changes.expiry) or BulkResult()

    def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Delete every document that matches, all of them in one statement."""

        def work(cursor: Any, table: Table) -> int:
            def run(condition: Compiled) -> int:
                statement = f"DELETE FROM {table.name}{where(condition)}"
                deleted: int = cursor.execute(statement, condition.parameters).rowcount
                return deleted

            return self._filtered(cursor, table, tree, run)

        return BulkResult(deleted=self._write(model, work) or 0)

    # By capability.

    def sweep(self, model: str, limit: int, ids: Sequence[str] | None = None) -> int:
        """Remove documents that have expired, at most `limit` in one statement; return how many."""

        def work(cursor: Any, table: Table) -> int:
            self._unexpired(cursor, table, ALL)
            return expiry.sweep(cursor, table, limit, ids) if table.expiring else 0

        return self._write(model, work) or 0

    def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""

        def work(cursor: Any, table: Table) -> bool:
            indexes.drop_lists(cursor, model, table)
            watching.forget(cursor, model)
            schema.drop_table(cursor, model, table)
            return True

        dropped = bool(self._transact(model, work))
        self._tables.pop(model, None)
        return dropped

    def ensure_index(self, model: str, index: Index) -> None:
        """Build the index unless it exists; nobody writes to the file meanwhile."""

        def work(cursor: Any, table: Table) -> None:
            if index.unique:
                self._unexpired(cursor, table, ALL)
                if table.expiring:
                    expiry.remove_all(cursor, table)
            indexes.ensure_index(cursor, model, table, index)

        self._transact(model, work, create=True)
        self._tables.pop(model, None)

    def foreign(self, source: ForeignSource) -> SQLiteForeign:
        """A table or a view that others made in the file."""
        from interstore_backends.sqlite.foreign import SQLiteForeign

        return SQLiteForeign(source, self._connections, self._driver)

    def drop_index(self, model: str, name: str) -> bool:
        """Remove the index of that name, and what it demands; return whether it existed."""
        dropped = self._transact(
            model, lambda cursor, table: indexes.drop_index(cursor, model, table, name)
        )
        self._tables.pop(model, None)
        return bool(dropped)

    @property
    def native(self) -> Any:
        """The driver's connection that writes, in autocommit mode.

        Whoever uses it beside other threads waits for none of them: keep to one statement.
        """
        with self._connections.lock:
            cursor = self._connections.writer()
            # Whoever uses it waits as SQLite does.
            cursor.execute(f"PRAGMA busy_timeout = {int(self._settings.timeout * 1000)}")
            return cursor.connection
