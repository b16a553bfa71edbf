"""Memory stays bounded, whatever the size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from interstore import connect
from interstore.prepared import Write
from interstore.times import now
from tests.migration.conftest import url_of

SCRIPT = """
import resource, sys
from pathlib import Path
from interstore.migration import migrate
report = migrate(sys.argv[1], sys.argv[2], state=sys.argv[3])
assert report.ok, report
status = Path("/proc/self/status")
if status.exists():  # ru_maxrss would begin with that of the process that started this one
    [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    print(int(line.split()[1]) * 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def make(url: str, count: int) -> None:
    """Documents of about 250 bytes."""
    moment = now()
    with connect(url) as store:
        for first in range(0, count, 1_000):
            page = [
                Write(
                    f"k{index:07d}",
                    {"n": index, "name": f"number {index}", "text": "x" * 150, "list": [1, 2.5]},
                    version=1,
                    created=moment,
                    updated=moment,
                )
                for index in range(first, first + 1_000)
            ]
            store.database.write_page("users", page, "upsert")


def peak(engine: str, count: int, tmp_path: Path) -> float:
    """The peak memory of a migration to SQLite, in MB."""
    source = url_of(engine, tmp_path, f"source{count}")
    make(source, count)
    target = url_of("sqlite", tmp_path, f"target{engine}{count}")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, source, target, tmp_path / "state"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout) / 1e6


def test_ten_times_the_documents_take_the_same_memory(tmp_path: Path) -> None:
    small, large = peak("sqlite", 5_000, tmp_path), peak("sqlite", 50_000, tmp_path)
    assert large < small + 10
    assert large < 150


@pytest.mark.long
@pytest.mark.parametrize(("engine", "limit"), [("sqlite", 150), ("json", 300)])
def test_235_000_documents(engine: str, limit: float, tmp_path: Path) -> None:
    """The JSON engine holds its documents encoded: about 100 MB of these."""
    assert peak(engine, 235_000, tmp_path) < limit


@pytest.mark.long
def test_two_million_documents_take_what_ten_thousand_take(tmp_path: Path) -> None:
    small, large = peak("sqlite", 10_000, tmp_path), peak("sqlite", 2_000_000, tmp_path)
    print(f"10,000 documents: {small:.0f} MB; 2,000,000: {large:.0f} MB")
    assert large < small + 30
    assert large < 200
