"""Servers that are killed, hang, restart: typed errors, in time, and nothing lost or done twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any

import pytest

from interstore._async.store import AsyncStore
from tests._async.writers import FAULTS, check_told, prepare, write_until
from tests.faults.served import Served
from tests.faults.together_async import together
from tests.patience import eventually_async, no_hang

WRITERS = [f"w{number}" for number in range(6)]

# The driver of MongoDB leaves sockets that were not connected to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def every_operation(store: AsyncStore) -> dict[str, Callable[[], Any]]:
    """One call of each kind, on the model `m` with the documents `a` and `b`."""
    return {
        "find_by_id": partial(store.find_by_id, "m", "a"),
        "find": store.find("m", {"n": {"$gte": 0}}, sort="-n").to_list,
        "first": store.find("m").first,
        "count": partial(store.count, "m", {"n": 0}),
        "page": partial(store.page, "m", limit=1),
        "models": store.models,
        "ping": store.database.ping,
        "create": partial(store.create, "m", {"id": "c"}),
        "put": partial(store.put, "m", {"id": "d"}),
        "update": partial(store.update, "m", "a", {"$inc": {"n": 1}}),
        "delete": partial(store.delete, "m", "x"),
        "create_many": partial(store.create_many, "m", [{"id": "e"}, {"id": "f"}]),
        "put_many": partial(store.put_many, "m", [{"id": "g"}, {"id": "h"}]),
        "update_many": partial(store.update_many, "m", {"n": 0}, {"$inc": {"k": 1}}),
        "delete_many": partial(store.delete_many, "m", {"n": -1}),
    }


async def fill(store: AsyncStore) -> None:
    await store.create_many("m", [{"id": "a", "n": 0}, {"id": "b", "n": 0}])


@pytest.mark.parametrize("way", ["kill", pytest.param("stop", marks=pytest.mark.long)])
async def test_restarted_in_mid_operation(served: Served, way: str) -> None:
    """Killed as by a crash, and stopped in order, twice, under concurrent writers."""
    served.need_lasting_data()
    done = Event()

    def act() -> None:
        for _ in range(2):
            time.sleep(0.4)
            getattr(served.process, way)()
            served.process.start()
        time.sleep(0.6)
        done.set()

    async with served.store_async(timeout=10.0) as store:
        await prepare(store, WRITERS)
        writers = await together(act, [partial(write_until, done, store, name) for name in WRITERS])
        told = await check_told(store, writers)
    assert all(each.counted > 1 for each in told)


async def test_hung_for_longer_than_the_timeout(served: Served) -> None:
    """Each operation ends; when the server goes on, each has been applied once or never."""
    async with served.store_async(timeout=1.0, pool_size=20) as store:
        await fill(store)
        calls = every_operation(store)
        served.process.pause()
        with no_hang():
            outcomes = await together(lambda: None, calls.values())
        wrong = {
            name: outcome
            for name, outcome in zip(calls, outcomes, strict=True)
            if not isinstance(outcome, FAULTS)
        }
        assert not wrong
        served.process.resume()
        await eventually_async(lambda: store.update("m", "b", {"$inc": {"n": 10}}))
        for document in await store.find("m").to_list():
            applied = document.get("n", 0) % 10 + document.get("k", 0) + document.get("n", 0) // 10
            assert document.version == 1 + applied
            assert document.get("n", 0) in (0, 1, 10, 20)


async def test_gone(served: Served) -> None:
    """Each operation ends in an error while there is no server, and works when it is back."""
    async with served.store_async(timeout=1.0, pool_size=20) as store:
        await fill(store)
        calls = every_operation(store)
        served.process.kill()
        with no_hang():
            outcomes = await together(lambda: None, calls.values())
        assert {type(outcome) for outcome in outcomes} <= set(FAULTS)
        served.need_lasting_data()
        served.process.start()
        await eventually_async(lambda: store.update("m", "a", {"$inc": {"n": 1}}))
        assert await store.get("m", "a") == {"id": "a", "n": 1}
        assert await store.count("m") == 2
