"""What is aimed at: printed beside what was measured, never asserted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

__all__ = ["Added", "Aim", "AtMost", "Faster", "Within"]


class Aim(ABC):
    """A limit, and the words for it."""

    @abstractmethod
    def is_met(self, *, ours: float, ratio: float) -> bool:
        """Whether microseconds, or the ratio (or difference) to theirs, are within."""


@dataclass(frozen=True, slots=True)
class AtMost(Aim):
    """At most so many microseconds."""

    microseconds: float

    def __str__(self) -> str:
        if self.microseconds >= 1000:
            return f"≤ {self.microseconds / 1000:g} ms"
        return f"≤ {self.microseconds:g} µs"

    def is_met(self, *, ours: float, ratio: float) -> bool:
        return ours <= self.microseconds


@dataclass(frozen=True, slots=True)
class Added(AtMost):
    """At most so many microseconds more."""

    def is_met(self, *, ours: float, ratio: float) -> bool:
        return ratio <= self.microseconds


@dataclass(frozen=True, slots=True)
class Within(Aim):
    """At most so many times as long."""

    ratio: float

    def __str__(self) -> str:
        return f"≤ {self.ratio:g}"

    def is_met(self, *, ours: float, ratio: float) -> bool:
        return ratio <= self.ratio


@dataclass(frozen=True, slots=True)
class Faster(Aim):
    """At least so many times faster."""

    times: float

    def __str__(self) -> str:
        return f"≥ {self.times:g} times faster"

    def is_met(self, *, ours: float, ratio: float) -> bool:
        return ratio * self.times <= 1
