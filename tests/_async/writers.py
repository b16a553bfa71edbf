"""Writers that remember what they were told, and the check that it is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Final

from interstore._async.store import AsyncStore
from interstore._compat_async import sleep
from interstore.errors import OperationTimeoutError, UnavailableError

__all__ = ["FAULTS", "Told", "check_told", "prepare", "write_until"]

FAULTS: Final = (OperationTimeoutError, UnavailableError)
"""What a fault of a server or of the way there may end in."""


@dataclass
class Told:
    """What one writer was told.

    Attributes:
        name: the writer's.
        counted: increments of the one counter that were acknowledged.
        uncounted: those of which it is not known.
        updated: as `counted`, of the documents of its own, all of them at once.
        not_updated: as `uncounted`, of these.
        created: documents whose creation was acknowledged.
        faults: errors, of whatever operation.
    """

    name: str
    counted: int = 0
    uncounted: int = 0
    updated: int = 0
    not_updated: int = 0
    created: set[str] = field(default_factory=set)
    faults: int = 0


async def prepare(store: AsyncStore, names: Sequence[str]) -> None:
    """Create what the writers of these names write."""
    await store.create("counters", {"id": "all", "n": 0})
    own = [{"id": f"{name}-{number}", "owner": name, "n": 0} for name in names for number in (1, 2)]
    await store.create_many("counters", own)
    await store.create("things", {"id": "first"})


async def write_until(done: Event, store: AsyncStore, name: str) -> Told:
    """Write by every kind of operation, in turn."""
    told, turn = Told(name), 0
    while not done.is_set():
        turn += 1
        for step in (_count, _update_own, _create, _create_many):
            try:
                await step(store, told, turn)
            except FAULTS:
                told.faults += 1
                await sleep(0.02)
    return told


async def _count(store: AsyncStore, told: Told, turn: int) -> None:
    told.uncounted += 1
    await store.update("counters", "all", {"$inc": {"n": 1}})
    told.uncounted -= 1
    told.counted += 1


async def _update_own(store: AsyncStore, told: Told, turn: int) -> None:
    told.not_updated += 1
    result = await store.update_many("counters", {"owner": told.name}, {"$inc": {"n": 1}})
    assert result.updated == 2
    told.not_updated -= 1
    told.updated += 1


async def _create(store: AsyncStore, told: Told, turn: int) -> None:
    id = f"{told.name}-{turn}"
    await store.create("things", {"id": id})
    told.created.add(id)


async def _create_many(store: AsyncStore, told: Told, turn: int) -> None:
    ids = [f"{told.name}-{turn}-{number}" for number in range(20)]
    # None is there already: an error that says so would be of a write that was repeated.
    await store.create_many("things", [{"id": id} for id in ids])
    told.created.update(ids)


async def check_told(store: AsyncStore, writers: Sequence[Told | BaseException]) -> list[Told]:
    """No acknowledged write was lost, and none applied twice; returns the writers' memories."""
    told = []
    for each in writers:
        if isinstance(each, BaseException):
            raise each
        told.append(each)
    counter = await store.get("counters", "all")
    counted = sum(each.counted for each in told)
    assert counted <= counter["n"] <= counted + sum(each.uncounted for each in told)
    assert counter.version == counter["n"] + 1
    for each in told:
        for own in await store.find("counters", {"owner": each.name}).to_list():
            assert each.updated <= own["n"] <= each.updated + each.not_updated
            assert own.version == own["n"] + 1
    stored = [document async for document in store.find("things")]
    ids = {document.id for document in stored}
    assert len(stored) == len(ids)
    assert {document.version for document in stored} == {1}
    lost = set().union(*(each.created for each in told)) - ids
    assert not lost, f"{len(lost)} acknowledged documents were lost, as {min(lost)}"
    return told
