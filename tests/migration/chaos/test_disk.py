"""The disk of the state folder is full, in mid-run or before."""

from __future__ import annotations

from pathlib import Path

import pytest

from interstore import connect
from interstore.errors import UnavailableError
from interstore.migration import Limits, Progress, migrate
from tests.engines.jsonfiles.test_faults import small_disk
from tests.migration.chaos.ending import check_end
from tests.migration.conftest import fill, url_of

__all__ = ["small_disk"]

COUNT = 2_000


@pytest.mark.parametrize("after", [100, 1_000, COUNT])
def test_a_full_disk_stops_the_run_and_it_goes_on_when_there_is_room(
    small_disk: Path, after: int, tmp_path: Path
) -> None:
    source, target = url_of("sqlite", tmp_path, "source"), url_of("json", tmp_path, "target")
    with connect(source) as store:
        fill(store, "users", COUNT)
    ballast, state = small_disk / "ballast", small_disk / "state"

    def fill_up(progress: Progress) -> None:
        if progress.phase == "copy" and progress.done >= after and not ballast.exists():
            with ballast.open("wb", buffering=0) as file:
                try:
                    while file.write(bytes(512)):
                        pass
                except OSError:
                    return

    limits = Limits(page=20, bytes=2_000)
    with pytest.raises(UnavailableError, match="No space left") as caught:
        migrate(source, target, state=state, limits=limits, progress=fill_up)
    name = caught.value.__notes__[0].rpartition(" ")[2]
    ballast.unlink()
    report = migrate(source, target, state=state, resume=name)
    assert report.sessions == 2
    check_end(report, source, target)


def test_a_full_disk_before_the_run_leaves_nothing_half_made(
    small_disk: Path, tmp_path: Path
) -> None:
    source, target = url_of("sqlite", tmp_path, "source"), url_of("json", tmp_path, "target")
    with connect(source) as store:
        fill(store, "users", 100)
    ballast, state = small_disk / "ballast", small_disk / "state"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    with pytest.raises(UnavailableError, match="No space left"):
        migrate(source, target, state=state)
    ballast.unlink()
    check_end(migrate(source, target, state=state), source, target)
