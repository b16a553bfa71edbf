"""The example of a third party's backend, as somebody who installs it meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import interstore
from interstore import discovery
from interstore.errors import CorruptionError, UnavailableError
from tests.databases import installed

EXAMPLE = Path(__file__).parents[2] / "docs/examples/interstore-lmdb"


def test_by_url(tmp_path: Path) -> None:
    with interstore.connect(f"lmdb:///{tmp_path / 'data'}") as store:
        store.create("users", {"id": "ada", "age": 36})
    with interstore.connect(type="lmdb", path=str(tmp_path / "data")) as store:
        assert store.count("users", {"age": {"$gt": 30}}) == 1


def test_by_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_TYPE", "lmdb")
    monkeypatch.setenv("DATABASE_PATH", str(tmp_path / "data"))
    with interstore.connect() as store:
        store.create("users", {"id": "ada"})
        assert store.models() == ["users"]
    assert (tmp_path / "data" / "data.mdb").exists()


def test_it_is_listed() -> None:
    (found,) = [info for info in discovery.listing() if info.name == "lmdb"]
    assert (found.package, found.problem, found.missing) == ("interstore-lmdb", None, ())
    assert found.capabilities is not None
    assert found.capabilities.filter == "core"


def test_without_its_driver(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['lmdb'] = None\n"
        "import interstore\n"
        "try: interstore.connect('lmdb:///data')\n"
        "except interstore.MissingDriverError as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert 'pip install "interstore-lmdb[driver]"' in run.stdout


def test_its_errors(tmp_path: Path) -> None:
    full = installed("lmdb", path=str(tmp_path), map_size=2**20, sync=False)
    with interstore.connect(database=full) as store:
        store.create("users", {"id": "kept"})
        with pytest.raises(UnavailableError, match="LMDB_MAP_SIZE"):
            store.create("users", {"text": "x" * 1_500_000})
        assert store.count("users") == 1
    (tmp_path / "data.mdb").write_bytes(b"not LMDB's" * 1_000)
    with (
        pytest.raises(CorruptionError, match="not LMDB's"),
        interstore.connect(database=installed("lmdb", path=str(tmp_path))),
    ):
        pass


def test_its_own_tests_run() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "test_create",
         EXAMPLE / "tests"],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout
