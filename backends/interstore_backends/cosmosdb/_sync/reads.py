# Generated from backends/interstore_backends/cosmosdb/_async/reads.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 966c4f63b51aaf11beea1473

"""The operations that only read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

from azure.cosmos.exceptions import CosmosHttpResponseError

from interstore.document import Document
from interstore.errors import UnavailableError
from interstore.filters.order import order_key
from interstore.filters.tree import Node
from interstore.paths import Envelope
from interstore.prepared import Partition, Query, ScanPage
from interstore_backends.cosmosdb._sync.connection import translated
from interstore_backends.cosmosdb._sync.indexes import Indexes
from interstore_backends.cosmosdb.compile import (
    Statement,
    Stream,
    compile_count,
    compile_exists,
    compile_streams,
)
from interstore_backends.cosmosdb.driver import EVERYWHERE, fan_out
from interstore_backends.cosmosdb.errors import is_gone
from interstore_backends.cosmosdb.indexing import Declared
from interstore_backends.cosmosdb.keys import escape_id
from interstore_backends.cosmosdb.records import Found, read_item

__all__ = ["Reads"]

_PAGE: Final = 1_000
"""Items in one answer of the service, if they have no more than 4 MB."""
_SPLITS: Final = 5
"""How often a query is asked while partitions are split."""
_AT_ONCE: Final = 16
"""Calls of one operation that are made side by side by threads."""


class Reads(Indexes):
    """The operations that only read."""

    @translated
    def find_by_id(self, model: str, id: str) -> Document | None:
        item = self._item(model, id)
        return None if item is None else read_item(item)

    def _item(self, model: str, id: str) -> dict[str, Any] | None:
        escaped = escape_id(id)
        try:
            return self._container(model).read_item(escaped, escaped)
        except CosmosHttpResponseError as error:
            if is_gone(error):
                return None
            raise

    @translated
    def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """The documents that exist among `ids`: one point read for each, side by side."""
        calls = [partial(self._item, model, id) for id in ids]
        items = fan_out(calls, _AT_ONCE)
        return [read_item(item) for item in items if item is not None]

    @translated
    def find(self, model: str, query: Query) -> Iterable[Document]:
        return [found.document for found in self._found(model, query)]

    def _found(self, model: str, query: Query) -> list[Found]:
        """The documents of a query, each with its etag."""
        declared = Declared()
        if any(not isinstance(key.path, Envelope) for key in query.sort):
            declared = self._declared(model)
        wanted = None if query.limit is None else query.skip + query.limit
        found: list[Found] = []
        for group in compile_streams(query, declared.types, declared.sorted_paths):
            rest = None if wanted is None else wanted - len(found)
            calls = [partial(self._stream, model, stream, rest) for stream in group]
            parts = fan_out(calls, _AT_ONCE)
            part = [each for each_part in parts for each in each_part]
            key = order_key(query.order)
            part.sort(key=lambda each: key(each.document))
            found += part if rest is None else part[:rest]
            if wanted is not None and len(found) >= wanted:
                break
        return found[query.skip :]

    def _stream(self, model: str, stream: Stream, limit: int | None) -> list[Found]:
        """The first documents of a stream.

        Of a loose one, documents that are equal come in any order, and the limit may have cut
        the last ones that are equal: then these are asked for anew, in the order of their ids.
        """
        asked = limit + 1 if limit is not None and stream.loose else limit
        found = [Found.of(item) for item in self._rows(model, stream.statement(asked), asked)]
        if limit is None or len(found) <= limit or not stream.loose:
            return found
        last = stream.value(found[limit - 1].document)
        if stream.value(found[limit].document) != last:
            return found[:limit]
        before = [each for each in found if stream.value(each.document) != last]
        rest = limit - len(before)
        again = self._rows(model, stream.statement(rest, last), rest)
        return before + [Found.of(item) for item in again]

    def _rows(self, model: str, statement: Statement, limit: int | None) -> list[Any]:
        """What a query gives; nothing where there is no such container.

        When a partition is split meanwhile, the driver begins with its halves anew and keeps what
        it had: items come twice, and a limit cuts others off. Then it is asked again.
        """
        rows: list[Any] = []
        for _ in range(_SPLITS):
            rows = self._rows_once(model, statement, limit)
            ids = [row["id"] for row in rows if isinstance(row, dict)]
            if len(set(ids)) == len(ids):
                return rows
        raise UnavailableError(
            f"the partitions of {model} are being split; try again", backend="cosmosdb", model=model
        )

    def _rows_once(self, model: str, statement: Statement, limit: int | None) -> list[Any]:
        page = _PAGE if limit is None else min(limit, _PAGE)
        rows = self._container(model).query_items(
            statement.sql, parameters=statement.parameters, max_item_count=page, **EVERYWHERE
        )
        try:
            return [row for row in rows]
        except CosmosHttpResponseError as error:
            if is_gone(error):
                return []
            raise

    @translated
    def count(self, model: str, tree: Node) -> int:
        """How many documents match."""
        return int(sum(self._rows(model, compile_count(tree), None)))

    @translated
    def exists(self, model: str, tree: Node) -> bool:
        """Whether any document matches."""
        return bool(self._rows(model, compile_exists(tree), 1))

    @translated
    def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """One page of a partition, in no particular order, after the token of the page before."""
        pages: Any = (
            self._container(model)
            .query_items(
                "SELECT * FROM c",
                max_item_count=limit,
                **(EVERYWHERE if partition.token is None else {"feed_range": partition.token}),
            )
            .by_page(after)
        )
        try:
            for page in pages:
                documents = [read_item(item) for item in page]
                token = pages.continuation_token
                if documents or token is None:
                    return ScanPage(documents, token)
        except CosmosHttpResponseError as error:
            if not is_gone(error):
                raise
        return ScanPage([], None)

    @translated
    def partitions(self, model: str, n: int) -> list[Partition]:
        """The physical partitions, one by one or several together: at most `n`."""
        return [Partition()]

    def ping(self) -> None:
        """Return if the service answers."""
        self._ping("")

    @translated
    def _ping(self, model: str) -> None:
        self.native.read()
