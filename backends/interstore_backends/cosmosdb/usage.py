"""Request units: what the service asks for each request."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["Usage", "add_charge", "request_units"]


class Usage:
    """What was asked for since it was made.

    Attributes:
        request_units: the sum.
        requests: how many there were.
        throttled: how many of them were refused at first, because of too many request units.
    """

    def __init__(self) -> None:
        self.request_units = 0.0
        self.requests = 0
        self.throttled = 0
        self._operations: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, operation: str, charge: float, *, throttled: bool) -> None:
        """One request was answered."""
        with self._lock:
            self.requests += 1
            self.request_units += charge
            self.throttled += throttled
            self._operations[operation] += 1

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
    """Measure what this task or thread asks of Cosmos DB within the block::

    with request_units() as used:
        store.find("users", {"age": 36}).to_list()
    print(used.request_units, used.requests)
    """
    usage = Usage()
    token = _meters.set((*_meters.get(), usage))
    try:
        yield usage
    finally:
        _meters.reset(token)


def add_charge(whole: Usage, operation: str, status: int, headers: Mapping[str, Any]) -> None:
    """Add an answered request to the database's usage, and to whoever measures."""
    try:
        charge = float(headers.get("x-ms-request-charge") or 0)
    except ValueError:
        charge = 0.0
    for usage in (whole, *_meters.get()):
        usage.add(operation, charge, throttled=status == 429)
