"""Questions that are being asked of the engine: each once, however many wait for the answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import contextmanager
from fnmatch import fnmatchcase
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Flight", "Flights"]

E = TypeVar("E")
"""What waits for the end: an event of threads or of tasks."""


class Flight(Generic[E]):
    """One question on its way.

    Attributes:
        valid: whether nothing was invalidated since that the answer may depend on. Else it is
            given to those who asked before, and not kept.
        ended: is set when it is over.
        text: the answer; ``None`` if there is none, because it failed.
    """

    def __init__(self, key: str, scopes: tuple[str, ...], ended: E) -> None:
        self.key = key
        self.scopes = scopes
        self.valid = True
        self.ended = ended
        self.text: bytes | None = None


class Flights(Generic[E]):
    """The questions on their way, by key. Safe for threads.

    Args:
        event: makes what waits for the end of one.
    """

    def __init__(self, event: Callable[[], E]) -> None:
        self._lock = Lock()
        self._event = event
        self._flights: dict[str, Flight[E]] = {}
        self._beside: list[Flight[E]] = []

    def join(self, key: str, scopes: tuple[str, ...]) -> tuple[Flight[E], bool]:
        """The flight of a key, and whether it has only begun, so that the caller must ask."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Flight(key, scopes, self._event())
            return flight, True

    @contextmanager
    def beside(self, flights: Collection[Flight[E]]) -> Generator[None]:
        """Flights that nobody can join, as long as the block: what they bring may be kept, too."""
        with self._lock:
            self._beside.extend(flights)
        try:
            yield
        finally:
            with self._lock:
                for flight in flights:
                    self._beside.remove(flight)

    def keep(self, flight: Flight[E], put: Callable[[], object]) -> None:
        """Keep its answer, unless it may be old: no invalidation comes between."""
        with self._lock:
            if flight.valid:
                put()

    def land(self, flight: Flight[E]) -> None:
        """It is over: who asks from now on, asks anew."""
        with self._lock:
            if self._flights.get(flight.key) is flight:
                del self._flights[flight.key]

    def invalidate(
        self, keys: Iterable[str], scopes: Iterable[str], patterns: Iterable[str]
    ) -> None:
        """What is on its way may be old: nobody joins it any more, and it is not kept."""
        wanted, within, matching = set(keys), set(scopes), list(patterns)

        def touched(flight: Flight[E]) -> bool:
            return (
                flight.key in wanted
                or not within.isdisjoint(flight.scopes)
                or any(fnmatchcase(flight.key, pattern) for pattern in matching)
            )

        self._void(touched)

    def invalidate_all(self) -> None:
        """The same for everything."""
        self._void(lambda _: True)

    def _void(self, touched: Callable[[Flight[E]], bool]) -> None:
        with self._lock:
            for flight in [*self._flights.values(), *self._beside]:
                if touched(flight):
                    flight.valid = False
                    if self._flights.get(flight.key) is flight:
                        del self._flights[flight.key]
