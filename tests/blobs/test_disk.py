"""Blobs on a full disk, and beside links that move."""

from __future__ import annotations

import itertools
import os
import resource
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from interstore import InterstoreError, UnavailableError, open_blobs
from tests.servers.disk import small_disk

MEGABYTE = bytes(2**20)


def endless() -> Iterator[bytes]:
    while True:
        yield MEGABYTE


def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8 * 2**20, None) as mounted:
        if not mounted:
            pytest.skip("may not mount; see test_a_file_that_may_not_grow")
        with open_blobs("local:", path=str(tmp_path / "disk/blobs")) as store:
            store.put("old", b"before")
            for key in ("old", "new"):
                with pytest.raises(UnavailableError, match="No space left"):
                    store.put(key, endless())
                with pytest.raises(UnavailableError, match="No space left"):
                    store.put(key, bytes(9 * 2**20))
            assert [entry.key for entry in store.list()] == ["old"]
            assert store.get("old") == b"before"
            assert list((tmp_path / "disk/blobs/.interstore/drafts").iterdir()) == []
            store.put("new", bytes(4 * 2**20))  # the room is free again


LIMITED = textwrap.dedent("""
    import resource, signal, sys
    from interstore import UnavailableError, open_blobs

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open_blobs("local:", path=sys.argv[1]) as store:
        store.put("old", b"before")
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, resource.RLIM_INFINITY))
        for key in ("old", "new"):
            try:
                store.put(key, iter([bytes(2**20)] * 3))
            except UnavailableError as error:
                assert "File too large" in str(error), error
            else:
                raise SystemExit("written")
        assert [entry.key for entry in store.list()] == ["old"]
        assert store.get("old") == b"before"
""")


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], check=True, timeout=60)
    assert list((tmp_path / ".interstore/drafts").iterdir()) == []


def test_no_descriptors_are_left(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open_blobs("local:", path=str(tmp_path)) as store:
        store.put("a/b", b"x")
        files = [os.open(os.devnull, os.O_RDONLY) for _ in range(8)]
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files[-1] + 2, hard))
            with pytest.raises(UnavailableError, match="Too many open files"):
                store.put("a/b", b"y")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for file in files:
                os.close(file)
        assert store.get("a/b") == b"x"
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        for _ in range(20):
            store.put("a/b", b"y")
            store.get("a/b")
            list(store.list())
        if before:
            assert len(os.listdir("/proc/self/fd")) <= before


def test_a_link_that_comes_and_goes_is_never_followed(tmp_path: Path) -> None:
    """A folder of the store is a link out of it every other moment."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    folder = tmp_path / "blobs"
    ended = threading.Event()

    def swap() -> None:
        inner = folder / "inner"
        for number in itertools.count():
            if ended.is_set():
                return
            with suppress(OSError):  # where the store has made the folder anew meanwhile
                kept = inner.rename(folder / f"kept{number}")
                inner.symlink_to(outside)
                inner.unlink()
                kept.rename(inner)

    with open_blobs("local:", path=str(folder), durability="os") as store:
        store.put("inner/own", b"own")
        thread = threading.Thread(target=swap)
        thread.start()
        try:
            for _ in range(400):
                with suppress(InterstoreError):
                    store.put("inner/new", b"1")
                with suppress(InterstoreError):
                    keys = {entry.key for entry in store.list("inner/")}
                    assert keys <= {"inner/own", "inner/new"}
                assert not store.exists("inner/secret")
                with pytest.raises(InterstoreError):
                    store.get("inner/secret")
        finally:
            ended.set()
            thread.join()
    assert [path.name for path in outside.iterdir()] == ["secret"]
