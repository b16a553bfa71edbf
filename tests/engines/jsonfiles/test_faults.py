"""What the operating system refuses: full disks, failed syncs, permissions, locks."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from interstore.errors import (
    ConfigurationError,
    InvalidQueryError,
    OperationTimeoutError,
    UnavailableError,
)
from interstore.filters.tree import ALL
from interstore_backends.jsonfiles import disk
from interstore_backends.jsonfiles import log as log_module
from interstore_backends.jsonfiles import model as model_module
from interstore_backends.jsonfiles.database import JsonFilesDatabase
from tests.engines.jsonfiles.support import child, content, database, finished, write


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    assert "survived" in finished(child("full_disk", tmp_path / "data"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs; the limit on the size of files was tested")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    folder = small_disk / "data"
    store = database(folder, durability="fsync")
    store.create("m", write("d0"))
    (folder / "ballast").write_bytes(bytes(20_000))
    number = 1
    while not (problem := _refused(store, f"d{number}")):
        number += 1
    assert "no space left" in problem
    assert str(folder) in problem
    assert number > 100
    assert len(content(store)) == len(content(database(folder))) == number
    assert not (folder / "m.jsonl").read_bytes().endswith(b"x")
    with pytest.raises(UnavailableError, match="no space left"):
        store.create("other", write("a", text="x" * 5000))
    assert content(store, "other") == {}
    (folder / "ballast").unlink()
    store.create("m", write("again", text="x" * 1000))
    assert len(content(database(folder))) == number + 1


def _refused(store: JsonFilesDatabase, id: str) -> str:
    try:
        store.create("m", write(id, text="x" * 1000))
    except UnavailableError as error:
        return str(error)
    return ""


def test_compaction_on_a_full_disk_keeps_the_file(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(model_module, "_LEAST_GARBAGE", 50_000)
    store = database(small_disk / "data")
    for number in range(80):
        store.create("m", write(f"d{number}", text="x" * 1000))
    for number in range(90):
        store.put("m", write(f"d{number % 80}", text="y" * 1000))
    assert caplog.text.count("could not compact") == 1
    assert len(content(store)) == len(content(database(small_disk / "data"))) == 80
    assert not list((small_disk / "data").glob("*.compact"))


def test_a_failed_sync_is_not_pretended_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = database(tmp_path, durability="fsync")
    store.create("m", write("a"))

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(log_module, "sync", broken)
        with pytest.raises(UnavailableError, match="open it again"):
            store.create("m", write("b"))
    # The next sync would succeed, and prove nothing of what failed before.
    with pytest.raises(UnavailableError, match="earlier write failed"):
        store.create("m", write("c"))
    assert store.find_by_id("m", "a") is not None
    store.disconnect()
    store.connect()
    store.create("m", write("c"))
    assert {"a", "c"} <= content(database(tmp_path)).keys()


def test_permissions(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    database(folder).create("m", write("a"))
    for path in (*tmp_path.parents, tmp_path):
        if path.stat().st_uid == os.getuid() and "pytest" in path.name:
            path.chmod(0o755)
    folder.chmod(0)
    try:
        output = finished(child("no_permission", folder))
    finally:
        folder.chmod(0o700)
    assert output.count("denied") == 3, output
    assert str(folder) in output


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("not a folder")
    with pytest.raises(ConfigurationError, match="not a folder"):
        database(path)


def test_a_lock_that_is_not_given_back(tmp_path: Path) -> None:
    database(tmp_path).create("m", write("a"))
    store = database(tmp_path, timeout=0.2)
    with (tmp_path / "interstore.lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(OperationTimeoutError, match=r"interstore\.lock"):
            store.create("m", write("b"))
        # Readers wait for nobody.
        assert content(store) == content(database(tmp_path, timeout=0.2)) != {}
        fcntl.flock(file, fcntl.LOCK_UN)
    store.create("m", write("b"))


def test_group_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that write at the same time share calls to the disk."""
    store = database(tmp_path, durability="fsync")
    store.create("m", write("first"))
    syncs = 0
    real = disk.sync

    def counted(fd: int) -> None:
        nonlocal syncs
        syncs += 1
        real(fd)

    monkeypatch.setattr(log_module, "sync", counted)
    barrier = threading.Barrier(16)

    def work(name: str) -> None:
        barrier.wait()
        for number in range(10):
            store.create("m", write(f"{name}.{number}"))

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(content(database(tmp_path))) == 161
    assert syncs < 100
    syncs = 0
    store.create_many("m", [write(f"bulk{number}") for number in range(100)])
    assert syncs == 1


def test_no_automatic_creation(tmp_path: Path) -> None:
    database(tmp_path).create("known", write("a"))
    store = database(tmp_path, auto_create=False)
    store.create("known", write("b"))
    with pytest.raises(ConfigurationError, match="exist: known"):
        store.create("unknown", write("a"))
    assert store.models() == ["known"]


def test_names_that_differ_in_case_only(tmp_path: Path) -> None:
    store = database(tmp_path)
    store.create("users", write("a"))
    with pytest.raises(InvalidQueryError, match="case"):
        store.create("Users", write("a"))
    assert store.find_by_id("Users", "a") is None


def test_reading_creates_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    store = database(folder)
    assert store.find_by_id("m", "a") is None
    assert store.models() == []
    assert store.count("m", ALL) == 0
    assert not folder.exists()
    store.create("m", write("a"))
    assert folder.stat().st_mode & 0o777 == 0o700
