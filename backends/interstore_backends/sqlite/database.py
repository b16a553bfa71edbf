"""The SQLite engine: Interstore's operations as statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from interstore.bulk import BulkResult, WriteOutcome
from interstore.changes import Changes, conflict, not_found
from interstore.document import Document
from interstore.errors import InterstoreError
from interstore.filters.tree import ALL, Node
from interstore.prepared import Partition, Query, ScanPage, Write, WriteMode
from interstore_backends.sqlite import bulk, schema
from interstore_backends.sqlite.compile import Compiled, compile_filter, compile_query
from interstore_backends.sqlite.connections import make_connections
from interstore_backends.sqlite.driver import load_driver
from interstore_backends.sqlite.errors import is_stale, is_too_complex
from interstore_backends.sqlite.rows import Row, StaleTable, read_document, read_documents, row_of
from interstore_backends.sqlite.schema import Table
from interstore_backends.sqlite.settings import CAPABILITIES, LIMITS, SQLiteSettings

__all__ = ["SQLiteDatabase"]

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


class SQLiteDatabase:
    """A database in one SQLite file, or in memory.

    Readers never wait for a writer. Writers wait for one another, in this process and in
    others, as long as the timeout allows.

    Raises:
        MissingDriverError, ConfigurationError: the driver is not there, or too old.
    """

    name = "sqlite"
    capabilities = CAPABILITIES
    limits = LIMITS

    def __init__(self, settings: SQLiteSettings) -> None:
        self._settings = settings
        self._driver = load_driver(settings.driver)
        self._connections = make_connections(settings, self._driver)
        self._translate = self._connections.translate
        self._format: schema.Format = self._new_format()
        self._tables: dict[str, Table] = {}
        self._caught = (self._driver.Error, StaleTable, msgspec.DecodeError)

    def _new_format(self) -> schema.Format:
        if not self._settings.jsonb:
            return "text"
        schema.check_format("jsonb", self._driver.version)
        return "jsonb"

    def connect(self) -> None:
        self._connections.open()

    def disconnect(self) -> None:
        self._connections.close()
        self._tables.clear()

    # How every operation runs.

    def _read(self, model: str, work: Callable[[Any, Table], T]) -> T | None:
        """What `work` returns, called with a cursor to read; ``None`` if there is no such model."""
        connections = self._connections
        for attempt in (1, 2):
            cursor = connections.take()
            try:
                table = self._tables.get(model) or self._load(cursor, model)
                return None if table is None else work(cursor, table)
            except self._caught as error:
                self._forget(model, error, final=attempt == 2)
            finally:
                connections.give(cursor)
        raise AssertionError("unreachable")

    def _write(
        self, model: str, work: Callable[[Any, Table], T], *, create: bool = False
    ) -> T | None:
        """Likewise with the cursor that writes, under its lock.

        Args:
            create: whether the model is created if it does not exist.
        """
        connections = self._connections
        for attempt in (1, 2):
            if not connections.lock.acquire(timeout=self._settings.timeout):
                raise self._translate.timed_out()
            try:
                cursor = connections.writer()
                table = self._tables.get(model) or self._load(cursor, model)
                if table is None and create:
                    table = self._create(cursor, model)
                return None if table is None else work(cursor, table)
            except self._caught as error:
                self._forget(model, error, final=attempt == 2)
            finally:
                connections.lock.release()
        raise AssertionError("unreachable")

    def _transact(
        self, model: str, work: Callable[[Any, Table], T], *, create: bool = False
    ) -> T | None:
        """Likewise, what `work` writes being applied together or not at all."""

        def whole(cursor: Any, table: Table) -> T:
            return self._connections.transaction(cursor, lambda: work(cursor, table))

        return self._write(model, whole, create=create)

    def _forget(self, model: str, error: Exception, *, final: bool) -> None:
        """Have the operation repeated if the table is another than was remembered.

        Raises:
            InterstoreError: that is not the reason.
        """
        known = self._tables.pop(model, None)
        if isinstance(error, msgspec.DecodeError):
            raise self._translate.corrupt(str(error), model) from error
        if isinstance(error, StaleTable):
            if final:
                raise self._translate.corrupt("a document is not text", model) from error
        elif final or known is None or not is_stale(error):
            raise self._translate(error, model) from error

    def _load(self, cursor: Any, model: str) -> Table | None:
        table = schema.load_table(cursor, model, self._driver.version)
        if table is not None:
            self._tables[model] = table
        return table

    def _create(self, cursor: Any, model: str) -> Table:
        if not self._settings.auto_create:
            raise schema.creation_is_off(model, schema.models(cursor))

        def create() -> Table:
            # Another process may have been faster.
            table = schema.load_table(cursor, model, self._driver.version)
            return table or schema.create_table(cursor, model, self._format)

        table = self._connections.transaction(cursor, create)
        self._tables[model] = table
        return table

    def _filtered(self, tree: Node, run: Callable[[Compiled], T]) -> T:
        """`run` with the condition that the tree is compiled to."""
        try:
            return run(compile_filter(tree))
        except self._driver.Error as error:
            if not is_too_complex(error):
                raise
        return run(self._connections.filters.compiled(tree))

    # Reads.

    def find_by_id(self, model: str, id: str) -> Document | None:
        return self._read(model, lambda cursor, table: _one(cursor, table, id))

    def find_by_id_inline(self, model: str, id: str) -> Document | None:
        """`find_by_id` without ever waiting, for the thread of an event loop.

        Raises:
            BlockingIOError: it would have to wait, or to look for the model first.
        """
        table = self._tables.get(model)
        if table is None:
            raise BlockingIOError
        try:
            return self._connections.inline(lambda cursor: _one(cursor, table, id))
        except self._caught as error:
            self._forget(model, error, final=False)
            raise BlockingIOError from error

    def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """The documents that exist among `ids`."""
        listed = _encode(ids).decode()

        def work(cursor: Any, table: Table) -> list[Document]:
            query = f"{table.select} WHERE id IN (SELECT value FROM json_each(?))"
            return _all(cursor, query, (listed,))

        return self._read(model, work) or []

    def find(self, model: str, query: Query) -> Iterable[Document]:
        def work(cursor: Any, table: Table) -> list[Document]:
            def run(condition: Compiled) -> list[Document]:
                rest = compile_query(query, condition)
                return _all(cursor, table.select + rest.sql, rest.parameters)

            return self._filtered(query.tree, run)

        return self._read(model, work) or []

    def count(self, model: str, tree: Node) -> int:
        """How many documents match."""
        counted = self._select(model, "SELECT count(*)", tree)
        return 0 if counted is None else int(counted[0])

    def exists(self, model: str, tree: Node) -> bool:
        """Whether any document matches."""
        return self._select(model, "SELECT 1", tree, " LIMIT 1") is not None

    def _select(self, model: str, what: str, tree: Node, end: str = "") -> Row | None:
        """The first row of a query over the documents that match."""

        def work(cursor: Any, table: Table) -> Row | None:
            def run(condition: Compiled) -> Row | None:
                query = f"{what} FROM {table.name}{_where(tree, condition)}{end}"
                rows: list[Row] = cursor.execute(query, condition.parameters).fetchall()
                return rows[0] if rows else None

            return self._filtered(tree, run)

        return self._read(model, work)

    def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """One page of a partition, in the order of ids, after the last id of the page before."""
        lower = partition.after if after is None else after
        terms, parameters = ["id > ?"], ["" if lower is None else lower]
        if partition.until is not None:
            terms.append("id <= ?")
            parameters.append(partition.until)
        end = f" WHERE {' AND '.join(terms)} ORDER BY id LIMIT ?"

        def work(cursor: Any, table: Table) -> list[Document]:
            return _all(cursor, table.select + end, (*parameters, limit))

        documents = self._read(model, work) or []
        return ScanPage(documents, documents[-1].id if len(documents) == limit else None)

    def partitions(self, model: str, n: int) -> list[Partition]:
        """At most `n` shares of about the same number of documents."""

        def work(cursor: Any, table: Table) -> list[str]:
            [(total,)] = cursor.execute(f"SELECT count(*) FROM {table.name}").fetchall()
            query = f"SELECT id FROM {table.name} WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?"
            splits: list[str] = []
            for share in range(1, min(n, total)):
                size = total * share // n - total * (share - 1) // n
                last = splits[-1] if splits else ""
                rows = cursor.execute(query, (last, max(size, 1) - 1)).fetchall()
                splits.extend(id for (id,) in rows)
            return splits

        splits = self._read(model, work) or []
        ends = [None, *splits, None]
        return [Partition(after=after, until=until) for after, until in pairwise(ends)]

    def ping(self) -> None:
        """Return if the file can be read."""
        self._read_file(lambda cursor: cursor.execute("PRAGMA schema_version").fetchall())

    # Writes of one document.

    def create(self, model: str, write: Write) -> Document:
        row = row_of(write)
        created = self._write(
            model,
            lambda cursor, table: cursor.execute(table.create, row).rowcount,
            create=True,
        )
        if not created:
            raise bulk.duplicate(model, write.id)
        return write.document()

    def put(self, model: str, write: Write, *, if_version: int | None = None) -> Document:
        """Replace the document if it exists, else create it.

        Raises:
            NotFoundError: `if_version` is given and the document does not exist.
            ConflictError: its version is not `if_version`.
        """
        row = row_of(write)
        guarded = (*row[3:], row[0], if_version)

        def work(cursor: Any, table: Table) -> list[Row]:
            if if_version is None:
                rows: list[Row] = cursor.execute(table.put, row).fetchall()
            else:
                rows = cursor.execute(table.put_if, guarded).fetchall()
            return rows

        stored = self._write(model, work, create=if_version is None)
        if not stored:
            raise self._refused(model, write.id, if_version)
        [(version, created)] = stored
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
            current = _one(cursor, table, id)
            write = changes.apply(model, id, current, if_version)
            if not changes.is_empty:
                bulk.replace(cursor, table, write)
            return write

        written = self._transact(model, work)
        if written is None:
            raise not_found(model, id)
        return written.document()

    def delete(self, model: str, id: str, *, if_version: int | None = None) -> bool:
        guard, parameters = "", (id,)
        if if_version is not None:
            guard, parameters = " AND version = ?", (id, if_version)  # type: ignore[assignment]

        def work(cursor: Any, table: Table) -> int:
            statement = f"DELETE FROM {table.name} WHERE id = ?{guard}"
            deleted: int = cursor.execute(statement, parameters).rowcount
            return deleted

        deleted = bool(self._write(model, work))
        if not deleted and if_version is not None:
            raise self._refused(model, id, if_version)
        return deleted

    def _refused(self, model: str, id: str, if_version: int | None) -> InterstoreError:
        """Why a guarded write changed nothing, by a fresh read."""
        current = self.find_by_id(model, id)
        if current is None or if_version is None:
            return not_found(model, id)
        return conflict(model, id, if_version, current.version)

    def find_one_and_update(self, model: str, query: Query, changes: Changes) -> Document | None:
        """Update the first document of the query's order; ``None`` if none matches."""
        query = query.only(limit=1, fields=None)

        def work(cursor: Any, table: Table) -> Write | None:
            def run(condition: Compiled) -> list[Document]:
                rest = compile_query(query, condition)
                return _all(cursor, table.select + rest.sql, rest.parameters)

            found = self._filtered(query.tree, run)
            if not found:
                return None
            write = changes.apply(model, found[0].id, found[0])
            if not changes.is_empty:
                bulk.replace(cursor, table, write)
            return write

        written = self._transact(model, work)
        return None if written is None else written.document()

    # Writes of many documents.

    def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Create each; the outcome of each, in order. The ids are distinct."""
        return self._bulk(
            model,
            lambda cursor, table: bulk.create_many(cursor, table, model, writes),
        )

    def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Put each; the outcome of each, in order. The ids are distinct."""
        return self._bulk(model, lambda cursor, table: bulk.put_many(cursor, table, writes))

    def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Write documents as they are, version and times included."""
        return self._bulk(model, lambda cursor, table: bulk.write_page(cursor, table, writes, mode))

    def _bulk(
        self, model: str, work: Callable[[Any, Table], list[WriteOutcome]]
    ) -> list[WriteOutcome]:
        return self._transact(model, work, create=True) or []

    def update_many(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """Update every document that matches, all of them in one transaction."""

        def work(cursor: Any, table: Table) -> BulkResult:
            return self._filtered(
                tree,
                lambda condition: bulk.update_many(cursor, table, model, condition, changes),
            )

        return self._transact(model, work) or BulkResult()

    def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Delete every document that matches, all of them in one statement."""

        def work(cursor: Any, table: Table) -> int:
            def run(condition: Compiled) -> int:
                statement = f"DELETE FROM {table.name}{_where(tree, condition)}"
                deleted: int = cursor.execute(statement, condition.parameters).rowcount
                return deleted

            return self._filtered(tree, run)

        return BulkResult(deleted=self._write(model, work) or 0)

    # By capability.

    def models(self) -> list[str]:
        """The names of the models that exist, sorted."""
        return self._read_file(schema.models)

    def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""

        def work(cursor: Any, table: Table) -> bool:
            schema.drop_table(cursor, model, table)
            return True

        dropped = bool(self._transact(model, work))
        self._tables.pop(model, None)
        return dropped

    def stats(self) -> dict[str, Any]:
        """Bytes of the file, documents of each model, versions and settings in force."""

        def work(cursor: Any) -> dict[str, Any]:
            [(size,)] = cursor.execute("PRAGMA page_size").fetchall()
            [(pages,)] = cursor.execute("PRAGMA page_count").fetchall()
            return {"bytes": size * pages, "models": schema.models(cursor)}

        figures = self._read_file(work)
        documents = {model: self.count(model, ALL) for model in figures.pop("models")}
        return {
            "documents": sum(documents.values()),
            **figures,
            "models": documents,
            "file": self._connections.file,
            "sqlite": self._driver.version_text,
            "driver": self._driver.name,
            "durability": self._settings.durability,
        }

    @property
    def native(self) -> Any:
        """The driver's connection that writes, in autocommit mode.

        Whoever uses it beside other threads waits for none of them: keep to one statement.
        """
        with self._connections.lock:
            return self._connections.writer().connection

    def _read_file(self, work: Callable[[Any], T]) -> T:
        cursor = self._connections.take()
        try:
            return work(cursor)
        except self._driver.Error as error:
            raise self._translate(error) from error
        finally:
            self._connections.give(cursor)


def _one(cursor: Any, table: Table, id: str) -> Document | None:
    row = cursor.execute(table.get, (id,)).fetchone()
    return None if row is None else read_document(row)


def _all(cursor: Any, query: str, parameters: Sequence[Any]) -> list[Document]:
    return read_documents(cursor.execute(query, parameters).fetchall())


def _where(tree: Node, condition: Compiled) -> str:
    return "" if tree == ALL else f" WHERE {condition.sql}"
