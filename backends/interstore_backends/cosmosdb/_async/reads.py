"""The operations that only read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from azure.cosmos.exceptions import CosmosHttpResponseError

from interstore._compat_async import to_thread
from interstore.aggregation import Aggregation, Aggregator, Group, arrange, distinct_scalars
from interstore.document import Document
from interstore.errors import UnavailableError
from interstore.expiry import has_expired
from interstore.filters.order import order_key
from interstore.filters.tree import ALL, Node, Scalar
from interstore.paths import Envelope, Reference
from interstore.prepared import Partition, Query, ScanPage
from interstore_backends.cosmosdb._async.connection import listed, translated
from interstore_backends.cosmosdb._async.expiry import AsyncExpiry
from interstore_backends.cosmosdb.aggregates import (
    compile_aggregation,
    compile_distinct,
    compile_values,
    scalar_of,
)
from interstore_backends.cosmosdb.compile import (
    Statement,
    Stream,
    compile_all,
    compile_by_ids,
    compile_count,
    compile_exists,
    compile_scan,
    compile_streams,
)
from interstore_backends.cosmosdb.errors import is_gone
from interstore_backends.cosmosdb.indexing import Declared
from interstore_backends.cosmosdb.keys import escape_id
from interstore_backends.cosmosdb.ranges import shared_out
from interstore_backends.cosmosdb.records import Found, read_item

__all__ = ["LISTED", "AsyncReads"]

_PAGE: Final = 1_000
"""Items in one answer of the service, if they have no more than 4 MB."""
_FEW: Final = 16
"""So many ids are looked up one by one, which takes a request unit each; more by a query, of which
each partition takes some, however many there are."""
LISTED: Final = 256
"""Ids in one query."""
_SPLITS: Final = 5
"""How often a query is asked while partitions are split."""


class AsyncReads(AsyncExpiry):
    """The operations that only read."""

    @translated
    async def find_by_id(self, model: str, id: str) -> Document | None:
        item = await self._item(model, id)
        if item is None:
            return None
        document = read_item(item)
        return None if document.expires is not None and has_expired(document) else document

    async def _item(self, model: str, id: str) -> dict[str, Any] | None:
        escaped = escape_id(id)
        try:
            return await self._container(model).read_item(escaped, escaped)
        except CosmosHttpResponseError as error:
            if is_gone(error):
                return None
            raise

    @translated
    async def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """The documents that exist among `ids`."""
        found = [read_item(item) for item in await self._items(model, ids)]
        return [each for each in found if each.expires is None or not has_expired(each)]

    async def _items(self, model: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        """The items that exist: by a point read for each, or if they are many by queries."""
        calls: list[Callable[[], Any]]
        if len(ids) <= _FEW:
            calls = [partial(self._item, model, id) for id in ids]
            return [item for item in await self._workers.fan_out(calls) if item is not None]
        parts = [list(map(escape_id, ids[n : n + LISTED])) for n in range(0, len(ids), LISTED)]
        calls = [partial(self._rows, model, compile_by_ids(part), None) for part in parts]
        return [item for rows in await self._workers.fan_out(calls) for item in rows]

    @translated
    async def find(self, model: str, query: Query) -> Iterable[Document]:
        return [found.document for found in await self._found(model, query)]

    async def _found(self, model: str, query: Query) -> list[Found]:
        """The documents of a query, each with its etag."""
        query = query.only(tree=await self._living(model, query.tree))
        declared = Declared()
        if any(not isinstance(key.path, Envelope) for key in query.sort):
            declared = await self._declared(model)
        groups = compile_streams(query, declared.types, declared.sorted_paths)
        wanted = None if query.limit is None else query.skip + query.limit
        key = order_key(query.order)
        found: list[Found] = []
        if wanted is None and query.after is None:
            rows = await self._rows(model, compile_all(query.tree), None)
            found = [Found.of(row) for row in rows]
            found.sort(key=lambda each: key(each.document))
            return found[query.skip :]
        for group in groups:
            rest = None if wanted is None else wanted - len(found)
            calls = [partial(self._stream, model, stream, rest) for stream in group]
            parts = await self._workers.fan_out(calls)
            part = [each for each_part in parts for each in each_part]
            part.sort(key=lambda each: key(each.document))
            found += part if rest is None else part[:rest]
            if wanted is not None and len(found) >= wanted:
                break
        return found[query.skip :]

    async def _stream(self, model: str, stream: Stream, limit: int | None) -> list[Found]:
        """The first documents of a stream.

        Of a loose one, documents that are equal come in any order, and the limit may have cut
        the last ones that are equal: then these are asked for anew, in the order of their ids.
        """
        asked = limit + 1 if limit is not None and stream.loose else limit
        rows = await self._rows(model, stream.statement(asked), asked)
        key = order_key(stream.order)
        found = sorted((Found.of(row) for row in rows), key=lambda each: key(each.document))[:asked]
        if limit is None or len(found) <= limit or not stream.loose:
            return found
        last = stream.value(found[limit - 1].document)
        if stream.value(found[limit].document) != last:
            return found[:limit]
        before = [each for each in found if stream.value(each.document) != last]
        rest = limit - len(before)
        again = [
            Found.of(row) for row in await self._rows(model, stream.statement(rest, last), rest)
        ]
        again.sort(key=lambda each: key(each.document))
        return before + again[:rest]

    async def _rows(
        self,
        model: str,
        statement: Statement,
        limit: int | None,
        ranges: Sequence[dict[str, Any]] | None = None,
    ) -> list[Any]:
        """What a query gives, range after range; nothing where there is no such container.

        Each range is asked for itself, side by side, which needs no plan of the query: that would
        take two requests more.

        When a partition is split meanwhile, the driver may begin with its halves anew and keep
        what it had: items come twice, and a limit cuts others off. Then it is asked again.

        Args:
            ranges: of the keys of partitions; all by default.
        """
        for _ in range(_SPLITS):
            rows = await self._rows_once(model, statement, limit, ranges)
            ids = [row["_rid"] for row in rows if isinstance(row, dict)]
            if len(set(ids)) == len(ids):
                return rows
        raise _splitting(model)

    async def _rows_once(
        self,
        model: str,
        statement: Statement,
        limit: int | None,
        ranges: Sequence[dict[str, Any]] | None,
    ) -> list[Any]:
        try:
            asked = await self._ranges(model) if ranges is None else ranges
            calls = [partial(self._rows_in, model, statement, limit, each) for each in asked]
            parts = await self._workers.fan_out(calls)
        except CosmosHttpResponseError as error:
            if is_gone(error):
                return []
            raise
        return [row for part in parts for row in part]

    async def _rows_in(
        self, model: str, statement: Statement, limit: int | None, within: dict[str, Any]
    ) -> list[Any]:
        ask = partial(
            self._container(model).query_items,
            statement.sql,
            parameters=statement.parameters,
            max_item_count=_PAGE if limit is None else min(limit, _PAGE),
            feed_range=within,
        )
        return await listed(ask)

    async def _ranges(self, model: str) -> list[dict[str, Any]]:
        """Those of the keys of the physical partitions, as far as they are known here.

        There are none where there is no such container. After a split they still hold all keys.
        """
        try:
            return await listed(self._container(model).read_feed_ranges)
        except CosmosHttpResponseError as error:
            if is_gone(error):
                return []
            raise

    @translated
    async def count(self, model: str, tree: Node) -> int:
        """How many documents match."""
        statement = compile_count(await self._living(model, tree))
        return int(sum(await self._partial_rows(model, statement)))

    @translated
    async def exists(self, model: str, tree: Node) -> bool:
        """Whether any document matches."""
        return bool(await self._rows(model, compile_exists(await self._living(model, tree)), 1))

    @translated
    async def aggregate(self, model: str, aggregation: Aggregation) -> list[dict[str, Any]]:
        """One row for each group."""
        tree = await self._living(model, aggregation.tree)
        grouped = compile_aggregation(replace(aggregation, tree=tree))
        groups: list[Group] | None = None
        if grouped is not None:
            groups = grouped.groups(await self._partial_rows(model, grouped.statement))
        if groups is None:
            return await self._aggregated_here(model, replace(aggregation, tree=tree))
        return arrange(groups, aggregation)

    async def _aggregated_here(self, model: str, aggregation: Aggregation) -> list[dict[str, Any]]:
        """The rows, by core: of the values alone that they are about, partition after partition."""
        aggregator = Aggregator(aggregation)
        paths, tree = aggregation.references, aggregation.tree
        for each in await self._ranges(model):
            after: str | None = None
            while True:
                statement = compile_values(paths, tree, after, _PAGE)
                rows = await self._rows(model, statement, _PAGE, [each])
                documents = [read_item(row) for row in rows]
                documents = sorted(documents, key=lambda document: document.id)[:_PAGE]
                await to_thread(aggregator.add, documents)
                if len(documents) < _PAGE:
                    break
                after = documents[-1].id
        return aggregator.rows()

    @translated
    async def distinct(self, model: str, path: Reference, tree: Node) -> list[Scalar]:
        """The scalars that stand at `path`, each once, in sort order."""
        tree = await self._living(model, tree)
        found = await self._partial_rows(model, compile_distinct(path, tree))
        return distinct_scalars(map(scalar_of, found))

    async def _partial_rows(self, model: str, statement: Statement) -> list[Any]:
        """The rows of a query for figures: those of each page of each partition.

        Had a partition been split after the first of its pages, what these told would be told
        again by its halves: then everything is asked again.
        """
        for _ in range(_SPLITS):
            ranges = await self._ranges(model)
            rows = await self._rows_once(model, statement, None, ranges)
            if await self._ranges(model) == ranges:
                return rows
        raise _splitting(model)

    @translated
    async def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """One page of a partition, after the token of the page before: by id in each range.

        The driver's own tokens do not serve: it takes them from whatever answer came last, which
        may be another call's.
        """
        if after is not None:
            ranges, last = after
        else:
            ranges, last = partition.token or await self._ranges(model), None
        tree = await self._living(model, ALL)
        while ranges:
            statement = compile_scan(last, limit, tree)
            rows = await self._rows(model, statement, limit, ranges[:1])
            documents = [read_item(row) for row in rows]
            documents.sort(key=lambda document: document.id)
            documents = documents[:limit]
            if len(documents) < limit:
                ranges, last = ranges[1:], None
            else:
                last = documents[-1].id
            if documents:
                return ScanPage(documents, [ranges, last] if ranges else None)
        return ScanPage([], None)

    @translated
    async def partitions(self, model: str, n: int) -> list[Partition]:
        """The physical partitions, several together or parts of them: at most `n`."""
        ranges = await self._ranges(model)
        if not ranges:
            return [Partition()]
        return [Partition(token=share) for share in shared_out(ranges, n)]

    async def ping(self) -> None:
        """Return if the service answers."""
        await self._ping("")

    @translated
    async def _ping(self, model: str) -> None:
        await self.native.read()


def _splitting(model: str) -> UnavailableError:
    return UnavailableError(
        f"the partitions of {model} are being split; try again", backend="cosmosdb", model=model
    )
