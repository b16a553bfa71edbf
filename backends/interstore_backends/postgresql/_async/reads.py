"""What is read, and what all operations share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from time import monotonic
from types import TracebackType
from typing import Any, Final

import psycopg

from interstore._async.operations import AsyncOperations
from interstore.aggregation import Aggregation, Group, arrange
from interstore.document import Document
from interstore.errors import CorruptionError, InterstoreError
from interstore.expiry import has_expired, unexpired
from interstore.filters.order import sort_value
from interstore.filters.tree import ALL, Node, Scalar
from interstore.paths import Path, Reference
from interstore.prepared import Partition, Query, ScanPage
from interstore.pushdown import distinct_groups
from interstore.times import now
from interstore_backends.postgresql._async.connections import AsyncConnections
from interstore_backends.postgresql._async.models import AsyncModels
from interstore_backends.postgresql._async.statements import AsyncStatements
from interstore_backends.postgresql.aggregates import compile_aggregation, groups_of
from interstore_backends.postgresql.compile import compile_filter, compile_query
from interstore_backends.postgresql.errors import Translator, is_undefined_table
from interstore_backends.postgresql.rows import Row, read_document, read_documents, writes_of
from interstore_backends.postgresql.schema import LIVE, Table
from interstore_backends.postgresql.settings import PostgreSQLSettings
from interstore_backends.postgresql.values import NOT_INDEXED, Indexed, Parameters, text_array

__all__ = ["AsyncReads"]

_SAMPLED_PAGES: Final = 2_000
"""So many pages of a table are read to find out how its ids are spread."""


_FEW_KEYS: Final = 8
"""So many are picked out by the server: for each, it unpacks a document that is compressed."""


class AsyncReads:
    """The operations that change nothing."""

    def __init__(self, settings: PostgreSQLSettings) -> None:
        self._settings = settings
        self._connections: AsyncStatements = AsyncConnections(settings)
        self._models = AsyncModels(self._connections, settings)

    async def find_by_id(self, model: str, id: str) -> Document | None:
        table = self._models.known.get(model) or await self._table(model)
        if table is None:
            return None
        rows = await self._read(table, table.get, (id,), prepare=True)
        if not rows:
            return None
        document = read_document(rows[0])
        return None if document.expires is not None and has_expired(document) else document

    async def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """The documents that exist among `ids`."""
        table = await self._table(model)
        if table is None:
            return []
        values = (text_array(ids),)
        found = read_documents(await self._read(table, table.find_by_ids, values, prepare=True))
        if any(document.expires is not None for document in found):
            time = now()
            return [document for document in found if not has_expired(document, time)]
        return found

    async def find(self, model: str, query: Query) -> Iterable[Document]:
        table = await self._table(model)
        if table is None:
            return []
        keys = _top_level(query.fields)
        select = table.select if keys is None else table.select_keys
        parameters = None if keys is None else Parameters([text_array(keys)])
        tree, indexed = await self._living(table, query.tree)
        rest = compile_query(query.only(tree=tree), indexed, parameters)
        documents = read_documents(
            await self._read(table, select + rest.sql, rest.values, prepare=rest.prepare)
        )
        if keys is not None:
            for document in documents:
                document.partial = True
        return documents

    async def count(self, model: str, tree: Node) -> int:
        """How many documents match."""
        table = await self._table(model)
        if table is None:
            return 0
        where = compile_filter(*await self._living(table, tree))
        sql = f"SELECT count(*) FROM {table.name}{where.sql}"
        rows = await self._read(table, sql, where.values, prepare=where.prepare)
        return int(rows[0][0]) if rows else 0

    async def exists(self, model: str, tree: Node) -> bool:
        """Whether any document matches."""
        table = await self._table(model)
        if table is None:
            return False
        where = compile_filter(*await self._living(table, tree))
        sql = f"SELECT 1 FROM {table.name}{where.sql} LIMIT 1"
        return bool(await self._read(table, sql, where.values, prepare=where.prepare))

    async def aggregate(self, model: str, aggregation: Aggregation) -> list[dict[str, Any]]:
        """One row for each group."""
        groups = await self._groups(model, aggregation)
        if groups is None:
            return await AsyncOperations.aggregate(self._derived(), model, aggregation)
        return arrange(groups, aggregation)

    async def distinct(self, model: str, path: Reference, tree: Node) -> list[Scalar]:
        """The scalars that stand at `path`, each once, in sort order."""
        groups = await self._groups(model, distinct_groups(path, tree)) or []
        return sorted([value for (value,), _ in groups], key=sort_value)

    async def _groups(self, model: str, aggregation: Aggregation) -> list[Group] | None:
        """The groups; ``None`` if only core can tell them, of whole documents."""
        table = await self._table(model)
        if table is None:
            return None
        where = compile_filter(*await self._living(table, aggregation.tree))
        sql = compile_aggregation(aggregation, table.name, where)
        rows = await self._read(table, sql, where.values, prepare=where.prepare)
        return groups_of(rows, aggregation) if rows or aggregation.group_by else None

    def _derived(self) -> AsyncOperations:
        """What is built on the operations on one document."""
        database: Any = self  # the engine, of which this class is a part
        return AsyncOperations(database)

    async def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """One page of a partition, in the order of ids, after the last id of the page before."""
        table = await self._table(model)
        if table is None:
            return ScanPage([], None)
        lower = partition.after if after is None else after
        values, until = ["" if lower is None else lower, str(limit)], ""
        if partition.until is not None:
            values.append(partition.until)
            until = " AND id <= $3"
        await self._living(table, ALL)
        if table.expiring:
            values.append(now())
            until += f" AND {LIVE.format(f'${len(values)}::timestamptz')}"
        sql = f"{table.select} WHERE id > $1{until} ORDER BY id LIMIT $2::bigint"
        rows = await self._read(table, sql, values, prepare=True)
        return ScanPage.later(
            lambda: read_documents(rows),
            lambda: writes_of(rows),
            rows[-1][0] if len(rows) == limit else None,
        )

    async def partitions(self, model: str, n: int) -> list[Partition]:
        """At most `n` shares of about the same number of documents, by a sample."""
        table = await self._table(model)
        if table is None or n < 2:
            return [Partition()]
        size = "SELECT pg_relation_size($1::regclass) / current_setting('block_size')::int"
        rows = await self._read(table, size, [table.name])
        pages = int(rows[0][0]) if rows else 0
        sample = ""
        if pages > _SAMPLED_PAGES:
            sample = f" TABLESAMPLE SYSTEM ({100 * _SAMPLED_PAGES / pages:.6f})"
        sql = (
            "SELECT unnest(percentile_disc($1::float8[]) WITHIN GROUP (ORDER BY id)) "
            f"FROM {table.name}{sample}"
        )
        shares = text_array([repr(number / n) for number in range(1, n)])
        found = await self._read(table, sql, [shares])
        splits = sorted({id for (id,) in found if id is not None})
        return [Partition(after=a, until=b) for a, b in pairwise([None, *splits, None])]

    async def ping(self) -> None:
        """Return if the server answers."""
        with self._translated():
            await self._connections.read("SELECT 1")

    # What operations share.

    async def _table(self, model: str) -> Table | None:
        table = self._models.known.get(model)
        if table is not None:
            return table
        with self._translated(model):
            return await self._models.find(model)

    async def _living(self, table: Table | None, tree: Node) -> tuple[Node, Indexed]:
        """The tree for what has not expired, and what its conditions are to be written for."""
        if table is None:
            return tree, NOT_INDEXED
        if table.fresh_until <= monotonic():
            with self._translated(table.model):
                await self._models.look(table)
        if table.expiring:
            tree = unexpired(tree)
        return tree, NOT_INDEXED if tree == ALL else table.indexed

    async def _read(
        self, table: Table, sql: str, values: Sequence[str], *, prepare: bool | None = None
    ) -> list[Row]:
        try:
            return await self._connections.read(sql, values, prepare=prepare)
        except psycopg.Error as error:
            await self._check_table(error, table)
        return []

    async def _check_table(self, error: psycopg.Error, table: Table) -> None:
        """Return if the table is gone because the model is; else raise."""
        model = table.model
        if not is_undefined_table(error):
            raise self._connections.error(error, model) from error
        self._models.forget(model)
        if await self._table(model) is not None:
            self._models.forget(model)
            raise self._lost(model) from error

    def _lost(self, model: str) -> InterstoreError:
        return CorruptionError(
            f"{self._settings.place}: the table of the model {model!r} is gone, although "
            "interstore_models lists it: restore it, or drop the model",
            backend="postgresql",
            model=model,
        )

    def _translated(self, model: str | None = None) -> AbstractContextManager[None]:
        """Raises Interstore's errors for the driver's."""
        return Translated(self._connections.error, model)


def _top_level(fields: tuple[Path, ...] | None) -> list[str] | None:
    """The keys that hold what a projection keeps; ``None`` if whole documents are to be read."""
    if fields is None:
        return None
    keys = list(dict.fromkeys([str(path[0]) for path in fields]))
    return keys if len(keys) <= _FEW_KEYS else None


class Translated:
    """Within it, Interstore's errors are raised for the driver's."""

    __slots__ = ("_error", "_model")

    def __init__(self, error: Translator, model: str | None) -> None:
        self._error = error
        self._model = model

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, psycopg.Error):
            raise self._error(error, self._model) from error
