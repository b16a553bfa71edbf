"""What a cache has done, counted."""

from __future__ import annotations

from threading import Lock
from typing import Any

__all__ = ["Figures"]


class Figures:
    """Counts of what happened since the store was opened. Safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[str, int] = dict.fromkeys(
            ("hits", "shared_hits", "misses", "joined", "invalidations", "bypassed", "outages"), 0
        )

    def add(self, name: str, count: int = 1) -> None:
        """It happened."""
        with self._lock:
            self._counts[name] += count

    def told(self) -> dict[str, Any]:
        """All counts, and of what was asked for, which part was found."""
        with self._lock:
            counts = dict(self._counts)
        found = counts["hits"] + counts["shared_hits"] + counts["joined"]
        asked = found + counts["misses"]
        return {**counts, "hit_rate": round(found / asked, 4) if asked else None}
