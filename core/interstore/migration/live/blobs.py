"""The blobs of documents that move while an application goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from interstore.document import Document
from interstore.migration.blobs.counts import BlobCounts, BlobReport
from interstore.migration.blobs.ends import BlobEnds, sides_of
from interstore.migration.blobs.moving import Mover
from interstore.migration.live.verifying import live_models
from interstore.migration.progress import Control, Stopped

if TYPE_CHECKING:
    from interstore._sync.operations import Operations
    from interstore.migration.ends import Ends

__all__ = ["bring_blobs"]

PAGE: Final = 100
_LOOKS: Final = 3
"""How often the documents are read again whose blobs were not as they should be: an application
may have removed both meanwhile."""


def bring_blobs(
    ends: Ends, blobs: BlobEnds, primary: Operations, control: Control, *, reading: bool
) -> BlobReport:
    """Write the blobs to which documents refer, and that the target has not.

    Args:
        ends: both sides.
        blobs: their blob stores.
        primary: the store whose documents count.
        control: what the caller hears.
        reading: whether the target's blobs are read, whatever it keeps of their digests.

    Raises:
        Stopped: the caller asked to.
        InterstoreError: a store failed.
    """
    sides = sides_of(blobs.order, ends, ends.source.database, ends.target.database)
    found: list[BlobCounts] = []

    def move(model: str, documents: list[Document]) -> BlobCounts:
        mover = Mover(*sides, replace=False, stop=False, reading=reading)
        mover.take(model, documents)
        return mover.counts

    control.begin("copy", 0)
    for model in live_models(primary):
        for documents in _pages(primary, model):
            if control.stopping:
                raise Stopped
            counts = move(model, documents)
            for _ in range(_LOOKS):
                if not (ids := {item.id for item in counts.problems}):
                    break
                again = move(model, primary.find_by_ids(model, sorted(ids)))
                counts.mended(ids, again)
            found.append(counts)
            control.step(len(documents))
    return BlobReport.of(found)


def _pages(store: Operations, model: str) -> Iterator[list[Document]]:
    for partition in store.partitions(model, 1):
        after: Any = None
        while True:
            page = store.scan(model, partition, after, PAGE)
            if page.documents:
                yield page.documents
            if (after := page.next) is None:
                break
