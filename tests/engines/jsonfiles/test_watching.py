"""Changes across compactions, processes and kills; what is kept of them, and how long."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from interstore._sync.store import Store
from interstore.errors import ConfigurationError, ResumeExpiredError
from interstore.watching import Change, Changed, Deleted
from interstore_backends.jsonfiles import model as model_file
from interstore_backends.jsonfiles.repair import repair
from interstore_backends.jsonfiles.watching import _CHUNK as CHUNK
from tests.engines.jsonfiles.support import database

spawn = multiprocessing.get_context("spawn")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(model_file, "_LEAST_GARBAGE", 2_000)
    store = Store(database(tmp_path))
    store.connect()
    store.create("m", {"id": "a", "n": 0})
    store.enable_watch("m")
    return store


def versions(changes: list[Change], id: str = "a") -> list[int]:
    return [each.version for each in changes if each.id == id]


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("m.*.changes"))


def test_across_compactions(store: Store, tmp_path: Path) -> None:
    with store.watch("m", idle=0) as changes:
        begin = changes.token
        seen: list[Change] = []
        for number in range(200):
            store.update("m", "a", {"$inc": {"n": 1}})
            if number % 30 == 0:
                seen += changes
        seen += changes
    assert len(kept(tmp_path)) > 3
    assert versions(seen) == list(range(2, 202))
    again = list(store.watch("m", since=begin, idle=0))
    assert [(each.id, each.version) for each in again] == [(e.id, e.version) for e in seen]
    for place in range(0, 200, 17):
        rest = list(store.watch("m", since=again[place].token, idle=0))
        assert versions(rest) == list(range(place + 3, 202))
    with Store(database(tmp_path)) as other:
        assert list(other.watch("m", since=begin, idle=0)) == again


@pytest.mark.parametrize(
    "lengths",
    [
        (CHUNK,),  # of lines, with their newlines
        (CHUNK + 1,),
        (CHUNK - 1, 300),
        (CHUNK - 300, 300, 300),
        (2 * CHUNK, 3 * CHUNK, 3 * CHUNK + 1),
        (1_900_000, 300, 1_900_000),
        (300, 1_900_000),
    ],
)
def test_lines_longer_than_what_is_read_at_once(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lengths: tuple[int, ...]
) -> None:
    monkeypatch.setattr(model_file, "_LEAST_GARBAGE", 1 << 30)
    file = tmp_path / "m.jsonl"
    store.put("m", {"id": "b", "text": ""})
    size = file.stat().st_size
    store.put("m", {"id": "b", "text": ""})
    empty = file.stat().st_size - size
    begin = store.watch("m").start()
    for length in lengths:
        size = file.stat().st_size
        store.put("m", {"id": "b", "text": "x" * (length - empty)})
        assert file.stat().st_size - size == length

    def check() -> None:
        seen = list(store.watch("m", since=begin, idle=0))
        told = [each.document["text"] for each in seen if isinstance(each, Changed)]
        assert [empty + len(text) for text in told[: len(lengths)]] == list(lengths)
        for place, change in enumerate(seen, 1):
            assert list(store.watch("m", since=change.token, idle=0)) == seen[place:]

    check()
    monkeypatch.setattr(model_file, "_LEAST_GARBAGE", 1)
    while not kept(tmp_path):
        store.put("m", {"id": "b", "text": ""})
    check()


def test_what_expires_is_told_of_before_a_compaction_drops_it(store: Store, tmp_path: Path) -> None:
    """Even if nobody sweeps, and the process that compacted is gone."""
    begin = store.watch("m").start()
    for id in ("b", "c"):
        store.create("m", {"id": id}, expires_at=timedelta(seconds=0.2))
    time.sleep(0.25)
    for _ in range(60):
        store.update("m", "a", {"$inc": {"n": 1}})
    assert kept(tmp_path)
    store.close()
    with Store(database(tmp_path)) as other:
        seen = [each for each in other.watch("m", since=begin, idle=0) if each.id != "a"]
        assert [(type(each), each.id, each.version) for each in seen] == [
            (Changed, "b", 1),
            (Changed, "c", 1),
            (Deleted, "b", 1),
            (Deleted, "c", 1),
        ]
        assert other.sweep("m").removed == 0


def test_files_older_than_the_retention_are_removed(store: Store, tmp_path: Path) -> None:
    begin = store.watch("m").start()
    for _ in range(60):
        store.update("m", "a", {"$inc": {"n": 1}})
    before = kept(tmp_path)
    assert before
    for path in before:
        old = time.time() - 8 * 86_400
        os.utime(path, (old, old))
    for _ in range(60):
        store.update("m", "a", {"$inc": {"n": 1}})
    assert not set(before) & set(kept(tmp_path))
    with pytest.raises(ResumeExpiredError, match="the retention is over"):
        store.watch("m", since=begin).start()
    store.disable_watch("m")
    assert not kept(tmp_path)
    store.enable_watch("m")
    with pytest.raises(ResumeExpiredError, match="begun anew"):
        store.watch("m", since=begin).start()
    store.drop("m")
    assert not kept(tmp_path)


def test_transactions(store: Store) -> None:
    with store.watch("m", idle=0) as changes:
        with store.transaction() as tx:
            tx.update("m", "a", {"n": 1})
            tx.create("other", {"id": "x"})
            tx.update("m", "a", {"n": 2})
            assert not list(changes)
        assert versions(list(changes)) == [2, 3]


def test_a_file_that_was_mended_is_not_recorded_any_more(store: Store, tmp_path: Path) -> None:
    token = store.watch("m").start()
    store.update("m", "a", {"word": "old"})
    store.close()
    path = tmp_path / "m.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"old"', b'"new, by hand"'))
    list(repair(str(tmp_path), 5.0).steps())
    store.connect()
    assert store.get("m", "a")["word"] == "new, by hand"
    with pytest.raises(ConfigurationError, match="enable_watch"):
        store.watch("m").start()
    store.enable_watch("m")
    with pytest.raises(ResumeExpiredError):
        store.watch("m", since=token).start()


def _write(folder: str, worker: int, rounds: int) -> None:
    model_file._LEAST_GARBAGE = 2_000  # type: ignore[misc]
    with Store(database(folder)) as store:
        for number in range(rounds):
            store.update("m", "a", {"$inc": {"n": 1}})
            with store.transaction() as tx:
                tx.create("m", {"id": f"{worker}-{number}"})
                tx.delete("m", f"{worker}-{number}")


def _processes_write(store: Store, folder: Path, workers: int, rounds: int, kills: int) -> None:
    """Some are killed: what they had written is told, whole, and what is told is stored."""
    with store.watch("m", idle=0) as changes:
        processes = [
            spawn.Process(target=_write, args=(str(folder), worker, rounds))
            for worker in range(workers)
        ]
        for process in processes:
            process.start()
        seen: list[Change] = []
        while any(process.is_alive() for process in processes):
            seen += changes
            if kills and len(seen) > 100:
                pid = processes[kills - 1].pid
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                kills -= 1
        seen += changes
    found = store.get("m", "a")
    assert versions(seen) == list(range(2, found.version + 1))
    assert found.version == found["n"] + 1
    others = Counter(each.id for each in seen if each.id != "a")
    assert set(others.values()) == {2}
    assert store.count("m") == 1


def test_processes_that_write_and_are_killed(store: Store, tmp_path: Path) -> None:
    _processes_write(store, tmp_path, 3, 60, kills=1)


@pytest.mark.long
def test_many_processes_that_write_and_are_killed(store: Store, tmp_path: Path) -> None:
    _processes_write(store, tmp_path, 6, 1000, kills=3)
