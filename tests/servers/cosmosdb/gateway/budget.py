"""Request units: so many each second, and who asks for more is told when to come again."""

from __future__ import annotations

import time

__all__ = ["Budget"]


class Budget:
    """Of one physical partition.

    The service counts by the second: as long as anything is left of a second's units, a request is
    carried out, whatever it costs; what it costs too much is missing from the next (page
    "Diagnose and troubleshoot request rate too large (429) exceptions", and how much is from
    memory).
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._left = rate
        self._second = time.monotonic()

    def wait(self) -> float:
        """For how many seconds a request is to wait; 0: it can be carried out now."""
        now = time.monotonic()
        passed = int(now - self._second)
        if passed:
            self._left = min(self.rate, self._left + passed * self.rate)
            self._second += passed
        if self._left > 0:
            return 0.0
        missing = int(-self._left // self.rate) + 1
        return max(0.001, self._second + missing - now)

    def spend(self, charge: float) -> None:
        self._left -= charge
