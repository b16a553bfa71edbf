"""Waiting for the lock of writers, which SQLite itself gives in no order."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from interstore_backends.sqlite.errors import is_busy

__all__ = ["Turn", "in_turn"]

T = TypeVar("T")

_LONGEST: Final = 0.003
_SHORTEST: Final = 0.0001
_HASTE: Final = 50
"""After so many parts of a second, half of the longest pause."""


class Turn:
    """A wait for the lock.

    SQLite's own busy handler sleeps longer and longer, up to a tenth of a second: who has lost
    often hardly ever looks, and somebody who has just come is first. Here, who has waited longer
    looks more often. The longest wait becomes much shorter, and fewer turns are had in all where
    everybody does nothing but write: docs/design.md has what was measured.

    Args:
        timeout: how many seconds to wait.
    """

    def __init__(self, timeout: float) -> None:
        self._begun = time.monotonic()
        self._timeout = timeout

    def comes(self, error: Exception) -> bool:
        """Whether to try again, after a pause: the lock was held by another, and there is time."""
        if not is_busy(error):
            return False
        waited = time.monotonic() - self._begun
        if waited >= self._timeout:
            return False
        pause = max(_SHORTEST, _LONGEST / (1 + waited * _HASTE))
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (no secret)
        return True


def in_turn(attempt: Callable[[], T], timeout: float) -> T:
    """What `attempt` returns, which is repeated while another holds the lock."""
    turn: Turn | None = None
    while True:
        try:
            return attempt()
        except Exception as error:
            turn = turn or Turn(timeout)
            if not turn.comes(error):
                raise
