"""What the plugin has done for a store, in figures."""

from __future__ import annotations

import threading

__all__ = ["Figures"]


class Figures:
    """Counters.

    Attributes:
        repeated: calls that failed at first, and were tried again.
        attempts: how often in all, beyond their first time.
        recovered: of those calls, those that succeeded in the end.
        recognised: of those, those whose first attempt had been applied after all.
        given_up: calls that failed in the end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.repeated = self.attempts = self.recovered = self.recognised = self.given_up = 0

    def ended(self, attempts: int, *, recovered: bool, recognised: bool = False) -> None:
        """A call that failed at first has ended after so many attempts."""
        with self._lock:
            self.repeated += attempts > 1
            self.attempts += attempts - 1
            self.recovered += recovered
            self.recognised += recognised
            self.given_up += not recovered

    def told(self) -> dict[str, int]:
        """All of them."""
        with self._lock:
            return {name: value for name, value in vars(self).items() if name != "_lock"}
