"""Moves without downtime whose processes are killed between any two steps, or stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interstore import Store, connect, verify
from interstore.dual._sync import settling
from interstore.dual._sync.ledger import Ledger
from interstore.migration import catch_up, cutover, finish, migrate, rollback
from interstore.migration.runs import load_run
from interstore_plugins.dual_write._sync.carrier import Carrier
from interstore_plugins.dual_write._sync.wrapper import DualWriting
from tests.forking import in_a_fork
from tests.migration.conftest import contents, fill, url_of
from tests.migration.writing import plugins

pytestmark = pytest.mark.usefixtures("short_margin")

ROOT = Path(__file__).parents[2]
LEASE = 0.3
# After one step is, for what can be seen, before the next.
when = pytest.mark.parametrize(
    "before", [True, pytest.param(False, marks=pytest.mark.long)], ids=["before", "after"]
)
PAIRS = [("json", "sqlite"), pytest.param("sqlite", "json", marks=pytest.mark.long)]

WRITES: dict[str, Callable[[Store], object]] = {
    "update": lambda store: store.update("users", "users-000001", {"$inc": {"n": 1}}),
    "delete": lambda store: store.delete("users", "users-000002"),
    "create": lambda store: store.create("users", {"n": 1}),
    "bulk": lambda store: store.update_many("users", {"n": {"$lt": 9}}, {"$inc": {"n": 1}}),
    "transaction": lambda store: store.run_in_transaction(
        lambda tx: (tx.put("users", {"id": "one"}), tx.delete("users", "users-000003"))
    ),
}

MOMENTS: dict[str, list[tuple[Any, str]]] = {
    # Of a transaction, it is part of that.
    "the intent is recorded": [(Ledger, "record"), (DualWriting, "_intents")],
    "it is brought over": [(Carrier, "bring")],
    "the other store is written": [(settling, "_write")],
    "the primary is read again": [(settling, "_read")],
    "the intent is forgotten": [(Ledger, "forget")],
}


class Move:
    """A move that has been begun."""

    def __init__(self, folder: Path, source: str, target: str) -> None:
        self.source, self.target = source, target
        self.state = folder / "state"
        with connect(self.source) as store:
            fill(store, "users", 20)
        report = migrate(self.source, self.target, live=True, state=self.state)
        assert report.status == "done", report
        self.run = report.run

    def application(self) -> Store:
        return connect(self.source, plugins=plugins(self.target, LEASE))

    def do(self, step: Callable[..., Any]) -> None:
        report = step(self.run, state=self.state)
        assert report.status == "done", report

    def equal(self) -> bool:
        return verify(self.source, self.target).ok


def embedded(folder: Path, source: str, target: str) -> Move:
    return Move(folder, url_of(source, folder, "source"), url_of(target, folder, "target"))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(place: Any, name: str, *, before: bool, call: int = 1) -> None:
    """Have this process die at the given call of a function, before it or after it."""
    function, calls = getattr(place, name), 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if before and calls == call:
            die()
        result = function(*args, **kwargs)
        if calls == call:
            die()
        return result

    setattr(place, name, dying)


@when
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_an_application_that_is_killed(
    source: str, target: str, moment: str, before: bool, tmp_path: Path
) -> None:
    """Between any two steps of a write, of every kind; before the cut-over and after it."""
    made = embedded(tmp_path, source, target)
    for step in (cutover, rollback):
        for write in WRITES.values():

            def work(write: Callable[[Store], object] = write) -> None:
                with made.application() as store:
                    for place, name in MOMENTS[moment]:
                        kill_at(place, name, before=before)
                    write(store)
                    time.sleep(5)  # the intent is forgotten in the background

            assert in_a_fork(work) == -signal.SIGKILL
        made.do(catch_up)
        assert made.equal()
        made.do(step)


COORDINATOR: list[tuple[Any, str, int]] = [
    *((Ledger, "change_control", call) for call in (1, 2)),
    (Ledger, "point", 1),
]


PHASES = ["cut over", "rolled back", "cut over", "finished"]


@when
@pytest.mark.parametrize("moment", [*COORDINATOR, (Ledger, "clear", 1), (Ledger, "clear", 2)])
def test_a_step_that_is_killed(
    moment: tuple[Any, str, int], before: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two of its steps; it is done again, while the application goes on."""
    made = embedded(tmp_path, "json", "sqlite")
    shorten_hold(made)
    with made.application() as application:
        for number, step in enumerate((cutover, rollback, cutover, finish)):
            killed = in_a_fork(partial(kill_in, made, step, moment, before))
            assert killed in (0, -signal.SIGKILL)
            if killed:
                assert load_run(made.state, made.run).status.startswith("killed in ")
            application.put("users", {"id": f"after-{number}"})
            made.do(step)
            assert load_run(made.state, made.run).phase == PHASES[number]
            application.put("users", {"id": f"again-{number}"})
            assert step is finish or made.equal()
        everything = contents(application, "users")
    with connect(made.target) as store:
        assert contents(store, "users") == everything
        assert {f"after-{n}" for n in range(4)} | {f"again-{n}" for n in range(4)} <= set(
            everything
        )


