"""Several processes at one file: no lost write, no "database is locked"."""

import multiprocessing
import os
import signal
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from interstore.errors import ConflictError, OperationTimeoutError
from interstore.filters.tree import ALL
from interstore_backends.sqlite.database import SQLiteDatabase
from tests.engines.sqlite import workers
from tests.engines.sqlite.support import VARIANTS, Open, changes, fill, ids, write
from tests.patience import no_hang

spawn = multiprocessing.get_context("spawn")


def run(target: Callable[..., None], *arguments: Any, count: int) -> None:
    processes = [spawn.Process(target=target, args=arguments) for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(90)
    assert [process.exitcode for process in processes] == [0] * count


@pytest.mark.parametrize("name", ["text", "jsonb"])
def test_increments_of_processes_and_threads(opened: Open, path: str, name: str) -> None:
    options = VARIANTS[name]
    if options:
        pytest.importorskip(options["driver"])
    run(workers.increment, path, options, 3, 20, count=3)
    counter = opened(**options).find_by_id("m", "counter")
    assert counter is not None
    assert (counter["n"], counter.version) == (180, 181)


@pytest.mark.long
def test_many_increments(opened: Open, path: str) -> None:
    run(workers.increment, path, {}, 4, 500, count=6)
    counter = opened().find_by_id("m", "counter")
    assert counter is not None
    assert counter["n"] == 12_000


def test_opening_and_closing_at_once(opened: Open, path: str) -> None:
    run(workers.open_and_close, path, 8, count=3)
    database = opened()
    assert database.models() == ["m0", "m1", "m2"]
    assert sum(database.count(model, ALL) for model in database.models()) == 24


def test_increments_of_threads_in_memory(memory: SQLiteDatabase) -> None:
    fill(memory, counter={"n": 0})

    def work(_: int) -> None:
        memory.update("m", "counter", changes({"$inc": {"n": 1}}))
        assert memory.find_by_id("m", "counter") is not None

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(200)))
    assert memory.find_by_id("m", "counter") == {"id": "counter", "n": 200}


def test_one_winner_among_equal_versions(database: SQLiteDatabase) -> None:
    fill(database, a={"n": 0})

    def work(number: int) -> bool:
        try:
            if number % 2:
                database.put("m", write("a", {"n": number}), if_version=1)
            else:
                database.update("m", "a", changes({"n": number}), if_version=1)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(work, range(16))) == 1


def test_a_model_dropped_or_made_anew_elsewhere(opened: Open, variant: dict[str, Any]) -> None:
    one, other = opened(**variant), opened(driver=variant.get("driver", "sqlite3"))
    fill(one, a={"n": 1})
    assert other.find_by_id("m", "a") is not None
    one.drop("m")
    assert other.find_by_id("m", "a") is None
    assert list(other.find_by_ids("m", ["a"])) == []
    other.create("m", write("b", {"n": 2}))  # as text, whatever it was
    one.create("m", write("c", {"n": 3}))
    assert ids(one, {"n": {"$gt": 1}}) == ids(other, {"n": {"$gt": 1}}) == ["b", "c"]
    one.drop("m")
    assert other.create_many("m", [write("d"), write("e")]) == [1, 1]
    assert one.update("m", "d", changes({"n": 4})) == {"id": "d", "n": 4}
    types = one.native.execute("SELECT DISTINCT typeof(doc) FROM m").fetchall()
    assert types == [("text",)]


def test_a_text_model_made_anew_as_jsonb(opened: Open) -> None:
    pytest.importorskip("pysqlite3")
    text, binary = opened(driver="pysqlite3"), opened(driver="pysqlite3", jsonb=True)
    fill(text, a={"n": 1})
    assert text.find_by_id_inline("m", "a") is not None
    text.drop("m")
    fill(text, a={"n": 1})
    binary.drop("m")
    fill(binary, a={"n": 2})
    with pytest.raises(BlockingIOError):
        text.find_by_id_inline("m", "a")
    assert text.find_by_id("m", "a") == {"id": "a", "n": 2}
    binary.drop("m")
    fill(binary, a={"n": 2})
    text.create("m", write("b"))
    assert ids(binary, None) == ["a", "b"]


def test_a_lock_held_too_long(opened: Open) -> None:
    holder, other = opened(), opened(timeout=0.2)
    fill(holder, a={"n": 1})
    holder.native.execute("BEGIN IMMEDIATE")
    try:
        for call in (
            lambda: other.create("m", write("b")),
            lambda: other.update("m", "a", changes({"n": 2})),
            lambda: other.create_many("m", [write("b")]),
        ):
            with (
                no_hang(),
                pytest.raises(OperationTimeoutError, match=r"test\.db was locked .* 0\.2 seconds"),
            ):
                call()
        assert other.find_by_id("m", "a") == {"id": "a", "n": 1}
        assert other.find_by_id_inline("m", "a") == {"id": "a", "n": 1}
    finally:
        holder.native.execute("ROLLBACK")
    other.create("m", write("b"))


