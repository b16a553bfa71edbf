"""`interstore migrate pause`, `resume`, `report` and `status`: runs by their names."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from interstore import connect
from interstore.migration import Limits, Transform, migrate
from interstore.migration.journal import replay
from tests.migration.conftest import INTERSTORE, contents, fill, url_of

Done = subprocess.CompletedProcess[str]

COUNT = 3_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("source")
    with connect(url_of("sqlite", folder, "source")) as store:
        fill(store, "users", COUNT)
    return url_of("sqlite", folder, "source")


class Command:
    """`interstore` in a folder of its own, with the runs' folder there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / ".interstore/migrations"

    def __call__(self, *arguments: str, **environment: str) -> Done:
        done = subprocess.run(
            [INTERSTORE, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={**os.environ, **environment},
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [INTERSTORE, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )

    def stopped(self, source: str, target: str, **options: Any) -> str:
        """The name of a run that was stopped after some slices."""
        stop = Event()
        report = migrate(
            source,
            target,
            state=self.state,
            limits=Limits(page=100, bytes=10_000),
            progress=lambda p: stop.set() if p.phase == "copy" and p.done else None,
            stop=stop,
            **options,
        )
        assert report.status == "stopped"
        return report.run


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def read(done: Done) -> dict[str, Any]:
    return msgspec.json.decode(done.stdout, type=dict[str, Any])


def wait_for_slices(command: Command, process: subprocess.Popen[str], number: int) -> str:
    """Until a run has done so many; its name."""
    while process.poll() is None:
        for path in command.state.glob("*/journal.jsonl"):
            entries = replay(path).entries
            if sum(entry["event"] == "slice" for entry in entries) >= number:
                return path.parent.name
    raise AssertionError(process.communicate())


@pytest.mark.parametrize(
    "executor", ["threads:1", pytest.param("processes:2", marks=pytest.mark.long)]
)
def test_a_running_migration_is_paused_and_resumed_by_its_name(
    source: str, executor: str, command: Command, tmp_path: Path
) -> None:
    target = url_of("sqlite", tmp_path, "target")
    slow = ("--max-rate", "40", "--executor", executor, "--level", "count")
    run = command.stopped(source, target, executor=executor, level="count")
    process = command.start("migrate", source, target, "--resume", run, *slow)
    assert wait_for_slices(command, process, 1) == run
    while (status := read(command("migrate", "status", run)))["status"][:7] != "running":
        assert process.poll() is None
    refused = command("migrate", "report", run)
    assert (refused.returncode, "it is running (process" in refused.stderr) == (1, True)
    paused = command("migrate", "pause", run)
    assert (paused.returncode, read(paused)["status"]) == (4, "stopped, can be resumed")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["status"]) == (4, "stopped"), err
    assert status["sessions"] == 2
    again = command("migrate", "pause", run)
    assert (again.returncode, "is not running: it is stopped" in again.stderr) == (1, True)
    done = command("migrate", "resume", run, "--max-rate", "1000000")
    assert (done.returncode, read(done)["status"], read(done)["sessions"]) == (0, "done", 3)
    assert read(done)["verification"]["level"] == "count"
    with connect(source) as left, connect(target) as right:
        assert contents(right, "users") == contents(left, "users")


def test_the_report_of_a_run_as_it_was_shown(source: str, command: Command) -> None:
    done = command("migrate", source, "sqlite:target.db")
    report = read(done)
    shown = command("migrate", "report", report["run"])
    assert (shown.returncode, read(shown)) == (0, report)
    text = command("migrate", "report", report["run"], "--markdown").stdout
    assert text == (command.folder / report["folder"] / "report.md").read_text()
    unknown = command("migrate", "report", "nope")
    assert (unknown.returncode, "there is no run 'nope'" in unknown.stderr) == (1, True)


def test_a_report_that_is_damaged_is_said_to_be(source: str, command: Command) -> None:
    run = read(command("migrate", source, "sqlite:target.db"))["run"]
    (command.state / run / "report.json").write_text("{")
    done = command("migrate", "report", run)
    assert (done.returncode, "report.json is damaged" in done.stderr) == (1, True)


def test_resumed_with_the_plans_own_options(source: str, command: Command, tmp_path: Path) -> None:
    target = url_of("json", tmp_path, "target")
    transform = Transform(drop=["text"], where={"n": {"$lt": 2_500}})
    run = command.stopped(
        source, target, map={"users": "people"}, transform=transform, drop_versions=True
    )
    done = command("migrate", "resume", run)
    assert done.returncode == 0, done.stderr
    totals = read(done)["models"][0]["totals"]
    assert (totals["written"], totals["filtered"]) == (2_500, 500)
    with connect(target) as store:
        assert store.count("people") == 2_500
        assert "text" not in store.get("people", "users-000007")


def test_a_transform_that_was_changed_is_not_resumed(
    source: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = tmp_path / "reshape_for_resume.py"
    module.write_text("def change(model, document):\n    return {**document, 'x': 1}\n")
    target = url_of("sqlite", tmp_path, "target")
    run = command.stopped(source, target, transform=Transform(function="reshape_for_resume:change"))
    before = module.read_text()
    module.write_text(before.replace("1", "2"))
    done = command("migrate", "resume", run)
    assert done.returncode == 1
    assert "cannot be resumed with other arguments: the transform: the run has" in done.stderr
    module.write_text(before)
    assert command("migrate", "resume", run).returncode == 0


def test_a_secret_is_asked_for_again(source: str, command: Command, postgresql_url: str) -> None:
    secret = postgresql_url.replace("@", ":canary@", 1)
    run = command.stopped(source, secret)
    for path in (command.state / run).iterdir():
        assert b"canary" not in path.read_bytes()
    done = command("migrate", "resume", run)
    assert done.returncode == 1
    assert "the plan holds no secrets: name the target" in done.stderr
    assert "--target URL" in done.stderr
    assert "canary" not in done.stderr
    given = secret.replace("canary", "${env:CANARY}")
    assert command("migrate", "resume", run, "--target", given, CANARY="canary").returncode == 0


def test_a_variable_in_a_url_is_resumed_without_a_word(
    source: str, command: Command, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "canary")
    run = command.stopped(source, postgresql_url.replace("@", ":${env:CANARY}@", 1))
    monkeypatch.delenv("CANARY")
    missing = command("migrate", "resume", run)
    assert "variable CANARY is not set" in missing.stderr
    assert command("migrate", "resume", run, CANARY="canary").returncode == 0


def test_a_run_between_open_stores_has_to_be_told_where(
    source: str, command: Command, tmp_path: Path
) -> None:
    target = url_of("sqlite", tmp_path, "target")
    with connect(source) as left, connect(target) as right:
        run = command.stopped(left, right)  # type: ignore[arg-type]
    done = command("migrate", "resume", run)
    assert "the plan was made for an open store: name the source" in done.stderr
    done = command("migrate", "resume", run, "--source", source, "--target", target)
    assert done.returncode == 0, done.stderr


def test_elsewhere_the_same_relative_url_is_another_place(
    source: str, command: Command, tmp_path: Path
) -> None:
    first = command("migrate", source, "sqlite:target.db")
    (tmp_path / "other").mkdir()
    elsewhere = Command(tmp_path / "other")
    state = str(command.state)
    done = elsewhere("migrate", "resume", read(first)["run"], "--state", state)
    assert done.returncode == 1
    assert "the target: the run has" in done.stderr


def test_two_runs_onto_one_target_are_refused_wherever_their_states_are(
    source: str, command: Command, tmp_path: Path
) -> None:
    target = url_of("sqlite", tmp_path, "target")
    options = ("--max-rate", "40", "--into", "merge", "--level", "count")
    process = command.start("migrate", source, target, *options, "--state", "one")
    try:
        while not list(tmp_path.glob("one/*/journal.jsonl")):
            assert process.poll() is None
        other = command("migrate", source, target, *options, "--state", "two")
        assert (other.returncode, read(other)["status"]) == (5, "blocked")
        assert f"under way (process {process.pid})" in read(other)["blockers"][0]["message"]
        assert not (tmp_path / "two").exists()
        linked = tmp_path / "linked.db"
        linked.symlink_to(tmp_path / "target.db")
        again = command("migrate", source, f"sqlite:{linked}", *options, "--state", "two")
        assert again.returncode == 5
    finally:
        process.kill()
        process.communicate()
    assert command("migrate", source, target, "--into", "merge").returncode == 0
