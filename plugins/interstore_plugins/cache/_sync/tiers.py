# Generated from plugins/interstore_plugins/cache/_async/tiers.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 18ed92ffc300e592e8730be3

"""What is kept here and on a server, and what is asked of the engine instead."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from interstore._compat import Flag, Lock
from interstore_plugins.cache._sync.shared import Shared, Ticket
from interstore_plugins.cache.entry import ABSENT, Entry
from interstore_plugins.cache.figures import Figures
from interstore_plugins.cache.flights import Flight, Flights
from interstore_plugins.cache.listener import Listener
from interstore_plugins.cache.local import LocalCache
from interstore_plugins.cache.owed import Owed, outage
from interstore_plugins.cache.settings import CacheSettings

__all__ = ["Tiers"]

_log: Final = logging.getLogger("interstore.cache")

LONGEST_FLIGHT: Final = 30.0
"""Seconds after which nobody waits for the answer to another's question any more."""


class Tiers:
    """A cache in one or two tiers: this process's own entries, and those of a shared server.

    A server that is down is done without; what had to be invalidated on it meanwhile is, before
    anything is read from it again.

    Args:
        settings: which, and how large.
        place: what tells this cache from others on the same server.
    """

    def __init__(self, settings: CacheSettings, place: str) -> None:
        self._settings = settings
        self.figures = Figures()
        self._flights: Flights[Flag] = Flights(Flag)
        self._local = (
            LocalCache(settings.strategy, settings.max_size, settings.max_bytes)
            if settings.local
            else None
        )
        self._shared: Shared | None = None
        self._listener: Listener | None = None
        self._owed = Owed()
        self._paying = Lock()
        self._place = place

    def open(self) -> None:
        """Begin; a server that is not there does not keep a store from being used."""
        url = self._settings.url
        if url is None or self._shared is not None:
            return
        self._shared = Shared(url, f"{self._settings.prefix}:{self._place}")
        if self._local is not None:
            self._listener = Listener(url, self._shared.channel, self._heard, self._deaf)
            self._listener.start()

    def close(self) -> None:
        """End, and forget everything of this process."""
        shared, self._shared = self._shared, None
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.stop()
        if shared is not None:
            shared.close()
        self._deaf()

    def fetch(
        self,
        key: str,
        scopes: tuple[str, ...],
        load: Callable[[], bytes],
        seconds: float | None = None,
    ) -> bytes:
        """The text under a key; what `load` gives, if nothing is kept, which is then kept.

        Of those who ask at once, one asks the engine.
        """
        while True:
            if (entry := self._look(key)) is not None:
                self.figures.add("hits")
                return entry.text
            flight, leading = self._flights.join(key, scopes)
            if leading:
                return self._lead(flight, load, seconds)
            if not flight.ended.wait(LONGEST_FLIGHT):
                return load()
            if flight.text is not None:
                self.figures.add("joined")
                return flight.text

    def fetch_many(
        self,
        keys: Sequence[str],
        scopes: tuple[str, ...],
        load: Callable[[list[int]], list[bytes]],
    ) -> list[bytes]:
        """The texts under keys, in order; `load` is given the numbers of those that are missing."""
        entries = [self._look(key) for key in keys]
        missing = [number for number, entry in enumerate(entries) if entry is None]
        self.figures.add("hits", len(keys) - len(missing))
        texts = [ABSENT if entry is None else entry.text for entry in entries]
        flights = {number: Flight(keys[number], scopes, Flag()) for number in missing}
        with self._flights.beside(flights.values()):
            loaded = load(missing) if missing else []
            self.figures.add("misses", len(missing))
            for number, text in zip(missing, loaded, strict=True):
                texts[number] = text
                self._keep_here(flights[number], text, None)
        return texts

    def invalidate(
        self,
        keys: Sequence[str] = (),
        scopes: Sequence[str] = (),
        patterns: Sequence[str] = (),
    ) -> None:
        """Drop entries everywhere, in this process before this returns."""
        self.figures.add("invalidations")
        self._forget(keys, scopes, patterns)
        if self._shared is None:
            return
        self._owed.add(keys, scopes, patterns)
        try:
            self._pay()
        finally:
            # Again: somebody may have read it from the server until then.
            self._forget(keys, scopes, patterns)

    def clear(self) -> None:
        """Drop everything that is kept in this process."""
        self._deaf()

    def told(self) -> dict[str, Any]:
        """Figures."""
        local = {} if self._local is None else self._local.figures()
        return {**self.figures.told(), **local, "shared": self._state}

    @property
    def _state(self) -> str | None:
        if self._shared is None:
            return None
        return "down" if self._owed.resting else "up"

    def _look(self, key: str) -> Entry | None:
        return None if self._local is None else self._local.get(key)

    def _lead(
        self, flight: Flight[Flag], load: Callable[[], bytes], seconds: float | None
    ) -> bytes:
        try:
            text, ticket = self._from_shared(flight)
            if text is not None:
                self.figures.add("shared_hits")
            else:
                self.figures.add("misses")
                text = load()
                if ticket is not None:
                    self._to_shared(flight, text, seconds, ticket)
            self._keep_here(flight, text, seconds)
            flight.text = text
            return text
        finally:
            self._flights.land(flight)
            flight.ended.set()

    def _keep_here(self, flight: Flight[Flag], text: bytes, seconds: float | None) -> None:
        local, listener = self._local, self._listener
        lasting = self._seconds(text, seconds)
        if local is None or not lasting or (listener is not None and not listener.hears):
            return
        entry = Entry(text, flight.scopes, time.monotonic() + lasting)
        self._flights.keep(flight, lambda: local.put(flight.key, entry))

    def _seconds(self, text: bytes, seconds: float | None) -> float:
        if seconds is not None:
            return seconds
        return self._settings.negative_ttl if text == ABSENT else self._settings.ttl

    def _from_shared(self, flight: Flight[Flag]) -> tuple[bytes | None, Ticket | None]:
        shared = self._shared
        if shared is None or not self._pay():
            return None, None
        try:
            return shared.get(flight.key, flight.scopes)
        except outage() as error:
            self._rest(error)
            return None, None

    def _to_shared(
        self, flight: Flight[Flag], text: bytes, seconds: float | None, ticket: Ticket
    ) -> None:
        shared, lasting = self._shared, self._seconds(text, seconds)
        if shared is None or not lasting or self._owed.resting:
            return
        try:
            shared.put(flight.key, flight.scopes, text, lasting, ticket)
        except outage() as error:
            self._rest(error)

    def _pay(self) -> bool:
        """Invalidate on the server what is owed to it; whether it may be used."""
        shared = self._shared
        if shared is None or self._owed.resting:
            return False
        if not self._owed.any:
            return True
        with self._paying:  # nobody reads from it before it is done
            return self._tell(shared)

    def _tell(self, shared: Shared) -> bool:
        if self._owed.resting:
            return False
        due = self._owed.take()
        if due.nothing:
            self._owed.paid()
            return True
        message = due.message(None if self._listener is None else self._listener.name)
        try:
            shared.invalidate(due.keys, due.scopes, due.patterns, message)
        except outage() as error:
            self._owed.give_back(due)
            self._rest(error)
            return False
        except BaseException:  # such as a cancellation
            self._owed.give_back(due)
            raise
        self._owed.paid()
        return True

    def _rest(self, error: Exception) -> None:
        if self._owed.rest():
            self.figures.add("outages")
            _log.warning(
                "the shared cache does not answer (%s): the engine is asked instead",
                type(error).__name__,
            )

    def _heard(self, keys: Sequence[str], scopes: Sequence[str], patterns: Sequence[str]) -> None:
        self._forget(keys, scopes, patterns)

    def _forget(self, keys: Sequence[str], scopes: Sequence[str], patterns: Sequence[str]) -> None:
        # In this order: what is on its way must not be kept after the rest was dropped.
        self._flights.invalidate(keys, scopes, patterns)
        if self._local is not None:
            self._local.invalidate(keys, scopes, patterns)

    def _deaf(self) -> None:
        """Others may have invalidated anything: drop it all."""
        self._flights.invalidate_all()
        if self._local is not None:
            self._local.clear()
