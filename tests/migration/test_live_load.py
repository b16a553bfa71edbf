"""An application that goes on without a failed call while its data moves, twice."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from interstore import connect, verify
from interstore.migration import Limits, cutover, finish, migrate, rollback
from tests.migration.conftest import contents, creating, fill

ROOT = Path(__file__).parents[2]


class Application:
    """Processes that read and write until they are stopped."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self.processes = processes
        self.calls = 0
        self.expected: dict[str, dict[str, Any] | None] = {}

    def stop(self) -> None:
        for process in self.processes:
            out, _ = process.communicate(timeout=60)
            assert process.returncode == 0
            report = json.loads(out)
            assert report["failures"] == []
            assert report["calls"] > 0
            self.calls += report["calls"]
            self.expected |= report["expected"]


@contextmanager
def application(url: str, target: str, name: str, *, workers: int) -> Generator[Application]:
    """One process of threads and one of tasks."""
    with ExitStack() as stack:
        processes: list[subprocess.Popen[str]] = []
        for flavour in ("sync", "async"):
            command = [sys.executable, "-m", "tests.migration.writing", url, target]
            process = stack.enter_context(
                subprocess.Popen(
                    [*command, f"{name}-{flavour}-", str(workers), flavour],
                    cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                )
            )  # fmt: skip
            stack.callback(process.kill)
            processes.append(process)
        yield Application(processes)


def move(
    url: str, target: str, name: str, state: Path, *, workers: int, pause: float, last: bool
) -> None:
    """Move all data to `target` while an application is at work.

    Args:
        last: the application ends before `finish`, so that both stores can be compared.
    """
    with application(url, target, name, workers=workers) as running:
        await_writers(url, name)
        report = migrate(url, target, live=True, state=state, limits=Limits(page=100))
        assert report.status == "done", report
        for step in (cutover, rollback, cutover):
            time.sleep(pause)
            done = step(report.run, state=state, source=url, target=target)
            assert done.status == "done", done
            print(f"{done.step}: writes waited for {done.held:.2f} s")
        time.sleep(pause)
        if last:
            running.stop()
            assert_equal(url, target)
        done = finish(report.run, state=state, source=url, target=target)
        assert done.status == "done", done
        if not last:
            time.sleep(pause)
            running.stop()
    with connect(target) as store:
        for id, fields in running.expected.items():
            found = store.find_by_id("items", id)
            assert (None if found is None else dict(found)) == fields
        print(f"{running.calls:,} calls, {store.count('users'):,} documents of others")


def assert_equal(one: str, other: str) -> None:
    """Both stores hold the same, by their digests."""
    result = verify(one, other)
    assert result.ok, result
    assert {model.source for model in result.models} == {"items", "users"}
    for model in result.models:
        assert model.source_digest == model.target_digest != ""


def await_writers(url: str, name: str) -> None:
    """Until both processes have begun."""
    deadline = time.monotonic() + 60
    with connect(url) as store:
        for flavour in ("sync", "async"):
            while not store.exists("items", {"by": f"{name}-{flavour}-0"}):
                assert time.monotonic() < deadline
                time.sleep(0.05)


@pytest.mark.timeout(120)
def test_from_json_files_to_postgresql_to_mongodb(
    tmp_path: Path, postgresql_url: str, mongodb_url: str
) -> None:
    demonstrate(tmp_path, postgresql_url, mongodb_url, count=500, workers=2, pause=0.2)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_much_from_json_files_to_postgresql_to_mongodb(
    tmp_path: Path, postgresql_url: str, mongodb_url: str
) -> None:
    demonstrate(tmp_path, postgresql_url, mongodb_url, count=100_000, workers=4, pause=5)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_by_cosmosdb_to_postgresql(tmp_path: Path, cosmosdb_url: str, postgresql_url: str) -> None:
    """Which has no transactions, and where models are made by whoever may."""
    demonstrate(tmp_path, creating(cosmosdb_url), postgresql_url, count=500, workers=2, pause=1.0)


def demonstrate(
    folder: Path, middle: str, last: str, *, count: int, workers: int, pause: float
) -> None:
    files = f"json:{folder / 'data'}"
    with connect(files) as store:
        fill(store, "users", count)
    for source, target, name in (
        (files, middle, "first"),
        (middle, last, "second"),
    ):
        state, ending = folder / name, name == "second"
        move(source, target, name, state, workers=workers, pause=pause, last=ending)
    with connect(files) as old, connect(last) as new:
        assert contents(new, "users") == contents(old, "users")
