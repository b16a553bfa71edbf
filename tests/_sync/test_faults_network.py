# Generated from tests/_async/test_faults_network.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 2cc542e70652c529f9759be7

"""The way to the server: reset, cut at any byte, slow, refused. Nothing lost or done twice."""

from __future__ import annotations

import time
from functools import partial
from threading import Event
from typing import Any

import pytest

from interstore.errors import InterstoreError, OperationTimeoutError
from tests._sync.writers import FAULTS, check_told, prepare, write_until
from tests.faults.served import Served
from tests.faults.together import together
from tests.patience import eventually, no_hang
from tests.servers.proxy import Direction

WRITERS = [f"w{number}" for number in range(6)]

# The driver of MongoDB leaves sockets that were not connected to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

# The flavours are of one source: on a default run, one of them shows the rarer faults.
rare = pytest.mark.long

# Each document is a request to Azure Cosmos DB, and a fault seconds of its driver's patience.
with_many = pytest.mark.parametrize(
    "served",
    ["postgresql", "mongodb", pytest.param("cosmosdb", marks=pytest.mark.long)],
    indirect=True,
)


@with_many
def test_under_concurrent_writers(served: Served) -> None:
    """Whatever happens on the way, again and again."""
    done, proxy = Event(), served.proxy

    def act() -> None:
        for fault in ("reset", "slow", "refuse") * 2:
            time.sleep(0.15)
            if fault == "slow":
                proxy.slow(latency=0.03, rate=200_000)
                time.sleep(0.1)
            elif fault == "refuse":
                proxy.refuse()
            proxy.reset()
            time.sleep(0.05)
            proxy.restore()
        # Its driver pauses for a second or more before it tries again.
        time.sleep(4.0 if served.engine.name == "cosmosdb" else 0.4)
        done.set()

    with served.store(proxied=True, timeout=10.0) as store:
        prepare(store, WRITERS)
        writers = together(act, [partial(write_until, done, store, name) for name in WRITERS])
        told = check_told(store, writers)
    assert all(each.counted > 1 for each in told)


@rare
@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_cut_once_after_so_many_bytes(served: Served, direction: Direction) -> None:
    """A loss that may be made good: of what was provably not applied, and of reads."""
    with served.store(proxied=True, timeout=3.0, pool_size=2) as store:
        store.create("m", {"id": "n", "n": 0})
        acknowledged, tried = 0, 0
        for after in (0, 40):
            served.proxy.cut(after, direction, times=1)
            with no_hang():
                [outcome] = together(
                    lambda: None, [partial(store.update, "m", "n", {"$inc": {"n": 1}})]
                )
            tried += 1
            acknowledged += not isinstance(outcome, BaseException)
            assert_fault_or_done(outcome)
            served.proxy.cut(after, direction, times=1)
            ids = [f"{after}-{number}" for number in range(20)]
            with no_hang():
                [outcome] = together(
                    lambda: None, [partial(store.create_many, "m", [{"id": id} for id in ids])]
                )
            assert_fault_or_done(outcome)
            served.proxy.cut(after, direction, times=1)
            assert store.find_by_id("m", "n") is not None
            served.proxy.restore()
        found = store.get("m", "n")
        assert acknowledged <= found["n"] <= tried
        assert found.version == found["n"] + 1
        others = store.find("m", {"id": {"$ne": "n"}}).to_list()
        assert {document.version for document in others} <= {1}


@rare
@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_cut_each_time(served: Served, direction: Direction) -> None:
    """A loss that cannot be made good."""
    with served.store(proxied=True, timeout=1.0, pool_size=5) as store:
        store.create("m", {"id": "n", "n": 0})
        calls: list[Any] = [
            partial(store.update, "m", "n", {"$inc": {"n": 1}}),
            partial(store.create_many, "m", [{"id": f"{k}"} for k in range(20)]),
            partial(store.find_by_id, "m", "n"),
            store.find("m", {"n": {"$gte": 0}}).to_list,
            partial(store.delete_many, "m", {"n": 7}),
        ]
        served.proxy.cut(0, direction)
        with no_hang():
            outcomes = together(lambda: None, calls)
        for outcome in outcomes:
            assert isinstance(outcome, FAULTS), repr(outcome)
        served.proxy.restore()
        eventually(partial(store.find_by_id, "m", "n"))
        found = store.get("m", "n")
        assert found["n"] in (0, 1)
        assert found.version == found["n"] + 1


