"""Whether the blobs of both sides are the same, and whether any belong to no document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from interstore._sync.with_blobs import StoreWithBlobs
from interstore.migration.blobs.counts import BlobCounts, BlobProblem
from interstore.migration.progress import Stopped
from interstore.migration.slice import Order, Result

if TYPE_CHECKING:
    from interstore._sync.operations import Operations
    from interstore.migration.coordinator import Coordinator
    from interstore.migration.ends import Ends

__all__ = ["blob_orders", "find_orphans", "look_at_blobs"]


def blob_orders(order: Order, source: Operations, shares: int) -> Iterator[tuple[str, Order]]:
    """The order for each of so many partitions, by the model."""
    for partition in source.partitions(order.model, shares):
        yield order.model, replace(order, partition=partition)


def look_at_blobs(
    orders: Iterable[tuple[str, Order]], coordinator: Coordinator
) -> dict[str, BlobCounts]:
    """Do what these orders say; what was found, by model.

    Raises:
        Stopped: the caller asked to.
        InterstoreError: a store cannot be read or written.
    """
    found: dict[str, BlobCounts] = {}
    chains: list[tuple[str, Order]] = []
    for model, order in orders:
        found.setdefault(model, BlobCounts())
        chains.append((model, order))

    def collect(model: str, result: Result) -> None:
        assert result.blobs is not None
        found[model].add(result.blobs)

    if not coordinator.run(chains, collect):
        raise Stopped
    return found


def find_orphans(ends: Ends, models: Sequence[str] | None) -> list[BlobProblem]:
    """Blobs of the source to which no document of it refers, among those that documents own."""
    if ends.blobs is None or not ends.blobs.order.source:
        return []
    store = ends.source
    if not isinstance(store, StoreWithBlobs):
        store = store.with_blobs(*ends.blobs.named(ends.blobs.order.source).values())
    found = store.check_blobs(models, older_than=timedelta(0))
    return [
        BlobProblem(kind="orphan", store=finding.store, key=finding.key)
        for finding in found
        if finding.kind == "orphan"
    ]
