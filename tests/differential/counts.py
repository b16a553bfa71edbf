"""How much was compared in this process, by engine."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

__all__ = ["count", "lines"]

_counts: defaultdict[str, Counter[str]] = defaultdict(Counter)


def count(engine: str, what: str, number: int = 1) -> None:
    """Note that so many comparisons were made."""
    _counts[engine][what] += number


def lines() -> Iterator[str]:
    """One line for each engine."""
    width = max(map(len, _counts), default=0)
    for engine, counts in _counts.items():
        yield f"{engine:{width}}  " + ", ".join(f"{n:,} {what}" for what, n in counts.items())
