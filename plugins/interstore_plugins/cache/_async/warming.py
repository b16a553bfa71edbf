"""Filling a cache before it is asked."""

from __future__ import annotations

from typing import Final

from interstore import AsyncStore
from interstore.prepare import Filter, Sort

__all__ = ["warm_up_async"]

AT_ONCE: Final = 500


async def warm_up_async(
    store: AsyncStore,
    model: str,
    filter: Filter = None,
    *,
    sort: Sort = None,
    limit: int = 10_000,
) -> int:
    """Read documents by their ids, so that the store's cache has them; return how many.

    Args:
        store: one with the plugin ``cache``; without, they are read for nothing.
        model: whose.
        filter: which; by default all.
        sort: in which order; the first `limit` are read.
        limit: the most.
    """
    read = 0

    async def fill() -> int:
        found = await store.find_by_ids(model, ids)
        ids.clear()
        return sum(document is not None for document in found)

    ids: list[str] = []
    async for document in store.find(model, filter, sort=sort, limit=limit, fields=["id"]):
        ids.append(document.id)
        if len(ids) == AT_ONCE:
            read += await fill()
    return read + await fill()
