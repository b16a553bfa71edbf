"""What a child process does: it opens the place for itself."""

from __future__ import annotations

import time
from itertools import count
from typing import TypeAlias

from interstore._sync.store import Store
from tests.concurrency.client import Client, work
from tests.concurrency.history import Call
from tests.differential.engines import Place

__all__ = ["Claim", "claims", "increments", "recorded", "transfers", "transfers_until_killed"]

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
    order = ["-priority", "id"]
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


def transfers(place: Place, accounts: list[str], worker: int, times: int) -> None:
    """Move money so often, each time in a transaction, and write it into the book."""
    with place.store() as store:
        for number in range(times):
            _transfer(store, accounts, worker, number)


def transfers_until_killed(place: Place, accounts: list[str], worker: int) -> None:
    """The same without end."""
    with place.store() as store:
        for number in count():
            _transfer(store, accounts, worker, number)


def _transfer(store: Store, accounts: list[str], worker: int, number: int) -> None:
    source = accounts[(worker + number) % len(accounts)]
    target = accounts[(worker + 1 + 2 * number) % len(accounts)]

    def move(tx: Store) -> None:
        tx.create("book", {"source": source, "target": target, "amount": number})
        # Read and written, so that a transaction between the two would be lost.
        found = tx.get("accounts", source)
        tx.put("accounts", {"id": source, "balance": found["balance"] - number})
        tx.update("accounts", target, {"$inc": {"balance": number}})

    store.run_in_transaction(move, timeout=60)


def _wait(start: int) -> None:
    time.sleep(max(0, start - time.monotonic_ns()) / 1e9)
