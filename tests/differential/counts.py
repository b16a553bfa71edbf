"""How much was compared in this process, by engine."""

from __future__ import annotations

from collections import Counter, defaultdict

__all__ = ["count", "counts"]

counts: defaultdict[str, Counter[str]] = defaultdict(Counter)


def count(engine: str, what: str, number: int = 1) -> None:
    """Note that so many comparisons were made."""
    counts[engine][what] += number
