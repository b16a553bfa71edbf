"""Workers that are killed, or stopped and wake up after they were given up."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import active_children, get_context
from pathlib import Path

import pytest

from interstore import connect
from interstore.errors import UnavailableError
from interstore.migration import Limits, Progress, coordinator, migrate
from tests.migration.chaos.ending import check_end
from tests.migration.conftest import fill, url_of
from tests.migration.test_dask import Cluster

COUNT = 3_000
SMALL = Limits(page=100, bytes=10_000)


@pytest.fixture
def source(tmp_path: Path) -> str:
    with connect(url_of("sqlite", tmp_path, "source")) as store:
        fill(store, "users", COUNT)
        fill(store, "orders", 300)
    return url_of("sqlite", tmp_path, "source")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(tmp_path, stack)


def test_a_killed_child_of_the_callers_pool_stops_the_run_which_goes_on(
    source: str, tmp_path: Path
) -> None:
    """It cannot be replaced: the pool belongs to the caller."""
    target = url_of("json", tmp_path, "target")
    struck: list[bool] = []
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:

        def strike(progress: Progress) -> None:
            if progress.phase == "copy" and progress.done and not struck:
                struck.append(True)
                os.kill(next(iter(pool._processes)), signal.SIGKILL)

        with pytest.raises(UnavailableError, match="a worker of the executor died") as caught:
            migrate(source, target, state=tmp_path, executor=pool, limits=SMALL, progress=strike)
    name = caught.value.__notes__[0].rpartition(" ")[2]
    report = migrate(source, target, state=tmp_path, resume=name, executor="processes:2")
    check_end(report, source, target)


@pytest.mark.parametrize("workers", [1, pytest.param(3, marks=pytest.mark.long)])
def test_children_are_killed_again_and_again(workers: int, source: str, tmp_path: Path) -> None:
    target = url_of("sqlite", tmp_path, "target")
    struck: list[int] = []

    def strike(progress: Progress) -> None:
        pids = [child.pid for child in active_children() if child.pid]
        if progress.phase != "check" and pids and len(struck) < 4 and pids[0] not in struck:
            struck.append(pids[0])
            os.kill(pids[0], signal.SIGKILL)

    report = migrate(
        source,
        target,
        state=tmp_path,
        executor=f"processes:{workers}",
        limits=SMALL,
        progress=strike,
    )
    assert len(struck) == 4
    check_end(report, source, target)


def test_a_stopped_worker_that_wakes_up_after_it_was_given_up(
    cluster: Cluster, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it still writes then is what the other has written, or is refused by its lease."""
    monkeypatch.setattr(coordinator, "GRACE", 5.0)  # in which a busy machine does a slice
    target = url_of("sqlite", tmp_path, "target")
    limits = Limits(page=100, bytes=10_000, seconds=0.5, attempts=20)
    given_up = 2 * (limits.seconds + coordinator.GRACE)
    moments: list[float] = []  # when it was stopped, and when it woke up

    def strike(progress: Progress) -> None:
        if progress.phase != "copy" or not progress.done:
            return
        if not moments:
            cluster.workers[0].send_signal(signal.SIGSTOP)
            moments.append(time.monotonic())
        elif len(moments) == 1 and time.monotonic() > moments[0] + given_up + 1:
            cluster.workers[0].send_signal(signal.SIGCONT)
            moments.append(time.monotonic())

    try:
        report = migrate(
            source, target, state=tmp_path, executor=cluster.url, limits=limits, progress=strike
        )
    finally:
        cluster.workers[0].send_signal(signal.SIGCONT)
    assert len(moments) == 2
    check_end(report, source, target)
    assert cluster.workers[0].poll() is None


def test_both_workers_of_dask_are_killed_and_others_come(
    cluster: Cluster, source: str, tmp_path: Path
) -> None:
    target = url_of("json", tmp_path, "target")
    struck: list[bool] = []

    def strike(progress: Progress) -> None:
        if progress.phase == "copy" and progress.done and not struck:
            struck.append(True)
            for worker in list(cluster.workers):
                worker.kill()
            cluster.workers.append(cluster.start_worker())

    report = migrate(
        source, target, state=tmp_path, executor=cluster.url, limits=SMALL, progress=strike
    )
    assert struck
    check_end(report, source, target)
