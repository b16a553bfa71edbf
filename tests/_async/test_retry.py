"""The plugin retry before real servers that are killed, hung, cut off and throttled."""

from __future__ import annotations

import time
from functools import partial
from threading import Event
from typing import Any

import pytest

from interstore._async.store import AsyncStore
from interstore._compat_async import ASYNC
from interstore.errors import InterstoreError
from interstore_plugins.retry._async.wrapper import AsyncRetrying
from interstore_plugins.retry.settings import RetrySettings
from tests.databases import cosmosdb_async
from tests.faults.served import Served
from tests.faults.together_async import together
from tests.patience import no_hang
from tests.servers.cosmosdb.faults import Faults

# The driver of MongoDB leaves sockets that were not connected to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

# The flavours are of one source: on a default run, each shows some of the faults.
with_tasks = pytest.mark.timeout(90) if ASYNC else pytest.mark.long
with_threads = pytest.mark.long if ASYNC else pytest.mark.timeout(90)


def patient(served: Served, **settings: Any) -> AsyncStore:
    """A store that retries, not connected yet."""
    database = served.store_async(**settings).database.database
    return AsyncStore(
        AsyncRetrying(database, RetrySettings(deadline=40, attempts=1000, longest_pause=0.5))
    )


async def write_until(done: Event, store: AsyncStore, name: str) -> int:
    """Create documents, and count them in another with guarded updates; how many there are."""
    counter = await store.create("m", {"id": f"{name}-count", "n": 0})
    while not done.is_set():
        await store.create("m", {"id": f"{name}-{counter['n']}", "n": counter["n"]})
        counter = await store.update(
            "m", counter.id, {"$inc": {"n": 1}}, if_version=counter.version
        )
        assert await store.find_by_id("m", f"{name}-{counter['n'] - 1}") is not None
    return int(counter["n"])


async def check(store: AsyncStore, name: str, told: object) -> None:
    assert not isinstance(told, BaseException), repr(told)
    assert isinstance(told, int)
    found = await store.get("m", f"{name}-count")
    assert (found["n"], found.version) == (told, told + 1)
    written = await store.find("m", {"id": {"$startsWith": f"{name}-"}}).to_list()
    assert len(written) == told + 1
    assert {document.version for document in written if document.id != found.id} <= {1}


@with_tasks
async def test_killed_under_writers(served: Served) -> None:
    """No writer notices that the server is killed and comes back; each write is applied once."""
    served.need_lasting_data()
    done, names = Event(), [f"w{number}" for number in range(4)]

    def act() -> None:
        for _ in range(2):
            time.sleep(0.4)
            served.process.kill()
            time.sleep(0.3)
            served.process.start()
        time.sleep(0.6)
        done.set()

    async with patient(served, timeout=5.0) as store:
        with no_hang():
            told = await together(act, [partial(write_until, done, store, name) for name in names])
        for name, each in zip(names, told, strict=True):
            await check(store, name, each)


@with_threads
async def test_hung(served: Served) -> None:
    """A server that answers nothing for longer than an operation's time."""

    def act() -> None:
        served.process.pause()
        time.sleep(2.0)
        served.process.resume()

    async with patient(served, timeout=0.7, pool_size=10) as store:
        await store.create("m", {"id": "a", "n": 0})
        calls: list[Any] = [
            partial(store.find_by_id, "m", "a"),
            partial(store.create, "m", {"id": "b"}),
            partial(store.update, "m", "a", {"$inc": {"n": 1}}, if_version=1),
            partial(store.create_many, "m", [{"id": f"{n}"} for n in range(20)]),
            partial(store.count, "m"),
        ]

        with no_hang():
            told = await together(act, calls)
        assert not [each for each in told if isinstance(each, BaseException)]
        found = await store.get("m", "a")
        assert (found["n"], found.version) == (1, 2)
        assert await store.count("m") == 22


@with_tasks
async def test_connections_that_break(served: Served) -> None:
    done = Event()

    def act() -> None:
        for _ in range(6):
            time.sleep(0.15)
            served.proxy.reset()
        time.sleep(0.2)
        done.set()

    async with patient(served, proxied=True, timeout=5.0) as store:
        with no_hang():
            [told] = await together(act, [partial(write_until, done, store, "w")])
        await check(store, "w", told)


@with_threads
async def test_a_server_that_is_not_up_yet(served: Served) -> None:
    served.need_lasting_data()
    served.process.kill()

    def act() -> None:
        time.sleep(0.5)
        served.process.start()

    store = patient(served, timeout=1.0)
    with no_hang():
        [told] = await together(act, [store.connect])
    assert not isinstance(told, InterstoreError), told
    assert await store.count("m") == 0
    await store.close()


@with_threads
async def test_throttled(cosmosdb_url: str, cosmosdb_faults: Faults) -> None:
    """More refusals than the engine has time for."""
    database = cosmosdb_async(cosmosdb_url, timeout=0.5)
    retrying = AsyncRetrying(database, RetrySettings(deadline=30, attempts=100, longest_pause=0.2))
    async with AsyncStore(retrying) as store:
        await store.create("m", {"id": "a", "n": 0})
        cosmosdb_faults.fail(429, times=14, headers={"x-ms-retry-after-ms": "100"})
        assert (await store.create("m", {"id": "b"})).version == 1
        cosmosdb_faults.fail(429, times=14, headers={"x-ms-retry-after-ms": "100"})
        assert (await store.update("m", "a", {"$inc": {"n": 1}}, if_version=1))["n"] == 1
        assert (await store.get("m", "a")).version == 2
        assert retrying.metrics()["recovered"] == 2
