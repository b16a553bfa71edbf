"""The journal: what was acknowledged is there, what was not is not, damage is found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from interstore.errors import CorruptionError, UnavailableError
from interstore.migration.journal import Journal, replay

EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("begun", {"pid": 1}),
    ("slice", {"after": 'é"\n', "n": 3}),
    ("slice", {"after": 17}),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        for event, values in EVENTS:
            journal.append(event, **values)
    return path


def test_what_is_appended_is_replayed(path: Path) -> None:
    found = replay(path)
    assert [(entry["event"], entry["seq"]) for entry in found.entries] == [
        ("begun", 0),
        ("slice", 1),
        ("slice", 2),
    ]
    assert [entry.get("after") for entry in found.entries] == [None, 'é"\n', 17]
    assert (found.size, found.torn) == (path.stat().st_size, 0)
    assert path.stat().st_mode & 0o777 == 0o600


def test_cut_at_any_byte_it_holds_the_lines_that_were_finished(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        found = replay(path)
        finished = whole[:length].count(b"\n")
        assert len(found.entries) == finished
        assert found.size + found.torn == length
        assert found.size == whole[:length].rfind(b"\n") + 1


def test_a_torn_line_is_cut_off_before_the_next(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    with Journal(path) as journal:
        assert journal.replayed.torn > 0
        journal.append("slice", after=18)
    found = replay(path)
    assert [entry.get("after") for entry in found.entries] == [None, 'é"\n', 18]
    assert found.torn == 0


def test_any_flipped_bit_of_a_finished_line_is_found(path: Path) -> None:
    whole = path.read_bytes()
    for position in range(len(whole) - 1):
        damaged = bytearray(whole)
        damaged[position] ^= 0x04
        path.write_bytes(damaged)
        with pytest.raises(CorruptionError, match=r"line \d of .*journal\.jsonl") as caught:
            replay(path)
        assert caught.value.file == str(path)


def test_a_lost_or_repeated_line_is_found(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    for wrong in (lines[1:], lines[:1] + lines[2:], [*lines, lines[0]], lines[::-1]):
        path.write_bytes(b"".join(wrong))
        with pytest.raises(CorruptionError, match="has the number"):
            replay(path)


def test_one_process_writes_at_a_time(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from interstore.migration.journal import Journal\n"
        "try: Journal(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    with Journal(path):
        other = subprocess.run(
            [sys.executable, "-c", script, path], capture_output=True, text=True, check=True
        )
        with pytest.raises(UnavailableError):
            Journal(path)
    assert other.stdout.startswith("UnavailableError")
    assert f"process {os.getpid()}" in other.stdout
    with Journal(path) as journal:
        assert len(journal.replayed.entries) == 3


def test_what_cannot_be_written_is_an_error_and_leaves_no_trace(path: Path) -> None:
    journal = Journal(path)
    before = path.read_bytes()
    os.close(journal._file)
    journal._file = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(UnavailableError, match="No space left"):
        journal.append("slice", after=1)
    journal.close()
    assert path.read_bytes() == before
