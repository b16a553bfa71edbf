"""How long an operation may take, what is sent again and when, and how much at a time. Pure.

The driver's own retries do not serve here: they repeat writes that may have been applied, give
up on throttling after nine attempts, and know no limit on what is in flight.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

__all__ = [
    "LateError",
    "Pace",
    "ThrottledError",
    "UnsureError",
    "deadline",
    "is_refused_for_now",
    "is_unsure",
    "is_write",
    "pause",
    "remaining",
]

deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
"""When, on the monotonic clock, what is being done must have ended; ``None`` for never."""

_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 5.0
_LEAST_LEFT: Final = 0.001


class LateError(Exception):
    """The time of the operation is up."""


class ThrottledError(LateError):
    """It is up because the service wanted fewer request units a second."""


class UnsureError(Exception):
    """A write was sent, and whether it was applied is not known.

    Attributes:
        answered: whether the service said so itself; else the connection was lost.
    """

    def __init__(self, message: str, *, answered: bool) -> None:
        super().__init__(message)
        self.answered = answered


def remaining() -> float:
    """Seconds until the deadline.

    Raises:
        LateError: there are none.
    """
    end = deadline.get()
    if end is None:
        return float("inf")
    left = end - time.monotonic()
    if left < _LEAST_LEFT:
        raise LateError("its time was up before it was sent")
    return left


def is_write(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a request changes something: queries are sent as POST, too."""
    if method in ("GET", "HEAD"):
        return False
    query = headers.get("x-ms-documentdb-isquery") or headers.get(
        "x-ms-cosmos-is-query-plan-request"
    )
    return str(query).lower() != "true"


def is_refused_for_now(status: int) -> bool:
    """Whether nothing was done, and the same request may be sent again.

    429: too many request units. 449: another wrote the same item at this moment.
    """
    return status in (429, 449)


def is_unsure(status: int) -> bool:
    """Whether a write with this answer may have been applied all the same."""
    return status == 408 or status >= 500


def pause(attempt: int, headers: Mapping[str, Any]) -> float:
    """Seconds to wait before the next attempt: what the service says at least, and some more.

    Args:
        attempt: the first is 0.
        headers: of the answer.
    """
    try:
        asked = float(headers.get("x-ms-retry-after-ms") or 0) / 1000
    except ValueError:
        asked = 0.0
    most = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
    # Requests that were refused together must not come back together.
    return asked + random.uniform(most / 2, most)  # noqa: S311


class Pace:
    """How many requests may be in flight: fewer after each that was throttled, slowly more after.

    Attributes:
        most: never more than so many.
        limit: how many there may be now.
        in_flight: how many there are.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        self._last = 0.0
        self.in_flight = 0

    @property
    def is_full(self) -> bool:
        """Whether the next request has to wait."""
        return self.in_flight >= int(self.limit)

    def slower(self, seconds: float) -> None:
        """A request was throttled and will be sent again after so many seconds.

        Those that were in flight with it say nothing new.
        """
        now = time.monotonic()
        if now >= self._last:
            self.limit = max(1.0, min(self.limit, self.in_flight + 1.0) / 2)
            self._last = now + seconds

    def faster(self) -> None:
        """A request was answered."""
        self.limit = min(float(self.most), self.limit + 1 / self.limit)
