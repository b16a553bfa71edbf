"""What operations go by, from one state of the move to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from interstore._async.operations import AsyncOperations
from interstore.dual._async.ledger import AsyncLedger
from interstore.dual.records import Control, Side
from interstore.errors import InterstoreError

__all__ = ["AsyncStand"]


@dataclass(eq=False, slots=True)
class AsyncStand:
    """A state of the move, and the operations that were begun under it and have not ended.

    Attributes:
        owner: the lease under which it was seen.
        side: which store is the primary.
        control: the control document; ``None`` if nothing moves.
        version: of the control document.
        reads: answers what the application reads (a replica may).
        primary: the same store, which answers for itself.
        secondary: the other store; ``None`` where nothing is written to it.
        ledger: the records in the primary.
        problem: why nothing can be done at all.
        handovers: how often the data was handed over before.
        over: whether the target is the only store, for good.
        running: a ticket for each operation.
    """

    owner: str
    side: Side
    control: Control | None
    version: int
    reads: AsyncOperations
    primary: AsyncOperations
    secondary: AsyncOperations | None
    ledger: AsyncLedger
    problem: InterstoreError | None = None
    handovers: int = 0
    over: bool = False
    running: set[Any] = field(default_factory=set)

    @property
    def held(self) -> bool:
        """Whether operations that write wait."""
        return self.control is not None and self.control.phase == "held"