def kill_in(
    made: Move, step: Callable[..., Any], moment: tuple[Any, str, int], before: bool
) -> None:
    place, name, call = moment
    kill_at(place, name, before=before, call=call)
    made.do(step)


def shorten_hold(made: Move) -> None:
    """Writes wait for a second at most for who was killed."""
    with connect(made.source) as source, connect(made.target) as target:
        for store in (source, target):
            ledger = Ledger(store.database)
            control, version = ledger.control()
            assert control is not None
            assert ledger.change_control(msgspec.structs.replace(control, hold=1.0), version)


def test_processes_that_are_killed_and_stopped_while_others_go_on(
    tmp_path: Path, postgresql_url: str, mongodb_url: str
) -> None:
    """One is killed, one is stopped across the cut-over and goes on; what they wrote is in both.

    (Whoever is stopped while it has the lock of a file keeps everybody from writing to it.)
    """
    made = Move(tmp_path, postgresql_url, mongodb_url)
    killed, stopped = start(made, "killed"), start(made, "stopped")
    try:
        await_writing(made, "killed", "stopped")
        killed.kill()
        os.kill(stopped.pid, signal.SIGSTOP)
        made.do(cutover)
        assert made.equal()
        os.kill(stopped.pid, signal.SIGCONT)
        await_writing(made, "stopped", since=True)
        assert stopped.stdin is not None
        out, _ = stopped.communicate(timeout=60)
        report = msgspec.json.decode(out)
        # Stopped in the middle of a write, it is told that nobody knows what became of it; it
        # looks, finds it done or not done, and from then on nothing else.
        assert [each for each in report["failures"] if "OperationTimeoutError" not in each] == []
        with connect(made.target) as store:
            assert found_by_id(store, report["expected"]) == report["expected"]
        made.do(catch_up)
        assert made.equal()
        made.do(finish)
    finally:
        for process in (killed, stopped):
            process.kill()
            process.communicate()


HOLDING = """
import os, signal, sys
from interstore import connect
from tests.migration.writing import plugins

source, target, lease = sys.argv[1:]
with connect(source, plugins=plugins(target, float(lease))) as store:
    with store.transaction() as tx:
        tx.put("users", {"id": "held"})
        os.kill(os.getpid(), signal.SIGSTOP)
    store.put("users", {"id": "after"})
"""


