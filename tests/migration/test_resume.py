"""Runs that are killed, stopped or torn, and go on: the end is the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from interstore import connect
from interstore.errors import ConfigurationError, CorruptionError
from interstore.migration import Limits, migrate
from interstore.migration.journal import replay
from tests.migration.conftest import INTERSTORE, MakeStore, Migrate, contents, fill, url_of

COUNT = 5_000
SMALL = Limits(page=100, bytes=20_000)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store with documents, as it stays."""
    folder = tmp_path_factory.mktemp("source")
    with connect(url_of("sqlite", folder, "source")) as store:
        fill(store, "users", COUNT)
        fill(store, "orders", 300)
    return url_of("sqlite", folder, "source")


def start(source: str, target: str, state: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.migration.child", source, target, str(state)],
        cwd=ROOT,
        text=True,
        stderr=subprocess.DEVNULL,
    )


def entries(state: Path) -> list[dict[str, Any]]:
    found = list(state.glob("*/journal.jsonl"))
    return replay(found[0]).entries if found else []


def wait_for(process: subprocess.Popen[str], state: Path, slices: int, event: str) -> None:
    """Wait until the journal holds so many slices, or another event."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        found = [entry["event"] for entry in entries(state)]
        if found.count("slice") >= slices and event in found:
            return
        time.sleep(0.002)


def run_name(state: Path) -> str:
    return next(state.glob("*/plan.json")).parent.name


def resume(source: str, target: str, state: Path, *options: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [
            *(INTERSTORE, "migrate", source, target),
            *("--resume", run_name(state), "--state", str(state), *options),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=state.parent,
    )
    assert done.stdout, done.stderr
    return done.returncode, msgspec.json.decode(done.stdout, type=dict[str, Any])


def check_same(source: str, target: str) -> None:
    with connect(source) as left, connect(target) as right:
        for model in ("users", "orders"):
            assert contents(right, model) == contents(left, model)


@pytest.mark.parametrize(
    ("engine", "slices", "event"),
    [
        ("sqlite", 0, "begun"),
        ("json", 1, "slice"),
        ("sqlite", 7, "slice"),
        ("json", 25, "slice"),
        ("sqlite", 0, "verified"),
    ],
)
def test_a_killed_run_goes_on_and_ends_the_same(
    source: str, engine: str, slices: int, event: str, tmp_path: Path
) -> None:
    state, target = tmp_path / "state", url_of(engine, tmp_path, "target")
    process = start(source, target, state)
    wait_for(process, state, slices, event)
    process.kill()
    process.wait()
    done = sum(entry["event"] == "slice" for entry in entries(state))
    if done and entries(state)[-1]["event"] != "ended":
        again = migrate(source, target, state=state)
        assert again.exit_code == 5
        assert any(note.endswith(f"migrate resume {run_name(state)}") for note in again.notes)
    code, report = resume(source, target, state)
    assert code == 0, report
    check_same(source, target)
    assert report["sessions"] == 2
    assert sum(model["totals"]["read"] for model in report["models"]) == COUNT + 300
    journal = entries(state)
    assert [entry["event"] for entry in journal].count("begun") == 2
    second = [entry["event"] for entry in journal].index("begun", 1)
    assert second > done  # what was in the journal was not done again


def test_killed_again_and_again(source: str, tmp_path: Path) -> None:
    state, target = tmp_path / "state", url_of("sqlite", tmp_path, "target")
    process = start(source, target, state)
    wait_for(process, state, 1, "slice")
    process.kill()
    process.wait()
    command = [INTERSTORE, "migrate", source, target]
    for slices in (3, 6, 12):
        process = subprocess.Popen(
            [*command, "--resume", run_name(state), "--state", str(state)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        wait_for(process, state, slices, "slice")
        process.kill()
        process.wait()
    assert resume(source, target, state)[0] == 0
    check_same(source, target)


def test_a_torn_journal_is_reported_and_a_damaged_one_refused(source: str, tmp_path: Path) -> None:
    state, target = tmp_path / "state", url_of("sqlite", tmp_path, "target")
    stopped = stop_after(source, target, state, 5)
    path = Path(stopped.folder) / "journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    report = migrate(source, target, state=state, resume=stopped.run)
    assert report.ok
    assert any("never finished" in note for note in report.notes)
    check_same(source, target)
    path.write_bytes(whole[:20] + b"#" + whole[21:])
    with pytest.raises(CorruptionError, match="line 1"):
        migrate(source, target, state=state, resume=stopped.run)


def stop_after(source: Any, target: Any, state: Path, documents: int, **options: Any) -> Any:
    stop = Event()

    def listen(progress: Any) -> None:
        if progress.phase == "copy" and progress.done >= documents:
            stop.set()

    report = migrate(
        source, target, state=state, limits=SMALL, progress=listen, stop=stop, **options
    )
    assert (report.status, report.exit_code) == ("stopped", 4)
    return report


def test_an_interrupt_in_the_callers_thread_leaves_a_run_that_can_be_resumed(
    source: str, tmp_path: Path
) -> None:
    state, target = tmp_path / "state", url_of("sqlite", tmp_path, "target")

    def interrupt(progress: Any) -> None:
        if progress.phase == "copy" and progress.done >= 500:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(source, target, state=state, limits=SMALL, progress=interrupt)
    assert migrate(source, target, state=state, resume=run_name(state)).ok
    check_same(source, target)


def test_a_run_is_stopped_between_pages_and_goes_on(source: str, tmp_path: Path) -> None:
    state, target = tmp_path / "state", url_of("json", tmp_path, "target")
    stopped = stop_after(source, target, state, 500)
    assert 500 <= stopped.totals.read < COUNT
    assert stopped.totals.balanced
    with connect(target) as store:
        assert 0 < store.count("users") < COUNT
    report = migrate(source, target, state=state, resume=stopped.run)
    assert (report.status, report.sessions) == ("done", 2)
    check_same(source, target)


def test_other_arguments_are_refused_with_the_difference(
    source: str, tmp_path: Path, make_store: MakeStore
) -> None:
    state, target = tmp_path / "state", url_of("sqlite", tmp_path, "target")
    run = stop_after(source, target, state, 500).run
    other = url_of("sqlite", tmp_path, "other")
    connect(other).close()
    changes: list[tuple[dict[str, Any], str]] = [
        ({"source": other}, r"the source: the run has .*source\.db, the call has .*other\.db"),
        ({"target": other}, "the target: .*target.db.*other.db"),
        ({"models": ["users"]}, "the models: the run has all, the call has users"),
        ({"map": {"users": "people"}}, "the map: .*nothing.*users:people"),
        ({"into": "merge"}, "into: .*empty.*merge"),
        ({"drop_versions": True}, "drop_versions: .*False.*True"),
    ]
    for change, message in changes:
        arguments: dict[str, Any] = {"source": source, "target": target, **change}
        with pytest.raises(ConfigurationError, match=message):
            migrate(**arguments, state=state, resume=run)
    assert migrate(source, target, state=state, resume=run, level="full").ok


def test_what_the_source_lost_between_the_sessions_is_reported(
    tmp_path: Path, make_store: MakeStore
) -> None:
    source, target = make_store("sqlite", "source"), make_store("sqlite", "target")
    fill(source, "users", 2_000)
    stopped = stop_after(source, target, tmp_path / "state", 500)
    source.delete("users", "users-000000")
    source.delete("users", "users-001999")
    report = migrate(source, target, state=tmp_path / "state", resume=stopped.run)
    assert (report.status, report.exit_code) == ("mismatch", 3)
    assert report.verification is not None
    comparison = report.verification.models[0].comparison
    assert comparison is not None
    assert comparison.extra_ids == ["users-000000"]
    assert any("that the source no longer has" in note for note in report.notes)


def test_a_replacing_run_clears_once(tmp_path: Path, make_store: MakeStore) -> None:
    source, target = make_store("sqlite", "source"), make_store("sqlite", "target")
    fill(source, "users", 2_000)
    fill(target, "users", 10, first=5_000)
    state = tmp_path / "state"
    stopped = stop_after(source, target, state, 500, into="replace")
    copied = target.count("users")
    report = migrate(source, target, state=state, resume=stopped.run, into="replace")
    assert report.ok
    assert copied >= 500
    assert [entry["event"] for entry in entries(state)].count("cleared") == 1


def test_a_finished_run_resumed_is_verified_again(make_store: MakeStore, run: Migrate) -> None:
    source, target = make_store("sqlite", "source"), make_store("sqlite", "target")
    fill(source, "users", 100)
    first = run(source, target)
    assert run(source, target, resume=first.run).ok
    target.delete("users", "users-000000")
    assert run(source, target, resume=first.run).exit_code == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_once_the_command_stops_resumable(
    source: str, number: signal.Signals, tmp_path: Path
) -> None:
    state, target = tmp_path / "state", url_of("sqlite", tmp_path, "target")
    first = start(source, target, state)  # in small slices, so that there is time
    wait_for(first, state, 2, "slice")
    first.kill()
    first.wait()
    command = [INTERSTORE, "migrate", source, target]
    process = subprocess.Popen(
        [*command, "--resume", run_name(state), "--state", str(state)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(process, state, 4, "slice")
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 4, err
    assert "stopping after the page in hand" in err
    assert msgspec.json.decode(out)["status"] == "stopped"
    assert entries(state)[-1]["exit_code"] == 4
    assert resume(source, target, state)[0] == 0
    check_same(source, target)


@pytest.fixture
def slow_child(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that heard Ctrl-C and does not get to its end."""
    script = (
        "import time\nfrom interstore.cli.interrupt import stop_on_interrupt\n"
        "with stop_on_interrupt(4) as stop:\n"
        "    print('ready', flush=True)\n    stop.wait()\n"
        "    print('stopping', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.wait()


def test_interrupted_twice_it_stops_now(slow_child: subprocess.Popen[str]) -> None:
    assert slow_child.stdout is not None
    assert slow_child.stdout.readline() == "ready\n"
    slow_child.send_signal(signal.SIGINT)
    assert slow_child.stdout.readline() == "stopping\n"
    slow_child.send_signal(signal.SIGINT)
    out, err = slow_child.communicate(timeout=10)
    assert (slow_child.returncode, out) == (4, "")
    assert err.endswith("stopped now\n")
