"""Whether the blobs of both sides are the same, and whether any belong to no document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from interstore._sync.with_blobs import StoreWithBlobs
from interstore.migration.blobs.counts import BlobCounts, BlobProblem, BlobReport
from interstore.migration.progress import Stopped

if TYPE_CHECKING:
    from interstore.migration.coordinator import Coordinator
    from interstore.migration.ends import Ends
    from interstore.migration.slice import Order, Result

__all__ = ["compare_blobs", "find_orphans"]


def compare_blobs(orders: Iterable[Order], coordinator: Coordinator) -> BlobReport:
    """Read the target's blobs, as these orders share the work out.

    Raises:
        Stopped: the caller asked to.
    """
    counts = BlobCounts()

    def collect(_: int, result: Result) -> None:
        assert result.blobs is not None
        counts.add(result.blobs)

    if not coordinator.run(enumerate(orders), collect):
        raise Stopped
    return BlobReport.of([counts])


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
