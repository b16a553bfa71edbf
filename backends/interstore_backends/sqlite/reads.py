"""Reading: statements that take no lock and never wait for a writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from interstore._sync.operations import Operations
from interstore.aggregation import Aggregation, Group, arrange
from interstore.document import Document
from interstore.expiry import has_expired
from interstore.filters.order import sort_value
from interstore.filters.tree import ALL, Node, Scalar
from interstore.paths import Reference
from interstore.prepared import Partition, Query, ScanPage
from interstore.pushdown import distinct_groups
from interstore.times import now
from interstore_backends.sqlite.access import Access
from interstore_backends.sqlite.aggregates import TOO_LARGE, compile_aggregation, groups_of
from interstore_backends.sqlite.compile import Compiled, compile_query, where
from interstore_backends.sqlite.rows import (
    Row,
    find_all,
    find_one,
    find_rows,
    read_documents,
    writes_of,
)
from interstore_backends.sqlite.schema import Table

__all__ = ["Reads"]

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


class Reads(Access):
    """The operations that only read."""

    def find_by_id(self, model: str, id: str) -> Document | None:
        return self._read(model, lambda cursor, table: find_one(cursor, table, id))

    def find_by_id_inline(self, model: str, id: str) -> Document | None:
        """`find_by_id` without ever waiting, for the thread of an event loop.

        Raises:
            BlockingIOError: it would have to wait, or to look for the model first.
        """
        table = self._tables.get(model)
        if table is None:
            raise BlockingIOError
        try:
            return self._connections.inline(lambda cursor: find_one(cursor, table, id))
        except self._caught as error:
            self._forget(model, error, final=False)
            raise BlockingIOError from error

    def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """The documents that exist among `ids`."""
        listed = _encode(ids).decode()

        def work(cursor: Any, table: Table) -> list[Document]:
            query = f"{table.select} WHERE id IN (SELECT value FROM json_each(?))"
            return find_all(cursor, query, (listed,))

        found = self._read(model, work) or []
        if any(document.expires is not None for document in found):
            time = now()
            return [document for document in found if not has_expired(document, time)]
        return found

    def find(self, model: str, query: Query) -> Iterable[Document]:
        def work(cursor: Any, table: Table) -> list[Document]:
            def run(condition: Compiled) -> list[Document]:
                rest = compile_query(query, condition)
                return find_all(cursor, table.select + rest.sql, rest.parameters)

            return self._filtered(cursor, table, query.tree, run)

        return self._read(model, work) or []

    def count(self, model: str, tree: Node) -> int:
        """How many documents match."""
        counted = self._select(model, "SELECT count(*)", tree)
        return 0 if counted is None else int(counted[0])

    def exists(self, model: str, tree: Node) -> bool:
        """Whether any document matches."""
        return self._select(model, "SELECT 1", tree, " LIMIT 1") is not None

    def aggregate(self, model: str, aggregation: Aggregation) -> list[dict[str, Any]]:
        """One row for each group."""
        groups = self._groups(model, aggregation)
        if groups is None:
            return Operations.aggregate(self._derived(), model, aggregation)
        return arrange(groups, aggregation)

    def distinct(self, model: str, path: Reference, tree: Node) -> list[Scalar]:
        """The scalars that stand at `path`, each once, in sort order."""
        groups = self._groups(model, distinct_groups(path, tree))
        if groups is None:
            return Operations.distinct(self._derived(), model, path, tree)
        return sorted([value for (value,), _ in groups], key=sort_value)

    def _groups(self, model: str, aggregation: Aggregation) -> list[Group] | None:
        """The groups; ``None`` if only core can tell them, of whole documents."""

        def work(cursor: Any, table: Table) -> list[Row] | None:
            def run(condition: Compiled) -> list[Row] | None:
                query = compile_aggregation(aggregation, table.name, condition)
                try:
                    rows: list[Row] = cursor.execute(query.sql, query.parameters).fetchall()
                except self._driver.Error as error:
                    if str(error) == TOO_LARGE:
                        return None
                    raise
                return rows

            return self._filtered(cursor, table, aggregation.tree, run)

        rows = self._read(model, work)
        return None if rows is None else groups_of(rows, aggregation)

    def _derived(self) -> Operations:
        """What is built on the operations on one document."""
        database: Any = self  # the engine, of which this class is a part
        return Operations(database)

    def _select(self, model: str, what: str, tree: Node, end: str = "") -> Row | None:
        """The first row of a query over the documents that match."""

        def work(cursor: Any, table: Table) -> Row | None:
            def run(condition: Compiled) -> Row | None:
                query = f"{what} FROM {table.name}{where(condition)}{end}"
                rows: list[Row] = cursor.execute(query, condition.parameters).fetchall()
                return rows[0] if rows else None

            return self._filtered(cursor, table, tree, run)

        return self._read(model, work)

    def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """One page of a partition, in the order of ids, after the last id of the page before."""
        lower = partition.after if after is None else after
        terms, parameters = ["id > ?"], ["" if lower is None else lower]
        if partition.until is not None:
            terms.append("id <= ?")
            parameters.append(partition.until)
        bounds = " AND ".join(terms)

        def work(cursor: Any, table: Table) -> list[Row]:
            def run(live: Compiled) -> list[Row]:
                condition = bounds if live.is_all else f"{bounds} AND {live.sql}"
                query = f"{table.select} WHERE {condition} ORDER BY id LIMIT ?"
                return find_rows(cursor, query, (*parameters, *live.parameters, limit))

            return self._filtered(cursor, table, ALL, run)

        rows = self._read(model, work) or []
        return ScanPage.later(
            lambda: self._decoded(model, read_documents, rows),
            lambda: self._decoded(model, writes_of, rows),
            rows[-1][0] if len(rows) == limit else None,
        )

    def _decoded(
        self, model: str, decode: Callable[[Sequence[Row]], list[T]], rows: Sequence[Row]
    ) -> list[T]:
        """What is made of rows, when their connection is in other hands already."""
        try:
            return decode(rows)
        except msgspec.DecodeError as error:
            raise self._translate.corrupt(str(error), model) from error

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
