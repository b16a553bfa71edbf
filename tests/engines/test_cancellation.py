"""Calls that are cancelled, and stores that nobody closed: no connection is lost by it."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import warnings
from functools import partial

import pytest

from interstore.errors import OperationTimeoutError
from tests.faults.served import Served
from tests.patience import eventually_async, no_hang

# Connections whose making is cancelled, MongoDB's driver leaves to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


async def test_cancelled_a_hundred_times(served: Served) -> None:
    """At any moment, also while a connection is waited for; then all are there, and work."""
    chance = random.Random(7)
    size = 4
    async with served.store_async(proxied=True, timeout=20.0, pool_size=size) as store:
        await store.create_many("m", [{"id": str(number), "n": 0} for number in range(500)])
        served.proxy.slow(latency=0.01)
        cancelled = 0
        for _ in range(20):
            calls = [
                asyncio.ensure_future(call)
                for call in (
                    store.update("m", "1", {"$inc": {"n": 1}}),
                    store.find_by_id("m", "1"),
                    store.find("m", {"n": 0}).to_list(),
                    store.put_many("m", [{"id": str(number), "n": 0} for number in range(2, 90)]),
                    store.count("m"),
                    store.update_many("m", {"n": 0}, {"$set": {"k": 1}}),
                    store.create("m", {"text": "x" * 50_000}),
                )
            ]
            for call in calls:
                await asyncio.sleep(chance.random() * 0.012)
                call.cancel()
            for outcome in await asyncio.gather(*calls, return_exceptions=True):
                cancelled += isinstance(outcome, asyncio.CancelledError)
                if isinstance(outcome, Exception):
                    raise outcome
        assert cancelled > 50
        served.proxy.restore()
        # As many at once as there are connections: none is missing.
        async with asyncio.timeout(15):
            await asyncio.gather(*(store.find_by_id("m", "1") for _ in range(size * 5)))
        found = await store.get("m", "1")
        assert found.version <= found["n"] + 1 + 40


@pytest.mark.long
async def test_cancelled_before_a_server_that_hangs(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """It is over soon, and as a cancellation."""
    # What is logged holds the connection by which psycopg tried to cancel the statement.
    caplog.set_level(logging.CRITICAL, "psycopg")
    async with served.store_async(proxied=True, timeout=5.0, pool_size=2) as store:
        await store.create("m", {"id": "a"})
        served.proxy.blackhole()
        with no_hang(), pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await store.find_by_id("m", "a")
        served.proxy.restore()
        await eventually_async(partial(store.find_by_id, "m", "a"))


async def test_timeouts_do_not_use_up_the_pool(served: Served) -> None:
    async with served.store_async(proxied=True, timeout=0.3, pool_size=2) as store:
        await store.create("m", {"id": "a"})
        for _ in range(3):
            served.proxy.blackhole()
            calls = [store.find_by_id("m", "a") for _ in range(4)]
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} <= {OperationTimeoutError}
            served.proxy.restore()
            await eventually_async(partial(store.find_by_id, "m", "a"))


def test_a_store_that_nobody_closed(served: Served) -> None:
    """Its connections end with it, and a warning says so."""
    if served.engine.name == "cosmosdb":
        pytest.skip("its driver ends connections without a warning")
    store = served.store(proxied=True)
    store.connect()
    store.create("m", {"id": "a"})
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        del store
        gc.collect()
        served.check_no_connection_left()
    assert ResourceWarning in {each.category for each in warned}
