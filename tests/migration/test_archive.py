"""Backups and restores: whole, checked, and refused when they are not."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interstore import Document, Store, connect
from interstore.errors import ConfigurationError, UnsupportedError
from interstore.migration import Transform, migrate, verify
from interstore.migration.archives import find_archives, open_archive, prune_archives
from interstore.migration.chunks import Chunk
from interstore.migration.journal import replay
from interstore_backends.archive import layers
from interstore_backends.archive.chunks import read_chunk
from interstore_backends.archive.files import ArchiveFiles
from tests.migration.archives import SMALL, fill_source
from tests.migration.conftest import ODD_IDS, Call, MakeStore, Migrate, contents, url_of


@pytest.fixture
def source(make_store: MakeStore) -> Store:
    return fill_source(make_store("sqlite", "source"))


@pytest.fixture
def archive(source: Store, place: Path, run: Migrate) -> str:
    """The URL of a backup of the source, in many small chunks."""
    report = run(source, f"archive:{place}", limits=SMALL)
    assert (report.status, report.ok) == ("done", True)
    return f"archive:{place}"


@pytest.mark.parametrize("engine", ["json", "sqlite", "memory"])
def test_a_backup_is_restored_to_any_engine(
    engine: str, archive: str, source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store(engine, "restored")
    report = run(archive, target)
    assert (report.status, report.totals.written) == ("done", 1_510 + len(ODD_IDS))
    for model in ("users", "orders", "odd"):
        assert contents(target, model) == contents(source, model)
    assert [index.paths for index in target.indexes("users")] == [(("n",),)]


def test_an_archive_can_be_read_as_it_is(archive: str, source: Store) -> None:
    with connect(archive) as store:
        assert store.models() == ["odd", "orders", "users"]
        assert store.get("users", "users-000097") == source.get("users", "users-000097")
        assert store.find_by_id("users", "users-009999") is None
        assert store.count("users") == 1_500
        found = store.find("users", {"n": {"$lt": 3}}, sort="-n")
        assert [document["n"] for document in found] == [2, 1, 0]
        assert verify(source, store).ok
        with pytest.raises(UnsupportedError, match="does not change; restore it"):
            store.create("users", {"id": "new"})
        with pytest.raises(UnsupportedError):
            store.delete("users", "users-000001")


def test_each_chunk_is_read_once_for_many_ids(
    archive: str, source: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(files: ArchiveFiles, chunk: Chunk) -> Iterator[Document]:
        read.append(chunk.file)
        return read_chunk(files, chunk)

    monkeypatch.setattr(layers, "read_chunk", noted)
    ids = random.Random(1).sample([document.id for document in source.find("users")], 800)
    with connect(archive) as store:
        found = store.find_by_ids("users", ids)
    assert [document and document.id for document in found] == ids
    assert len(read) > 1
    assert len(read) == len(set(read))


def test_its_files_can_be_read_by_hand(archive: str, place: Path) -> None:
    files = sorted((place / "data" / "orders").iterdir())
    lines = [
        json.loads(line)
        for file in files
        for line in gzip.decompress(file.read_bytes()).split(b"\n")[:-1]
    ]
    assert [line["id"] for line in lines] == [f"orders-{n:06d}" for n in range(10)]
    assert lines[0].keys() == {"id", "version", "created_at", "updated_at", "doc"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in place.rglob("*.gz"))
    manifest = json.loads((place / "manifest.json").read_text())
    assert manifest["contents"]["models"]["users"]["sums"]["count"] == 1_500
    assert manifest["contents"]["checked"]


def test_only_some_beside_what_is_there(
    archive: str, source: Store, run: Migrate, tmp_path: Path
) -> None:
    report = run(
        archive,
        source,
        models=["users"],
        map={"users": "users2"},
        transform=Transform(where={"n": {"$gte": 1_490}}),
    )
    assert report.ok
    assert source.count("users2") == 10
    assert run(archive, source, models=["users"]).blockers[0].code == "not-empty"


def test_an_archive_is_never_written_over(archive: str, source: Store, run: Migrate) -> None:
    report = run(source, archive)
    assert (report.exit_code, report.blockers[0].code) == (5, "not-empty")
    assert run(source, f"{archive}2", into="merge").blockers[0].code == "archive-into"


def test_what_expired_since_is_not_restored(
    make_store: MakeStore, run: Migrate, place: Path
) -> None:
    source, target = make_store("memory", "source"), make_store("memory", "restored")
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    source.create("users", {"id": "short"}, expires_at=soon)
    source.create("users", {"id": "long"}, expires_at=soon + timedelta(days=1))
    assert run(source, f"archive:{place}").ok
    time.sleep(max(0, (soon - datetime.now(UTC)).total_seconds()) + 0.01)
    assert run(f"archive:{place}", target).ok
    assert [document.id for document in target.find("users")] == ["long"]
    assert target.get("users", "long").expires_at == soon + timedelta(days=1)


def test_a_killed_backup_goes_on_and_leaves_nothing_over(
    source: Store, place: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.migration.child"),
            *(url_of("sqlite", tmp_path, "source"), f"archive:{place}", str(state)),
        ],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and len(list(place.rglob("*.gz"))) < 3:
        time.sleep(0.002)
    process.kill()
    process.wait()
    with pytest.raises(ConfigurationError, match="no archive at"), open_archive(str(place)):
        pass
    (place / "data" / "users" / "left-over.tmp").write_bytes(b"of a worker that died")
    run_name = next(state.glob("*/plan.json")).parent.name
    report = migrate(
        url_of("sqlite", tmp_path, "source"), f"archive:{place}", state=state, resume=run_name
    )
    assert report.ok
    with open_archive(str(place)) as (opened, held):
        assert opened.damage() == []
        listed = {chunk.file for model in held.models.values() for chunk in model.chunks}
    files = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    assert files == listed | {"manifest.json"}
    entries = replay(state / run_name / "journal.jsonl").entries
    assert [entry["event"] for entry in entries].count("sealed") == 1


def test_the_newest_are_kept(source: Store, tmp_path: Path, run: Migrate) -> None:
    folder = tmp_path / "backups"
    for name in ("a", "b", "c"):
        assert run(source, f"archive:{folder / name}", models=["orders"]).ok
    (folder / "unfinished").mkdir()
    (folder / "a" / "notes.txt").write_text("mine")
    assert [Path(found.place).name for found in find_archives(str(folder))] == ["a", "b", "c"]
    assert prune_archives(str(folder), 2) == [str(folder / "a")]
    assert sorted(os.listdir(folder)) == ["a", "b", "c", "unfinished"]
    assert os.listdir(folder / "a") == ["notes.txt"]
    assert [Path(found.place).name for found in find_archives(str(folder))] == ["b", "c"]


def test_the_commands(source: Store, tmp_path: Path, call: Call) -> None:
    source.close()
    [report] = call("backup", "sqlite:source.db", "nightly", "--keep", "2")
    assert report["status"] == "done"
    [listed] = call("archive", "list", "nightly")
    assert listed["documents"] == 1_510 + len(ODD_IDS)
    checked = call("archive", "check", listed["archive"])
    assert {row["model"]: row["documents"] for row in checked}["users"] == 1_500
    [restored] = call("restore", listed["archive"], "json:restored", "--only", "users,orders")
    assert restored["status"] == "done"
    with connect(f"json:{tmp_path / 'restored'}") as store:
        assert store.count("users") == 1_500


def test_a_damaged_manifest_does_not_hide_the_others(
    source: Store, tmp_path: Path, call: Call
) -> None:
    source.close()
    call("backup", "sqlite:source.db", "nightly/a", "--models", "orders")
    call("backup", "sqlite:source.db", "nightly/b", "--models", "orders")
    damaged = tmp_path / "nightly/a/manifest.json"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:100])
    [listed] = call("archive", "list", "nightly", exit_code=3)
    assert listed["archive"] == "nightly/b"
    assert call("archive", "check", "nightly/a", exit_code=3) == []
    keep = "backup", "sqlite:source.db", "nightly", "--keep", "1", "--models", "orders"
    [report] = call(*keep)  # it is good, and nothing is removed
    assert report["status"] == "done"
    assert {"a", "b"} < set(os.listdir(tmp_path / "nightly"))
    damaged.write_bytes(whole)
    assert prune_archives(str(tmp_path / "nightly"), 1) == [
        str(tmp_path / "nightly/a"),
        str(tmp_path / "nightly/b"),
    ]


def test_in_a_bucket(
    source: Store,
    make_store: MakeStore,
    run: Migrate,
    bucket: str,
) -> None:
    folder = f"{bucket}/backups"
    for name in ("monday", "tuesday"):
        assert run(source, f"archive:{folder}/{name}", models=["users"], limits=SMALL).ok
    target = make_store("json", "restored")
    assert run(f"archive:{folder}/monday", target).ok
    assert contents(target, "users") == contents(source, "users")
    assert [found.place for found in find_archives(folder)] == [
        f"{folder}/monday",
        f"{folder}/tuesday",
    ]
    assert prune_archives(folder, 1) == [f"{folder}/monday"]
    assert len(find_archives(folder)) == 1
