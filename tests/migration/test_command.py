"""`interstore migrate` and `interstore verify`, as real processes."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interstore import connect
from interstore.cli.moving import open_progress
from interstore.migration import Progress
from tests.migration.conftest import INTERSTORE, contents, fill, url_of

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def urls(tmp_path: Path) -> tuple[str, str]:
    """A JSON store with documents, and the URL of a SQLite database that does not exist yet."""
    with connect(url_of("json", tmp_path, "source")) as store:
        fill(store, "users", 250)
        fill(store, "orders", 10)
    return "json:source", "sqlite:target.db"


@pytest.fixture
def command(tmp_path: Path) -> Any:
    def call(*arguments: str, **environment: str) -> Done:
        return subprocess.run(
            [INTERSTORE, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, **environment},
        )

    return call


def read(done: Done) -> dict[str, Any]:
    assert "Traceback" not in done.stderr
    return msgspec.json.decode(done.stdout, type=dict[str, Any])


def test_migrate_then_verify_then_a_difference(
    urls: tuple[str, str], command: Any, tmp_path: Path
) -> None:
    done = command("migrate", *urls)
    report = read(done)
    assert (done.returncode, report["status"]) == (0, "done")
    assert report["setting"] == "DATABASE_URL=sqlite:///target.db"
    with (
        connect(url_of("json", tmp_path, "source")) as source,
        connect(url_of("sqlite", tmp_path, "target")) as target,
    ):
        assert contents(target, "users") == contents(source, "users")
        done = command("verify", *urls)
        assert (done.returncode, read(done)["ok"]) == (0, True)
        target.update("users", "users-000003", {"n": "tampered"})
    done = command("verify", *urls, "--level", "full")
    assert done.returncode == 3
    users = next(model for model in read(done)["models"] if model["source"] == "users")
    assert users["comparison"]["different_ids"] == ["users-000003"]
    assert command("verify", *urls, "--models", "orders").returncode == 0


def test_a_mistyped_store_is_not_an_empty_one(
    urls: tuple[str, str], command: Any, tmp_path: Path
) -> None:
    assert command("migrate", *urls).returncode == 0
    for mistyped in ("sqlite:targt.db", "json:sauce"):
        for arguments in (("verify", urls[0], mistyped), ("verify", mistyped, urls[0])):
            done = command(*arguments)
            assert done.returncode == 1
            assert "(auto_create is off): mend" in done.stderr
        assert command("migrate", mistyped, "sqlite:third.db").returncode == 1
        assert not (tmp_path / mistyped.partition(":")[2]).exists()


def test_the_plan_and_the_refusal(urls: tuple[str, str], command: Any, tmp_path: Path) -> None:
    done = command("migrate", *urls, "--plan")
    assert (done.returncode, read(done)["status"]) == (0, "planned")
    assert not (tmp_path / ".interstore").exists()
    assert command("migrate", *urls).returncode == 0
    done = command("migrate", *urls)
    assert (done.returncode, read(done)["status"]) == (5, "blocked")
    done = command("migrate", *urls, "--plan")
    assert done.returncode == 5
    assert command("migrate", *urls, "--into", "merge").returncode == 0
    assert command("migrate", *urls, "--into", "replace").returncode == 0


def test_models_map_and_versions(urls: tuple[str, str], command: Any, tmp_path: Path) -> None:
    options = ("--models", "users,orders", "--map", "users:people", "--drop-versions")
    assert command("migrate", *urls, *options).returncode == 0
    with connect(url_of("sqlite", tmp_path, "target")) as target:
        assert target.models() == ["orders", "people"]
        assert {item[1] for item in contents(target, "people").values()} == {1}
    one = ("--models", "users", "--map", "users:people")
    assert command("verify", *urls, *one).returncode == 3
    assert command("verify", *urls, *one, "--ignore-versions").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing argument 'SRC'"),
        (("json:source",), "Missing argument 'DST'"),
        (("json:source",), "Try 'interstore migrate --help'"),
        (("json:source", "files:out.jsonl"), "`interstore export` writes a model to a file"),
        (("json:source", "out.csv"), "`interstore export` writes a model to a file"),
        (("json:source", "sqlit:x"), "sqlite"),
        (("json:source", "sqlite:t.db", "--resume", "nope"), "no run 'nope'"),
        (("json:source", "sqlite:t.db", "--models", "user"), "no model 'user'"),
        (("json:source", "sqlite:t.db", "--map", "users"), "write OLD:NEW"),
        (("json:source", "sqlite:t.db", "--executor", "dusk"), "threads:N"),
        (("json:source", "sqlite:t.db", "--level", "some"), "some"),
        (("json:source", "json:./source"), "the same place"),
        (("json:source", "sqlite:${env:NOT_SET}"), "NOT_SET is not set"),
        (("status", "nope"), "no run 'nope'"),
    ],
)
def test_wrong_usage_is_exit_code_1(
    urls: tuple[str, str], command: Any, arguments: tuple[str, ...], message: str
) -> None:
    done = command("migrate", *arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_url_may_name_variables(urls: tuple[str, str], command: Any, tmp_path: Path) -> None:
    done = command("migrate", urls[0], "sqlite:${env:PLACE}.db", PLACE="there")
    assert done.returncode == 0
    assert read(done)["target"]["url"] == "sqlite:///${env:PLACE}.db"
    assert (tmp_path / "there.db").exists()


def test_the_status_of_runs(urls: tuple[str, str], command: Any, tmp_path: Path) -> None:
    run = read(command("migrate", *urls))["run"]
    done = command("migrate", "status")
    assert (read(done)["run"], read(done)["status"]) == (run, "done")
    done = command("migrate", "status", run)
    assert done.returncode == 0
    assert [(model["model"], model["read"]) for model in read(done)["models"]] == [
        ("orders", 10),
        ("users", 250),
    ]
    journal = tmp_path / ".interstore" / "migrations" / run / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:2]))
    done = command("migrate", "status", run)
    assert (done.returncode, read(done)["status"]) == (4, "killed, can be resumed")


def on_terminal(folder: Path, *arguments: str) -> str:
    """What a terminal of 80 columns shows of a command, which succeeds."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [INTERSTORE, *arguments],
        stdout=follower,
        stderr=follower,
        cwd=folder,
        env={**os.environ, "COLUMNS": "80"},
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65_536)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    assert process.wait() == 0
    return shown.decode()


