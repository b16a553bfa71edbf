"""A move as its records show it: where the primary is, and who writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from interstore._sync.operations import Operations
from interstore.dual._sync.ledger import Ledger
from interstore.dual._sync.settling import settle
from interstore.dual.records import Control, Intent, Side, Writer
from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    OperationTimeoutError,
    UnavailableError,
)

if TYPE_CHECKING:
    from interstore.migration.ends import Ends
    from interstore.migration.plan import Plan

__all__ = ["MARGIN", "POLL", "Move", "Position", "move_of", "opened"]

POLL: Final = 0.05
MARGIN: Final = 1.0
"""Seconds more than its lease for which a writer must not have been seen to renew it."""


class Position:
    """Where a move stands: the primary, its control document, and that document's version."""

    def __init__(self, side: Side, control: Control, version: int) -> None:
        self.side: Side = side
        self.other: Side = "source" if side == "target" else "target"
        self.control = control
        self.version = version


class Move:
    """The records of a run in both stores.

    Args:
        run: the name of the run.
        stores: both, each answering for itself.
        target: the identity of the target.
    """

    def __init__(self, run: str, stores: Mapping[Side, Operations], target: str) -> None:
        self.run = run
        self.stores = stores
        self.target = target
        self.ledgers: dict[Side, Ledger] = {side: Ledger(each) for side, each in stores.items()}
        self._beats: dict[str, tuple[int, float]] = {}

    def find(self) -> Position | None:
        """Where the move stands; ``None`` if there is none. A pointer that is behind is mended.

        Raises:
            UnavailableError: the primary cannot be reached.
            ConfigurationError: another run is under way.
        """
        side, (control, version) = self._first()
        while control is not None and control.primary != side and control.phase != "ended":
            side = control.primary
            self.ledgers[side].point(control)
            control, version = self.ledgers[side].control()
        if control is None:
            return None
        if control.phase == "ended":
            side = control.primary
        if control.run != self.run and control.phase != "ended":
            raise ConfigurationError(
                f"run {control.run} moves this data, not {self.run}: finish that one first"
            )
        return Position(side, control, version)

    def _first(self) -> tuple[Side, tuple[Control | None, int]]:
        try:
            return "source", self.ledgers["source"].control()
        except (UnavailableError, OperationTimeoutError):
            found = self.ledgers["target"].control()
            if found[0] is None or found[0].primary != "target":
                raise
            return "target", found

    def change(self, position: Position, control: Control) -> Position:
        """Replace the control document.

        Raises:
            UnavailableError: somebody else has changed it.
        """
        if not self.ledgers[position.side].change_control(control, position.version):
            raise UnavailableError("somebody else has changed the state of the move: try again")
        return Position(position.side, control, position.version + 1)

    # Who writes.

    def look(self, position: Position) -> tuple[list[Writer], list[Writer]]:
        """The writers that count, and those whose leases have lapsed."""
        now = time.monotonic()
        living: list[Writer] = []
        lapsed: list[Writer] = []
        for writer in self.ledgers[position.side].writers():
            beats, since = self._beats.get(writer.owner, (-1, now))
            if beats != writer.beats:
                since = now
            self._beats[writer.owner] = writer.beats, since
            (living if now - since <= writer.lease + MARGIN else lapsed).append(writer)
        return living, lapsed

    def await_writers(
        self, position: Position, seconds: float, stopping: Callable[[], bool] = bool
    ) -> list[Writer]:
        """Wait until all writers that count go by `position`; those that do not in that time."""
        end = time.monotonic() + seconds
        while True:
            living, _ = self.look(position)
            behind = [writer for writer in living if writer.seen != position.version]
            if not behind or time.monotonic() > end or stopping():
                return behind
            time.sleep(POLL)

    # What they left.

    def drain(
        self, position: Position, seconds: float, stopping: Callable[[], bool] = bool
    ) -> tuple[int, str]:
        """Settle what writers left that are no more, and wait for what the others have in hand.

        Returns:
            How many intents there still are after so many seconds, and why.
        """
        end = time.monotonic() + seconds
        while True:
            trouble = self.adopt(position)
            pending = self.ledgers[position.side].pending()
            if not pending or time.monotonic() > end or stopping():
                return pending, trouble
            time.sleep(POLL)

    def pending(self, position: Position) -> set[str]:
        """The ids of all intents."""
        return {id for page in self.ledgers[position.side].intents() for id, _ in page}

    def adopt(self, position: Position) -> str:
        """Settle the intents of writers that do not count.

        Returns:
            What stands in the way of one of them, or of what a process writes.
        """
        living, lapsed = self.look(position)
        owners = {writer.owner for writer in living}
        trouble = next((writer.trouble for writer in living if writer.trouble), "")
        left = False
        ledger = self.ledgers[position.side]
        for page in ledger.intents():
            settled: list[str] = []
            for id, intent in page:
                if intent.owner in owners:
                    continue
                if problem := self._settle(position, intent):
                    left, trouble = True, problem
                else:
                    settled.append(id)
            ledger.forget(settled)
        if not left:
            for writer in lapsed:
                ledger.remove_writer(writer.owner)
        return trouble

    def _settle(self, position: Position, intent: Intent) -> str:
        primary, other = self.stores[position.side], self.stores[position.other]
        try:
            settle(primary, other, intent.model, intent.ids)
        except (UnavailableError, OperationTimeoutError):
            raise
        except InterstoreError as error:  # such as a value that another document still has
            return f"{intent.model}: {type(error).__name__}: {error}"
        return ""


def opened(control: Control, primary: Side) -> Control:
    """The state after a hand-over."""
    return replace(
        control,
        epoch=control.epoch + 1,
        primary=primary,
        phase="open",
        handovers=control.handovers + 1,
    )


def move_of(plan: Plan, ends: Ends) -> Move:
    """The move of a run, by its open stores."""
    stores: dict[Side, Operations] = {
        "source": ends.source.database,
        "target": ends.target.database,
    }
    return Move(plan.run, stores, plan.target.identity)
