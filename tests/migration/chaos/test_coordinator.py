"""The coordinator is killed at random instants, then the run is resumed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from interstore import connect
from interstore.migration import migrate
from tests.migration.chaos.ending import check_end
from tests.migration.conftest import fill, url_of

COUNT = 4_000
INSTANTS = 50
ROOT = Path(__file__).parents[3]

Place = tuple[str, float]
"""The URL of a source, and about how long it takes to migrate it."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("source")
    source = url_of("sqlite", folder, "source")
    with connect(source) as store:
        fill(store, "users", COUNT)
        fill(store, "orders", 500)
    started = begin(source, url_of("json", folder, "target"), folder / "state", "threads:2")
    since = time.monotonic()
    assert started.wait(timeout=100) == 0
    return source, time.monotonic() - since


def begin(source: str, target: str, state: Path, executor: str) -> subprocess.Popen[str]:
    """A migration in a process of its own, begun or resumed a moment ago."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.migration.child", source, target, str(state), executor],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdout.close()
    return process


@pytest.mark.parametrize(
    "seed",
    [seed if seed < 5 else pytest.param(seed, marks=pytest.mark.long) for seed in range(INSTANTS)],
)
def test_killed_at_a_random_instant(seed: int, place: Place, tmp_path: Path) -> None:
    chance = random.Random(seed)
    source, duration = place
    target = url_of(chance.choice(["json", "sqlite"]), tmp_path, "target")
    executor = "processes:2" if seed % 5 == 4 else "threads:2"
    state = tmp_path / "state"
    for _ in range(chance.randint(1, 3)):
        instant = chance.uniform(0, duration)
        process = begin(source, target, state, executor)
        time.sleep(instant)
        process.kill()
        process.wait()
        print(f"seed {seed}: killed {instant:.3f} s after the beginning, {executor}, {target}")
    runs = [path.parent.name for path in state.glob("*/plan.json")]
    # Killed before there was a plan, there is nothing to resume: nothing had been written.
    report = migrate(source, target, state=state, resume=runs[0] if runs else None)
    check_end(report, source, target)
