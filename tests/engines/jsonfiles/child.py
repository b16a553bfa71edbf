"""Tasks that need a process of their own: to be killed, limited, or forked."""

from __future__ import annotations

import faulthandler
import os
import re
import resource
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

sys.path.insert(0, str(Path(__file__).parents[3]))

from interstore.errors import (
    DuplicateError,
    PermissionDeniedError,
    UnavailableError,
)
from interstore.names import new_id
from interstore_backends.jsonfiles import commits as commits_module
from interstore_backends.jsonfiles import model as model_module
from tests.engines.jsonfiles.support import (
    changes,
    content,
    database,
    write,
)


def say(*words: Any) -> None:
    print(*words, flush=True)


def acknowledge(folder: str, name: str, garbage: str, durability: str = "os") -> None:
    """Write forever, and say what was acknowledged."""
    model_module._LEAST_GARBAGE = int(garbage)  # type: ignore[misc]
    store = database(folder, durability=durability)
    with suppress(DuplicateError):
        store.create("m", write("log", n=0, done=[]))
    for number in count():
        mark = f"{name}.{number}"
        store.create("m", write(mark, number=number))
        say("created", mark)
        store.update("m", "log", changes({"$inc": {"n": 1}, "$push": {"done": mark}}))
        say("counted", mark)
        if number % 3 == 2:
            store.delete("m", f"{name}.{number - 1}")
            say("deleted", f"{name}.{number - 1}")


def pairs(folder: str, garbage: str, rounds: str) -> None:
    """Change two fields together, many times, in a few documents."""
    model_module._LEAST_GARBAGE = int(garbage)  # type: ignore[misc]
    store = database(folder)
    for number in range(int(rounds)):
        store.put("m", write(f"d{number % 5}", x=number, y=number, pad="-" * 200))
    say("done")


def increments(folder: str, times: str) -> None:
    """Count up one document."""
    store = database(folder)
    for _ in range(int(times)):
        store.update("m", "counter", changes({"$inc": {"n": 1}}))


def forked(folder: str) -> None:
    """Children of a process go on with the database that it had open."""
    store = database(folder)
    store.create("m", write("counter", n=0))
    children = []
    for _ in range(3):
        pid = os.fork()
        if not pid:
            for _ in range(50):
                store.update("m", "counter", changes({"$inc": {"n": 1}}))
            os._exit(0)
        children.append(pid)
    for _ in range(50):
        store.update("m", "counter", changes({"$inc": {"n": 1}}))
    for pid in children:
        assert os.waitpid(pid, 0)[1] == 0
    say(content(store)["counter"])


def transact(folder: str, name: str, garbage: str) -> None:
    """Count up in three models and write into two more, each time in a transaction."""
    model_module._LEAST_GARBAGE = int(garbage)  # type: ignore[misc]
    commits_module._LONG = int(garbage)  # type: ignore[misc]
    store = database(folder)
    for number in count():
        with store.transaction("snapshot") as tx:
            for model in ("c", "b", "a"):
                tx.update(model, "n", changes({"$inc": {"number": 1}}))
            for each in range(3):
                tx.put("pairs", write(f"p{each}", number=f"{name}.{number}"))
            tx.create("log", write(f"{name}.{number}"))
        if number % 5 == 0:
            store.put("pairs", write("beside", number=None, pad="x" * 100))


def full_disk(folder: str) -> None:
    """Run into a limit on the size of files, one write at a time and in bulk."""
    import pytest

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = database(folder)
    store.create("m", write("first", text="x" * 100))
    path = Path(folder) / "m.jsonl"
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

    def limited(room: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, hard))

    def unlimited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    for room in (0, 1, 50, 150):
        limited(room)
        before, text = content(store), path.read_bytes()
        with pytest.raises(UnavailableError, match=re.escape(folder)):
            store.create("m", write("refused", text="y" * 100))
        assert path.read_bytes() == text
        assert content(store) == before == content(database(folder))
        unlimited()
    limited(1_000)
    outcomes = store.create_many("m", [write(f"b{n}", text="z" * 100) for n in range(20)])
    unlimited()
    created = [f"b{n}" for n, outcome in enumerate(outcomes) if outcome == 1]
    assert 0 < len(created) < 20, outcomes
    assert all(isinstance(each, UnavailableError) for each in outcomes[len(created) :])
    assert set(content(store)) == {"first", *created}
    store.create("m", write("after"))
    assert content(database(folder)) == content(store)
    say("survived")


def no_permission(folder: str) -> None:
    """Without rights, every call says so."""
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    for task in (
        lambda: database(folder).models(),
        lambda: database(folder).find_by_id("m", "a"),
        lambda: database(folder).create("m", write("b")),
    ):
        try:
            task()
        except PermissionDeniedError as error:
            say("denied", error)
        else:
            say("allowed")


def scenario(folder: str, done: Callable[[str], None]) -> None:
    """A little of everything, for a crash at each of its steps."""
    model_module._LEAST_GARBAGE = 300  # type: ignore[misc]
    store = database(folder, durability="fsync")
    for number in range(3):
        store.create("m", write(f"d{number}", n=number))
        done(f"d{number}")
    for number in range(6):
        store.update("m", "d0", changes({"$set": {"n": 10 + number, "pad": "x" * 100}}))
        done(f"n{number}")
    store.delete("m", "d1")
    done("deleted")
    store.create_many("m", [write(f"e{number}") for number in range(3)])
    done("many")
    store.create("other", write("o"))
    store.drop("other")
    done("dropped")


