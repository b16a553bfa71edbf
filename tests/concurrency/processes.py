"""What a child process does: it opens the place for itself."""

from __future__ import annotations

import time
from typing import TypeAlias

from tests.concurrency.client import Client, work
from tests.concurrency.history import Call
from tests.differential.engines import Place

__all__ = ["Claim", "claims", "increments", "recorded"]

Claim: TypeAlias = tuple[str, int, int | None]
"""A job's id, its version, and the worker that it says has it."""


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


def claims(place: Place, model: str, worker: int, *, start: int, deleting: bool) -> list[Claim]:
    """The jobs that one worker got, in order, until there were none left."""
    taken: list[Claim] = []
    order = "-priority"
    changes = {"state": "taken", "worker": worker}
    with place.store() as store:
        _wait(start)
        while True:
            if deleting:
                job = store.find_one_and_delete(model, {"state": "new"}, sort=order)
            else:
                job = store.find_one_and_update(model, {"state": "new"}, changes, sort=order)
            if job is None:
                return taken
            taken.append((job.id, job.version, job.get("worker")))


def _wait(start: int) -> None:
    time.sleep(max(0, start - time.monotonic_ns()) / 1e9)
