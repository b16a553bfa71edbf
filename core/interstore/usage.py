"""Request units: what a service asks for each request, measured by whoever wants to know."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar, Token

__all__ = ["Usage", "begin", "charged", "end", "request_units"]


class Usage:
    """What was asked for since it was made.

    Attributes:
        request_units: the sum.
        requests: how many there were.
        throttled: how many of them were refused at first, because of too many request units.
    """

    __slots__ = ("_lock", "_operations", "request_units", "requests", "throttled")

    def __init__(self) -> None:
        self.request_units = 0.0
        self.requests = 0
        self.throttled = 0
        self._operations: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, operation: str, charge: float, *, throttled: bool) -> None:
        """One request was answered."""
        with self._lock:
            self.requests += 1
            self.request_units += charge
            self.throttled += throttled
            self._operations[operation] = self._operations.get(operation, 0) + 1

    @property
    def operations(self) -> dict[str, int]:
        """How many requests of each kind there were."""
        with self._lock:
            return dict(self._operations)

    def __repr__(self) -> str:
        return f"Usage(request_units={self.request_units:.2f}, requests={self.requests})"


_meters: ContextVar[tuple[Usage, ...]] = ContextVar("meters", default=())


@contextmanager
def request_units() -> Generator[Usage]:
    """Measure what this task or thread asks of a service that counts request units::

    with request_units() as used:
        store.find("users", {"age": 36}).to_list()
    print(used.request_units, used.requests)
    """
    usage, token = begin()
    try:
        yield usage
    finally:
        end(token)


def begin() -> tuple[Usage, Token[tuple[Usage, ...]]]:
    """What `request_units` does, without the price of a context manager; `end` ends it."""
    usage = Usage()
    return usage, _meters.set((*_meters.get(), usage))


def end(token: Token[tuple[Usage, ...]]) -> None:
    """Measure no longer."""
    _meters.reset(token)


def charged(operation: str, charge: float, *, throttled: bool = False) -> None:
    """Tell whoever measures that the service has answered a request: engines call it."""
    for usage in _meters.get():
        usage.add(operation, charge, throttled=throttled)
