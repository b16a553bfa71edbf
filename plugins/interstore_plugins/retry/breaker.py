"""`Breaker`: spares an engine that is down the calls, and the callers the wait."""

from __future__ import annotations

import threading
from time import monotonic

from interstore.errors import UnavailableError

__all__ = ["Breaker"]


class Breaker:
    """Counts the calls in a row that were given up; after so many, others fail at once.

    After a pause one call is let through: if it succeeds, all are.

    Args:
        limit: so many; 0 for never.
        pause: in seconds.
    """

    def __init__(self, limit: int, pause: float) -> None:
        self._limit = limit
        self._pause = pause
        self._lock = threading.Lock()
        self._until: float | None = None
        self.given_up = 0
        self.opened = 0

    @property
    def state(self) -> str:
        """``"closed"`` as a rule; ``"open"`` while calls fail at once; between, ``"half open"``."""
        if self._until is None:
            return "closed"
        return "open" if monotonic() < self._until else "half open"

    def check(self, backend: str) -> None:
        """Let a call pass.

        Raises:
            UnavailableError: it is not to be tried now.
        """
        left = 0.0 if self._until is None else self._left()
        if left <= 0:
            return
        raise UnavailableError(
            f"{backend} has failed {self.given_up} calls in a row; it is tried again in "
            f"{left:.1f} seconds (RETRY_BREAKER_PAUSE)",
            backend=backend,
        )

    def _left(self) -> float:
        """Seconds until it is tried again; who is told that there are none is to try."""
        with self._lock:
            left = 0.0 if self._until is None else self._until - monotonic()
            if self._until is not None and left <= 0:
                self._until = monotonic() + self._pause  # others wait for this one
            return left

    def succeeded(self) -> None:
        """The engine has answered."""
        if self.given_up:
            with self._lock:
                self.given_up, self._until = 0, None

    def gave_up(self) -> None:
        """A call was given up."""
        with self._lock:
            self.given_up += 1
            if self._limit and self.given_up >= self._limit:
                if self._until is None:
                    self.opened += 1
                self._until = monotonic() + self._pause
