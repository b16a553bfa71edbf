"""Named timers for the application's own steps."""

from __future__ import annotations

from time import perf_counter
from types import TracebackType
from typing import Any, Final, Self

from interstore_plugins.observe.figures import Figures

__all__ = ["TIMERS", "timer", "timers"]

TIMERS: Final = Figures()
"""Those of this process."""


class timer:  # noqa: N801 - read as a verb: with timer("import") as step
    """Times a block, and what lies between its checkpoints::

        with timer("import") as step:
            rows = read(file)
            step.checkpoint("read")
            store.put_many("rows", rows)
            step.checkpoint("write")

    `timers` tells the figures, and ``/metrics`` of the health application.

    Args:
        name: of the timer; one of few, as each has figures of its own.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._begun = self._last = 0.0

    def __enter__(self) -> Self:
        self._begun = self._last = perf_counter()
        return self

    def checkpoint(self, name: str) -> float:
        """What was done since the last checkpoint is called so; the seconds that it took."""
        now = perf_counter()
        seconds, self._last = now - self._last, now
        TIMERS.add(self._name, name, seconds)
        return seconds

    @property
    def seconds(self) -> float:
        """Since the block began."""
        return perf_counter() - self._begun

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        TIMERS.add(self._name, "", self.seconds, error=error)


def timers() -> dict[str, dict[str, Any]]:
    """The figures of all timers, by name and checkpoint; the whole block is ``""``."""
    return TIMERS.told()
