"""The demo, as a user runs it, and every command that it proposes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from interstore import connect, open_blobs
from tests.migration.conftest import INTERSTORE

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "UV"} | {
    "PATH": f"{Path(INTERSTORE).parent}{os.pathsep}{os.environ['PATH']}"
}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [INTERSTORE, "demo", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=ENVIRONMENT,
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("a folder with spaces")
    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder, done.stdout


def test_it_does_what_it_says(shown: tuple[Path, str]) -> None:
    folder, text = shown
    for words in (
        "ConflictError: airport 'LSZH' has version 2, not 1",
        "read again and repeated: version 3, runways 3, hub True",
        "the same ones in the same order",
        "equal to their digest; the check finds nothing wrong",
    ):
        assert words in text
    with connect(type="sqlite", path=str(folder / "interstore-demo" / "airports.db")) as store:
        assert store.count("airport") > 28_000
        airport = store.get("airport", "LSZH")
        assert airport.version == 5
        with open_blobs("local:", path=str(folder / "interstore-demo" / "files")) as blobs:
            drawn = blobs.get(airport["map"]["key"])
    assert airport["map"]["key"].endswith(".svg")
    assert drawn.count(b"h0") > 28_000
    assert ET.fromstring(drawn).tag.endswith("svg")
    digests = [line.split()[-1] for line in text.splitlines() if "documents, digest" in line]
    assert len(digests) == 2
    assert digests[0] == digests[1]


def test_every_command_that_it_proposes_works(shown: tuple[Path, str]) -> None:
    folder, text = shown
    lines = text.partition("What to try next\n")[2].splitlines()
    commands = [line.strip() for line in lines if line.startswith("  ")]
    assert len(commands) == 8
    for command in commands:
        done = subprocess.run(
            command,
            shell=True,
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env=ENVIRONMENT,
        )
        assert done.returncode == 0, (command, done.stderr)
        assert done.stdout or done.stderr.endswith("nothing is wrong\n"), command


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "interstore-demo").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    refused = run(tmp_path, "--directory", "mine")
    assert refused.returncode == 1
    assert "mine exists already and is not empty" in refused.stderr
    done = run(tmp_path)
    assert done.returncode == 0
    assert list((tmp_path / "interstore-demo").iterdir()) == []
    assert (tmp_path / "interstore-demo-2" / "airports.db").exists()


def test_without_its_data_it_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['airportsdata'] = None\n"
        "from interstore.cli import main; main(['demo'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    assert 'pip install "interstore[demo]"' in done.stderr
    assert list(tmp_path.iterdir()) == []
