"""Histories of real clients on every engine: each can be explained by calls one by one."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Generator, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from random import Random
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest

from interstore._sync.store import Store
from tests.concurrency.checker import violations
from tests.concurrency.client import Client, final_reads, work, work_async
from tests.concurrency.history import Call
from tests.concurrency.processes import increments, recorded
from tests.differential.engines import FOLDER, Place, Subject
from tests.servers.proxy import Proxy

ROUNDS = [pytest.param(0), *[pytest.param(n, marks=pytest.mark.long) for n in range(1, 40)]]
KEYS = ["a", "b"]


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    """Children for all tests: to start one costs more than what it does."""
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def lasting(subject: Subject) -> Subject:
    if not subject.store.capabilities.persistent:
        pytest.skip("capability persistent is not declared")
    return subject


def check(store: Store, model: str, calls: list[Call], keys: list[str]) -> None:
    """The history with what is there in the end, which is removed."""
    history = [*calls, *final_reads(store, model, keys)]
    store.delete_many(model, {})
    explained(history)


def explained(history: list[Call]) -> None:
    for problem in violations(history):
        pytest.fail(f"no order of calls explains {problem}", pytrace=False)


@pytest.mark.parametrize("number", ROUNDS)
def test_threads(subject: Subject, number: int) -> None:
    clients = [Client(10 * number + each, KEYS) for each in range(4)]
    with ThreadPoolExecutor(len(clients)) as threads:
        do = partial(work, subject.store, "threads", count=40)
        calls = [call for each in threads.map(do, clients) for call in each]
    check(subject.store, "threads", calls, KEYS)


# A connection of PyMongo's that is cancelled while it opens is closed by the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("chance", [False, True], ids=["", "some of them cancelled"])
@pytest.mark.parametrize("number", ROUNDS)
async def test_tasks(subject: Subject, number: int, chance: bool) -> None:
    if not subject.store.capabilities.persistent and not chance:
        pytest.skip("one loop is one thread: nothing is beside anything")
    keys = ["a", "b", "c", "d"]
    model = f"tasks{number}{chance}"
    async with subject.place.store_async() as store:
        random = Random(number) if chance else None
        calls = await asyncio.gather(
            *[
                work_async(store, model, Client(10 * number + each, keys), 20, random)
                for each in range(6)
            ]
        )
        history = [call for each in calls for call in each]
        history += [
            Call(-1, key, "read", begun=time.monotonic_ns(), ended=time.monotonic_ns() + 1,
                 result=None if found is None else (found.version, found["n"]))
            for key in keys
            for found in [await store.find_by_id(model, key)]
        ]  # fmt: skip
    explained(history)
    assert all(call.is_known for call in history) or chance


@pytest.mark.parametrize("number", ROUNDS)
def test_processes(lasting: Subject, processes: Executor, number: int) -> None:
    start = time.monotonic_ns() + 100_000_000
    running = [
        processes.submit(recorded, lasting.place, "processes", 10 * number + each, KEYS, 40, start)
        for each in range(3)
    ]
    calls = [call for each in running for call in each.result(60)]
    check(lasting.store, "processes", calls, KEYS)


def test_no_increment_of_a_process_is_lost(lasting: Subject, processes: Executor) -> None:
    lasting.store.put("counts", {"id": "a", "n": 0})
    start = time.monotonic_ns() + 100_000_000
    running = [
        processes.submit(increments, lasting.place, "counts", "a", 50, start) for _ in range(3)
    ]
    versions = sum(each.result(60) for each in running)
    found = lasting.store.get("counts", "a")
    assert (found["n"], found.version) == (150, 151)
    assert versions == sum(range(2, 152)), "each version was given once"


@contextmanager
def _cut_off(proxy: Proxy, seconds: float) -> Generator[None]:
    """Within it, all connections are reset again and again."""
    done = Event()

    def reset() -> None:
        while not done.wait(seconds):
            proxy.reset()

    thread = Thread(target=reset)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("number", ROUNDS)
def test_connections_that_break(
    subject: Subject, number: int, request: pytest.FixtureRequest
) -> None:
    """What was sent may have taken effect, once, or not: nobody heard."""
    engine = subject.place.engine
    if engine.place in ("", FOLDER):
        pytest.skip("there is no connection")
    server = request.getfixturevalue(engine.place)
    keys = ["a", "b", "c", "d"]
    with Proxy(*server.address) as proxy:
        name = urlsplit(str(subject.place.where)).path.lstrip("/")
        with Place(engine.name, server.url(name, port=proxy.port)).store() as store:
            clients = [Client(10 * number + each, keys) for each in range(3)]
            with _cut_off(proxy, 0.05), ThreadPoolExecutor(len(clients)) as threads:
                do = partial(work, store, "broken", count=60)
                calls = [call for each in threads.map(do, clients) for call in each]
            check(subject.store, "broken", calls, keys)
