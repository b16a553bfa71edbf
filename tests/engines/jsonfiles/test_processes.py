"""Several stores, threads and processes on one folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from interstore.errors import UnavailableError
from interstore.filters.tree import ALL
from interstore.prepared import Query, Write
from interstore_backends.jsonfiles import catalog as catalog_module
from interstore_backends.jsonfiles import model as model_module
from interstore_backends.jsonfiles.catalog import Catalog
from interstore_backends.jsonfiles.lock import FolderLock
from interstore_backends.jsonfiles.log import Log
from interstore_backends.jsonfiles.manifest import read_manifest
from interstore_backends.jsonfiles.model import ModelFile
from tests.engines.jsonfiles.support import changes, child, content, database, finished, write


def test_stores_see_one_another(tmp_path: Path) -> None:
    one, other = database(tmp_path), database(tmp_path)
    assert one.models() == other.models() == []
    one.create("m", write("a", n=1))
    assert content(other) == {"a": (1, {"n": 1})}
    other.update("m", "a", changes({"$inc": {"n": 1}}))
    assert content(one) == {"a": (2, {"n": 2})}
    one.delete("m", "a")
    assert other.find_by_id("m", "a") is None
    other.create("m", write("a", n=5))
    document = one.find_by_id("m", "a")
    assert document is not None
    assert document.version == 1
    assert one.drop("m")
    assert not other.drop("m")
    assert other.find_by_id("m", "a") is None
    assert other.models() == []
    other.create("m", write("b"))
    assert list(content(one)) == ["b"]


def test_increments_of_processes_and_threads(tmp_path: Path) -> None:
    store, second = database(tmp_path), database(tmp_path)
    store.create("m", write("counter", n=0))
    processes = [child("increments", tmp_path, 150) for _ in range(3)]

    def work(mine: object) -> None:
        for number in range(50):
            (store if number % 2 else second).update("m", "counter", changes({"$inc": {"n": 1}}))

    threads = [threading.Thread(target=work, args=(None,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        finished(process)
    assert content(store)["counter"] == (651, {"n": 650})


def test_children_of_a_fork(tmp_path: Path) -> None:
    assert "(201, {'n': 200})" in finished(child("forked", tmp_path))


def test_readers_while_others_write_and_compact(tmp_path: Path) -> None:
    """Documents are whole and versions never go back, across compactions."""
    reader = database(tmp_path)
    writers = [child("pairs", tmp_path, 5_000, 3_000)]
    versions: dict[str, int] = {}
    logs: list[Log] = []
    looks = 0
    while writers[0].poll() is None or looks < 10:
        looks += 1
        for id in ("d0", "d3"):
            document = reader.find_by_id("m", id)
            if document is not None:
                assert document["x"] == document["y"]
                assert document.version >= versions.get(id, 0)
                versions[id] = document.version
        if looks % 7 == 0:
            for document in reader.find("m", Query()):
                assert document["x"] == document["y"]
        if versions and reader._open["m"].log is not (logs[-1] if logs else None):
            logs.append(reader._open["m"].log)
    assert finished(writers[0]) == "done\n"
    assert content(reader) == content(database(tmp_path))
    assert sum(version for version, _ in content(reader).values()) == 3_000
    assert len(logs) > 2


def test_compaction_keeps_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_module, "_LEAST_GARBAGE", 2_000)
    store, other = database(tmp_path), database(tmp_path)
    path = tmp_path / "m.jsonl"
    for number in range(20):
        store.create("m", write(f"d{number}", n=0))
    assert len(content(other)) == 20
    largest = 0
    for number in range(400):
        store.update("m", f"d{number % 20}", changes({"$inc": {"n": 1}}))
        largest = max(largest, path.stat().st_size)
        if number % 50 == 25:
            assert content(other) == content(store)
            other.update("m", "d0", changes({"$inc": {"n": 0}}))
    assert largest < 10_000
    assert content(database(tmp_path)) == content(store) == content(other)
    assert content(store)["d5"] == (21, {"n": 20})
    figures = store.stats().models["m"]
    assert figures.documents == 20
    assert figures.bytes == path.stat().st_size


@pytest.mark.parametrize("seen", [True, False])
def test_a_backup_by_hard_links_hides_no_compaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: bool
) -> None:
    monkeypatch.setattr(model_module, "_LEAST_GARBAGE", 1_000)
    store, other = database(tmp_path), database(tmp_path)
    store.create("m", write("a", n=0))
    assert len(content(other)) == 1
    os.link(tmp_path / "m.jsonl", tmp_path / "backup")
    if seen:
        assert len(content(other)) == 1
    for number in range(60):
        store.put("m", write("a", n=number))
    assert content(other)["a"][1] == {"n": 59}
    other.update("m", "a", changes({"$inc": {"n": 1}}))
    assert content(store)["a"][1] == {"n": 60}


def test_inline_reads_never_wait(tmp_path: Path) -> None:
    store, other = database(tmp_path), database(tmp_path)
    store.create("m", write("a", n=1))
    assert store.find_by_id_inline("m", "a") == store.find_by_id("m", "a")
    assert store.find_by_id_inline("m", "b") is None
    with pytest.raises(BlockingIOError):
        other.find_by_id_inline("m", "a")
    assert other.count("m", ALL) == 1
    assert other.find_by_id_inline("m", "a") is not None
    store.create("m", write("b"))
    with pytest.raises(BlockingIOError):
        other.find_by_id_inline("m", "b")


def test_pages_in_the_order_of_ids_while_writing(tmp_path: Path) -> None:
    store = database(tmp_path)
    expected = {f"{number:05}" for number in range(0, 3_000, 2)}
    store.create_many("m", [write(id) for id in sorted(expected)])
    seen: list[str] = []
    query = Query(limit=100)
    while page := list(store.find("m", query)):
        seen += [document.id for document in page]
        query = query.only(after=(seen[-1],))
        last = int(seen[-1])
        if last > 2_900:
            continue
        store.put("m", write(f"{last - 1:05}"))  # behind the page: not seen
        store.put("m", write(f"{last + 1:05}"))  # ahead of it: seen
        store.delete("m", f"{last + 2:05}")
        expected |= {f"{last + 1:05}"}
        expected -= {f"{last + 2:05}"}
    assert seen == sorted(set(seen))
    assert set(seen) == expected
    assert len(content(store)) > len(seen)


def test_what_has_expired_is_invisible(tmp_path: Path) -> None:
    store = database(tmp_path)
    past, future = "2020-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"
    writes = []
    for id, expires in (("gone", past), ("there", future), ("always", None)):
        copy = write(id)
        writes.append(Write(id, {}, version=3, created=past, updated=copy.updated, expires=expires))
    assert store.write_page("m", writes, "upsert") == [3, 3, 3]
    for each in (store, database(tmp_path)):
        assert sorted(content(each)) == ["always", "there"]
        assert each.count("m", ALL) == 2
        assert each.find_by_id("m", "gone") is None
        document = each.find_by_id("m", "there")
        assert document is not None
        assert (document.version, document.created, document.expires) == (3, past, future)
    assert store.create("m", write("gone")).version == 1
    assert sorted(content(database(tmp_path))) == ["always", "gone", "there"]


def test_a_thread_never_takes_an_old_table_for_current(tmp_path: Path) -> None:
    writer, missed = database(tmp_path), []

    class Watched(ModelFile):
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if hasattr(self, "table") and self.is_current() and "b" not in self.table.records:
                missed.append(name)

    writer.create("m", write("a"))
    file = Watched("m", str(tmp_path / "m.jsonl"))
    missed.clear()
    writer.create("m", write("b"))
    writer._open["m"].compact()
    file.refresh()
    assert sorted(file.table.records) == ["a", "b"]
    assert not missed


def test_a_slow_thread_does_not_bring_the_old_manifest_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = database(tmp_path)
    store.create("m1", write("a"))
    old_stamp, old = os.stat(tmp_path / "interstore.json"), read_manifest(str(tmp_path))
    store.create("m2", write("a"))

    class Overtaken(Catalog):
        """Between any two steps, another thread ends that had begun before the change."""

        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if self.__dict__.get("armed"):
                self.__dict__["armed"] = False
                with monkeypatch.context() as patch:
                    patch.setattr(os, "stat", lambda _: old_stamp)
                    patch.setattr(catalog_module, "read_manifest", lambda _: old)
                    self.models()

    for _ in range(2):
        catalog = Overtaken(str(tmp_path), FolderLock(str(tmp_path / "interstore.lock"), 1))
        catalog.__dict__["armed"] = True
        assert sorted(catalog.models()) == ["m1", "m2"]
        assert sorted(catalog.models()) == ["m1", "m2"]


def test_disconnecting_under_a_thread_is_a_typed_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = database(tmp_path)
    store.create("m", write("a"))
    catalog = store._connected()
    store.disconnect()
    # As for a thread that had looked just before.
    monkeypatch.setattr(store, "_connected", lambda: catalog)
    with pytest.raises(UnavailableError, match="not connected"):
        store.drop("m")