@pytest.mark.parametrize(("source", "target"), [("json", "sqlite"), ("sqlite", "json")])
def test_a_process_that_is_stopped_while_it_has_the_lock_of_a_file(
    source: str, target: str, tmp_path: Path
) -> None:
    """The cut-over is given up after its timeout, and nothing is lost; then it is repeated."""
    made = embedded(tmp_path, source, target)
    holding = subprocess.Popen(
        [sys.executable, "-c", HOLDING, made.source, made.target, str(LEASE)],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        os.waitid(os.P_PID, holding.pid, os.WSTOPPED | os.WNOWAIT)
        report = cutover(made.run, state=made.state, source=f"{made.source}?timeout=0.5")
        assert (report.status, report.exit_code) == ("stopped", 4)
        assert report.error is not None
        assert "OperationTimeoutError" in report.error
        assert report.primary.startswith(source)
        with connect(made.source) as store:  # which can be read
            assert store.find_by_id("users", "held") is None
            assert store.count("users") == 20
        os.kill(holding.pid, signal.SIGCONT)
        _, said = holding.communicate(timeout=60)
        assert holding.returncode == 0, said
        made.do(cutover)
        assert made.equal()
        with connect(made.target) as store:
            assert store.exists("users", {"id": "held"})
            assert store.exists("users", {"id": "after"})
        made.do(finish)
    finally:
        holding.kill()
        holding.communicate()


LATE = """
import os, signal, sys
from contextlib import contextmanager
from interstore import OperationTimeoutError, connect
from tests.migration.writing import plugins
from tests.patience import eventually

source, target, lease, work, end = sys.argv[1:]

def stop_before(call):
    os.kill(os.getpid(), signal.SIGSTOP)
    call()
    if end == "fails":
        raise OperationTimeoutError("there is no time left to wait for an answer")

def put(model, write, **options):
    if model != "users":
        return late_put(model, write, **options)
    stop_before(lambda: late_put(model, write, **options))

@contextmanager
def transaction(isolation):
    inner = begin(isolation)
    yield inner.__enter__()
    stop_before(lambda: inner.__exit__(None, None, None))

def check_arrived():
    assert not store.metrics()["dual-write"]["waiting"]

with connect(source, plugins=plugins(target, float(lease))) as store:
    primary = store.database.database._member.stand.primary
    late_put, begin = primary.put, primary.transaction
    primary.put, primary.transaction = put, transaction
    try:
        if work == "write":
            store.put("users", {"id": "late"})
        else:
            with store.transaction() as tx:
                tx.put("users", {"id": "late"})
                tx.put("others", {"id": "late"})
    except OperationTimeoutError:
        store.put("others", {"id": "after"})
    eventually(check_arrived)
"""


@pytest.mark.parametrize(
    ("work", "end"), [("write", "fails"), ("transaction", "fails"), ("transaction", "succeeds")]
)
def test_a_process_that_writes_after_the_cut_over(
    work: str, end: str, tmp_path: Path, postgresql_url: str, mongodb_url: str
) -> None:
    """It was stopped when it was about to; the store that is read decides, in all models.

    Whether it ever hears what became of its write, or had waited for too long when it woke up.
    """
    made = Move(tmp_path, postgresql_url, mongodb_url)
    arguments = [made.source, made.target, str(LEASE), work, end]
    late = subprocess.Popen(
        [sys.executable, "-c", LATE, *arguments], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        os.waitid(os.P_PID, late.pid, os.WSTOPPED | os.WNOWAIT)
        made.do(cutover)
        os.kill(late.pid, signal.SIGCONT)
        _, said = late.communicate(timeout=60)
        assert late.returncode == 0, said
        made.do(catch_up)
        assert made.equal()
        with connect(made.source) as store:
            assert not store.exists("users", {"id": "late"})
            assert [document.id for document in store.find("others")] == ["after"]
        made.do(finish)
    finally:
        late.kill()
        late.communicate()


def start(made: Move, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.migration.writing", made.source, made.target, name]
    return subprocess.Popen(
        [*command, "2", "sync", str(LEASE)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def await_writing(made: Move, *names: str, since: bool = False) -> None:
    """Until each of them has written, or has written again."""
    deadline = time.monotonic() + 60
    with connect(made.target if since else made.source) as store:
        last = {name: newest(store, name) for name in names} if since else dict.fromkeys(names, 0)
        while any(newest(store, name) <= last[name] for name in names):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def found_by_id(store: Store, ids: Iterable[str]) -> dict[str, Any]:
    found = {id: store.find_by_id("items", id) for id in ids}
    return {id: None if each is None else dict(each) for id, each in found.items()}


def newest(store: Store, name: str) -> int:
    found = store.find_one("items", {"by": f"{name}0"}, sort="-@updated_at")
    return 0 if found is None else int(found.updated_at.timestamp() * 1e6)
