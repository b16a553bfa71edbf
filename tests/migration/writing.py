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
from collections.abc import Callable
from typing import Any

import interstore
from interstore import AsyncStore, InterstoreError, OperationTimeoutError, Store

LEASE = 3.0

Plugins = dict[str, dict[str, Any]]

State = dict[str, dict[str, Any] | None]
"""What documents hold, by their ids: `None` where there is none."""


def plugins(target: str, lease: float = LEASE) -> Plugins:
    return {"dual-write": {"target": target, "lease": lease, "look": 0.02}}


class Worker:
    """What one worker does, and what its documents must hold."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.random = random.Random(name)
        self.expected: State = {}
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
        if kind == "transaction" and not store.capabilities.transaction:
            kind = "read"
        after = self._intended(kind, id, number)
        error = self._tried(f"{kind} {id}", lambda: self._do(store, kind, id, number, after))
        if isinstance(error, OperationTimeoutError):
            self._tried(f"look {id}", lambda: self._look(store, kind, after))

    def _tried(self, what: str, call: Callable[[], None]) -> InterstoreError | None:
        """Why it failed, if it did."""
        try:
            call()
        except InterstoreError as error:
            self.failures.append(f"{what}: {error!r}")
            return error
        return None

    def _intended(self, kind: str, id: str, number: int) -> State:
        """What the documents hold after the call, if it writes any."""
        known = self.expected.get(id)
        match kind:
            case "put":
                return {id: self.fields(id, number)}
            case "delete":
                return {id: None}
            case "update" if known is not None:
                return {id: {**known, "n": known["n"] + 1}}
            case "claim" if known is not None:
                return {id: {**known, "claimed": number}}
            case "many":
                return {
                    each: {**fields, "many": number}
                    for each, fields in self.expected.items()
                    if fields is not None
                }
            case "transaction":
                return {each: self.fields(each, number) for each in (id, f"{id}-other")}
            case _:
                return {}

    def _do(self, store: Store, kind: str, id: str, number: int, after: State) -> None:
        match kind:
            case "put":
                store.put("items", self.fields(id, number))
            case "delete":
                store.delete("items", id)
            case "update" if after:
                store.update("items", id, {"$inc": {"n": 1}})
            case "claim" if after:
                store.find_one_and_update("items", {"id": id}, {"claimed": number})
            case "many":
                store.update_many("items", {"by": self.name}, {"$set": {"many": number}})
            case "transaction":
                store.run_in_transaction(
                    lambda tx: [tx.put("items", fields) for fields in after.values() if fields]
                )
            case _:
                self.seen(id, store.find_by_id("items", id))
        self.expected |= after

    def _look(self, store: Store, kind: str, after: State) -> None:
        """Nobody knows what became of a call: it was done or it was not, and so it stays."""
        before = {id: self.expected.get(id) for id in after}
        documents = {id: store.find_by_id("items", id) for id in after}
        found = {id: None if each is None else dict(each) for id, each in documents.items()}
        if kind == "many":  # a document after the other
            sound = all(found[id] in (before[id], after[id]) for id in after)
        else:
            sound = found in (before, after)
        if not sound:
            self.failures.append(f"{kind}: found {found}, expected {before} or {after}")
        self.expected |= found

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
