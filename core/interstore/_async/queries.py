"""The operations that ask for documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interstore._async.base import AsyncBase
from interstore._async.cursor import AsyncCursor
from interstore.aggregation_parse import parse_aggregation
from interstore.document import Document, Page
from interstore.errors import InterstoreError, InvalidQueryError
from interstore.filters.arguments import check_limit, check_skip, parse_fields, parse_sort
from interstore.filters.cursor import decode_token, encode_token, fingerprint
from interstore.filters.order import position_of
from interstore.filters.parse import parse_filter
from interstore.filters.references import parse_path
from interstore.filters.tree import Scalar
from interstore.prepare import Filter, Sort
from interstore.prepared import Query

__all__ = ["AsyncQueries"]


class AsyncQueries(AsyncBase):
    """Documents that match a filter, and figures about them."""

    def find(
        self,
        model: str,
        filter: Filter = None,
        *,
        sort: Sort = None,
        limit: int | None = None,
        skip: int = 0,
        fields: Sequence[Any] | None = None,
    ) -> AsyncCursor:
        """A cursor over the documents that match; nothing is read before it is used."""
        self._check(model)
        query = Query(
            tree=parse_filter(filter),
            sort=parse_sort(sort),
            limit=check_limit(limit),
            skip=check_skip(skip),
            fields=parse_fields(fields),
        )
        return AsyncCursor(self.database, model, query, self._name_error)

    async def find_one(
        self,
        model: str,
        filter: Filter = None,
        *,
        sort: Sort = None,
        skip: int = 0,
        fields: Sequence[Any] | None = None,
    ) -> Document | None:
        """The first document that matches, or ``None``."""
        return await self.find(model, filter, sort=sort, skip=skip, fields=fields).first()

    async def page(
        self,
        model: str,
        filter: Filter = None,
        *,
        sort: Sort = None,
        limit: int = 100,
        after: str | None = None,
        fields: Sequence[Any] | None = None,
    ) -> Page:
        """One page of the documents that match, and the token of the following page.

        Args:
            model: the model.
            filter: which documents.
            sort: their order.
            limit: at most so many documents, from 1 to 10,000.
            after: `Page.next` of the page before, of the same filter and sort.
            fields: the paths to return.
        """
        limit = _page_limit(limit)
        cursor = self.find(model, filter, sort=sort, fields=fields)
        query = cursor.query
        mark = fingerprint(model, query.tree, query.order)
        if after is not None:
            cursor.query = query.only(after=decode_token(after, mark))
        return await cursor.page(
            limit, lambda document: encode_token(mark, position_of(document, query.order))
        )

    async def count(self, model: str, filter: Filter = None) -> int:
        """How many documents match."""
        self._check(model)
        tree = parse_filter(filter)
        try:
            return await self.database.count(model, tree)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    async def exists(self, model: str, filter: Filter = None) -> bool:
        """Whether any document matches."""
        self._check(model)
        tree = parse_filter(filter)
        try:
            return await self.database.exists(model, tree)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    async def aggregate(
        self,
        model: str,
        filter: Filter = None,
        *,
        group_by: Any = None,
        having: Filter = None,
        sort: Sort = None,
        limit: int | None = None,
        **figures: Any,
    ) -> list[dict[str, Any]]:
        """One row for each group of the documents that match.

        Args:
            model: the model.
            filter: which documents.
            group_by: a path, a list of paths, or a mapping of names in the rows to paths;
                ``None`` for one row about all.
            having: which rows, as a filter on the names in them.
            sort: the order of the rows, by the names in them; else by the groups' values.
            limit: at most so many rows.
            **figures: name in the rows, and ``"count"`` or ``(kind, path)`` with a kind of
                count, sum, avg, min, max: ``total=("sum", "price")``.
        """
        self._check(model)
        aggregation = parse_aggregation(filter, group_by, having, sort, limit, figures)
        try:
            return await self.database.aggregate(model, aggregation)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    async def distinct(self, model: str, path: Any, filter: Filter = None) -> list[Scalar]:
        """The scalars at `path` in the documents that match, each once, in sort order."""
        self._check(model)
        reference, tree = parse_path(path), parse_filter(filter)
        try:
            return await self.database.distinct(model, reference, tree)
        except InterstoreError as error:
            self._name_error(error, model)
            raise


def _page_limit(limit: Any) -> int:
    checked = check_limit(limit)
    if checked is None or not 1 <= checked <= 10_000:
        raise InvalidQueryError(f"the limit of a page is from 1 to 10,000, not {limit!r}")
    return checked
