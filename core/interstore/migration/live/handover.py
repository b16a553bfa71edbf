"""How the application is handed over from one store to the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    UnavailableError,
    UnsupportedError,
)
from interstore.migration.live.move import MARGIN, POLL, Move, Position, opened
from interstore.migration.live.report import StepReport
from interstore.migration.live.verifying import live_models, verify_live
from interstore.migration.progress import Control

if TYPE_CHECKING:
    from interstore._sync.operations import Operations

__all__ = ["hand_over", "ready", "verified"]

RETENTION: Final = 7 * 86_400.0
"""Seconds for which the other store keeps changes, if nobody has said so there."""
PATIENCE: Final = 10.0
"""Seconds in which what is pending should reach the other store."""


def ready(
    move: Move, position: Position, report: StepReport, stopping: Callable[[], bool] = bool
) -> bool:
    """Whether all writers go by `position`, and nothing is pending for long; else, why not."""
    living, _ = move.look(position)
    patience = max((writer.lease for writer in living), default=0.0) + 2 * MARGIN
    if behind := move.await_writers(position, patience, stopping):
        report.stop(
            "processes do not answer: " + ", ".join(writer.process for writer in behind) + "; see "
            "whether they hang, or end them"
        )
        return False
    end = time.monotonic() + max(patience, PATIENCE)
    before = move.pending(position)
    while True:
        trouble = move.adopt(position)
        before &= move.pending(position)
        if not before or time.monotonic() > end or stopping():
            break
        time.sleep(POLL)
    if before:
        report.pending, report.equal = len(before), False
        report.block(
            "pending",
            f"{len(before):,} writes do not reach the other store"
            + (f": {trouble}" if trouble else ", which processes are still at work on")
            + ". They are tried again and again: when the cause is gone, repeat this",
        )
    return not before


def verified(move: Move, position: Position, report: StepReport, control: Control) -> bool:
    """Whether both stores hold the same; if not, somebody writes without the plugin."""
    control.begin("verify", 0)
    report.verification = verify_live(
        move.stores[position.side], move.stores[position.other], control.step
    )
    report.equal = report.verification.ok
    if report.equal:
        return True
    report.status = "mismatch"
    report.notes.append(
        "the stores differ in documents that no process is writing: they were written without the "
        "plugin dual-write, by a process or a tool that does not use it. Have all of them use it; "
        "then make the stores equal with `interstore migrate catch-up RUN --all`"
    )
    return False


def hand_over(move: Move, position: Position, report: StepReport) -> Position:
    """Make the other store the primary. Writes wait for as long as it takes.

    Raises:
        UnavailableError: a process does not answer, or something was still pending: nothing has
            changed.
    """
    _record_changes(move, position, report)
    started = time.monotonic()
    held = move.change(position, replace(position.control, phase="held"))
    try:
        _await_quiet(move, held, held.control.hold / 2)
        after = opened(held.control, held.other)
        move.change(held, after)
    except BaseException:
        # By this, or by the writers when they have waited long enough.
        with suppress(InterstoreError):
            move.change(held, position.control)
        raise
    move.ledgers[held.other].point(after)
    report.held = round(time.monotonic() - started, 3)
    found = move.find()
    assert found is not None
    return found


def _record_changes(move: Move, position: Position, report: StepReport) -> None:
    """Have the changes of those models recorded that are recorded in the primary.

    Not where an engine keeps those of all models, without deletions: nobody said so there.
    """
    primary, other = move.stores[position.side], move.stores[position.other]
    if not (primary.capabilities.watch_deletes and other.capabilities.watch):
        return
    for model in live_models(primary):
        if not _is_recorded(primary, model) or _is_recorded(other, model):
            continue
        try:
            other.enable_watch(model, RETENTION)
        except UnsupportedError as error:
            report.notes.append(f"changes of {model} cannot be watched from now on: {error}")


def _is_recorded(store: Operations, model: str) -> bool:
    try:
        store.end_watch(model, store.start_watch(model, None))
    except (ConfigurationError, UnsupportedError):
        return False
    return True


def _await_quiet(move: Move, held: Position, seconds: float) -> None:
    if behind := move.await_writers(held, seconds):
        names = ", ".join(writer.process for writer in behind)
        raise UnavailableError(
            f"processes do not come to rest within {seconds:g} s: {names}. Repeat this when no "
            "long transaction or bulk call is under way there"
        )
    pending, trouble = move.drain(held, seconds)
    if pending:
        raise UnavailableError(
            f"{pending:,} writes did not reach the other store within {seconds:g} s"
            + (f": {trouble}" if trouble else "")
        )
