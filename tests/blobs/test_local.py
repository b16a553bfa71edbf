"""Blobs in a folder: files of others, links, damage, and what dead writers left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import interstore
from interstore import BlobStore, ConfigurationError, CorruptionError, NotFoundError
from interstore.errors import PermissionDeniedError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def opened(folder: Path) -> BlobStore:
    return interstore.open_blobs(backend="local", path=str(folder), durability="os")


def keys(store: BlobStore) -> list[str]:
    return [entry.key for entry in store.list()]


def beside(folder: Path, name: str) -> list[str]:
    """The files of a part of what stands beside the blobs."""
    return [each.name for each in (folder / ".interstore" / name).rglob("*") if each.is_file()]


def test_files_have_the_names_of_their_keys(folder: Path) -> None:
    with opened(folder) as store:
        store.put("reports/2026/Q1.pdf", b"%PDF-1.7")
        store.put("reports", b"a blob beside a folder")
        store.put("50%?.txt", b"escaped")
    assert (folder / "reports/2026/Q1.pdf").read_bytes() == b"%PDF-1.7"
    assert (folder / "reports%").read_bytes() == b"a blob beside a folder"
    assert (folder / "50%25%3F.txt").read_bytes() == b"escaped"


def test_files_of_other_programs(folder: Path) -> None:
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/b/Photo 1.JPG").write_bytes(b"\xff\xd8\xff")
    (folder / "not%escaped").write_bytes(b"")
    with opened(folder) as store:
        assert keys(store) == ["a/b/Photo 1.JPG"]
        info = store.stat("a/b/Photo 1.JPG")
        assert (info.content_type, info.sha256, info.size) == ("image/jpeg", None, 3)
        assert store.get("a/b/Photo 1.JPG") == b"\xff\xd8\xff"
        store.put("a/b/Photo 1.JPG", b"new", if_match=info.etag, metadata={"n": "1"})
        (folder / "a/b/Photo 1.JPG").write_bytes(b"edited")
        info = store.stat("a/b/Photo 1.JPG")
        assert (info.metadata, info.sha256) == ({}, None)
        assert store.get("a/b/Photo 1.JPG") == b"edited"
        assert store.delete("a/b/Photo 1.JPG")
    assert not (folder / "a").exists()


def test_a_folder_that_was_moved_keeps_what_belongs_to_its_blobs(
    folder: Path, tmp_path: Path
) -> None:
    with opened(folder) as store:
        before = store.put("a.txt", b"x", metadata={"n": "1"})
    subprocess.run(["cp", "-a", folder, tmp_path / "copy"], check=True)
    with opened(tmp_path / "copy") as store:
        assert store.stat("a.txt") == before


def test_damage_is_found(folder: Path) -> None:
    with opened(folder) as store:
        store.put("a", b"what was written")
        path = folder / "a"
        times = path.stat()
        path.write_bytes(b"what was Written")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        with pytest.raises(CorruptionError, match="'a' is damaged"):
            store.get("a")
        with pytest.raises(CorruptionError), store.open("a") as file:
            file.read()
        assert store.get("a", start=0, end=4) == b"what"


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    folder.mkdir()
    (folder / "inner").symlink_to(outside)
    (folder / "file").symlink_to(outside / "secret")
    (folder / "pipe").parent.mkdir(exist_ok=True)
    os.mkfifo(folder / "pipe")
    with opened(folder) as store:
        assert keys(store) == []
        for key in ("file", "inner/secret", "pipe"):
            assert not store.exists(key)
            with pytest.raises(NotFoundError):
                store.get(key)
            assert not store.delete(key)
        with pytest.raises(PermissionDeniedError):
            store.put("inner/new", b"x")
        store.put("file", b"replaces the link, not what it leads to")
        assert store.get("file").startswith(b"replaces")
    assert (outside / "secret").read_bytes() == b"secret"
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_nothing_is_left_beside_blobs_that_are_gone(folder: Path) -> None:
    with opened(folder) as store:
        for number in range(3):
            store.put("a/b", bytes(number))
        assert len(beside(folder, "info")) == 1
        store.delete("a/b")
        with pytest.raises(interstore.ConflictError):
            store.put("c", b"x", if_match="none")
        store.put("d", b"x")
        with pytest.raises(interstore.DuplicateError):
            store.put("d", b"x", if_absent=True)
    assert len(beside(folder, "info")) == 1
    assert beside(folder, "drafts") == []


def test_a_folder_of_another_kind(folder: Path) -> None:
    opened(folder).close()
    (folder / ".interstore/format.json").write_text('{"interstore":9,"case":false,"forms":false}')
    with pytest.raises(ConfigurationError, match="of version 9"):
        opened(folder)


def test_on_a_disk_that_tells_fewer_names_apart(folder: Path) -> None:
    opened(folder).close()
    (folder / ".interstore/format.json").write_text('{"interstore":1,"case":true,"forms":true}')
    with opened(folder) as store:
        for key in ("ReadMe.txt", "README.txt", "é", "e\u0301"):
            store.put(key, key.encode())
        assert keys(store) == sorted(("ReadMe.txt", "README.txt", "é", "e\u0301"))
    names = {path.name for path in folder.iterdir()}
    assert names == {
        ".interstore",
        "%52ead%4De.txt",
        "%52%45%41%44%4D%45.txt",
        "%C3%A9",
        "e%CC%81",
    }


WRITER = textwrap.dedent("""
    import itertools, sys
    import interstore

    store = interstore.open_blobs(backend="local", path=sys.argv[1])
    print("ready", flush=True)
    for number in itertools.count():
        data = b"%09d" % number * 100_000
        store.put("old", iter([data[:400_000], data[400_000:]]), metadata={"n": str(number)})
        print(number, flush=True)
""")


def test_a_writer_that_is_killed_leaves_a_blob_whole(folder: Path) -> None:
    for round_ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        done = -1
        for line in child.stdout:
            done = -1 if line == "ready\n" else int(line)
            if done >= round_ * 2:
                break
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()
        child.wait()
        child.stdout.close()
        acknowledged = int(rest[-1]) if rest else done
        with opened(folder) as store:
            assert keys(store) == ["old"]
            info = store.stat("old")
            assert info.sha256 is not None
            number = int(info.metadata["n"])
            assert number >= acknowledged
            assert store.get("old") == b"%09d" % number * 100_000, "the content differs"
        assert beside(folder, "drafts") == []


def test_drafts_of_living_writers_stay(folder: Path) -> None:
    with opened(folder) as store, store.open("a", "wb") as file:
        file.write(bytes(3_000_000))
        opened(folder).close()
        assert len(beside(folder, "drafts")) == 1
    with opened(folder) as store:
        assert store.get("a") == bytes(3_000_000), "the content differs"


MEMORY = textwrap.dedent("""
    import resource, sys
    from hashlib import sha256
    import interstore

    size, part = 1 << 30, bytes(range(256)) * 4096

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    with interstore.open_blobs(backend="local", path=sys.argv[1]) as store:
        store.put("small", iter([part] * 4))
        before = peak()
        info = store.put("large", (part for _ in range(size // len(part))))
        assert info.size == size
        with store.open("large") as file:
            assert sum(len(data) for data in file) == size
        store.copy("large", "copy")
        print(peak() - before)
""")


@pytest.mark.long
def test_a_gigabyte_takes_no_memory(folder: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", MEMORY, str(folder)], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) < 30, f"{run.stdout.strip()} MB more"
