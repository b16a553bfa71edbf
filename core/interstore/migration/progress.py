"""How far a run is, told while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Final, Literal, TypeAlias

from interstore.migration.pacing import Pace
from interstore.migration.plan import Limits

__all__ = ["PAUSE", "Control", "OnProgress", "Phase", "Progress", "Stopped"]

PAUSE: Final = "pause"
"""The file in a run's folder by which another process asks it to stop."""

Phase: TypeAlias = Literal["check", "copy", "verify"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        phase: what it does now.
        done: documents that this phase has dealt with, in this process or before.
        total: how many it is expected to deal with.
        seconds: how long this phase has run, in this process.
        rate: documents a second in this phase, in this process.
    """

    phase: Phase
    done: int
    total: int
    seconds: float
    rate: float

    @property
    def remaining(self) -> float | None:
        """Seconds until the end of the phase, at this rate; ``None`` if there is no rate yet."""
        return max(0, self.total - self.done) / self.rate if self.rate else None


class Stopped(Exception):
    """The caller asked the run to stop."""


OnProgress: TypeAlias = Callable[[Progress], object]


class Control:
    """The caller's handle on a run: what it hears, and how it stops it.

    Slices add to it from any thread; the caller is called from its own only.
    """

    def __init__(self, on_progress: OnProgress | None = None, stop: Event | None = None) -> None:
        self._on_progress = on_progress
        self._stop = stop or Event()
        self._abandoned = self._paused = False
        self._request: Path | None = None
        self._pace: Pace | None = None
        self._lock = Lock()
        self._phase: Phase = "check"
        self._done = self._before = self._total = 0
        self._started = time.monotonic()

    @property
    def stopping(self) -> bool:
        """Whether slices are to stop at the next page."""
        return self._abandoned or self._paused or self._stop.is_set()

    def abandon(self) -> None:
        """What the slices in hand do is of no use any more."""
        self._abandoned = True

    @contextmanager
    def heeding(self, folder: Path) -> Generator[None]:
        """Within it, a file called `PAUSE` in the run's folder stops the run."""
        self._request = folder / PAUSE
        self._request.unlink(missing_ok=True)  # it was for an earlier session
        try:
            yield
        finally:
            self._request.unlink(missing_ok=True)
            self._request = None

    @contextmanager
    def paced(self, limits: Limits) -> Generator[None]:
        """Within it, what is done in the caller's own thread goes no faster than that."""
        with Pace(limits, limits.page, lambda: self.stopping) as self._pace:
            try:
                yield
            finally:
                self._pace = None

    def begin(self, phase: Phase, total: int, done: int = 0) -> None:
        """A phase begins; `done` documents of it were dealt with before."""
        with self._lock:
            self._phase, self._total = phase, total
            self._done = self._before = done
            self._started = time.monotonic()
        self.tell()

    def add(self, count: int) -> None:
        """So many documents more were dealt with."""
        with self._lock:
            self._done += count

    def step(self, count: int) -> None:
        """So many documents more were dealt with in the caller's own thread.

        Raises:
            Stopped: the caller asked the run to stop.
        """
        self.add(count)
        self.tell()
        if self._pace is not None and count:
            self._pace.paged(count, 0)
        if self.stopping:
            raise Stopped

    def read(self, count: int) -> None:
        """So many documents more were read of an archive, which no rate is for.

        Raises:
            Stopped: the caller asked the run to stop.
        """
        self.add(count)
        self.tell()
        if self.stopping:
            raise Stopped

    def tell(self) -> None:
        """Tell the caller, and look whether another process asks the run to stop."""
        if self._request is not None and self._request.exists():
            self._paused = True
        if self._on_progress is not None:
            self._on_progress(self.now())

    def now(self) -> Progress:
        """How far the run is."""
        with self._lock:
            seconds = time.monotonic() - self._started
            rate = (self._done - self._before) / seconds if seconds > 0.2 else 0.0
            return Progress(self._phase, self._done, self._total, seconds, rate)
