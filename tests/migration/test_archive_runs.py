"""Backups and restores as runs: stopped, resumed, one at a time, good only when read again."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from threading import Event

import pytest

from interstore import Store, connect
from interstore.migration import Progress
from interstore.migration.archives import find_archives, open_archive
from interstore.migration.locks import target_lock
from interstore.migration.progress import Phase
from interstore.migration.references import identity_of
from tests.migration.archives import SMALL, fill_source, flip
from tests.migration.conftest import INTERSTORE, Call, MakeStore, Migrate, contents, fill


@pytest.fixture
def source(make_store: MakeStore) -> Store:
    return fill_source(make_store("sqlite", "source"))


class Stopping:
    """Stops a run in one of its phases."""

    def __init__(self, phase: Phase) -> None:
        self.stop = Event()
        self._phase = phase

    def __call__(self, progress: Progress) -> None:
        if progress.phase == self._phase and progress.done:
            self.stop.set()


def test_a_backup_that_is_stopped_while_it_is_read_again(
    source: Store, place: Path, run: Migrate
) -> None:
    at = Stopping("verify")
    report = run(source, f"archive:{place}", limits=SMALL, progress=at, stop=at.stop)
    assert (report.status, report.exit_code) == ("stopped", 4)
    [found] = find_archives(str(place.parent))
    assert found.contents.checked is None
    as_of = found.contents.as_of
    assert as_of is not None
    report = run(source, f"archive:{place}", resume=report.run)
    assert (report.status, report.sessions) == ("done", 2)
    [found] = find_archives(str(place.parent))
    assert found.contents.checked is not None
    assert found.contents.as_of == as_of


def test_a_restore_that_is_stopped_while_the_archive_is_checked(
    source: Store, place: Path, make_store: MakeStore, run: Migrate
) -> None:
    assert run(source, f"archive:{place}", limits=SMALL).ok
    target = make_store("json", "target")
    at = Stopping("check")
    report = run(f"archive:{place}", target, progress=at, stop=at.stop)
    assert (report.status, report.exit_code) == ("stopped", 4)
    assert target.models() == []


def test_a_finished_backup_that_is_resumed_stays_as_it_is(
    source: Store, place: Path, run: Migrate
) -> None:
    source.enable_watch("users")
    report = run(source, f"archive:{place}", limits=SMALL)
    assert report.ok
    manifest = (place / "manifest.json").read_bytes()
    above = place.with_name("above")
    assert run(source, f"archive:{above}", base=str(place)).ok
    assert run(source, f"archive:{place}", resume=report.run).ok
    assert (place / "manifest.json").read_bytes() == manifest
    with open_archive(str(above)) as (opened, _):
        assert opened.damage() == []
    flip(min((place / "data" / "users").iterdir()))
    report = run(source, f"archive:{place}", resume=report.run)
    assert (report.status, report.exit_code) == ("mismatch", 3)


def test_two_runs_onto_one_target_are_refused_before_anything_else(
    source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store("json", "target")
    fill(target, "users", 1)  # as the other run has written
    lock = target_lock(identity_of(target.database))
    assert lock.acquire()
    report = run(source, target)
    assert [blocker.code for blocker in report.blockers] == ["busy"]
    assert run(source, target, plan_only=True).blockers[0].code == "not-empty"
    lock.release()
    assert run(source, target).blockers[0].code == "not-empty"


def test_a_nightly_backup_is_stopped_and_goes_on_by_the_same_command(
    postgresql_url: str, tmp_path: Path, call: Call
) -> None:
    with connect(postgresql_url) as store:
        fill(store, "users", 1_200)
        before = contents(store, "users")
    call("backup", postgresql_url, "nightly", "--keep", "1", "--models", "users")
    [first] = call("archive", "list", "nightly")
    command = "backup", postgresql_url, "nightly", "--keep", "1"
    time.sleep(1)  # names have seconds
    process = subprocess.Popen(
        [INTERSTORE, *command, "--max-rate", "50", "--compression", "zstd"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    journals = tmp_path / ".interstore/migrations"
    while process.poll() is None and len(list(journals.glob("*/journal.jsonl"))) < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate()
    report = json.loads(told)
    assert (process.returncode, report["status"]) == (4, "stopped")
    assert [row["archive"] for row in call("archive", "list", "nightly")] == [first["archive"]]
    [report] = call(*command, "--max-rate", "100000", "--resume", report["run"])
    assert report["status"] == "done"
    [listed] = call("archive", "list", "nightly")  # and the first one is removed
    assert listed["archive"] != first["archive"]
    assert (listed["compression"], listed["documents"]) == ("zstd", 1_200)
    call("restore", listed["archive"], "sqlite:back.db")
    with connect(f"sqlite:{tmp_path / 'back.db'}") as store:
        assert contents(store, "users") == before


def test_a_backup_that_was_damaged_while_it_was_made_is_not_called_good(
    source: Store, tmp_path: Path, call: Call, run: Migrate
) -> None:
    folder = tmp_path / "nightly"
    call("backup", "sqlite:source.db", str(folder), "--keep", "1")
    [good] = find_archives(str(folder))
    flipped: list[Path] = []

    def damage(progress: Progress) -> None:
        files = list((folder / "bad" / "data" / "users").glob("*"))
        if progress.phase == "copy" and files and not flipped:
            flip(files[0])
            flipped.append(files[0])

    report = run(source, f"archive:{folder / 'bad'}", limits=SMALL, progress=damage)
    assert flipped
    assert (report.status, report.exit_code) == ("mismatch", 3)
    rows = call("archive", "list", str(folder))
    assert [row["checked"] is not None for row in rows] == [True, False]
    time.sleep(1)  # names have seconds
    call("backup", "sqlite:source.db", str(folder), "--keep", "1")
    rows = call("archive", "list", str(folder))  # what is not good is no reason to remove what is
    assert [Path(row["archive"]).name == "bad" for row in rows] == [True, False]
    assert good.place not in {row["archive"] for row in rows}
