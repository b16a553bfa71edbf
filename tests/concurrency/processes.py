"""What a child process does: it opens the place for itself."""

from __future__ import annotations

import time

from tests.concurrency.client import Client, work
from tests.concurrency.history import Call
from tests.differential.engines import Place

__all__ = ["increments", "recorded"]


def recorded(
    place: Place, model: str, number: int, keys: list[str], count: int, start: int
) -> list[Call]:
    """The calls of one client, from that instant on."""
    with place.store() as store:
        _wait(start)
        return work(store, model, Client(number, keys), count)


def increments(place: Place, model: str, key: str, count: int, start: int) -> int:
    """The sum of the versions that so many increments gave."""
    with place.store() as store:
        _wait(start)
        change = {"$inc": {"n": 1}}
        return sum(store.update(model, key, change).version for _ in range(count))


def _wait(start: int) -> None:
    time.sleep(max(0, start - time.monotonic_ns()) / 1e9)
