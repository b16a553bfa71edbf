"""Slices in threads, in processes and on Dask; workers and documents that fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import pytest

from interstore import Store, connect
from interstore.bulk import WriteOutcome
from interstore.errors import ConfigurationError, InvalidDocumentError, UnavailableError
from interstore.migration import Limits, Transform, chain, coordinator, executors
from interstore.migration.ends import open_ends
from interstore.prepared import Write, WriteMode
from interstore_backends.memory.database import MemoryDatabase
from interstore_backends.memory.settings import MemorySettings
from tests.migration.conftest import MakeStore, Migrate, contents, fill, url_of

COUNT = 1_500
SMALL = Limits(page=100, bytes=10_000)


@pytest.fixture
def source(tmp_path: Path) -> str:
    with connect(url_of("sqlite", tmp_path, "source")) as store:
        fill(store, "users", COUNT)
        fill(store, "orders", 200)
    return url_of("sqlite", tmp_path, "source")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "FIRST_PAUSE", 0.01)


def check_same(source: str, target: str, *, without: Sequence[str] = ()) -> None:
    with connect(source) as left, connect(target) as right:
        for model in ("users", "orders"):
            expected = contents(left, model)
            for id in without:
                expected.pop(id, None)
            assert contents(right, model) == expected


def test_in_processes(source: str, run: Migrate, tmp_path: Path) -> None:
    target = url_of("json", tmp_path, "target")
    report = run(source, target, executor="processes:2", limits=SMALL)
    assert (report.status, report.totals.written) == ("done", COUNT + 200)
    check_same(source, target)
    assert not active_children()


def test_in_an_executor_of_the_callers(source: str, run: Migrate, tmp_path: Path) -> None:
    target = url_of("sqlite", tmp_path, "target")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert run(source, target, executor=pool).ok
    check_same(source, target)


@pytest.mark.parametrize("name", ["threads", "threads:0", "processes:65", "fibres:2", "dask:8786"])
def test_an_executor_that_is_not_known(name: str, source: str, run: Migrate) -> None:
    with pytest.raises(ConfigurationError, match="is not known; write threads:N"):
        run(source, "memory:", executor=name)


def test_a_worker_that_is_stopped_is_not_waited_for_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(executors, "GRACE", 0.2)
    with executors.open_workers("processes:1") as workers:
        child = workers.submit(os.getpid).result()
        os.kill(child, signal.SIGSTOP)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_is_killed_or_hangs_is_replaced(
    number: signal.Signals,
    source: str,
    run: Migrate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coordinator, "GRACE", 2.0)
    target = url_of("sqlite", tmp_path, "target")
    struck: list[int] = []

    def strike(progress: Any) -> None:
        if progress.phase == "copy" and progress.done and not struck:
            struck.extend(process.pid for process in active_children() if process.pid)
            os.kill(struck[0], number)

    limits = Limits(page=100, bytes=10_000, seconds=0.5)
    report = run(source, target, executor="processes:2", limits=limits, progress=strike)
    assert report.ok
    assert struck
    check_same(source, target)
    assert not Path(f"/proc/{struck[0]}/cmdline").exists() or not active_children()


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path / "reshape.py"
    sys.modules.pop("reshape", None)


def test_a_document_that_kills_its_worker_is_set_aside(
    run: Migrate, tmp_path: Path, module: Path
) -> None:
    source = url_of("sqlite", tmp_path, "small")
    with connect(source) as store:
        fill(store, "users", 60)
        fill(store, "orders", 60)
    module.write_text(
        "import multiprocessing, os\n"
        "def deadly(model, document):\n"
        "    if document.id == 'users-000037' and multiprocessing.parent_process():\n"
        "        os._exit(9)\n"
        "    return document\n"
    )
    target = url_of("sqlite", tmp_path, "target")
    report = run(
        source,
        target,
        executor="processes:2",
        transform=Transform(function="reshape:deadly"),
        limits=Limits(page=8),
    )
    assert report.status == "quarantine"
    refused = [item for model in report.models for item in model.refused]
    assert [(item.id, item.code) for item in refused] == [("users-000037", "worker-died")]
    check_same(source, target, without=["users-000037"])


class Moody(MemoryDatabase):
    """The memory engine, whose `write_page` fails as a whole."""

    def __init__(self, error: Exception) -> None:
        super().__init__(MemorySettings())
        self.error = error
        self.times = 0
        self.poison: set[str] = set()

    def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        if self.times or self.poison & {write.id for write in writes}:
            self.times = max(0, self.times - 1)
            raise self.error
        return super().write_page(model, writes, mode)


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    made = make_store("memory", "source")
    fill(made, "users", COUNT)
    return made


def test_a_target_that_is_away_for_a_while_is_waited_for(store: Store, run: Migrate) -> None:
    engine = Moody(UnavailableError("away", backend="moody"))
    engine.times = 5
    with connect(database=engine) as target:
        assert run(store, target).ok
        assert contents(target, "users") == contents(store, "users")
        engine.times = 6
        store.create("more", {"id": "a"})
        with pytest.raises(UnavailableError, match="away"):
            run(store, target, models=["more"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidDocumentError("no room"), "invalid-document"),
        (RuntimeError("a defect"), "worker-died"),
    ],
)
def test_poisonous_documents_are_found_and_set_aside(
    error: Exception, code: str, store: Store, run: Migrate
) -> None:
    engine = Moody(error)
    engine.poison = {"users-000000", "users-000777", "users-000778", "users-001499"}
    with connect(database=engine) as target:
        report = run(store, target)
        assert (report.status, report.totals.balanced) == ("quarantine", True)
        refused = {item.id: item.code for item in report.models[0].refused}
        assert refused == dict.fromkeys(engine.poison, code)
        assert target.count("users") == COUNT - 4
        assert report.verification is not None
        assert report.verification.ok


def test_a_secret_is_not_sent_to_workers_elsewhere(postgresql_url: str, tmp_path: Path) -> None:
    secret = postgresql_url.replace("@", ":canary@", 1)
    with (
        pytest.raises(ConfigurationError, match=r"the source's URL .*\$\{env:NAME\}") as caught,
        open_ends(secret, url_of("sqlite", tmp_path, "t"), reach="remote", create=True),
    ):
        pass
    assert "canary" not in str(caught.value)


def test_workers_end_with_the_process_that_began_them(source: str, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from interstore.migration import Limits, migrate\n"
        "if __name__ == '__main__':\n"
        "    migrate(*sys.argv[1:3], state=sys.argv[3], executor='processes:2',\n"
        "            limits=Limits(page=20, bytes=1_000),\n"
        "            progress=lambda p: print(p.phase, p.done, flush=True))\n"
    )
    (tmp_path / "parent.py").write_text(script)
    target, state = url_of("sqlite", tmp_path, "target"), str(tmp_path / "state")
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py"), source, target, state],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    for line in parent.stdout:
        phase, done = line.split()
        if phase == "copy" and int(done):
            break
    children = _children(parent.pid)
    parent.kill()
    parent.wait()
    assert len(children) >= 2
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(map(_alive, children)):
        time.sleep(0.05)
    assert not any(map(_alive, children))
    parent.stdout.close()


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
