"""A server at one end is killed or stopped in mid-run, and comes back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from interstore import connect
from interstore.errors import InterstoreError
from interstore.migration import Limits, Progress, migrate
from tests.faults.served import Served
from tests.migration.chaos.ending import check_end
from tests.migration.conftest import fill, url_of

COUNT = 6_000

# The driver of MongoDB leaves sockets that were not connected to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.parametrize(
        "served",
        ["postgresql", pytest.param("mongodb", marks=pytest.mark.long)],
        indirect=True,
    ),
]


class Strike:
    """Restarts a server when so many documents have been read, once for each number."""

    def __init__(self, served: Served, way: str, *after: int, away: float = 0.5) -> None:
        self._served, self._way, self._away = served, way, away
        self._after = list(after)

    @property
    def done(self) -> bool:
        return not self._after

    def __call__(self, progress: Progress) -> None:
        if progress.phase == "copy" and self._after and progress.done >= self._after[0]:
            self._after.pop(0)
            getattr(self._served.process, self._way)()
            time.sleep(self._away)
            self._served.process.start()


def move(served: Served, side: str, tmp_path: Path, strike: Any, **options: Any) -> None:
    """Fill a store, and move it to or from the server, under strikes."""
    other = url_of("sqlite", tmp_path, "other")
    source, target = (served.url, other) if side == "source" else (other, served.url)
    with connect(source) as store:
        fill(store, "users", COUNT)
    limits = Limits(page=50, bytes=40_000, rate=4_000)  # so that there is a mid-run
    state = tmp_path / "state"
    try:
        report = migrate(source, target, state=state, limits=limits, progress=strike, **options)
    except InterstoreError as error:  # it was away for longer than the run has patience
        name = error.__notes__[0].rpartition(" ")[2]
        report = migrate(source, target, state=state, resume=name)
    assert strike.done
    check_end(report, source, target)


@pytest.mark.parametrize(
    ("side", "way"),
    [
        ("target", "kill"),
        pytest.param("source", "kill", marks=pytest.mark.long),
        pytest.param("target", "stop", marks=pytest.mark.long),
        pytest.param("source", "stop", marks=pytest.mark.long),
    ],
)
def test_a_server_is_restarted_in_mid_run(
    served: Served, side: str, way: str, tmp_path: Path
) -> None:
    move(served, side, tmp_path, Strike(served, way, 500, 3_000))


@pytest.mark.long
@pytest.mark.parametrize("executor", ["threads:4", "processes:2"])
def test_restarted_again_and_again_with_many_workers(
    served: Served, executor: str, tmp_path: Path
) -> None:
    strike = Strike(served, "kill", 300, 1_500, 3_000, 4_500)
    move(served, "target", tmp_path, strike, executor=executor)


def test_a_server_that_is_away_for_long_leaves_a_run_that_goes_on_later(
    served: Served, tmp_path: Path
) -> None:
    source = url_of("json", tmp_path, "source")
    with connect(source) as store:
        fill(store, "users", 1_000)
    limits = Limits(page=50, bytes=10_000, rate=1_000, attempts=2)
    killed: list[bool] = []

    def kill(progress: Progress) -> None:
        if progress.phase == "copy" and progress.done >= 300 and not killed:
            killed.append(True)
            served.process.kill()

    state = tmp_path / "state"
    with pytest.raises(InterstoreError) as caught, served.store(timeout=2.0) as target:
        migrate(source, target, state=state, limits=limits, progress=kill)
    assert caught.value.retryable
    served.process.start()
    name = caught.value.__notes__[0].rpartition(" ")[2]
    report = migrate(source, served.url, state=state, resume=name)
    assert report.sessions == 2
    check_end(report, source, served.url)
