"""Runs by name: how one is, how it is asked to stop, and what it takes to go on with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from interstore.errors import ConfigurationError, CorruptionError
from interstore.migration.journal import replay
from interstore.migration.live.phase import Phase
from interstore.migration.locks import FileLock
from interstore.migration.plan import Plan, Request
from interstore.migration.progress import PAUSE
from interstore.migration.references import Place
from interstore.migration.report import Report
from interstore.migration.state import RunState, load_plan

__all__ = ["Run", "ask_to_stop", "load_report", "load_run", "request_of", "url_to_resume"]

_POLL: Final = 0.1

_ENDS: Final = {
    0: "done",
    2: "done, some documents were not written",
    3: "source and target differ",
    4: "stopped, can be resumed",
}


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its folder shows it.

    Attributes:
        plan: what it was to do.
        state: what it has done.
        running: by whom it is being run; empty if by nobody.
    """

    plan: Plan
    state: RunState
    running: str

    @property
    def status(self) -> str:
        """In words."""
        if self.running:
            return f"running ({self.running})"
        if step := self.state.move.unfinished:
            return f"killed in {step}, which can be repeated"
        code = self.state.exit_code
        return "killed, can be resumed" if code is None else _ENDS.get(code, str(code))

    @property
    def resumable(self) -> bool:
        """Whether it was stopped or killed before it came to its end."""
        killed = self.state.exit_code is None and not self.state.move.unfinished
        return not self.running and (killed or self.state.exit_code == 4)

    @property
    def phase(self) -> Phase | None:
        """Of a move beside an application that writes: how far it is, as its last step saw it."""
        return self.state.move.phase(copied=self.state.copied) if self.plan.request.live else None


def load_run(state: Path, name: str) -> Run:
    """The run of that name.

    Raises:
        ConfigurationError: there is none.
        CorruptionError: its plan or journal is damaged.
    """
    plan = load_plan(state, name)
    journal = state / name / "journal.jsonl"
    found = RunState.of(plan, replay(journal).entries if journal.exists() else ())
    ended = found.exit_code is not None and not found.move.unfinished
    if ended or not journal.exists():
        return Run(plan, found, "")
    lock = FileLock(journal.with_suffix(".lock"))
    running = "" if lock.acquire() else lock.holder()
    lock.release()
    return Run(plan, found, running)


def ask_to_stop(state: Path, name: str, wait: Callable[[float], object] = time.sleep) -> Run:
    """Ask a run, which another process runs, to stop at the next page; wait until it has.

    Raises:
        ConfigurationError: there is no such run, or it is not running.
    """
    run = load_run(state, name)
    if not run.running:
        raise ConfigurationError(f"run {name} is not running: it is {run.status}")
    (state / name / PAUSE).touch(mode=0o600)
    while run.running:
        wait(_POLL)
        run = load_run(state, name)
    return run


def load_report(state: Path, name: str) -> Report:
    """The last report of a run.

    Raises:
        ConfigurationError: there is no such run, or it has not come to a report.
        CorruptionError: the report cannot be read.
    """
    run = load_run(state, name)
    path = state / name / "report.json"
    if run.running or not path.is_file():
        raise ConfigurationError(f"run {name} has no report yet: it is {run.status}")
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except msgspec.MsgspecError as error:
        raise CorruptionError(f"{path} is damaged: {error}", file=str(path)) from None


S = TypeVar("S")


def url_to_resume(place: Place, given: S | None, role: str) -> S | str:
    """A run's source or target: the one given, else the URL of its plan.

    Raises:
        ConfigurationError: the plan has none that can be opened.
    """
    if given is not None:
        return given
    if place.reference:
        return place.reference
    why = "holds no secrets" if place.url else "was made for an open store"
    raise ConfigurationError(
        f"the plan {why}: name the {role} ({place.shown}) once more, by --{role} URL"
    )


def request_of(plan: Plan) -> Request:
    """What the run was asked for, as the same call would ask for it now.

    Raises:
        InterstoreError: its transform is not valid any more.
    """
    old = plan.request
    return Request.of(
        old.models,
        old.map,
        old.into,
        old.drop_versions,
        old.transform,
        old.dangling,
        old.live,
        foreign=old.foreign,
        set_aside=old.set_aside,
        base=old.base,
        compression=old.compression,
    )