def test_the_name_of_a_run_can_be_copied(
    urls: tuple[str, str], command: Any, tmp_path: Path
) -> None:
    run = read(command("migrate", *urls))["run"]
    assert run in on_terminal(tmp_path, "migrate", "status")


def test_on_a_terminal_it_is_for_people(urls: tuple[str, str], tmp_path: Path) -> None:
    text = on_terminal(tmp_path, "migrate", *urls)
    for words in (
        "json:///source to sqlite:///target.db: done",
        "copying",
        "verifying",
        "documents a second",
        "id, fields, version and times): equal",
        "to use it, set DATABASE_URL=sqlite:///target.db",
    ):
        assert words in text


def test_help_names_the_exit_codes(command: Any) -> None:
    text = command("migrate", "--help").stdout
    assert text.startswith("Usage: interstore migrate [OPTIONS] SRC DST")
    assert "4 stopped, can be resumed" in text


def test_a_slice_is_run_by_the_worker(urls: tuple[str, str], tmp_path: Path) -> None:
    order: dict[str, Any] = {
        "kind": "copy",
        "source": "json:source",
        "model": "users",
        "target": "sqlite:${env:PLACE}",
        "into": "people",
        "limits": {"page": 50, "bytes": 1},
    }

    def work(order: dict[str, Any], **environment: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "interstore.migration.worker"],
            input=msgspec.json.encode(order),
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, **environment},
        )
        assert done.stderr == b""
        return done.returncode, msgspec.json.decode(done.stdout, type=dict[str, Any])

    code, result = work(order, PLACE="target.db")
    assert (code, result["read"], result["written"]) == (0, 20, 20)
    assert not result.get("done")
    order |= {"after": result["after"], "limits": {}}
    code, result = work(order, PLACE="target.db")
    assert (code, result["read"], result["done"]) == (0, 230, True)
    code, result = work(order)
    assert (code, result["error"]["message"]) == (1, "the environment variable PLACE is not set")
    code, result = work({"kind": "dance"})
    assert (code, result["error"]["code"]) == (1, "ValidationError")


def test_without_a_terminal_progress_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr("interstore.cli.moving.time.monotonic", lambda: clock[0])
    with open_progress() as show:
        for second in range(26):
            clock[0] = float(second)
            show(Progress("copy", second * 100, 10_000, second, 100.0))
    lines = [msgspec.json.decode(line) for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        {"phase": "copy", "done": 1000, "total": 10000, "rate": 100, "eta_seconds": 90},
        {"phase": "copy", "done": 2000, "total": 10000, "rate": 100, "eta_seconds": 80},
    ]
