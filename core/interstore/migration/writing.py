"""How a slice writes: within its lease, counting what becomes of each document."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from interstore.bulk import WriteOutcome
from interstore.document import Document
from interstore.dual._sync.settling import settle, state
from interstore.errors import DuplicateError, InterstoreError, OperationTimeoutError
from interstore.migration.refusals import refused_by
from interstore.prepared import Write

if TYPE_CHECKING:
    from interstore._sync.operations import Operations
    from interstore.migration.slice import Order, Result

__all__ = ["Lease", "Sender"]


class Lease:
    """Until when a slice may write."""

    def __init__(self, until: float) -> None:
        self._until = until or math.inf

    def check(self) -> None:
        """Return if it may still.

        Raises:
            OperationTimeoutError: it has been given up, and another worker has it.
        """
        if time.time() > self._until:
            raise OperationTimeoutError(
                "the slice was given up, and another worker has it now; if that happens to every "
                "slice, this machine's clock is ahead of that of the machine where the run began"
            )


class Sender:
    """Writes pages to the target of an order.

    Args:
        order: for a copy.
        source: what was written there meanwhile is brought over, if an application goes on.
        target: what is written to.
        result: gets the counts, and what was refused.
    """

    def __init__(
        self, order: Order, source: Operations, target: Operations, result: Result
    ) -> None:
        self._order = order
        self._source = source
        self._target = target
        self._result = result
        self._lease = Lease(order.lease)
        self._write = _writer(order, target)

    def __call__(self, writes: list[Write], originals: Sequence[Document] | None = None) -> int:
        """Write a page; how many bytes it has, about.

        Args:
            writes: what to write.
            originals: the documents that these were made of, if they are not what they were.
        """
        self._lease.check()
        self._count(writes, originals, self._write(writes))
        if self._order.live:
            _overtake(self._source, self._target, self._order.into, writes)
        return sum([write.size for write in writes])

    def _count(
        self,
        writes: Sequence[Write],
        originals: Sequence[Document] | None,
        outcomes: Sequence[WriteOutcome],
    ) -> None:
        refused = [
            (place, write, outcome)
            for place, (write, outcome) in enumerate(zip(writes, outcomes, strict=True))
            if isinstance(outcome, InterstoreError)
        ]
        result = self._result
        for place, write, error in refused:
            original = write.document() if originals is None else originals[place]
            result.refused.append(refused_by(original, error))
        unchanged = outcomes.count(0)
        result.unchanged += unchanged
        result.written += len(outcomes) - unchanged - len(refused)


def _overtake(source: Operations, target: Operations, model: str, writes: Sequence[Write]) -> None:
    """Bring over what was written or deleted in the source while the page was on its way."""
    found = source.find_by_ids(model, [write.id for write in writes])
    current = {document.id: state(Write.of(document)) for document in found}
    if changed := [write.id for write in writes if current.get(write.id) != state(write)]:
        settle(source, target, model, changed)


def _writer(order: Order, target: Operations) -> Callable[[Sequence[Write]], list[WriteOutcome]]:
    into, mode = order.into, order.mode
    if target.capabilities.write_page:
        return lambda writes: target.write_page(into, writes, mode)
    if mode == "upsert":
        return lambda writes: target.put_many(into, writes)

    def create(writes: Sequence[Write]) -> list[WriteOutcome]:
        return [
            0 if isinstance(outcome, DuplicateError) and outcome.index is None else outcome
            for outcome in target.create_many(into, writes)
        ]

    return create
