"""Threads for event loops: as many as are needed, results, errors, cancellation, endings."""

import asyncio
import gc
import threading
import time
import weakref

import pytest

from interstore.workers import Workers
from tests.forking import in_a_fork


async def run(workers: Workers, method: object, *args: object) -> object:
    return await workers.run(method, args, {})  # type: ignore[arg-type]


def threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


def assert_ended(name: str) -> None:
    for thread in threads(name):
        thread.join(timeout=10)
        assert not thread.is_alive()


async def test_one_after_the_other_shares_a_thread() -> None:
    workers = Workers(4, "row")
    assert [await run(workers, abs, -n) for n in range(50)] == list(range(50))
    assert len(threads("row")) == 1
    workers.shutdown()
    assert_ended("row")


async def test_no_more_threads_than_allowed() -> None:
    workers = Workers(3, "crowd")
    barrier = threading.Barrier(3, timeout=10)
    await asyncio.gather(*(run(workers, barrier.wait) for _ in range(12)))
    assert len(threads("crowd")) == 3
    workers.shutdown()
    assert_ended("crowd")


async def test_errors_arrive() -> None:
    workers = Workers(1, "wrong")
    with pytest.raises(ValueError, match="invalid literal"):
        await run(workers, int, "x")
    assert await run(workers, int, "1") == 1
    workers.shutdown()


async def test_what_is_cancelled_twice_is_waited_for_all_the_same() -> None:
    workers, other = Workers(1, "late"), Workers(1, "other")
    began, over = threading.Event(), threading.Event()

    def slowly() -> None:
        began.set()
        time.sleep(0.2)
        over.set()
        raise ValueError("nobody hears this")

    task = asyncio.create_task(run(workers, slowly))
    await run(other, began.wait, 10)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0.01)
    assert not task.done()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert over.is_set()
    workers.shutdown()
    other.shutdown()


async def test_what_waits_for_a_thread_is_done_before_the_end() -> None:
    workers = Workers(1, "queue")
    calls = [asyncio.create_task(run(workers, abs, -n)) for n in range(5)]
    await asyncio.sleep(0)
    workers.shutdown()
    assert await asyncio.gather(*calls) == list(range(5))
    assert_ended("queue")


def test_a_loop_that_is_gone_does_not_stop_the_thread() -> None:
    workers = Workers(1, "gone")
    began, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        began.set()
        go_on.wait(10)

    loop = asyncio.new_event_loop()
    task = loop.create_task(run(workers, wait))
    loop.run_until_complete(asyncio.sleep(0.01))
    assert began.wait(10)
    # As a program that stops its loop in the middle: the task is dropped, not finished.
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    go_on.set()
    assert asyncio.run(run(workers, abs, -1)) == 1
    workers.shutdown()


async def test_a_waiting_thread_keeps_nothing() -> None:
    class Large:
        pass

    workers = Workers(1, "keeps")
    result = await run(workers, Large)
    seen = weakref.ref(result)
    del result
    await asyncio.sleep(0.1)  # the thread has yet to go back to waiting
    gc.collect()
    assert seen() is None
    workers.shutdown()


async def test_threads_end_with_a_pool_that_is_dropped() -> None:
    workers = Workers(2, "dropped")
    await run(workers, abs, -1)
    del workers
    gc.collect()
    assert_ended("dropped")


def test_a_child_of_a_fork_has_threads_of_its_own() -> None:
    workers = Workers(2, "forked")
    assert asyncio.run(run(workers, abs, -1)) == 1

    def child() -> None:
        assert asyncio.run(run(workers, abs, -2)) == 2

    assert in_a_fork(child) == 0
    assert asyncio.run(run(workers, abs, -3)) == 3
    workers.shutdown()
    assert_ended("forked")
