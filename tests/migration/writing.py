"""An application that reads and writes all the time, until its standard input ends:
`python -m tests.migration.writing URL TARGET NAME WORKERS sync|async [LEASE]`.

Each worker has documents of its own, knows what must be in them, and looks. In the end, one line of
JSON says how many calls there were, which of them failed, and what the documents must hold.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import threading
from typing import Any

import interstore
from interstore import AsyncStore, InterstoreError, Store

LEASE = 3.0

Plugins = dict[str, dict[str, Any]]


def plugins(target: str, lease: float = LEASE) -> Plugins:
    return {"dual-write": {"target": target, "lease": lease, "look": 0.02}}


class Worker:
    """What one worker does, and what its documents must hold: `None` where there is none."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.random = random.Random(name)
        self.expected: dict[str, dict[str, Any] | None] = {}
        self.calls = 0
        self.failures: list[str] = []

    def next(self) -> tuple[str, str, int]:
        """What to do, to which document, with which number."""
        self.calls += 1
        kind = self.random.choices(
            ["put", "read", "delete", "update", "many", "transaction", "claim"],
            [30, 30, 10, 15, 5, 5, 5],
        )[0]
        return kind, f"{self.name}-{self.random.randrange(30)}", self.calls

    def seen(self, id: str, found: dict[str, Any] | None) -> None:
        """Compare a document that was read with what it must be."""
        if id in self.expected and found != self.expected[id]:
            self.failures.append(f"{id}: found {found}, expected {self.expected[id]}")

    def step(self, store: Store) -> None:
        kind, id, number = self.next()
        try:
            self._do(store, kind, id, number)
        except InterstoreError as error:
            self.failures.append(f"{kind} {id}: {error!r}")

    def _do(self, store: Store, kind: str, id: str, number: int) -> None:
        known = self.expected.get(id)
        match kind:
            case "put":
                self.expected[id] = dict(store.put("items", self.fields(id, number)))
            case "delete":
                store.delete("items", id)
                self.expected[id] = None
            case "update" if known is not None:
                self.expected[id] = dict(store.update("items", id, {"$inc": {"n": 1}}))
            case "claim" if known is not None:
                found = store.find_one_and_update("items", {"id": id}, {"claimed": number})
                self.expected[id] = None if found is None else dict(found)
            case "many":
                store.update_many("items", {"by": self.name}, {"$set": {"many": number}})
                for each, fields in self.expected.items():
                    if fields is not None:
                        self.expected[each] = {**fields, "many": number}
            case "transaction" if store.capabilities.transaction:
                store.run_in_transaction(lambda tx: self._both(tx, id, number))
            case _:
                self.seen(id, store.find_by_id("items", id))

    def _both(self, store: Store, id: str, number: int) -> None:
        self.expected[id] = dict(store.put("items", self.fields(id, number)))
        other = self.fields(f"{id}-other", number)
        self.expected[f"{id}-other"] = dict(store.put("items", other))

    async def step_async(self, store: AsyncStore) -> None:
        kind, id, number = self.next()
        try:
            if kind == "put":
                self.expected[id] = dict(await store.put("items", self.fields(id, number)))
            elif kind == "delete":
                await store.delete("items", id)
                self.expected[id] = None
            elif kind == "update" and self.expected.get(id) is not None:
                self.expected[id] = dict(await store.update("items", id, {"$inc": {"n": 1}}))
            else:
                self.seen(id, await store.find_by_id("items", id))
        except InterstoreError as error:
            self.failures.append(f"{kind} {id}: {error!r}")

    def fields(self, id: str, number: int) -> dict[str, Any]:
        return {"id": id, "n": number, "by": self.name}


def run_threads(url: str, plugins: Plugins, workers: list[Worker], stop: threading.Event) -> None:
    with interstore.connect(url, plugins=plugins) as store:

        def work(worker: Worker) -> None:
            while not stop.is_set():
                worker.step(store)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


async def run_tasks(
    url: str, plugins: Plugins, workers: list[Worker], stop: threading.Event
) -> None:
    async with interstore.connect_async(url, plugins=plugins) as store:

        async def work(worker: Worker) -> None:
            while not stop.is_set():
                await worker.step_async(store)
                await asyncio.sleep(0)

        await asyncio.gather(*(work(worker) for worker in workers))


def main() -> None:
    url, target, name, count, flavour = sys.argv[1:6]
    lease = float(sys.argv[6]) if len(sys.argv) > 6 else LEASE
    workers = [Worker(f"{name}{number}") for number in range(int(count))]
    stop = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    if flavour == "sync":
        run_threads(url, plugins(target, lease), workers, stop)
    else:
        asyncio.run(run_tasks(url, plugins(target, lease), workers, stop))
    report = {
        "calls": sum(worker.calls for worker in workers),
        "failures": [each for worker in workers for each in worker.failures],
        "expected": {id: each for worker in workers for id, each in worker.expected.items()},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
