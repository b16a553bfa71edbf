"""Slices on Dask: a scheduler and workers of its own processes, which are killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from interstore import connect
from interstore.errors import UnavailableError
from interstore.migration import Limits, executors
from tests.migration.conftest import Migrate, contents, fill, url_of

COUNT = 3_000
SMALL = Limits(page=100, bytes=10_000)


class Cluster:
    """A scheduler with two workers.

    Attributes:
        url: how migrations name it.
        scheduler: its process; `workers` those of the workers.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard")
        found = _wait_for(self.scheduler, r"Scheduler at:\s+tcp://(\S+)")
        self.url = f"dask://{found}"
        self.workers = [self.start_worker() for _ in range(2)]

    def start_worker(self) -> subprocess.Popen[str]:
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
        worker = self._start("worker", self.url.replace("dask", "tcp"), *options)
        _wait_for(worker, "(Registered) to:")
        return worker

    def _start(self, role: str, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + role, "--host", "127.0.0.1"]
        process = subprocess.Popen(
            [*command, *options],
            cwd=self._folder,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        self._stack.callback(_end, process)
        return process


def _wait_for(process: subprocess.Popen[str], pattern: str) -> str:
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError("".join(said))


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stderr is not None:
        process.stderr.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(tmp_path, stack)


@pytest.fixture
def source(tmp_path: Path) -> str:
    with connect(url_of("sqlite", tmp_path, "source")) as store:
        fill(store, "users", COUNT)
    return url_of("sqlite", tmp_path, "source")


def check_same(source: str, target: str) -> None:
    with connect(source) as left, connect(target) as right:
        assert contents(right, "users") == contents(left, "users")


def test_a_killed_worker_is_made_up_for(
    cluster: Cluster, source: str, run: Migrate, tmp_path: Path
) -> None:
    target = url_of("sqlite", tmp_path, "target")

    def strike(progress: Any) -> None:
        if progress.phase == "copy" and progress.done:
            cluster.workers[0].send_signal(signal.SIGKILL)

    report = run(source, target, executor=cluster.url, limits=SMALL, progress=strike)
    assert (report.status, report.totals.written) == ("done", COUNT)
    assert cluster.workers[0].wait(timeout=10) == -signal.SIGKILL
    check_same(source, target)


def test_a_killed_scheduler_stops_the_run_which_goes_on_elsewhere(
    cluster: Cluster, source: str, run: Migrate, tmp_path: Path
) -> None:
    target = url_of("json", tmp_path, "target")

    def strike(progress: Any) -> None:
        if progress.phase == "copy" and progress.done:
            cluster.scheduler.kill()

    with pytest.raises(UnavailableError, match=r"scheduler is lost|worker failed") as caught:
        run(source, target, executor=cluster.url, limits=SMALL, progress=strike)
    name = caught.value.__notes__[0].rpartition(" ")[2]
    assert run(source, target, resume=name).ok
    check_same(source, target)


def test_a_scheduler_that_is_not_there(
    source: str, run: Migrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "CONNECT_SECONDS", 1)
    target = url_of("sqlite", tmp_path, "target")
    with pytest.raises(UnavailableError, match=r"scheduler at 127.0.0.1:9 cannot be reached"):
        run(source, target, executor="dask://127.0.0.1:9")
