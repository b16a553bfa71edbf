"""Processes killed at any instant lose nothing that they had acknowledged."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from subprocess import Popen

import pytest

from tests.engines.jsonfiles.support import child, content, database, finished


def test_a_kill_before_each_call_to_the_system(tmp_path: Path) -> None:
    output = finished(child("crash_points", tmp_path))
    assert int(output.split()[1]) > 50


@pytest.mark.parametrize(
    ("writers", "garbage", "durability", "rounds"),
    [
        pytest.param(1, 1 << 20, "os", 2, id="one"),
        pytest.param(1, 1_000, "fsync", 2, id="one, compacting, synced"),
        pytest.param(4, 1 << 20, "os", 2, id="four"),
        pytest.param(4, 3_000, "os", 2, id="four, compacting"),
        pytest.param(4, 3_000, "os", 60, id="long", marks=pytest.mark.long),
    ],
)
@pytest.mark.timeout(1800)
def test_kills(tmp_path: Path, writers: int, garbage: int, durability: str, rounds: int) -> None:
    """Each round kills writers one after the other while the rest go on, then looks."""
    acknowledged: list[str] = []
    for turn in range(rounds):
        names = [f"{turn}-{number}" for number in range(writers)]
        processes = [child("acknowledge", tmp_path, name, garbage, durability) for name in names]
        before = len(acknowledged)
        readers = [_listener(process, acknowledged) for process in processes]
        for process, name in zip(processes, names, strict=True):
            while not any(f" {name}." in line for line in acknowledged[before:]):
                assert process.poll() is None
                time.sleep(0.01)
        for process in random.sample(processes, writers):
            time.sleep(random.uniform(0.01, 0.3))
            process.kill()
        for process, reader in zip(processes, readers, strict=True):
            process.wait()
            reader.join()
        _check(tmp_path, acknowledged, killed=writers * (turn + 1))
    assert len(acknowledged) > rounds * writers


def _listener(process: Popen[str], acknowledged: list[str]) -> threading.Thread:
    def listen() -> None:
        with process.stdout as lines:  # type: ignore[union-attr]
            acknowledged.extend(line.rstrip("\n") for line in lines if line.endswith("\n"))

    thread = threading.Thread(target=listen)
    thread.start()
    return thread


def _check(folder: Path, acknowledged: list[str], killed: int) -> None:
    found = content(database(folder))
    words = [line.split() for line in acknowledged]
    deleted = {mark for word, mark in words if word == "deleted"}
    created = {mark for word, mark in words if word == "created"}
    counted = [mark for word, mark in words if word == "counted"]
    missing = created - deleted - set(found)
    # What was being deleted when the kill came may be gone without having been acknowledged.
    assert len(missing) <= killed
    assert all(f"{mark.split('.')[0]}.{int(mark.split('.')[1]) + 1}" in counted for mark in missing)
    assert not deleted & set(found)
    version, log = found["log"]
    assert log["n"] == len(log["done"]) == len(set(log["done"])) == version - 1
    assert set(counted) <= set(log["done"])
    assert len(log["done"]) - len(counted) <= killed
