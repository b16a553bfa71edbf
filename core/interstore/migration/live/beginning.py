"""How a move begins: from then on, all that is written goes to both stores."""

from __future__ import annotations

from collections.abc import Callable

from interstore.dual.records import Control
from interstore.migration.live.move import MARGIN, Move, Position
from interstore.migration.report import Blocker

__all__ = ["begin"]


def begin(move: Move, stopping: Callable[[], bool] = bool) -> tuple[list[Blocker], list[str]]:
    """Have all writers write to both stores, and wait until they do. Done again, it does nothing.

    Returns:
        What stands against it, and what is to be known.

    Raises:
        InterstoreError: a store failed, or another run is under way.
    """
    position = move.find()
    if position is not None and position.control.run != move.run and position.side == "target":
        message = f"run {position.control.run} has moved this data already: move it from there"
        return [Blocker(code="moved", message=message)], []
    if position is None or position.control.run != move.run:
        position = _control(move, position)
    if position.control.phase == "ended":
        message = f"run {move.run} has been ended: begin a new one"
        return [Blocker(code="ended", message=message)], []
    living, _ = move.look(position)
    if strangers := [writer for writer in living if writer.target != move.target]:
        names = ", ".join(f"{each.process} ({each.target})" for each in strangers)
        message = (
            f"processes write to another store as well than {move.target}: {names}. Set their "
            "DUAL_WRITE_TARGET to the same place, spelled the same way"
        )
        return [Blocker(code="other-target", message=message)], []
    patience = max((writer.lease for writer in living), default=0.0) + 2 * MARGIN
    behind = move.await_writers(position, patience, stopping)
    if behind and not stopping():
        names = ", ".join(writer.process for writer in behind)
        message = f"processes do not begin to write to both stores: {names}. See whether they hang"
        return [Blocker(code="writers", message=message)], []
    return [], [_who(len(living))]


def _control(move: Move, ended: Position | None) -> Position:
    """The first control document of the run; `ended` is that of the one before it."""
    control = Control(
        run=move.run,
        epoch=1 if ended is None else ended.control.epoch + 1,
        primary="source",
        phase="open",
        target=move.target,
        handovers=0 if ended is None else ended.control.handovers,
    )
    ledger = move.ledgers["source"]
    _, version = ledger.control()
    move.ledgers["target"].point(control)  # also to see that the model can be made there
    ledger.change_control(control, version)
    position = move.find()
    assert position is not None
    return position


def _who(writers: int) -> str:
    if not writers:
        return (
            "no process uses the plugin dual-write at this time: what is written without it does "
            "not reach the target, and keeps the cut-over from being made"
        )
    return f"{writers} processes write to both stores"
