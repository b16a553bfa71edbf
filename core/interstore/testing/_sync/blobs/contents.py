# Generated from core/interstore/testing/_async/blobs/contents.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: bb6233fa17f62a3b4a17bd0c

"""What is put is what is got, whatever it comes from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from interstore.blobs._sync.store import BlobStore
from interstore.blobs.content_types import UNKNOWN
from interstore.blobs.opening import open_blobs
from interstore.errors import InvalidQueryError, NotFoundError, UnsupportedError
from interstore.testing._sync.blobs.suite import BlobSuite, keys_of
from interstore.testing.checks import refuses

__all__ = ["BlobContentSuite"]

LARGE = bytes(range(256)) * 14_000  # more than one part of every buffer


class BlobContentSuite(BlobSuite):
    """Put, get, stat, delete; contents and what is kept with them."""

    @pytest.mark.parametrize("data", [b"", b"x", b"\x00\r\n\xff" * 5, LARGE], ids=len)
    def test_put_and_get(self, store: BlobStore, root: str, data: bytes) -> None:
        key = f"{root}a.bin"
        info = store.put(key, data)
        assert info.key == key
        assert info.size == len(data)
        assert info.etag
        read = store.get(key)
        assert type(read) is bytes
        assert sha256(read).digest() == sha256(data).digest()
        stat = store.stat(key)
        assert (stat.key, stat.size, stat.etag) == (key, len(data), info.etag)
        assert stat.modified.utcoffset() == timedelta(0)
        assert abs(stat.modified - datetime.now(UTC)) < timedelta(hours=1)
        if store.capabilities.digest:
            assert info.sha256 == stat.sha256 == sha256(data).hexdigest()

    @pytest.mark.parametrize("kind", ["path", "file", "iterator", "generator", "bytearray"])
    def test_sources(self, store: BlobStore, root: str, kind: str, tmp_path: Path) -> None:
        path = tmp_path / "source"
        path.write_bytes(LARGE)
        parts = [LARGE[:10], b"", LARGE[10:2_000_000], LARGE[2_000_000:]]

        def generator() -> Iterator[bytes]:
            yield from parts

        with path.open("rb") as file:
            sources: dict[str, Any] = {
                "path": path,
                "file": file,
                "iterator": iter(parts),
                "generator": generator(),
                "bytearray": bytearray(LARGE),
            }
            info = store.put(f"{root}a", sources[kind])
        assert info.size == len(LARGE)
        assert store.get(f"{root}a") == LARGE, "the content differs"
        if store.capabilities.digest and store.capabilities.late_digest:
            assert info.sha256 == sha256(LARGE).hexdigest()

    def test_what_is_no_source(self, store: BlobStore, root: str) -> None:
        for source in ("text", 5, None, io.StringIO("text"), iter(["text"])):
            with refuses(InvalidQueryError, f"{source!r} as a content"):
                store.put(f"{root}a", source)  # type: ignore[arg-type]
        assert not store.exists(f"{root}a")

    def test_a_source_that_fails_leaves_nothing(self, store: BlobStore, root: str) -> None:
        def failing() -> Iterator[bytes]:
            yield LARGE
            raise OSError("the source broke")

        with pytest.raises(OSError, match="the source broke"):
            store.put(f"{root}new", failing())
        assert keys_of(store, root) == []
        store.put(f"{root}old", b"before")
        with pytest.raises(OSError, match="the source broke"):
            store.put(f"{root}old", failing())
        assert store.get(f"{root}old") == b"before"

    def test_ranges(self, store: BlobStore, root: str) -> None:
        key = f"{root}a"
        store.put(key, LARGE)
        for start, end in ((0, 5), (3, 3), (2_500_000, None), (5, 9_999_999), (9_999_999, None)):
            found = store.get(key, start=start, end=end)
            assert found == LARGE[start:end], (start, end)
        wrong: list[tuple[Any, Any]] = [(-1, None), (5, 4), (0, -1), (True, None), ("0", None)]
        for first, last in wrong:
            with refuses(InvalidQueryError, f"the range {first!r} to {last!r}"):
                store.get(key, start=first, end=last)

    def test_what_is_missing(self, store: BlobStore, root: str) -> None:
        key = f"{root}nothing"
        for call in (store.get, store.stat):
            with refuses(NotFoundError, "a blob that is not there") as missing:
                call(key)
            assert missing.error.id == key
            assert missing.error.backend == store.backend
        with refuses(NotFoundError, "a range of what is not there"):
            store.get(key, start=1, end=2)
        with refuses(NotFoundError, "a copy of what is not there"):
            store.copy(key, f"{root}b")
        with refuses(NotFoundError, "a move of what is not there"):
            store.move(key, f"{root}b")
        assert not store.exists(key)
        assert not store.delete(key)
        assert keys_of(store, root) == []

    def test_replacing_and_deleting(self, store: BlobStore, root: str) -> None:
        key = f"{root}a"
        first = store.put(key, b"first, and longer")
        second = store.put(key, b"second")
        assert second.etag != first.etag
        assert store.get(key) == b"second"
        assert store.exists(key)
        assert store.delete(key)
        assert not store.exists(key)
        assert not store.delete(key)
        store.put(key, b"third")
        assert store.get(key) == b"third"

    def test_delete_many(self, store: BlobStore, root: str) -> None:
        for name in ("a", "b", "c/d", "e"):
            store.put(root + name, b"x")
        assert store.delete_many([root + "a", root + "a", root + "nothing"]) == 1
        assert store.delete_many(prefix=root + "c") == 1
        assert keys_of(store, root) == ["b", "e"]
        assert store.delete_many(prefix=root) == 2
        assert store.delete_many([]) == 0
        with refuses(InvalidQueryError, "delete_many of nothing said"):
            store.delete_many()
        with refuses(InvalidQueryError, "delete_many of a text"):
            store.delete_many("abc")

    def test_content_types(self, store: BlobStore, root: str) -> None:
        for name, expected in (
            ("a.png", "image/png"),
            ("b.JSON", "application/json"),
            ("c.txt", "text/plain"),
            (".txt", None),
            ("d.nosuchtype", None),
        ):
            info = store.put(root + name, b"\x00\x01")
            assert info.content_type == (expected or UNKNOWN), name
            assert store.stat(root + name).content_type == info.content_type
        if store.capabilities.metadata:
            info = store.put(f"{root}e", b"%PDF-1.7")
            assert info.content_type == "application/pdf"
            given = "text/csv; charset=utf-8"
            store.put(f"{root}e", b"1,2", content_type=given)
            assert store.stat(f"{root}e").content_type == given
        else:
            with refuses(UnsupportedError, "a content type that is not kept"):
                store.put(f"{root}e", b"1,2", content_type="text/csv")
        for wrong in ("text", "", "text/plain\n", "a/b/c", 5):
            with refuses(InvalidQueryError, f"the content type {wrong!r}"):
                store.put(f"{root}e", b"", content_type=wrong)  # type: ignore[arg-type]

    def test_metadata(self, store: BlobStore, root: str) -> None:
        key = f"{root}a"
        metadata = {"author": "Åsa % 100%25", "n": "", "spaces": "  two  ", "line_2": "名前🙂+&=?"}
        if not store.capabilities.metadata:
            with refuses(UnsupportedError, "metadata that is not kept"):
                store.put(key, b"x", metadata=metadata)
            return
        info = store.put(key, b"x", metadata=metadata)
        assert info.metadata == metadata
        assert store.stat(key).metadata == metadata
        store.put(key, LARGE, metadata={"b": "2"})
        assert store.stat(key).metadata == {"b": "2"}
        store.put(key, b"x")
        assert store.stat(key).metadata == {}

    def test_metadata_that_is_refused(self, store: BlobStore, root: str) -> None:
        for wrong in (
            {"A": "x"},
            {"a-b": "x"},
            {"": "x"},
            {"1": "x"},
            {"a": 1},
            {"a": "x\n"},
            {"a": "\ud800"},
            {"a": "x" * 1024},
            {"interstore_x": "x"},
            ["a"],
        ):
            with refuses(InvalidQueryError, f"the metadata {str(wrong)[:30]!r}"):
                store.put(f"{root}a", b"x", metadata=wrong)  # type: ignore[arg-type]

    def test_copy_and_move(self, store: BlobStore, root: str) -> None:
        a, b, c = f"{root}a.txt", f"{root}deep/er/b.txt", f"{root}c.txt"
        metadata = {"n": "1"} if store.capabilities.metadata else None
        info = store.put(a, LARGE, metadata=metadata)
        copied = store.copy(a, b)
        assert (copied.key, copied.size) == (b, len(LARGE))
        for found in (copied, store.stat(b)):
            assert (found.content_type, found.metadata) == (info.content_type, info.metadata)
            assert found.sha256 == info.sha256
        store.put(a, b"changed")
        assert store.get(b) == LARGE, "the copy changed with the original"
        moved = store.move(b, c)
        assert moved.key == c
        assert store.get(c) == LARGE, "the content differs"
        assert keys_of(store, root) == ["a.txt", "c.txt"]
        store.copy(a, c)
        assert store.get(c) == b"changed"
        for call in (store.copy, store.move):
            with refuses(InvalidQueryError, "a copy onto itself"):
                call(a, a)

    def test_copy_to_another_store(self, store: BlobStore, root: str) -> None:
        for name in ("a", "b/c", "b/d"):
            store.put(root + name, name.encode() * 1000)
        with open_blobs("memory:") as other:
            copied = store.copy_to(other, prefix=f"{root}b")
            assert (copied.blobs, copied.size, copied.skipped) == (2, 6000, 0)
            copied = store.copy_to(other, prefix=root, if_absent=True)
            assert (copied.blobs, copied.skipped) == (1, 2)
            assert keys_of(other, "") == [root + name for name in ("a", "b/c", "b/d")]
            store.delete_many(prefix=root)
            other.copy_to(store)
        assert store.get(f"{root}b/d") == b"b/d" * 1000
