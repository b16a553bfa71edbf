"""Writes the documents in which a target differs from its source, as verification finds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from interstore.migration.coordinator import Coordinator
from interstore.migration.progress import Stopped
from interstore.migration.refusals import Refused
from interstore.migration.slice import Order, Result

if TYPE_CHECKING:
    from interstore._sync.operations import Operations

__all__ = ["Resynced", "Rewriting"]


class Resynced(msgspec.Struct, kw_only=True):
    """What was changed in one model of the target.

    Attributes:
        source: the model's name in the source; `target` in the target.
        written: documents that were missing or different, and are now as in the source.
        deleted: documents that only the target had, and that were deleted.
        left: documents that only the target has.
        refused: documents that the target did not take; their contents are left out.
    """

    source: str
    target: str
    written: int = 0
    deleted: int = 0
    left: int = 0
    refused: list[Refused] = []

    @property
    def sentence(self) -> str:
        """All that in words."""
        parts = [f"{self.target}: {self.written:,} documents were written again"]
        if self.deleted:
            parts.append(f"{self.deleted:,} that only the target had were deleted")
        if self.left:
            parts.append(
                f"{self.left:,} that only the target has were left (--delete-extra deletes them)"
            )
        if self.refused:
            first = self.refused[0]
            parts.append(
                f"{len(self.refused):,} were refused, the first ({first.id}) because "
                f"{first.message}"
            )
        return "; ".join(parts)


class Rewriting:
    """A `Mender` of one pair of models.

    Args:
        order: copies the model, from which parts are taken.
        target: where to delete.
        coordinator: runs the slices that write.
        delete_extra: whether to delete what only the target has.

    Attributes:
        done: what was changed so far.
    """

    def __init__(
        self, order: Order, target: Operations, coordinator: Coordinator, *, delete_extra: bool
    ) -> None:
        self._order = order
        self._target = target
        self._coordinator = coordinator
        self._delete_extra = delete_extra
        self.done = Resynced(source=order.model, target=order.into)

    def rewrite(self, ids: Sequence[str]) -> None:
        """See `Mender`.

        Raises:
            Stopped: the caller asked to.
        """
        if not self._coordinator.run([("", replace(self._order, only=list(ids)))], self._collect):
            raise Stopped

    def _collect(self, _: str, result: Result) -> None:
        self.done.written += result.written + result.unchanged
        self.done.refused += [replace(item, document=None) for item in result.refused]

    def remove(self, ids: Sequence[str]) -> None:
        """See `Mender`."""
        if not self._delete_extra:
            self.done.left += len(ids)
            return
        for id in ids:
            self.done.deleted += self._target.delete(self._order.into, id)
