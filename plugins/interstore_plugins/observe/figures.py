"""Counters and percentiles of operations, kept in the process."""

from __future__ import annotations

import threading
from bisect import bisect_left
from typing import Any, Final

__all__ = ["BOUNDS", "Figures", "Series"]

BOUNDS: Final = tuple(1e-6 * 2 ** (step / 4) for step in range(108))
"""Upper bounds of the buckets of durations, in seconds: from a microsecond to two minutes, four
to each doubling. So a percentile is at most 19 % too large."""


class Series:
    """The figures of one kind of operation on one model.

    Attributes:
        count: how many there were.
        seconds: how long they took together.
        longest: how long the longest took.
        documents: how many documents they found or wrote.
        request_units: what they cost, where the engine counts that.
        errors: how many failed, by the error's name.
        buckets: how many took no longer than each of `BOUNDS`, and how many longer than all.
    """

    __slots__ = (
        "buckets", "count", "documents", "errors", "longest", "request_units", "seconds",
    )  # fmt: skip

    def __init__(self) -> None:
        self.count = self.documents = 0
        self.seconds = self.longest = self.request_units = 0.0
        self.errors: dict[str, int] = {}
        self.buckets = [0] * (len(BOUNDS) + 1)

    def add(
        self, seconds: float, documents: int, request_units: float, error: BaseException | None
    ) -> None:
        """One more."""
        self.count += 1
        self.seconds += seconds
        self.documents += documents
        self.request_units += request_units
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        if seconds > self.longest:
            self.longest = seconds
        if error is not None:
            name = type(error).__name__
            self.errors[name] = self.errors.get(name, 0) + 1

    def percentile(self, share: float) -> float:
        """The duration that so large a share of the operations did not exceed, in seconds."""
        rank, seen = share * self.count, 0
        for bound, number in zip(BOUNDS, self.buckets, strict=False):
            seen += number
            if seen >= rank:
                return min(bound, self.longest)
        return self.longest

    def told(self) -> dict[str, Any]:
        """For people and JSON; durations in seconds."""
        told: dict[str, Any] = {
            "count": self.count,
            "seconds": self.seconds,
            "p50": self.percentile(0.5),
            "p95": self.percentile(0.95),
            "p99": self.percentile(0.99),
            "longest": self.longest,
            "documents": self.documents,
            "errors": dict(self.errors),
        }
        if self.request_units:
            told["request_units"] = round(self.request_units, 2)
        return told


class Figures:
    """Series by operation and model; safe for threads. Models beyond a thousand share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[tuple[str, str], Series] = {}

    def add(
        self,
        operation: str,
        model: str,
        seconds: float,
        documents: int = 0,
        request_units: float = 0.0,
        error: BaseException | None = None,
    ) -> None:
        """One more operation."""
        with self._lock:
            series = self._series.get((operation, model)) or self._new(operation, model)
            series.add(seconds, documents, request_units, error)

    def _new(self, operation: str, model: str) -> Series:
        if len(self._series) >= 1000:
            model = "(others)"
        return self._series.setdefault((operation, model), Series())

    def series(self) -> dict[tuple[str, str], Series]:
        """The series, by operation and model."""
        with self._lock:
            return dict(self._series)

    def told(self) -> dict[str, dict[str, Any]]:
        """By operation, then by model; ``""`` where there is none."""
        told: dict[str, dict[str, Any]] = {}
        with self._lock:
            for (operation, model), series in sorted(self._series.items()):
                told.setdefault(operation, {})[model] = series.told()
        return told
