"""Transactions: killed at any instant, on a full disk, beside others, repaired."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interstore.aggregation_parse import parse_aggregation
from interstore.errors import (
    CorruptionError,
    InterstoreError,
    OperationTimeoutError,
    UnavailableError,
)
from interstore.filters.parse import parse_filter
from interstore.filters.tree import ALL
from interstore.prepared import Partition, Query
from interstore_backends._table import queries
from interstore_backends._table.records import decode_document
from interstore_backends.jsonfiles import commits as commits_module
from interstore_backends.jsonfiles import model as model_module
from interstore_backends.jsonfiles.commits import TRANSACTIONS
from interstore_backends.jsonfiles.database import JsonFilesDatabase
from interstore_backends.jsonfiles.format import is_whole
from interstore_backends.jsonfiles.repair import repair
from tests.databases import memory
from tests.engines.jsonfiles.support import changes, child, content, database, finished, write
from tests.engines.jsonfiles.test_faults import small_disk

__all__ = ["small_disk"]

MODELS = ("a", "b", "c")


def commit(store: JsonFilesDatabase, number: int, **fields: Any) -> None:
    """The same number in three models."""
    with store.transaction("snapshot") as tx:
        for model in MODELS:
            tx.put(model, write("n", number=number, **fields))


def numbers(store: JsonFilesDatabase) -> set[int | None]:
    found = [store.find_by_id(model, "n") for model in MODELS]
    return {None if each is None else each["number"] for each in found}


def lines(folder: Path) -> list[Any]:
    text = (folder / TRANSACTIONS).read_bytes()
    assert all(map(is_whole, text.splitlines()))
    return [msgspec.json.decode(line) for line in text.splitlines()]


READS: dict[str, Callable[[Any], list[Any]]] = {
    "find": lambda store: [each["n"] for each in store.find("m", Query(ALL, limit=3_000))],
    "find some": lambda store: [
        each["n"] for each in store.find("m", Query(parse_filter({"@version": {"$gt": 0}})))
    ],
    "find by ids": lambda store: [
        each["n"] for each in store.find_by_ids("m", [f"{n:04}" for n in range(2_500)])
    ],
    "scan": lambda store: [
        each["n"] for each in store.scan("m", Partition(), None, 3_000).documents
    ],
    "aggregate": lambda store: [
        row["n"]
        for row in store.aggregate(
            "m",
            parse_aggregation({"id": {"$gt": "0"}}, None, None, None, None, {"n": ("sum", "n")}),
        )
    ],
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("engine", ["json", "memory"])
def test_a_read_sees_all_of_a_commit_or_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    read: Callable[[Any], list[Any]],
    engine: str,
) -> None:
    """Though it is made while the read goes from document to document."""
    store: Any = database(tmp_path) if engine == "json" else memory()
    store.connect()
    writes = [write(f"{n:04}", n=0) for n in range(2_500)]
    store.create_many("m", writes)

    def commit() -> None:
        with store.transaction("snapshot") as tx:
            for each in (writes[0], writes[1], writes[2_400]):
                tx.put("m", write(each.id, n=1))

    pending = [threading.Thread(target=commit)]

    def decode(record: bytes) -> Any:
        for thread in pending:
            pending.clear()
            thread.start()
            thread.join()
        return decode_document(record)

    monkeypatch.setattr(queries, "decode_document", decode)
    assert sum(read(store)) in (0, 3)
    assert not pending
    assert sum(read(store)) == 3
    store.disconnect()


def test_the_log(tmp_path: Path) -> None:
    store = database(tmp_path)
    store.create("a", write("first"))
    size = (tmp_path / "a.jsonl").stat().st_size
    commit(store, 1)
    commit(store, 2)
    [first, second] = lines(tmp_path)
    assert [part["model"] for part in first["writes"]] == list(MODELS)
    assert first["writes"][0]["from"] == size
    [line] = second["writes"][0]["lines"]
    assert (line["id"], line["v"], line["doc"]) == ("n", 2, {"number": 2})
    assert (tmp_path / TRANSACTIONS).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "interstore.lock").stat().st_size == 4
    with store.transaction("snapshot") as tx:
        assert tx.find_by_id("a", "n") is not None
    assert len(lines(tmp_path)) == 2, "what only reads is in the log"
    assert numbers(database(tmp_path)) == {2}
    store.disconnect()
    assert lines(tmp_path) == []
    assert numbers(database(tmp_path)) == {2}


def test_a_kill_before_each_call_to_the_system(tmp_path: Path) -> None:
    output = finished(child("crash_points_of_transactions", tmp_path))
    assert int(output.split()[1]) > 40


@pytest.mark.parametrize("rounds", [1, pytest.param(100, marks=pytest.mark.long)])
@pytest.mark.timeout(1800)
def test_kills(tmp_path: Path, rounds: int) -> None:
    """A reader looks all the time, while writers are killed and others take their place."""
    problems: list[str] = []
    stop = threading.Event()

    def look(store: JsonFilesDatabase) -> None:
        while not stop.is_set():
            problems.extend(_problems(store))

    commit(database(tmp_path), 0)
    reader = threading.Thread(target=look, args=(database(tmp_path),))
    reader.start()
    try:
        for turn in range(rounds):
            begun = database(tmp_path).count("log", ALL)
            with _running(tmp_path, f"{turn}-0", f"{turn}-1") as processes:
                while database(tmp_path).count("log", ALL) < begun + 10:
                    assert all(process.poll() is None for process in processes)
                    time.sleep(0.01)
                for process in processes:
                    time.sleep(random.uniform(0, 0.1))
                    process.kill()
                    process.wait()
                    problems.extend(_problems(database(tmp_path)))
    finally:
        stop.set()
        reader.join()
    assert not problems


@contextmanager
def _running(folder: Path, *names: str) -> Generator[list[subprocess.Popen[str]]]:
    processes = [child("transact", folder, name, 20_000) for name in names]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _problems(store: JsonFilesDatabase) -> list[str]:
    """Whether some is seen of a transaction whose rest is not.

    What is read later may be newer, never older: so the three are counted up together, and
    read in the order that shows it.
    """
    found = [store.find_by_id(model, "n") for model in ("a", "b", "c")]
    versions = [each.version for each in found if each is not None]
    problems = [] if versions == sorted(versions) and len(versions) == 3 else [f"{versions}"]
    # Within one model, one look is one state.
    pairs = {each["number"] for each in store.find("pairs", Query()) if each.id != "beside"}
    return problems + ([f"{pairs}"] if len(pairs) > 1 else [])


def _torn(path: Path) -> None:
    text = path.read_bytes()
    path.write_bytes(text[:-40])


def _spoiled(path: Path) -> None:
    text = path.read_bytes()
    path.write_bytes(text[:-40] + b"#" + text[-39:])


def _zeroed(path: Path) -> None:
    text = path.read_bytes()
    path.write_bytes(text[:-40] + bytes(40))


@pytest.mark.parametrize("damage", [_torn, _spoiled, _zeroed])
def test_a_torn_commit_record(
    tmp_path: Path, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = database(tmp_path)
    commit(store, 1)
    _die_after_the_commit(store, monkeypatch, 2)
    damage(tmp_path / TRANSACTIONS)
    other = database(tmp_path)
    assert numbers(other) == {1}
    assert (tmp_path / (TRANSACTIONS + ".torn")).exists()
    commit(other, 3)
    assert numbers(database(tmp_path)) == {3}


def _die_after_the_commit(
    store: JsonFilesDatabase, monkeypatch: pytest.MonkeyPatch, number: int, files: int = 0
) -> None:
    """As if killed when the commit record was written, and that many files were appended to."""
    written = 0
    real = model_module.ModelFile.write

    def dying(self: model_module.ModelFile, text: list[bytes]) -> None:
        nonlocal written
        if written == files:
            raise _Killed
        written += 1
        real(self, text)

    with monkeypatch.context() as patch:
        patch.setattr(model_module.ModelFile, "write", dying)
        patch.setattr("interstore_backends.jsonfiles.transacting._undo", lambda *_: None)
        patch.setattr("interstore_backends.jsonfiles.lock.FolderLock.unmark", lambda _: None)
        with pytest.raises(_Killed):
            commit(store, number)


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("files", [0, 1, 2, 3])
def test_what_is_committed_is_applied_by_the_next(
    tmp_path: Path, files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = database(tmp_path), database(tmp_path)
    commit(store, 1)
    assert numbers(other) == {1}
    if files < 3:
        _die_after_the_commit(store, monkeypatch, 2, files)
    else:
        commit(store, 2)
    # Whoever comes next, to read or to write, finds it whole; who has read it all before, and
    # finds no file changed, may find that nothing of it is there yet.
    assert numbers(other) == ({2} if files else {1})
    assert numbers(database(tmp_path)) == numbers(other) == {2}
    other.update("b", "n", changes({"number": 3}))
    other.update("a", "n", changes({"number": 3}))
    other.update("c", "n", changes({"number": 3}))
    assert numbers(database(tmp_path)) == numbers(store) == {3}


def test_a_power_failure(tmp_path: Path) -> None:
    """The files of models are not on the disk when a transaction is: they may be shorter."""
    store = database(tmp_path, durability="fsync")
    commit(store, 0)
    sizes = {model: (tmp_path / f"{model}.jsonl").stat().st_size for model in MODELS}
    for number in range(1, 5):
        commit(store, number, pad="x" * number)
    text = (tmp_path / "b.jsonl").read_bytes()
    for lost in range(0, len(text) - sizes["b"] + 1, 11):
        for filled in (b"", bytes(30)):
            folder = tmp_path / f"{lost}-{bool(filled)}"
            folder.mkdir()
            for path in tmp_path.iterdir():
                if path.is_file():
                    (folder / path.name).write_bytes(path.read_bytes())
            (folder / "b.jsonl").write_bytes(text[: len(text) - lost] + filled)
            os.truncate(folder / "c.jsonl", sizes["c"])
            assert numbers(database(folder)) == {4}
            assert lines(folder) == [] or (lost == 0 and not filled)


@pytest.mark.parametrize("room", [10_000, 30_000, 70_000, 90_000])
def test_a_full_disk(small_disk: Path, room: int) -> None:
    """The commit takes 60 KB for the log, and then 20 for each model."""
    folder = small_disk / "data"
    store, other = database(folder, durability="fsync"), database(folder)
    commit(store, 0)
    assert numbers(other) == {0}
    disk = os.statvfs(folder)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(disk.f_bavail * disk.f_frsize - room))
    with pytest.raises(UnavailableError, match="no space left"):
        commit(store, 1, text="x" * 20_000)
    for each in (store, other, database(folder)):
        assert numbers(each) == {0}
    commit(store, 2)
    assert numbers(other) == {2}
    ballast.unlink()
    commit(store, 3, text="x" * 20_000)
    for each in (store, other, database(folder)):
        assert numbers(each) == {3}


@pytest.mark.parametrize("step", ["log", "first", "last"])
def test_a_failure_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store, other = database(tmp_path, durability="fsync"), database(tmp_path)
    commit(store, 1)
    assert numbers(other) == {1}
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.jsonl")}

    def broken(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if step == "log":
            patch.setattr(commits_module, "sync", broken)
            patch.setattr(commits_module.Commits, "cut", _cut_without_sync)
        else:
            real = model_module.ModelFile.write
            last = "a" if step == "first" else "c"
            patch.setattr(
                model_module.ModelFile,
                "write",
                lambda self, text: broken() if self.model == last else real(self, text),
            )
        with pytest.raises(UnavailableError):
            commit(store, 2)
    assert before == {path.name: path.read_bytes() for path in tmp_path.glob("*.jsonl")}
    assert len(lines(tmp_path)) == 1
    assert numbers(other) == numbers(store) == numbers(database(tmp_path)) == {1}
    commit(store, 3)
    assert numbers(other) == {3}


def _cut_without_sync(self: commits_module.Commits, size: int) -> None:
    os.truncate(self.path, size)


def test_a_failure_that_cannot_be_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = database(tmp_path)
    commit(store, 1)

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(model_module.ModelFile, "write", broken)
        patch.setattr(commits_module.Commits, "cut", broken)
        with pytest.raises(OperationTimeoutError, match="opened again"):
            commit(store, 2)
    assert numbers(database(tmp_path)) == numbers(store) == {2}


def test_a_transaction_beside_appends_and_compaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_module, "_LEAST_GARBAGE", 2_000)
    monkeypatch.setattr(commits_module, "_LONG", 5_000)
    store, other = database(tmp_path), database(tmp_path)
    for number in range(150):
        commit(store, number, pad="x" * 50)
        for model in MODELS:
            other.put(model, write(f"other{number % 4}", number=number))
        assert numbers(other) == {number}
        with other.transaction("snapshot") as tx:
            tx.update("a", "n", changes({"more": number}))
            tx.delete("b", "n")
            tx.create("b", write("n", number=number))
        assert numbers(store) == {number}
        assert content(store, "b") == content(other, "b")
    assert (tmp_path / TRANSACTIONS).stat().st_size < 6_000
    assert (tmp_path / "a.jsonl").stat().st_size < 10_000
    fresh = database(tmp_path)
    for model in MODELS:
        assert content(fresh, model) == content(store, model) == content(other, model)


def test_damage_to_the_log_is_an_error_and_repaired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = database(tmp_path)
    for number in (1, 2):
        commit(store, number)
    _die_after_the_commit(store, monkeypatch, 3, files=1)
    path = tmp_path / TRANSACTIONS
    text = path.read_bytes()
    path.write_bytes(text.replace(b'"number":1', b'"number":7', 1))
    with pytest.raises(CorruptionError, match=r"interstore\.transactions, byte 0") as refusal:
        database(tmp_path)
    assert refusal.value.offset == 0
    with (tmp_path / "c.jsonl").open("ab") as file:
        file.write(b'{"crc":"torn')
    report = repair(str(tmp_path))
    assert report.completed == ["b", "c"]
    assert report.changed
    assert any("b: completed" in step for step in report.steps())
    assert path.read_bytes() == b""
    assert (tmp_path / (TRANSACTIONS + ".damaged")).read_bytes().count(b'"number":7') == 1
    assert numbers(database(tmp_path)) == {3}
    assert not repair(str(tmp_path)).changed


def test_what_was_edited_by_hand_stays(tmp_path: Path) -> None:
    store = database(tmp_path)
    commit(store, 1)
    commit(store, 2)
    path = tmp_path / "a.jsonl"
    store.disconnect()
    path.write_bytes(path.read_bytes().replace(b'"number":2', b'"number":5'))
    repair(str(tmp_path))
    found = database(tmp_path).find_by_id("a", "n")
    assert found is not None
    assert found["number"] == 5


def test_a_lock_that_a_transaction_has(tmp_path: Path) -> None:
    store = database(tmp_path, timeout=0.2)
    other = database(tmp_path, timeout=0.2)
    commit(store, 1)
    with store.transaction("snapshot") as tx:
        tx.put("a", write("n", number=2))
        for each in (store, other, database(tmp_path, timeout=0.2)):
            assert numbers(each) == {1}, "readers wait for nobody"
            with pytest.raises(OperationTimeoutError, match="DATABASE_TIMEOUT"):
                each.put("a", write("n", number=3))
            with (
                pytest.raises(OperationTimeoutError, match="DATABASE_TIMEOUT"),
                each.transaction("snapshot"),
            ):
                pass
    assert numbers(other) == {1, 2}


def test_a_child_does_not_go_on_with_its_parents_transaction(tmp_path: Path) -> None:
    store = database(tmp_path)
    commit(store, 1)
    with store.transaction("snapshot") as tx:
        tx.put("a", write("n", number=2))
        pid = os.fork()
        if not pid:
            code = 1
            try:
                tx.put("b", write("n", number=3))
            except InterstoreError:
                code = 0
            os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
        blocked = subprocess.run(
            ["flock", "--nonblock", str(tmp_path / "interstore.lock"), "true"], check=False
        )
        assert blocked.returncode, "the child has given the parent's lock away"
        tx.put("b", write("n", number=2))
        tx.put("c", write("n", number=2))
    assert numbers(store) == numbers(database(tmp_path)) == {2}