def test_a_lock_that_is_released_in_time(opened: Open) -> None:
    holder, other = opened(), opened()
    fill(holder, a={"n": 1})
    holder.native.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, lambda: holder.native.execute("COMMIT"))
    timer.start()
    other.create("m", write("b"))
    timer.join()


def test_a_thread_that_holds_the_writer_too_long(opened: Open) -> None:
    database = opened(timeout=0.1)
    fill(database, a={})
    with database._connections.lock, pytest.raises(OperationTimeoutError, match=r"0\.1 seconds"):
        ThreadPoolExecutor(1).submit(database.create, "m", write("b")).result()


@pytest.mark.parametrize(
    ("size", "kills"), [(1, 1), (20, 1), pytest.param(5, 40, marks=pytest.mark.long)]
)
def test_what_was_acknowledged_survives_kill(
    opened: Open, path: str, tmp_path: Path, size: int, kills: int
) -> None:
    note = tmp_path / "acknowledged"
    for _ in range(kills):
        arguments = (path, str(note), size)
        processes = [
            spawn.Process(target=workers.write_until_killed, args=arguments) for _ in range(2)
        ]
        for process in processes:
            process.start()
        deadline = time.monotonic() + 20
        before = note.stat().st_size if note.exists() else 0
        while time.monotonic() < deadline:
            if note.exists() and note.stat().st_size > before + 1_000:
                break
            time.sleep(0.01)
        for process in processes:
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
    acknowledged = note.read_text().split("\n")[:-1]
    expected = [f"{id}-{part}" for id in acknowledged for part in range(size)]
    expected = expected if size > 1 else acknowledged
    assert len(expected) > 20
    database = opened()
    stored = set(ids(database, None))
    assert stored >= set(expected)
    assert len(stored) % size == 0, "a bulk write was applied in part"
    assert database.native.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


# Forks. Python warns of forking beside threads; the tests have none that matter.


def forked(work: Callable[[], None]) -> Callable[[], int]:
    """Start `work` in a fork of this process; the result waits for its exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the exit code tells
            os._exit(1)
        os._exit(0)
    return lambda: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_child_has_connections_of_its_own(opened: Open) -> None:
    database = opened()
    fill(database, counter={"n": 0})

    def count() -> None:
        for _ in range(30):
            database.update("m", "counter", changes({"$inc": {"n": 1}}))

    children = [forked(count) for _ in range(3)]
    count()
    assert [wait() for wait in children] == [0, 0, 0]
    assert database.find_by_id("m", "counter") == {"id": "counter", "n": 120}


def test_a_parent_that_closes_keeps_the_child_s_journal(opened: Open, path: str) -> None:
    """Its last connection would delete it, were an inherited connection left open in the child."""
    database = opened()
    fill(database, a={})
    to_child, to_parent = os.pipe(), os.pipe()

    def work() -> None:
        database.create("m", write("b"))
        os.write(to_parent[1], b"x")
        os.read(to_child[0], 1)
        database.create("m", write("c"))
        os.write(to_parent[1], b"x")
        os.kill(os.getpid(), signal.SIGKILL)

    wait = forked(work)
    os.read(to_parent[0], 1)
    database.disconnect()
    assert Path(path + "-wal").exists()
    os.write(to_child[1], b"x")
    os.read(to_parent[0], 1)
    assert wait() == -signal.SIGKILL
    assert ids(opened(), None) == ["a", "b", "c"]
    for pipe in (to_child, to_parent):
        for end in pipe:
            os.close(end)


def test_forking_while_threads_read_and_write(opened: Open) -> None:
    database = opened()
    fill(database, counter={"n": 0})
    ended = threading.Event()

    def busy() -> int:
        times = 0
        while not ended.is_set():
            database.update("m", "counter", changes({"$inc": {"n": 1}}))
            assert database.count("m", ALL) == 1
            times += 1
        return times

    def once() -> None:
        database.update("m", "counter", changes({"$inc": {"n": 1}}))

    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(busy) for _ in range(2)]
        try:
            for _ in range(10):
                assert forked(once)() == 0
        finally:
            ended.set()
        total = sum(future.result() for future in running)
    counter = database.find_by_id("m", "counter")
    assert counter is not None
    assert counter["n"] == total + 10


def test_a_database_in_memory_is_copied_by_a_fork(opened: Open) -> None:
    database = opened(path=":memory:")
    fill(database, a={"n": 1})

    def work() -> None:
        assert database.update("m", "a", changes({"n": 2})) == {"id": "a", "n": 2}

    assert forked(work)() == 0
    assert database.find_by_id("m", "a") == {"id": "a", "n": 1}


def test_an_interrupt_while_waiting_for_the_lock_leaves_nothing_locked(
    opened: Open, path: str
) -> None:
    database = opened()
    fill(database, a={"n": 0})
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    released = threading.Timer(0.5, other.execute, ("COMMIT",))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        released.start()
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            database.update("m", "a", changes({"n": 1}))
    finally:
        signal.signal(signal.SIGALRM, before)
        released.join()
        other.close()
    opened(timeout=1.0).create("m", write("b"))
    assert database.update("m", "a", changes({"n": 2})) == {"id": "a", "n": 2}
