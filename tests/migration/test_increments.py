"""Incremental backups: what changed since the base, deletes included; a chain is the state."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from interstore import Store, connect, open_blobs
from interstore.migration import Limits, Progress, Report, Transform, verify
from interstore.migration.archives import find_archives, open_archive, prune_archives
from tests.migration.conftest import (
    INTERSTORE,
    SERVERS,
    Call,
    MakeStore,
    Migrate,
    contents,
    fill,
    moving,
    server_url,
    url_of,
)

SMALL = Limits(page=20, bytes=4_000)

Backup = Callable[..., Report]


@pytest.fixture
def source(make_store: MakeStore) -> Store:
    store = make_store("sqlite", "source")
    fill(store, "users", 200)
    fill(store, "orders", 5)
    for model in ("users", "orders"):
        store.enable_watch(model)
    return store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def backup(source: Store, folder: Path, run: Migrate) -> Backup:
    """A backup of the source by its name, standing on another by its."""

    def call(name: str, base: str | None = None, **options: Any) -> Report:
        base = None if base is None else str(folder / base)
        return run(source, f"archive:{folder / name}", base=base, limits=SMALL, **options)

    return call


def change(store: Store) -> None:
    store.update("users", "users-000003", {"n": -1})
    store.delete("users", "users-000004")
    store.create("users", {"id": "new", "n": 3})
    store.create("users", {"id": "short-lived"})
    store.delete("users", "short-lived")


@pytest.mark.parametrize("engine", ["memory", "json", "sqlite", *SERVERS])
def test_a_chain_is_the_state(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, run: Migrate
) -> None:
    url = server_url(engine, request) if engine in SERVERS else url_of(engine, tmp_path, "source")
    chosen = random.Random(7)
    with connect(url) as store:
        fill(store, "users", 100)
        fill(store, "calm", 3)
        for model in ("users", "calm"):
            store.enable_watch(model)
        base = None
        for number in range(4):
            place = str(tmp_path / f"a{number}")
            report = run(store, f"archive:{place}", base=base, limits=SMALL)
            assert report.ok, report.blockers
            assert report.totals.read <= (103 if base is None else 30)
            with connect(f"archive:{place}") as archive:
                assert verify(store, archive, level="full").ok
                for model in ("users", "calm"):
                    assert contents(archive, model) == contents(store, model)
                    assert archive.count(model) == store.count(model)
            base = place
            for _ in range(20):
                id = f"users-{chosen.randrange(120):06d}"
                if chosen.random() < 0.3:
                    store.delete("users", id)
                else:
                    store.put("users", {"id": id, "round": number, "n": chosen.random()})
        report = run(f"archive:{base}", "memory:")
        assert report.ok


@pytest.mark.parametrize("engine", ["memory", "json", "sqlite", *SERVERS])
def test_each_of_a_chain_is_of_one_instant(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, run: Migrate
) -> None:
    url = server_url(engine, request) if engine in SERVERS else url_of(engine, tmp_path, "source")
    with connect(url) as store:
        for model in ("first", "last"):
            store.enable_watch(model)
        base = None
        with moving(store) as moves:
            for number in range(4):
                place = str(tmp_path / f"a{number}")
                before = moves[0]
                report = run(store, f"archive:{place}", base=base)
                assert report.ok, report.blockers
                assert "at one instant" in report.notes[-1]
                with connect(f"archive:{place}") as archive:
                    left, right = archive.get("first", "a"), archive.get("last", "z")
                    assert left["n"] + right["n"] == 0
                    assert right["n"] >= before
                base = place


def test_it_has_only_what_changed(source: Store, backup: Backup, folder: Path) -> None:
    assert backup("monday").totals.read == 205
    change(source)
    report = backup("tuesday", "monday")
    assert (report.status, report.totals.read) == ("done", 2)
    with open_archive(str(folder / "tuesday")) as (archive, held):
        assert held.base is not None
        assert held.base.name == "monday"
        users = held.models["users"]
        assert users.changed is not None
        assert sum(ids.count for ids in users.changed) == 4
        assert (users.sums.count, held.models["orders"].sums.count) == (2, 0)
        assert archive.damage() == []
    with connect(f"archive:{folder / 'tuesday'}") as store:
        assert contents(store, "users") == contents(source, "users")
        assert store.find_by_id("users", "users-000004") is None
        assert store.get("users", "users-000003")["n"] == -1
        assert store.get("users", "users-000005")["n"] == 5


def test_new_models_are_contained_whole_and_dropped_ones_not(
    source: Store, backup: Backup, folder: Path
) -> None:
    assert backup("monday").ok
    fill(source, "more", 4)
    source.drop("orders")
    assert backup("tuesday", "monday").totals.read == 4
    with connect(f"archive:{folder / 'tuesday'}") as store:
        assert store.models() == ["more", "users"]
        assert store.count("more") == 4


def test_what_expires_is_gone(make_store: MakeStore, folder: Path, run: Migrate) -> None:
    store = make_store("memory", "source")
    store.create("users", {"id": "a"}, expires_at=timedelta(hours=1))
    store.create("users", {"id": "b"})
    store.enable_watch("users")
    assert run(store, f"archive:{folder / 'a'}").ok
    store.put("users", {"id": "a", "n": 1}, expires_at=timedelta(seconds=0.3))
    assert run(store, f"archive:{folder / 'b'}", base=str(folder / "a")).ok
    time.sleep(0.4)
    with connect(f"archive:{folder / 'b'}") as archive:
        assert [document.id for document in archive.find("users")] == ["b"]
        assert archive.count("users") == 1


def refusal(report: Report) -> str:
    assert report.exit_code == 5
    [blocker] = report.blockers
    return blocker.sentence


def test_a_base_that_does_not_fit_is_refused(
    source: Store, backup: Backup, folder: Path, run: Migrate, make_store: MakeStore
) -> None:
    assert backup("monday").ok
    change(source)
    assert "no archive at" in refusal(backup("tuesday", "sunday"))
    assert "in the same folder" in refusal(
        run(source, f"archive:{folder}-other/x", base=str(folder / "monday"))
    )
    where = Transform(where={"n": 1})
    assert "another --where" in refusal(backup("tuesday", "monday", transform=where))
    with open_blobs("memory:") as blobs:
        assert "with blobs" in refusal(backup("tuesday", "monday", from_blobs=blobs))
    other = make_store("json", "other")
    fill(other, "users", 1)
    on = {"base": str(folder / "monday")}
    assert "of another source" in refusal(run(other, f"archive:{folder / 'tuesday'}", **on))
    report = run(url_of("sqlite", folder.parent, "source"), f"archive:{folder / 'p'}",
                 executor="processes:1", **on)  # fmt: skip
    assert "use threads" in refusal(report)
    assert not (folder / "tuesday" / "manifest.json").exists()
    assert "is no archive" in refusal(run(source, "memory:", **on))


def test_changes_that_are_not_known_any_more(
    source: Store, backup: Backup, make_store: MakeStore, folder: Path, run: Migrate
) -> None:
    assert backup("monday").ok
    source.disable_watch("users")
    source.enable_watch("users")
    told = refusal(backup("tuesday", "monday"))
    assert "what changed in users since the base is not known" in told
    assert "make a full backup" in told
    calm = make_store("sqlite", "calm")
    fill(calm, "users", 2)
    assert run(calm, f"archive:{folder / 'a'}").ok
    told = refusal(run(calm, f"archive:{folder / 'b'}", base=str(folder / "a")))
    assert "call enable_watch(model) once for each model" in told


def test_what_cannot_tell_deletes(cosmosdb_url: str, folder: Path, run: Migrate) -> None:
    with connect(cosmosdb_url, auto_create=True) as store:
        fill(store, "users", 2)
        store.enable_watch("users")
        assert run(store, f"archive:{folder / 'a'}").ok
        report = run(store, f"archive:{folder / 'b'}", base=str(folder / "a"))
    assert "does not tell what was deleted" in refusal(report)


def test_a_chain_that_is_broken_is_refused(
    source: Store, backup: Backup, folder: Path, run: Migrate
) -> None:
    assert backup("a").ok
    change(source)
    assert backup("b", "a").ok
    source.delete("users", "new")
    assert backup("c", "b").ok
    with open_archive(str(folder / "c")) as (archive, _):
        assert len(archive.chain()) == 3
        assert archive.damage() == []
    shutil.move(folder / "a", folder / "elsewhere")
    told = refusal(run(f"archive:{folder / 'c'}", "memory:"))
    assert "which is missing" in told
    assert backup("d", "c").exit_code == 5
    done = subprocess.run(
        [INTERSTORE, "archive", "check", str(folder / "c")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "which is missing" in done.stderr
    assert backup("a").ok  # another one of that name
    told = refusal(run(f"archive:{folder / 'c'}", "memory:"))
    assert "which is another one than it was" in told
    shutil.rmtree(folder / "a")
    shutil.move(folder / "elsewhere", folder / "a")
    assert run(f"archive:{folder / 'c'}", "memory:").ok
    ids = next((folder / "b" / "data" / "users").glob("*.ids.gz"))
    ids.write_bytes(ids.read_bytes()[:-1])
    told = refusal(run(f"archive:{folder / 'c'}", "memory:"))
    assert "was altered after it was written" in told


def test_a_whole_chain_can_be_moved(source: Store, backup: Backup, folder: Path) -> None:
    assert backup("a").ok
    change(source)
    assert backup("b", "a").ok
    shutil.move(folder, folder.with_name("moved"))
    with connect(f"archive:{folder.with_name('moved') / 'b'}") as store:
        assert contents(store, "users") == contents(source, "users")


def test_what_is_needed_is_kept(source: Store, backup: Backup, folder: Path) -> None:
    assert backup("a").ok
    assert backup("b", "a").ok
    assert backup("c", "b").ok
    assert backup("d").ok
    assert prune_archives(str(folder), 2) == []
    assert backup("e", "d").ok
    assert prune_archives(str(folder), 2) == [str(folder / name) for name in ("a", "b", "c")]
    assert [found.name for found in find_archives(str(folder))] == ["d", "e"]


def test_blobs_of_the_base_are_not_written_again(
    source: Store, backup: Backup, folder: Path, tmp_path: Path, run: Migrate
) -> None:
    with open_blobs(f"local:{tmp_path / 'blobs'}?durability=os") as blobs:
        owner = source.with_blobs(blobs)
        owner.attach("users", "users-000001", "photo", b"old")
        assert backup("a", from_blobs=blobs).ok
        owner.attach("users", "users-000002", "photo", b"new")
        owner.update("users", "users-000001", {"n": 0})
        report = backup("b", "a", from_blobs=blobs)
        assert report.ok
        assert report.blobs is not None
        assert (report.blobs.references, report.blobs.copied, report.blobs.present) == (2, 1, 1)
    with open_blobs("memory:") as restored:
        assert run(f"archive:{folder / 'b'}", "memory:", to_blobs=restored).ok
        assert sorted(restored.get(entry.key) for entry in restored.list()) == [b"new", b"old"]


def test_a_stopped_increment_goes_on(source: Store, backup: Backup, folder: Path) -> None:
    assert backup("a").ok
    source.update_many("users", {}, {"$inc": {"n": 1}})
    stop = Event()

    def stop_soon(progress: Progress) -> None:
        if progress.phase == "copy":
            stop.set()

    report = backup("b", "a", stop=stop, progress=stop_soon)
    assert report.status == "stopped"
    source.update("users", "users-000001", {"n": -5})
    report = backup("b", "a", resume=report.run)
    assert report.ok
    change(source)
    assert backup("c", "b").ok
    with connect(f"archive:{folder / 'c'}") as store:
        assert contents(store, "users") == contents(source, "users")


def test_the_commands(source: Store, tmp_path: Path, call: Call) -> None:
    backup = "backup", "sqlite:source.db", "nightly", "--keep", "3", "--base", "last"
    for number in range(2):
        source.update("users", "users-000001", {"n": -number})
        [report] = call(*backup, "--compression", ("gzip", "zstd")[number])
        assert report["status"] == "done"
        time.sleep(1)  # names have seconds
    first, second = call("archive", "list", "nightly")
    assert (first["base"], second["base"]) == (None, Path(first["archive"]).name)
    assert (first["compression"], second["compression"]) == ("gzip", "zstd")
    assert call("archive", "check", second["archive"])[1] == {
        "model": "users",
        "documents": 1,
        "files": 1,
        "compression": "zstd",
        "changed": 1,
    }
    call("restore", second["archive"], "json:restored")
    with connect(f"json:{tmp_path / 'restored'}") as store:
        assert contents(store, "users") == contents(source, "users")
