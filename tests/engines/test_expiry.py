"""Sweeps beside others, killed sweeps, and the plans of queries, where documents expire."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

import interstore
from interstore import Store
from interstore.errors import NotFoundError
from tests.databases import postgresql

PAST = datetime(2001, 1, 1, tzinfo=UTC)
FUTURE = datetime(2099, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
WRITERS = 3

spawn = multiprocessing.get_context("spawn")


@pytest.fixture(params=["json", "sqlite", "postgresql", "mongodb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each engine that other processes can open."""
    if request.param in ("postgresql", "mongodb"):
        url: str = request.getfixturevalue(f"{request.param}_url")
        return url
    return f"{request.param}:{tmp_path / 'data'}"


def test_what_is_kept_alive_is_never_swept(url: str) -> None:
    """Each document is about to expire again and again, and its writer always comes before that."""
    with interstore.connect(url) as store:
        store.create("m", {"id": "first"}, expires_at=PAST)  # from here on, nobody waits for this
        ended = threading.Event()

        def keep_alive(writer: int) -> list[int]:
            id, lifetime = f"alive{writer}", timedelta(seconds=5)
            versions = [store.create("m", {"id": id}, expires_at=lifetime).version]
            for number in range(25):
                store.create("m", {"id": f"gone{writer}-{number}"}, expires_at=PAST)
                versions.append(store.update("m", id, {}, expires_at=lifetime).version)
            return versions

        def sweep() -> None:
            with interstore.connect(url) as sweeper:
                while not ended.is_set():
                    sweeper.sweep("m", batch=2)

        with ThreadPoolExecutor(WRITERS + 2) as threads:
            sweeping = [threads.submit(sweep) for _ in range(2)]
            try:
                for kept in list(threads.map(keep_alive, range(WRITERS))):
                    assert kept == list(range(1, 27))
            finally:
                ended.set()
            for each in sweeping:
                each.result(60)
        assert store.sweep("m").finished
        assert [each.id for each in store.find("m")] == [f"alive{n}" for n in range(WRITERS)]


def test_an_expiry_that_is_moved_back_and_forth(url: str) -> None:
    """Of one that moves it and one that sweeps, either is first: never both, never neither."""
    with interstore.connect(url) as store, interstore.connect(url) as sweeper:
        store.create("m", {"id": "a", "n": 0}, expires_at=FUTURE)
        sweeper.sweep("m")
        with ThreadPoolExecutor(2) as threads:
            for number in range(10):
                store.put("m", {"id": "a", "n": number}, expires_at=timedelta(seconds=0.03))
                time.sleep(0.026)
                swept = threads.submit(sweeper.sweep, "m")
                try:
                    moved = store.update("m", "a", {}, expires_at=HOUR)
                except NotFoundError:
                    swept.result(60)
                    assert store.find_by_id("m", "a") is None
                    continue
                swept.result(60)
                assert store.get("m", "a").version == moved.version


def sweep_on(url: str, begun: Event) -> None:
    with interstore.connect(url) as store:
        store.count("m")
        begun.set()
        while True:
            store.sweep("m", batch=1)


def test_a_killed_sweep(url: str) -> None:
    with interstore.connect(url) as store:
        store.create("m", {"id": "live"})
        ids = [f"d{n:03}" for n in range(300)]
        store.create_many("m", [{"id": id} for id in ids], expires_at=PAST)
        begun = spawn.Event()
        process = spawn.Process(target=sweep_on, args=[url, begun])
        process.start()
        assert begun.wait(60)
        time.sleep(0.2)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        assert [each.id for each in store.find("m")] == ["live"]
        assert store.create("m", {"id": ids[-1]}, expires_at=FUTURE).version == 1
        assert store.delete("m", ids[-1])
        assert store.sweep("m").finished
        assert store.sweep("m").removed == 0
        assert store.create_many("m", [{"id": id} for id in ids]).created == 300
        assert store.count("m") == 301


def test_explain_is_of_what_find_does(url: str) -> None:
    """With the condition on expiry, where documents of the model expire, and without elsewhere."""
    with interstore.connect(url) as store:
        documents = [{"id": f"d{n:03}", "n": n % 50} for n in range(500)]
        store.create_many("m", documents)
        index = store.ensure_index("m", "n", type="number")
        for expiring in (False, True):
            plan = store.explain("m", {"n": 7}, sort="n")
            assert (plan.access, plan.indexes) == ("index", (index.name,)), plan
            if store.database.name in ("postgresql", "mongodb"):
                assert ("expires" in str(plan.native)) == expiring
            if not expiring:
                store.create("m", {"id": "gone", "n": 7}, expires_at=PAST)
        assert len(store.find("m", {"n": 7}, sort="n").to_list()) == 10
        assert len(store.find("m", {"n": 7}, sort="n").to_list()) == 10


def test_a_transaction_in_which_expiry_begins(postgresql_url: str) -> None:
    """Nobody waits for it to end."""
    with Store(postgresql(postgresql_url)) as store, Store(postgresql(postgresql_url)) as other:
        store.create("m", {"id": "a"})
        with store.transaction() as transaction:
            transaction.create("m", {"id": "b"}, expires_at=FUTURE)
            other.create("m", {"id": "c"}, expires_at=FUTURE)
            other.create("new", {"id": "a"}, expires_at=FUTURE)
            transaction.create("m", {"id": "d"}, expires_at=PAST)
            other.create("m", {"id": "e"}, expires_at=PAST)
            assert other.sweep("m").removed == 1
        assert store.count("m") == 3
        assert other.sweep("m").removed == 1
