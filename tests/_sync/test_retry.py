# Generated from tests/_async/test_retry.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 9b244c6595da3bb0116c2f2d

"""The plugin retry before real servers that are killed, hung, cut off and throttled."""

from __future__ import annotations

import time
from functools import partial
from threading import Event
from typing import Any

import pytest

from interstore._sync.store import Store
from interstore.errors import InterstoreError
from interstore_plugins.retry._sync.wrapper import Retrying
from interstore_plugins.retry.settings import RetrySettings
from tests.databases import cosmosdb
from tests.faults.served import Served
from tests.faults.together import together
from tests.patience import no_hang
from tests.servers.cosmosdb.faults import Faults

# The driver of MongoDB leaves sockets that were not connected to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

# The flavours are of one source: on a default run, each shows some of the faults.
with_tasks = pytest.mark.long
with_threads = pytest.mark.timeout(90)


def patient(served: Served, **settings: Any) -> Store:
    """A store that retries, not connected yet."""
    database = served.store(**settings).database.database
    return Store(Retrying(database, RetrySettings(deadline=40, attempts=1000, longest_pause=0.5)))


def write_until(done: Event, store: Store, name: str) -> int:
    """Create documents, and count them in another with guarded updates; how many there are."""
    counter = store.create("m", {"id": f"{name}-count", "n": 0})
    while not done.is_set():
        store.create("m", {"id": f"{name}-{counter['n']}", "n": counter["n"]})
        counter = store.update("m", counter.id, {"$inc": {"n": 1}}, if_version=counter.version)
        assert store.find_by_id("m", f"{name}-{counter['n'] - 1}") is not None
    return int(counter["n"])


def check(store: Store, name: str, told: object) -> None:
    assert not isinstance(told, BaseException), repr(told)
    assert isinstance(told, int)
    found = store.get("m", f"{name}-count")
    assert (found["n"], found.version) == (told, told + 1)
    written = store.find("m", {"id": {"$startsWith": f"{name}-"}}).to_list()
    assert len(written) == told + 1
    assert {document.version for document in written if document.id != found.id} <= {1}


@with_tasks
def test_killed_under_writers(served: Served) -> None:
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

    with patient(served, timeout=5.0) as store:
        with no_hang():
            told = together(act, [partial(write_until, done, store, name) for name in names])
        for name, each in zip(names, told, strict=True):
            check(store, name, each)


@with_threads
def test_hung(served: Served) -> None:
    """A server that answers nothing for longer than an operation's time."""

    def act() -> None:
        served.process.pause()
        time.sleep(2.0)
        served.process.resume()

    with patient(served, timeout=0.7, pool_size=10) as store:
        store.create("m", {"id": "a", "n": 0})
        calls: list[Any] = [
            partial(store.find_by_id, "m", "a"),
            partial(store.create, "m", {"id": "b"}),
            partial(store.update, "m", "a", {"$inc": {"n": 1}}, if_version=1),
            partial(store.create_many, "m", [{"id": f"{n}"} for n in range(20)]),
            partial(store.count, "m"),
        ]

        with no_hang():
            told = together(act, calls)
        assert not [each for each in told if isinstance(each, BaseException)]
        found = store.get("m", "a")
        assert (found["n"], found.version) == (1, 2)
        assert store.count("m") == 22


@with_tasks
def test_connections_that_break(served: Served) -> None:
    done = Event()

    def act() -> None:
        for _ in range(6):
            time.sleep(0.15)
            served.proxy.reset()
        time.sleep(0.2)
        done.set()

    with patient(served, proxied=True, timeout=5.0) as store:
        with no_hang():
            [told] = together(act, [partial(write_until, done, store, "w")])
        check(store, "w", told)


@with_threads
def test_a_server_that_is_not_up_yet(served: Served) -> None:
    served.need_lasting_data()
    served.process.kill()

    def act() -> None:
        time.sleep(0.5)
        served.process.start()

    store = patient(served, timeout=1.0)
    with no_hang():
        [told] = together(act, [store.connect])
    assert not isinstance(told, InterstoreError), told
    assert store.count("m") == 0
    store.close()


@with_threads
def test_throttled(cosmosdb_url: str, cosmosdb_faults: Faults) -> None:
    """More refusals than the engine has time for."""
    database = cosmosdb(cosmosdb_url, timeout=0.5)
    retrying = Retrying(database, RetrySettings(deadline=30, attempts=100, longest_pause=0.2))
    with Store(retrying) as store:
        store.create("m", {"id": "a", "n": 0})
        cosmosdb_faults.fail(429, times=14, headers={"x-ms-retry-after-ms": "100"})
        assert store.create("m", {"id": "b"}).version == 1
        cosmosdb_faults.fail(429, times=14, headers={"x-ms-retry-after-ms": "100"})
        assert store.update("m", "a", {"$inc": {"n": 1}}, if_version=1)["n"] == 1
        assert store.get("m", "a").version == 2
        assert retrying.metrics()["recovered"] == 2
