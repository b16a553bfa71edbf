"""One flavour of a database from the other: threads, the loop, cancellation, lifecycle."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from interstore import bridge
from interstore._async.store import AsyncStore
from interstore._sync.store import Store
from interstore.document import Document
from interstore.errors import UnavailableError
from interstore.prepared import Write
from tests.forking import in_a_fork
from tests.tiny import TinyDatabase


class Recording(TinyDatabase):
    """Remembers in which threads it was called; slow on request."""

    def __init__(self, delay: float = 0) -> None:
        super().__init__()
        self.delay = delay
        self.threads: set[str] = set()
        self.finished = threading.Event()

    def create(self, model: str, write: Write) -> Document:
        self.threads.add(threading.current_thread().name)
        time.sleep(self.delay)
        document = super().create(model, write)
        self.finished.set()
        return document

    def find_by_id_inline(self, model: str, id: str) -> Document | None:
        if id == "busy":
            raise BlockingIOError
        self.threads.add("inline in " + threading.current_thread().name)
        return self.find_by_id(model, id)


async def test_calls_run_in_threads_and_point_reads_at_once() -> None:
    database = Recording()
    async with AsyncStore(bridge.to_async(database)) as store:
        await store.create("m", {"id": "x"})
        assert await store.find_by_id("m", "x") == {"id": "x"}
        assert await store.find_by_id("m", "busy") is None
        assert [each.id async for each in store.find("m")] == ["x"]
    assert {name.partition("_")[0] for name in database.threads} == {
        "interstore-tiny",
        "inline in MainThread",
    }


async def test_a_cancelled_call_is_waited_for() -> None:
    database = Recording(delay=0.2)
    async with AsyncStore(bridge.to_async(database)) as store:
        task = asyncio.create_task(store.create("m", {"id": "x"}))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert database.finished.is_set()
        assert await store.find_by_id("m", "x") is not None


async def test_a_timeout_is_a_cancellation() -> None:
    database = Recording(delay=0.2)
    async with AsyncStore(bridge.to_async(database)) as store:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await store.create("m", {"id": "x"})
        assert database.finished.is_set()


class Meeting(TinyDatabase):
    """Whoever creates waits until four are there."""

    def __init__(self) -> None:
        super().__init__()
        self.barrier = threading.Barrier(4, timeout=10)

    def create(self, model: str, write: Write) -> Document:
        self.barrier.wait()
        return super().create(model, write)


async def test_calls_run_side_by_side() -> None:
    async with AsyncStore(bridge.to_async(Meeting())) as store:
        await asyncio.gather(*(store.create("m", {"id": str(n)}) for n in range(4)))
        assert await store.count("m") == 4


async def test_a_bridge_that_is_not_connected_says_so() -> None:
    database: Any = bridge.to_async(TinyDatabase())
    with pytest.raises(UnavailableError, match="not connected"):
        await database.find_by_id("m", "x")
    await database.disconnect()


def test_the_other_way_and_back() -> None:
    both = bridge.to_sync(bridge.to_async(TinyDatabase()))
    with Store(both) as store:
        store.create("m", {"id": "x", "n": 1})
        assert store.update("m", "x", {"$inc": {"n": 1}})["n"] == 2
        assert [each.id for each in store.find("m")] == ["x"]
    assert_no_thread_is_left()
    with pytest.raises(UnavailableError, match="not connected"):
        both.find_by_id("m", "x")


def assert_no_thread_is_left() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("interstore-tiny"):
            thread.join(timeout=10)  # it was told to end, and is idle
            assert not thread.is_alive()


class FailsToConnect(TinyDatabase):
    def connect(self) -> None:
        raise UnavailableError("down")


def test_a_failed_connection_leaves_no_thread() -> None:
    store = Store(bridge.to_sync(bridge.to_async(FailsToConnect())))
    with pytest.raises(UnavailableError, match="down"):
        store.connect()
    assert_no_thread_is_left()


def test_a_store_is_used_connected_and_may_be_connected_again() -> None:
    store = Store(TinyDatabase())
    with pytest.raises(UnavailableError, match="not connected"):
        store.create("m", {})
    with store:
        store.create("m", {"id": "x"})
    with pytest.raises(UnavailableError, match="not connected"):
        store.find_by_id("m", "x")
    store.close()
    with store:
        assert store.get("m", "x").id == "x"


class Stuck(TinyDatabase):
    """Never finishes reading, once it has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()


def stuck_store(database: Stuck) -> Store:
    tiny: Any = bridge.to_async(database)

    async def find_by_id(model: str, id: str) -> Document | None:
        database.began.set()
        await asyncio.Event().wait()
        return None

    tiny.find_by_id = find_by_id
    return Store(bridge.to_sync(tiny))


def test_closing_ends_calls_that_are_under_way() -> None:
    database = Stuck()
    store = stuck_store(database)
    store.connect()
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(store.find_by_id, "m", "x")
        assert database.began.wait(10)
        store.close()
        with pytest.raises(UnavailableError, match="closed while this call was under way"):
            call.result(timeout=10)
    assert_no_thread_is_left()


def test_a_child_of_a_fork_is_told_to_connect_again() -> None:
    with Store(bridge.to_sync(bridge.to_async(TinyDatabase()))) as store:
        store.create("m", {"id": "x"})

        def child() -> None:
            with pytest.raises(UnavailableError, match="connections do not cross a fork"):
                store.find_by_id("m", "x")
            store.close()
            with store:
                store.create("m", {"id": "y"})

        assert in_a_fork(child) == 0
        assert store.find_by_id("m", "y") is None