STEPS = ("open", "write", "rename", "ftruncate", "fdatasync", "fsync", "unlink", "link")


def crash_points(_: str) -> None:
    """Kill the scenario before each of its calls to the system, and look at what is there."""
    kill_at_each_step(scenario, check_scenario)


def crash_points_of_transactions(_: str) -> None:
    """Likewise, of transactions."""
    kill_at_each_step(transactions, check_transactions)


Scenario: TypeAlias = Callable[[str, Callable[[str], None]], None]


def kill_at_each_step(task: Scenario, check: Callable[[str, set[str], int], None]) -> None:
    for crash in count(1):
        with tempfile.TemporaryDirectory() as folder:
            journal = os.path.join(folder, "journal")
            data = os.path.join(folder, "data")
            pid = os.fork()
            if not pid:
                run_until(crash, task, data, journal)
            status = os.waitpid(pid, 0)[1]
            acknowledged = set(Path(journal).read_text().split())
            check(data, acknowledged, crash)
            if status == 0:
                say("points", crash - 1)
                return


def run_until(crash: int, task: Scenario, folder: str, journal: str) -> None:
    fd = os.open(journal, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    real = os.write

    def done(word: str) -> None:
        real(fd, word.encode() + b"\n")

    kill_before(crash)
    task(folder, done)
    os._exit(0)


def kill_before(crash: int) -> None:
    calls = count(1)

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if next(calls) == crash:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return call

    for name in STEPS:
        setattr(os, name, dying(getattr(os, name)))


def check_scenario(folder: str, acknowledged: set[str], crash: int) -> None:
    store = database(folder)
    found = content(store)
    where = f"crash {crash}, acknowledged {sorted(acknowledged)}, found {found}"
    for number in range(3):
        if f"d{number}" in acknowledged and not (number == 1 and "n5" in acknowledged):
            assert f"d{number}" in found, where
    updates = max((int(word[1:]) + 1 for word in acknowledged if word[0] == "n"), default=0)
    if updates:
        version, fields = found["d0"]
        assert updates <= version - 1 <= updates + 1, where
        assert fields["n"] == 8 + version, where
    if "deleted" in acknowledged:
        assert "d1" not in found, where
    if "many" in acknowledged:
        assert {"e0", "e1", "e2"} <= set(found), where
    if "dropped" in acknowledged:
        assert store.models() == ["m"], where
    # Whatever was left, the folder goes on working, and says the same when opened again.
    for model in ("m", "other"):
        store.create(model, write(new_id()))
        assert content(database(folder), model) == content(store, model), where
    left = {name for name in os.listdir(folder) if not name.endswith((".jsonl", ".torn"))}
    assert left == {"interstore.json", "interstore.lock"}, (left, where)


def transactions(folder: str, done: Callable[[str], None]) -> None:
    """Transactions over three models, with all that happens to the log."""
    model_module._LEAST_GARBAGE = 300  # type: ignore[misc]
    commits_module._LONG = 1_200  # type: ignore[misc]
    store = database(folder, durability="fsync")
    for number in range(3):
        with store.transaction("snapshot") as tx:
            for model in ("a", "b"):
                tx.put(model, write("n", number=number, pad="x" * 60))
                tx.put(model, write("m", number=number))
            tx.create("c", write(str(number)))
        done(str(number))
        store.put("b", write("other"))
    store.disconnect()
    done("closed")


def check_transactions(folder: str, acknowledged: set[str], crash: int) -> None:
    store = database(folder)
    found = {model: content(store, model) for model in ("a", "b", "c")}
    where = f"crash {crash}, acknowledged {sorted(acknowledged)}, found {found}"
    found["b"].pop("other", None)
    done = len(found["c"])
    last = done - 1
    states = [fields["number"] for model in ("a", "b") for _, fields in found[model].values()]
    assert states == ([last] * 4 if done else []), where
    assert len(acknowledged - {"closed"}) <= done <= len(acknowledged) + 1, where
    with store.transaction("snapshot") as tx:
        for model in ("a", "b"):
            tx.put(model, write("n", number=100))
        tx.create("c", write(new_id()))
    other = database(folder)
    for model in ("a", "b", "c"):
        assert content(store, model) == content(other, model), where
        assert model == "c" or content(other, model)["n"][1]["number"] == 100, where
    store.disconnect()
    assert not os.path.getsize(os.path.join(folder, "interstore.transactions")), where


if __name__ == "__main__":
    faulthandler.dump_traceback_later(100, exit=True)  # rather than hang
    tasks: dict[str, Callable[..., None]] = {
        task.__name__: task
        for task in (
            acknowledge,
            crash_points,
            crash_points_of_transactions,
            forked,
            full_disk,
            increments,
            no_permission,
            pairs,
            transact,
        )
    }
    tasks[sys.argv[1]](*sys.argv[2:])