def assert_fault_or_done(outcome: object) -> None:
    assert not isinstance(outcome, BaseException) or isinstance(outcome, FAULTS), repr(outcome)


@rare
def test_an_answer_that_drips(served: Served) -> None:
    """What arrives without a pause, but too slowly, ends in time as well."""
    with served.store(proxied=True, timeout=1.0, pool_size=2) as store:
        store.create("m", {"id": "large", "text": "x" * 1_500_000})
        served.proxy.slow(rate=20_000)
        with no_hang(), pytest.raises(OperationTimeoutError):
            store.find_by_id("m", "large")
        served.proxy.restore()
        eventually(partial(store.find_by_id, "m", "large"))


@rare
@with_many
def test_slow_pages_count_together(served: Served) -> None:
    """The timeout is for an operation, however often it asks."""
    with served.store(timeout=60.0) as store:
        store.create_many("m", [{"id": f"{n:05}"} for n in range(served.engine.many)])
    with served.store(proxied=True, timeout=1.0) as store:
        assert store.find_by_id("m", "00000") is not None
        served.proxy.slow(latency=0.2)
        started = time.monotonic()
        outcome = together(lambda: None, [store.find("m").to_list])
        if time.monotonic() - started > 2:
            assert isinstance(outcome[0], OperationTimeoutError)


@rare
def test_refused(served: Served) -> None:
    """Nobody listens any more, and then somebody does."""
    with served.store(proxied=True, timeout=1.0) as store:
        store.create("m", {"id": "a", "n": 0})
        served.proxy.refuse()
        served.proxy.reset()

        def open_another() -> None:
            with served.store(proxied=True, timeout=1.0):
                pass

        update = partial(store.update, "m", "a", {"$inc": {"n": 1}})
        with no_hang():
            outcomes = together(
                lambda: None, [open_another, partial(store.find_by_id, "m", "a"), update]
            )
        assert {type(outcome) for outcome in outcomes} <= set(FAULTS)
        served.proxy.restore()
        eventually(partial(store.update, "m", "a", {"$inc": {"n": 1}}))
        assert store.get("m", "a") == {"id": "a", "n": 1}


@rare
def test_an_exhausted_pool(served: Served) -> None:
    """More at once than there are connections: some succeed, the others are told in time."""
    with served.store(proxied=True, timeout=1.5, pool_size=2) as store:
        store.create("m", {"id": "a", "n": 0})
        served.proxy.slow(latency=0.25)
        calls = [partial(store.update, "m", "a", {"$inc": {"n": 1}})] * 12
        with no_hang():
            outcomes = together(lambda: None, calls)
        failed = [each for each in outcomes if isinstance(each, BaseException)]
        assert {type(each) for each in failed} == {OperationTimeoutError}
        served.proxy.restore()
        eventually(partial(store.find_by_id, "m", "a"))
        found = store.get("m", "a")
        assert len(calls) - len(failed) <= found["n"] < len(calls)
        assert found.version == found["n"] + 1


@with_many
def test_a_cursor_in_mid_iteration(served: Served) -> None:
    """Its next page is read again, or fails; what it gave is whole, and in order."""
    everything = [f"{number:04}" for number in range(1500)]
    with served.store(timeout=60.0) as store:
        store.create_many("m", [{"id": id} for id in everything])
    with served.store(proxied=True, timeout=1.5) as store:
        for fault in ("reset", "cut", "refuse"):
            seen = []
            try:
                for document in store.find("m"):
                    seen.append(document.id)
                    if len(seen) == 50:
                        if fault == "cut":
                            served.proxy.cut(3000, "to_client", times=1)
                        elif fault == "refuse":
                            served.proxy.refuse()
                        if fault in ("reset", "refuse"):
                            served.proxy.reset()
            except InterstoreError as error:
                failed: InterstoreError | None = error
            else:
                failed = None
            assert failed is None or (isinstance(failed, FAULTS) and fault != "reset")
            assert seen == everything[: len(seen)]
            assert len(seen) == len(everything) or len(seen) % 100 == 0
            served.proxy.restore()
            eventually(partial(store.find_by_id, "m", "0000"))
        assert [document.id for document in store.find("m")] == everything
