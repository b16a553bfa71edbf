"""The kit as a filesystem of a third party adopts it, by the module that the guide quotes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs/examples/filesystem-kit/test_memfs.py"


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"]
    done = subprocess.run(
        [*command, str(EXAMPLE), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_found_and_passes() -> None:
    assert "4 passed" in run("-k", "test_sources and iterator or test_pages or test_writing")


@pytest.mark.long
def test_all_of_it_passes() -> None:
    assert "passed" in run()
