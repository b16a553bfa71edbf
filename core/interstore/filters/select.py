"""A query, run in process: the reference, and what core does for engines that only stream."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import Any, Final

from interstore.document import Document
from interstore.filters.evaluate import compile_filter
from interstore.filters.order import ascending_key, is_after, order_key
from interstore.filters.tree import ALL
from interstore.prepared import Query

__all__ = ["select"]

_HEAP_LIMIT: Final = 10_000
"""Beyond so many, sorting everything is faster than keeping the best in a heap."""


def select(documents: Iterable[Document], query: Query) -> list[Document]:
    """The documents that `query` asks for, in its order. Its `fields` are not looked at.

    With a limit, only ``skip + limit`` documents are held at a time.
    """
    if query.limit == 0:
        return []
    if query.tree != ALL:
        documents = filter(compile_filter(query.tree), documents)
    if query.after is not None:
        documents = filter(is_after(query.order, query.after), documents)
    end = None if query.limit is None else query.skip + query.limit
    return _ordered(documents, query, end)[query.skip : end]


def _ordered(documents: Iterable[Document], query: Query, end: int | None) -> list[Document]:
    directions = {key.descending for key in query.order}
    reverse = directions == {True}
    key: Callable[[Document], Any]
    key = order_key(query.order) if len(directions) > 1 else ascending_key(query.order)
    if end is None or end > _HEAP_LIMIT:
        return sorted(documents, key=key, reverse=reverse)
    if reverse:
        return heapq.nlargest(end, documents, key=key)
    return heapq.nsmallest(end, documents, key=key)
