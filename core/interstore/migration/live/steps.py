"""The steps of a run after its copy: each may be killed at any instant, and done again."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec.structs import replace

from interstore._sync.store import Store
from interstore.dual._sync.settling import settle
from interstore.dual.records import Side
from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    OperationTimeoutError,
    UnavailableError,
)
from interstore.migration.blobs.ends import BlobsArgument, open_blob_ends
from interstore.migration.ends import Ends, open_ends
from interstore.migration.journal import Journal, replay
from interstore.migration.live.blobs import bring_blobs
from interstore.migration.live.handover import hand_over, ready, verified
from interstore.migration.live.move import MARGIN, Move, Position, move_of
from interstore.migration.live.report import Step, StepReport
from interstore.migration.live.verifying import live_models
from interstore.migration.plan import Plan
from interstore.migration.progress import Control, OnProgress, Stopped
from interstore.migration.runs import url_to_resume
from interstore.migration.state import DEFAULT_STATE, RunState, load_plan

if TYPE_CHECKING:
    from interstore._sync.operations import Operations

__all__ = ["catch_up", "cutover", "finish", "rollback"]

PAGE: Final = 500

Action: TypeAlias = Callable[[Ends, Move, Position, StepReport, Control], None]
"""What a step does once it is known how things stand; it writes into the report."""


def catch_up(
    run: str,
    *,
    everything: bool = False,
    state: str | Path | None = None,
    source: str | Store | None = None,
    target: str | Store | None = None,
    progress: OnProgress | None = None,
    stop: Event | None = None,
    from_blobs: BlobsArgument | None = None,
    to_blobs: BlobsArgument | None = None,
) -> StepReport:
    """Bring to the other store what has not reached it, because it was away or a process died.

    Args:
        run: the name of the run.
        everything: look at all documents of both stores, and make the other store equal to the
            primary, also in what was written without the plugin.
        state: the folder of runs, as for `migrate`.
        source: the source, where the plan does not say how to open it: a URL or an open store.
        target: likewise.
        progress: called in this thread, a few times a second.
        stop: set it to stop.
        from_blobs: the blob store of the source's documents, as for `migrate`; then blobs are
            brought over as well that were attached since. They always go this way.
        to_blobs: where they go.
    """

    def step(
        ends: Ends, move: Move, position: Position, report: StepReport, control: Control
    ) -> None:
        if everything:
            _make_equal(move, position, report, control)
        if ends.blobs is not None:
            _bring_blobs(ends, move, position, report, control, reading=everything)
        seconds = _longest_lease(move, position) + 2 * MARGIN
        report.pending, trouble = move.drain(position, seconds, lambda: control.stopping)
        if report.pending or everything:
            report.equal = not report.pending
        if report.pending:
            report.stop(
                f"{report.pending:,} writes are still pending"
                + (f": {trouble}" if trouble else ", of processes that are at work")
            )

    blobs = from_blobs, to_blobs
    return _step("catch-up", step, run, state, source, target, progress, stop, blobs=blobs)


def cutover(
    run: str,
    *,
    state: str | Path | None = None,
    source: str | Store | None = None,
    target: str | Store | None = None,
    progress: OnProgress | None = None,
    stop: Event | None = None,
) -> StepReport:
    """Have the application read from the target, once that holds all that the source holds.

    Until `finish`, the source is kept up to date. The arguments are those of `catch_up`.
    """

    return _step("cutover", _reading_from("target"), run, state, source, target, progress, stop)


def rollback(
    run: str,
    *,
    state: str | Path | None = None,
    source: str | Store | None = None,
    target: str | Store | None = None,
    progress: OnProgress | None = None,
    stop: Event | None = None,
) -> StepReport:
    """Have the application read from the source again, which has all that was written since.

    The target is kept up to date, so another `cutover` may follow. The arguments are those of
    `catch_up`.
    """

    return _step("rollback", _reading_from("source"), run, state, source, target, progress, stop)


def _reading_from(side: Side) -> Action:
    """What has the application read from that store."""

    def step(_: Ends, move: Move, position: Position, report: StepReport, control: Control) -> None:
        if position.side == side:
            report.notes.append(f"the application reads from the {side} already")
        elif ready(move, position, report, lambda: control.stopping) and verified(
            move, position, report, control
        ):
            hand_over(move, position, report)

    return step


def finish(
    run: str,
    *,
    abandon: bool = False,
    state: str | Path | None = None,
    source: str | Store | None = None,
    target: str | Store | None = None,
    progress: OnProgress | None = None,
    stop: Event | None = None,
    from_blobs: BlobsArgument | None = None,
    to_blobs: BlobsArgument | None = None,
) -> StepReport:
    """End the move: the target remains, and nothing is written to the source any more.

    If blobs are part of the run, those that were attached since are brought over before, and, if
    it is called once more, those that were attached until then.

    Args:
        run: the name of the run.
        abandon: end it without a cut-over: the source remains.
        state: as for `catch_up`; likewise the others.
        source: likewise.
        target: likewise.
        progress: likewise.
        stop: likewise.
        from_blobs: likewise; they must be given if blobs are part of the run.
        to_blobs: likewise.
    """

    def step(
        ends: Ends, move: Move, position: Position, report: StepReport, control: Control
    ) -> None:
        if position.control.phase == "ended":
            _clean(move, position)
            if ends.blobs is not None and position.side == "target":
                _bring_blobs(ends, move, position, report, control, reading=False)
        elif abandon != (position.side == "source"):
            message = (
                "the application reads from the target: roll back first, or finish without "
                "--abandon"
                if abandon
                else "the application still reads from the source: cut over first, or give the "
                "move up with --abandon"
            )
            report.block("primary", message)
        elif abandon or (
            ready(move, position, report, lambda: control.stopping)
            and verified(move, position, report, control)
            and _has_blobs(ends, move, position, report, control)
        ):
            _end(move, position, report)

    return _step(
        "finish", step, run, state, source, target, progress, stop,
        copied=not abandon, blobs=(from_blobs, to_blobs),
    )  # fmt: skip


def _has_blobs(
    ends: Ends, move: Move, position: Position, report: StepReport, control: Control
) -> bool:
    """Whether the target has the blobs, if they are part of the run; what is missing is written."""
    if ends.blobs is None:
        return True
    _bring_blobs(ends, move, position, report, control, reading=True)
    return report.status == "done"


def _bring_blobs(
    ends: Ends,
    move: Move,
    position: Position,
    report: StepReport,
    control: Control,
    *,
    reading: bool,
) -> None:
    assert ends.blobs is not None
    primary = move.stores[position.side]
    report.blobs = bring_blobs(ends, ends.blobs, primary, control, reading=reading)
    if not report.blobs.ok:
        report.block("blobs", "blobs did not arrive, which the report lists: mend the cause")


def _end(move: Move, position: Position, report: StepReport) -> None:
    ended = move.change(position, replace(position.control, phase="ended"))
    if behind := move.await_writers(ended, _longest_lease(move, ended) + 2 * MARGIN):
        names = ", ".join(writer.process for writer in behind)
        report.stop(f"it is ended, but processes have not seen it yet: {names}. Repeat this")
        return
    _clean(move, ended)


def _clean(move: Move, ended: Position) -> None:
    """Leave one record: that of the source, for processes that still begin there."""
    move.ledgers["source"].point(ended.control)
    move.ledgers["source"].clear(control=False)
    move.ledgers["target"].clear(control=True)


def _make_equal(move: Move, position: Position, report: StepReport, control: Control) -> None:
    """Settle every document of the primary and of the other store."""
    primary, other = move.stores[position.side], move.stores[position.other]
    control.begin("copy", 0)
    for model in live_models(primary, other):
        for store in (primary, other):
            for ids in _ids(store, model):
                settle(primary, other, model, ids)
                control.step(len(ids))
    report.notes.append("all documents were compared, and the other store was made equal")


def _ids(store: Operations, model: str) -> Generator[list[str]]:
    for partition in store.partitions(model, 1):
        after = None
        while True:
            page = store.scan(model, partition, after, PAGE)
            if page.documents:
                yield [document.id for document in page.documents]
            if (after := page.next) is None:
                break


def _longest_lease(move: Move, position: Position) -> float:
    living, _ = move.look(position)
    return max((writer.lease for writer in living), default=0.0)


# What all steps have in common.


def _step(
    name: Step,
    step: Action,
    run: str,
    state: str | Path | None,
    source: str | Store | None,
    target: str | Store | None,
    progress: OnProgress | None,
    stop: Event | None,
    *,
    copied: bool = True,
    blobs: tuple[BlobsArgument | None, BlobsArgument | None] = (None, None),
) -> StepReport:
    folder = Path(state) if state is not None else DEFAULT_STATE
    plan = load_plan(folder, run)
    report, control = StepReport(run=run, step=name), Control(progress, stop)
    started = time.monotonic()
    if name == "finish" and copied and plan.blobs and blobs == (None, None):
        message = (
            "blobs are part of this run: name both blob stores once more (--from-blobs, --to-blobs)"
        )
        report.block("blobs-unnamed", message)
        return report
    if not plan.request.live:
        report.block(
            "not-live", f"run {run} was begun without --live: there is nothing to hand over"
        )
        return report
    path = folder / run / "journal.jsonl"
    if copied and not RunState.of(plan, replay(path).entries if path.exists() else ()).copied:
        report.block("not-copied", f"run {run} has not copied everything yet: --resume {run}")
        return report
    try:
        with _opened(plan, source, target, blobs) as ends, Journal(path) as journal:
            move = move_of(plan, ends)
            journal.append(name, status="begun")
            _take(name, partial(step, ends), move, report, control)
            journal.append(name, status=report.status, **_conclude(report, move, plan))
    except (UnavailableError, OperationTimeoutError) as error:
        report.stop(f"{type(error).__name__}: {error}")
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _take(
    name: Step,
    step: Callable[[Move, Position, StepReport, Control], None],
    move: Move,
    report: StepReport,
    control: Control,
) -> None:
    try:
        position = move.find()
        if position is None or position.control.run != move.run:
            report.block("not-begun", f"run {move.run} has not begun: resume it")
        elif position.control.phase == "ended" and name != "finish":
            report.block("ended", f"run {move.run} has been finished")
        else:
            step(move, position, report, control)
    except Stopped:
        report.stop("stopped")
    except (UnavailableError, OperationTimeoutError) as error:
        report.stop(f"{type(error).__name__}: {error}")


def _conclude(report: StepReport, move: Move, plan: Plan) -> dict[str, Any]:
    """Say where the application reads now; what the journal is told of it."""
    told: dict[str, Any] = {"equal": report.equal}
    try:
        position = move.find()
    except InterstoreError:
        return told  # which the report tells already
    if position is None:
        return told
    place = plan.source if position.side == "source" else plan.target
    report.primary = place.shown
    if position.control.phase == "ended" and place.url:
        report.setting = f"DATABASE_URL={place.url}"
    return {**told, "side": position.side, "ended": position.control.phase == "ended"}


@contextmanager
def _opened(
    plan: Plan,
    source: str | Store | None,
    target: str | Store | None,
    blobs: tuple[BlobsArgument | None, BlobsArgument | None],
) -> Generator[Ends]:
    """Both stores, which must be those of the plan; likewise those of blobs, if there are any."""
    urls = [
        given if isinstance(given, Store) else url_to_resume(place, given, role)
        for given, place, role in (
            (source, plan.source, "source"),
            (target, plan.target, "target"),
        )
    ]
    with open_ends(urls[0], urls[1], reach="threads", create=True, live=True) as ends:
        for end, place in zip(ends.both, (plan.source, plan.target), strict=True):
            if end.place.identity != place.identity:
                raise ConfigurationError(
                    f"run {plan.run} moves data from {plan.source.shown} to {plan.target.shown}, "
                    f"and {end.place.shown} is another place than {place.shown}"
                )
        with open_blob_ends(ends, *blobs, reach="threads") as opened:
            if opened.blobs is not None and dict(opened.blobs_shown) != plan.blobs:
                raise ConfigurationError(
                    f"run {plan.run} moves other blobs: it has {_shown(plan.blobs)}, and this call "
                    f"{_shown(opened.blobs_shown)}"
                )
            yield opened


def _shown(blobs: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {place}" for name, place in sorted(blobs.items())) or "none"
