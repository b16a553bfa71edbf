"""Changes that triggers record: whoever writes, in whichever process; what is kept, how long."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from interstore._sync.store import Store
from interstore.errors import ResumeExpiredError
from interstore.watching import Change, Changed, Deleted
from interstore_backends.sqlite.database import SQLiteDatabase
from tests.databases import sqlite
from tests.engines.sqlite.support import Open

AGED = "UPDATE interstore_log_m SET at = at - 8 * 86400"

spawn = multiprocessing.get_context("spawn")


@pytest.fixture
def store(database: SQLiteDatabase) -> Store:
    store = Store(database)
    store.connect()
    store.create_many("m", [{"id": "a", "n": 0}, {"id": "b", "n": 0}])
    store.enable_watch("m")
    return store


def versions(changes: list[Change], id: str = "a") -> list[int]:
    return [each.version for each in changes if each.id == id]


def run(store: Store, sql: str) -> list[Any]:
    rows: list[Any] = store.native.execute(sql).fetchall()
    return rows


def fill(store: Store, prefix: str, count: int) -> None:
    store.create_many("m", [{"id": f"{prefix}{n}"} for n in range(count)])


def test_what_is_older_than_the_retention(store: Store) -> None:
    with store.watch("m", idle=0) as changes:
        begin = changes.token
        store.update("m", "a", {"n": 1})
        [first] = changes
        store.update("m", "a", {"n": 2})
        run(store, AGED)
        for since in (begin, first.token):
            with pytest.raises(ResumeExpiredError, match="604800 seconds"):
                store.watch("m", since=since).start()
        with pytest.raises(ResumeExpiredError):
            changes.next(0)
        store.enable_watch("m", retention=30 * 86_400)
        assert versions(list(store.watch("m", since=begin, idle=0))) == [2, 3]


def test_what_is_old_is_removed_by_those_who_write(store: Store) -> None:
    """Also within transactions, and when nobody watches; who has not read it is told."""
    with store.watch("m", idle=0) as changes, store.watch("m", idle=0) as behind:
        fill(store, "x", 1000)
        list(changes)
        run(store, AGED)
        for number in range(12):
            with store.transaction() as tx:
                fill(tx, f"{number}-", 64)
            assert len(list(changes)) == 64
        [[left]] = run(store, "SELECT count(*) FROM interstore_log_m")
        assert left == 12 * 64
        with pytest.raises(ResumeExpiredError):
            behind.next(0)
    assert store.count("m") == 2 + 1000 + 12 * 64


def test_what_is_removed_within_a_page(store: Store) -> None:
    """Who has read all that was removed goes on; who has not is told."""
    with store.watch("m", idle=0) as changes:
        fill(store, "x", 150)
        seen = [changes.next(0) for _ in range(130)]
        last, before = seen[-1], seen[-2]
        assert last is not None
        assert before is not None
        run(store, f"{AGED} WHERE seq <= 130")
        fill(store, "y", 64)
        assert run(store, "SELECT min(seq) FROM interstore_log_m") == [(131,)]
        assert len(list(store.watch("m", since=last.token, idle=0))) == 20 + 64
        assert len(list(changes)) == 20 + 64
        with pytest.raises(ResumeExpiredError):
            store.watch("m", since=before.token).start()


def test_a_log_that_is_empty_goes_on(store: Store) -> None:
    """The number of what was removed does not come again."""
    with store.watch("m", idle=0) as changes:
        store.update("m", "a", {"n": 1})
        [first] = changes
        run(store, "DELETE FROM interstore_log_m")
        assert list(store.watch("m", since=first.token, idle=0)) == []
        with store.watch("m", idle=0) as later:
            assert later.token == first.token
            store.update("m", "a", {"n": 2})
            assert versions(list(later)) == [3]
        assert versions(list(changes)) == [3]


def test_what_other_programs_write(opened: Open, path: str) -> None:
    store = Store(opened())
    store.connect()
    store.enable_watch("m")
    with store.watch("m", idle=0) as changes, closing(sqlite3.connect(path)) as other:
        columns = "id, version, created_at, updated_at, doc"
        at = "2026-01-31T12:00:00.000000Z"
        with other:
            other.executemany(
                f"INSERT INTO m ({columns}) VALUES (?, 1, '{at}', '{at}', ?)",
                [(f"x{n}", f'{{"k": {n}}}') for n in range(3)],
            )
            assert list(changes) == [], "told before it was committed"
        with other:
            assert other.execute("DELETE FROM m WHERE id = 'x0'").rowcount == 1
            other.execute("UPDATE m SET doc = '{}', version = 7 WHERE id = 'x1'")
            other.execute("UPDATE m SET id = 'y' WHERE id = 'x2'")
            row = f"('b', 9, '{at}', '{at}', '{{}}')"
            other.execute(f"INSERT OR REPLACE INTO m ({columns}) VALUES {row}")
        other.execute("DELETE FROM m")
        other.rollback()
        seen = list(changes)
    told = Counter((type(each), each.id, each.version) for each in seen)
    assert told == Counter(
        [
            *((Changed, f"x{n}", 1) for n in range(3)),
            (Deleted, "x0", 1), (Changed, "x1", 7), (Deleted, "x2", 1), (Changed, "y", 1),
            (Changed, "b", 9),
        ]
    )  # fmt: skip
    documents = [each.document for each in seen if isinstance(each, Changed)]
    assert documents[:3] == [{"id": f"x{n}", "k": n} for n in range(3)]


def _write(folder: str, worker: int, rounds: int) -> None:
    with Store(sqlite(Path(folder))) as store:
        for number in range(rounds):
            store.update("m", "a", {"$inc": {"n": 1}})
            with store.transaction() as tx:
                tx.create("m", {"id": f"{worker}-{number}"})
                tx.delete("m", f"{worker}-{number}")


def _watch(folder: str, token: str, found: Any) -> None:
    """Until the document `end` comes, stopping and going on all the time."""
    seen: list[tuple[str, int]] = []
    with Store(sqlite(Path(folder))) as store:
        while not seen or seen[-1][0] != "end":
            with store.watch("m", since=token) as changes:
                for change in (changes.next(5) for _ in range(37)):
                    if change is None:
                        break
                    seen.append((change.id, change.version))
                    token = change.token
                    if change.id == "end":
                        break
    found.put(seen)


def _processes_write(folder: Path, workers: int, rounds: int, kills: int) -> None:
    """Some are killed: what they had written is told, whole, and what is told is stored."""
    found: Any = spawn.Queue()
    with Store(sqlite(folder)) as store:
        store.create("m", {"id": "a", "n": 0})
        store.enable_watch("m")
        token = store.watch("m").start()
        watchers = [
            spawn.Process(target=_watch, args=(str(folder), token, found)) for _ in range(2)
        ]
        writers = [
            spawn.Process(target=_write, args=(str(folder), worker, rounds))
            for worker in range(workers)
        ]
        for process in (*watchers, *writers):
            process.start()
        seen: list[Change] = []
        with store.watch("m", idle=0.05, since=token) as changes:
            while any(process.is_alive() for process in writers):
                seen += changes
                if kills and len(seen) > 100:
                    pid = writers[kills - 1].pid
                    assert pid is not None
                    os.kill(pid, signal.SIGKILL)
                    kills -= 1
            store.create("m", {"id": "end"})
            seen += changes
        last = store.get("m", "a")
        assert versions(seen) == list(range(2, last.version + 1))
        assert last.version == last["n"] + 1
        others = Counter(each.id for each in seen if each.id not in ("a", "end"))
        assert set(others.values()) == {2}
        assert store.count("m") == 2
        for _ in watchers:
            assert found.get(timeout=60) == [(each.id, each.version) for each in seen]
        for process in watchers:
            process.join(30)


def test_processes_that_write_and_watch_and_are_killed(tmp_path: Path) -> None:
    _processes_write(tmp_path, 3, 60, kills=1)


@pytest.mark.long
def test_many_processes_that_write_and_watch_and_are_killed(tmp_path: Path) -> None:
    _processes_write(tmp_path, 6, 1000, kills=3)
