"""Figures about the driver's connections, which tells of each event and keeps no count."""

from __future__ import annotations

import threading

from pymongo import monitoring

from interstore.stats import PoolStats

__all__ = ["Meter"]


class Meter(monitoring.ConnectionPoolListener):
    """Counts while connections come, go, and are lent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0
        self._asked = 0
        self._lent = 0
        self._failed = 0
        self._returned = 0
        self._waited = 0.0

    def figures(self, size: int) -> PoolStats:
        """What was counted. Of each server there may be so many connections."""
        with self._lock:
            in_use = self._lent - self._returned
            return PoolStats(
                size=size,
                in_use=in_use,
                idle=max(0, self._open - in_use),
                waiting=self._asked - self._lent - self._failed,
                checkouts=self._asked,
                wait_seconds=self._waited,
            )

    def connection_check_out_started(self, event: object) -> None:
        with self._lock:
            self._asked += 1

    def connection_checked_out(self, event: monitoring.ConnectionCheckedOutEvent) -> None:
        with self._lock:
            self._lent += 1
            self._waited += event.duration or 0.0

    def connection_check_out_failed(self, event: monitoring.ConnectionCheckOutFailedEvent) -> None:
        with self._lock:
            self._failed += 1
            self._waited += event.duration or 0.0

    def connection_checked_in(self, event: object) -> None:
        with self._lock:
            self._returned += 1

    def connection_created(self, event: object) -> None:
        with self._lock:
            self._open += 1

    def connection_closed(self, event: object) -> None:
        with self._lock:
            self._open -= 1

    def connection_ready(self, event: object) -> None:
        """Counted when it was created."""

    def pool_created(self, event: object) -> None:
        """There is one for each server."""

    def pool_ready(self, event: object) -> None:
        """Nothing to count."""

    def pool_cleared(self, event: object) -> None:
        """Each of its connections is told of by itself."""

    def pool_closed(self, event: object) -> None:
        """Likewise."""
