"""How fast a slice goes: within what it is allowed, in pages that both stores bear well."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from interstore import usage

if TYPE_CHECKING:
    from interstore.migration.plan import Limits

__all__ = ["Pace", "Stop"]

Stop: TypeAlias = Callable[[], bool]

FIRST_PAGE: Final = 20
"""Documents of a slice's first page: nothing is known yet of how large they are."""
PAGE_BYTES: Final = 8_000_000
"""Pages shrink to about this much JSON where documents are large."""
SLOW: Final = 5.0
"""Seconds after which a page was too large for one of the stores."""
_POLL: Final = 0.2


class Pace:
    """The pace of one thread: how large its next page is, and when that is due.

    A page is halved after one that was throttled or slow, and grows again by an eighth at a time.
    Where a rate is set, a page has a second's worth at the most, and what is not used in one
    second is not saved up for the next. A context manager: within it, request units are measured.

    Args:
        limits: of documents in a page, and of documents and request units a second.
        most: a limit of documents in a page besides.
        stop: asked while waiting whether to wait no longer.

    Attributes:
        size: how many documents the next page may have.
    """

    def __init__(self, limits: Limits, most: int, stop: Stop) -> None:
        self._rate, self._units = limits.rate, limits.request_units
        self._stop = stop
        self._most = self._ceiling = min(limits.page, most)
        self.size = self._within(FIRST_PAGE, 0.0)
        self._charged = 0.0
        self._throttled = 0

    def __enter__(self) -> Self:
        self._used, self._token = usage.begin()
        self._began = time.monotonic()
        return self

    def __exit__(self, *error: object) -> None:
        usage.end(self._token)

    @property
    def request_units(self) -> float:
        """What was charged so far."""
        return self._used.request_units

    def paged(self, documents: int, length: int) -> None:
        """A page of some documents and bytes is done: wait until the next one is due."""
        charge = self._used.request_units - self._charged
        throttled = self._used.throttled > self._throttled
        self._charged, self._throttled = self._used.request_units, self._used.throttled
        if throttled or time.monotonic() - self._began > SLOW:
            self._ceiling = max(1, documents // 2)
        else:
            self._ceiling = min(self._most, self._ceiling + self._ceiling // 8 + 1)
        fitting = PAGE_BYTES * documents // (length or 1)
        self.size = self._within(fitting, charge / documents)
        self._wait(documents, charge)

    def _within(self, documents: int, charge: float) -> int:
        """No more than that, and than one second allows at so many request units each."""
        size: float = min(documents, self._ceiling)
        if self._rate is not None:
            size = min(size, self._rate)
        if self._units is not None and charge:
            size = min(size, self._units / charge)
        return max(1, int(size))

    def _wait(self, documents: int, charge: float) -> None:
        seconds = documents / self._rate if self._rate else 0.0
        if self._units:
            seconds = max(seconds, charge / self._units)
        due = self._began + seconds
        while (left := due - time.monotonic()) > 0 and not self._stop():
            time.sleep(min(left, _POLL))
        self._began = time.monotonic()
