"""A backup is as of one instant where the engine has snapshots, and says so where it has not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from threading import Event

import pytest

from interstore import connect
from interstore.migration import Limits, Progress
from interstore.migration.archives import open_archive
from tests.migration.conftest import (
    ENGINES,
    INTERSTORE,
    SERVERS,
    MakeStore,
    Migrate,
    fill,
    moving,
    server_url,
    url_of,
)

SMALL = Limits(page=20, bytes=4_000)


@pytest.mark.parametrize("engine", [*ENGINES, *SERVERS])
def test_a_backup_is_of_one_instant(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, run: Migrate
) -> None:
    url = server_url(engine, request) if engine in SERVERS else url_of(engine, tmp_path, "source")
    place = f"archive:{tmp_path / 'archive'}"
    with connect(url) as store:
        fill(store, "items", 300)
        with moving(store) as moves:
            before: list[int] = []

            def wait_for_moves(progress: Progress) -> None:
                """So that there are some at every stage of the backup."""
                seen = moves[0]
                before.append(seen)
                while moves[0] == seen:
                    pass

            report = run(store, place, limits=SMALL, progress=wait_for_moves)
        assert report.ok
        assert before[-1] > before[0]
        with connect(place) as archive:
            assert archive.get("first", "a")["n"] + archive.get("last", "z")["n"] == 0
            assert archive.get("first", "a")["n"] <= 0
            assert archive.count("items") == 300
    assert "all documents are as they were at one instant" in report.notes[-1]
    with open_archive(str(tmp_path / "archive")) as (_, contents):
        assert contents.as_of is not None


def test_where_it_is_not_of_one_instant_it_says_so(
    make_store: MakeStore, tmp_path: Path, run: Migrate
) -> None:
    fill(make_store("sqlite", "source"), "items", 10)
    url = url_of("sqlite", tmp_path, "source")
    for name, options, reason in (
        ("a", {"snapshot": False}, "that was not wanted"),
        ("b", {"executor": "processes:1"}, "other processes did the work"),
    ):
        report = run(url, f"archive:{tmp_path / name}", **options)
        assert report.ok
        assert f"not as of one instant ({reason}" in report.notes[-1]
        with open_archive(str(tmp_path / name)) as (_, contents):
            assert contents.as_of is None
    done = subprocess.run(
        [INTERSTORE, "backup", "sqlite:source.db", "c", "--no-snapshot"],
        capture_output=True,
        check=True,
        cwd=tmp_path,
    )
    assert "that was not wanted" in json.loads(done.stdout)["notes"][-1]


def test_what_has_no_snapshots(
    mongodb_standalone_url: str, cosmosdb_url: str, tmp_path: Path, run: Migrate
) -> None:
    for url, reason in (
        (mongodb_standalone_url, "a single server has no transactions"),
        (cosmosdb_url, "cosmosdb has no snapshots"),
    ):
        with connect(url, auto_create=True) as store:
            fill(store, "items", 3)
            report = run(store, f"archive:{tmp_path / store.database.name}")
        assert report.ok
        assert reason in report.notes[-1]


def test_a_resumed_backup_is_not_of_one_instant(
    make_store: MakeStore, tmp_path: Path, run: Migrate
) -> None:
    source = make_store("sqlite", "source")
    fill(source, "items", 300)
    stop = Event()

    def stop_soon(progress: Progress) -> None:
        if progress.phase == "copy" and progress.done:
            stop.set()

    place = f"archive:{tmp_path / 'archive'}"
    report = run(source, place, limits=SMALL, progress=stop_soon, stop=stop)
    assert report.status == "stopped"
    report = run(source, place, resume=report.run)
    assert report.ok
    assert "not as of one instant (the backup was resumed)" in report.notes[-1]
