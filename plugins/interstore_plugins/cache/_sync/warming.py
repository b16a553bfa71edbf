# Generated from plugins/interstore_plugins/cache/_async/warming.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 7ec2eadf45e3cebb12acc20e

"""Filling a cache before it is asked."""

from __future__ import annotations

from typing import Final

from interstore import Store
from interstore.prepare import Filter, Sort

__all__ = ["warm_up"]

AT_ONCE: Final = 500


def warm_up(
    store: Store,
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

    def fill() -> int:
        found = store.find_by_ids(model, ids)
        ids.clear()
        return sum(document is not None for document in found)

    ids: list[str] = []
    for document in store.find(model, filter, sort=sort, limit=limit, fields=["id"]):
        ids.append(document.id)
        if len(ids) == AT_ONCE:
            read += fill()
    return read + fill()
