"""What is put is what is got, whatever it comes from."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from interstore._compat_async import ASYNC
from interstore.blobs._async.store import AsyncBlobStore
from interstore.blobs.content_types import UNKNOWN
from interstore.blobs.opening import open_blobs_async
from interstore.errors import InvalidQueryError, NotFoundError, UnsupportedError
from interstore.testing._async.blobs.suite import AsyncBlobSuite, keys_of
from interstore.testing.checks import refuses

__all__ = ["AsyncBlobContentSuite"]

LARGE = bytes(range(256)) * 14_000  # more than one part of every buffer


class AsyncBlobContentSuite(AsyncBlobSuite):
    """Put, get, stat, delete; contents and what is kept with them."""

    @pytest.mark.parametrize("data", [b"", b"x", b"\x00\r\n\xff" * 5, LARGE], ids=len)
    async def test_put_and_get(self, store: AsyncBlobStore, root: str, data: bytes) -> None:
        key = f"{root}a.bin"
        info = await store.put(key, data)
        assert info.key == key
        assert info.size == len(data)
        assert info.etag
        read = await store.get(key)
        assert type(read) is bytes
        assert sha256(read).digest() == sha256(data).digest()
        stat = await store.stat(key)
        assert (stat.key, stat.size, stat.etag) == (key, len(data), info.etag)
        assert stat.modified.utcoffset() == timedelta(0)
        assert abs(stat.modified - datetime.now(UTC)) < timedelta(hours=1)
        if store.capabilities.digest:
            assert info.sha256 == stat.sha256 == sha256(data).hexdigest()

    @pytest.mark.parametrize("kind", ["path", "file", "iterator", "generator", "bytearray"])
    async def test_sources(
        self, store: AsyncBlobStore, root: str, kind: str, tmp_path: Path
    ) -> None:
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
            info = await store.put(f"{root}a", sources[kind])
        assert info.size == len(LARGE)
        assert await store.get(f"{root}a") == LARGE, "the content differs"
        if store.capabilities.digest and store.capabilities.late_digest:
            assert info.sha256 == sha256(LARGE).hexdigest()

    if ASYNC:

        async def test_an_asynchronous_source(self, store: AsyncBlobStore, root: str) -> None:
            async def parts() -> AsyncIterator[bytes]:
                for number in range(4):
                    yield b"%d" % number * 500_000

            await store.put(f"{root}a", parts())
            assert (await store.stat(f"{root}a")).size == 2_000_000

    async def test_what_is_no_source(self, store: AsyncBlobStore, root: str) -> None:
        for source in ("text", 5, None, io.StringIO("text"), iter(["text"])):
            with refuses(InvalidQueryError, f"{source!r} as a content"):
                await store.put(f"{root}a", source)  # type: ignore[arg-type]
        assert not await store.exists(f"{root}a")

    async def test_a_source_that_fails_leaves_nothing(
        self, store: AsyncBlobStore, root: str
    ) -> None:
        def failing() -> Iterator[bytes]:
            yield LARGE
            raise OSError("the source broke")

        with pytest.raises(OSError, match="the source broke"):
            await store.put(f"{root}new", failing())
        assert await keys_of(store, root) == []
        await store.put(f"{root}old", b"before")
        with pytest.raises(OSError, match="the source broke"):
            await store.put(f"{root}old", failing())
        assert await store.get(f"{root}old") == b"before"

    async def test_ranges(self, store: AsyncBlobStore, root: str) -> None:
        key = f"{root}a"
        await store.put(key, LARGE)
        for start, end in ((0, 5), (3, 3), (2_500_000, None), (5, 9_999_999), (9_999_999, None)):
            found = await store.get(key, start=start, end=end)
            assert found == LARGE[start:end], (start, end)
        wrong: list[tuple[Any, Any]] = [(-1, None), (5, 4), (0, -1), (True, None), ("0", None)]
        for first, last in wrong:
            with refuses(InvalidQueryError, f"the range {first!r} to {last!r}"):
                await store.get(key, start=first, end=last)

    async def test_what_is_missing(self, store: AsyncBlobStore, root: str) -> None:
        key = f"{root}nothing"
        for call in (store.get, store.stat):
            with refuses(NotFoundError, "a blob that is not there") as missing:
                await call(key)
            assert missing.error.id == key
            assert missing.error.backend == store.backend
        with refuses(NotFoundError, "a range of what is not there"):
            await store.get(key, start=1, end=2)
        with refuses(NotFoundError, "a copy of what is not there"):
            await store.copy(key, f"{root}b")
        with refuses(NotFoundError, "a move of what is not there"):
            await store.move(key, f"{root}b")
        assert not await store.exists(key)
        assert not await store.delete(key)
        assert await keys_of(store, root) == []

    async def test_replacing_and_deleting(self, store: AsyncBlobStore, root: str) -> None:
        key = f"{root}a"
        first = await store.put(key, b"first, and longer")
        second = await store.put(key, b"second")
        assert second.etag != first.etag
        assert await store.get(key) == b"second"
        assert await store.exists(key)
        assert await store.delete(key)
        assert not await store.exists(key)
        assert not await store.delete(key)
        await store.put(key, b"third")
        assert await store.get(key) == b"third"

    async def test_delete_many(self, store: AsyncBlobStore, root: str) -> None:
        for name in ("a", "b", "c/d", "e"):
            await store.put(root + name, b"x")
        assert await store.delete_many([root + "a", root + "a", root + "nothing"]) == 1
        assert await store.delete_many(prefix=root + "c") == 1
        assert await keys_of(store, root) == ["b", "e"]
        assert await store.delete_many(prefix=root) == 2
        assert await store.delete_many([]) == 0
        with refuses(InvalidQueryError, "delete_many of nothing said"):
            await store.delete_many()
        with refuses(InvalidQueryError, "delete_many of a text"):
            await store.delete_many("abc")

    async def test_content_types(self, store: AsyncBlobStore, root: str) -> None:
        for name, expected in (
            ("a.png", "image/png"),
            ("b.JSON", "application/json"),
            ("c.txt", "text/plain"),
            (".txt", None),
            ("d.nosuchtype", None),
        ):
            info = await store.put(root + name, b"\x00\x01")
            assert info.content_type == (expected or UNKNOWN), name
            assert (await store.stat(root + name)).content_type == info.content_type
        if store.capabilities.metadata:
            info = await store.put(f"{root}e", b"%PDF-1.7")
            assert info.content_type == "application/pdf"
            given = "text/csv; charset=utf-8"
            await store.put(f"{root}e", b"1,2", content_type=given)
            assert (await store.stat(f"{root}e")).content_type == given
        else:
            with refuses(UnsupportedError, "a content type that is not kept"):
                await store.put(f"{root}e", b"1,2", content_type="text/csv")
        for wrong in ("text", "", "text/plain\n", "a/b/c", 5):
            with refuses(InvalidQueryError, f"the content type {wrong!r}"):
                await store.put(f"{root}e", b"", content_type=wrong)  # type: ignore[arg-type]

    async def test_metadata(self, store: AsyncBlobStore, root: str) -> None:
        key = f"{root}a"
        metadata = {"author": "Åsa % 100%25", "n": "", "spaces": "  two  ", "line_2": "名前🙂+&=?"}
        if not store.capabilities.metadata:
            with refuses(UnsupportedError, "metadata that is not kept"):
                await store.put(key, b"x", metadata=metadata)
            return
        info = await store.put(key, b"x", metadata=metadata)
        assert info.metadata == metadata
        assert (await store.stat(key)).metadata == metadata
        await store.put(key, LARGE, metadata={"b": "2"})
        assert (await store.stat(key)).metadata == {"b": "2"}
        await store.put(key, b"x")
        assert (await store.stat(key)).metadata == {}

    async def test_metadata_that_is_refused(self, store: AsyncBlobStore, root: str) -> None:
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
                await store.put(f"{root}a", b"x", metadata=wrong)  # type: ignore[arg-type]

    async def test_copy_and_move(self, store: AsyncBlobStore, root: str) -> None:
        a, b, c = f"{root}a.txt", f"{root}deep/er/b.txt", f"{root}c.txt"
        metadata = {"n": "1"} if store.capabilities.metadata else None
        info = await store.put(a, LARGE, metadata=metadata)
        copied = await store.copy(a, b)
        assert (copied.key, copied.size) == (b, len(LARGE))
        for found in (copied, await store.stat(b)):
            assert (found.content_type, found.metadata) == (info.content_type, info.metadata)
            assert found.sha256 == info.sha256
        await store.put(a, b"changed")
        assert await store.get(b) == LARGE, "the copy changed with the original"
        moved = await store.move(b, c)
        assert moved.key == c
        assert await store.get(c) == LARGE, "the content differs"
        assert await keys_of(store, root) == ["a.txt", "c.txt"]
        await store.copy(a, c)
        assert await store.get(c) == b"changed"
        for call in (store.copy, store.move):
            with refuses(InvalidQueryError, "a copy onto itself"):
                await call(a, a)

    async def test_copy_to_another_store(self, store: AsyncBlobStore, root: str) -> None:
        for name in ("a", "b/c", "b/d"):
            await store.put(root + name, name.encode() * 1000)
        async with open_blobs_async("memory:") as other:
            copied = await store.copy_to(other, prefix=f"{root}b")
            assert (copied.blobs, copied.size, copied.skipped) == (2, 6000, 0)
            copied = await store.copy_to(other, prefix=root, if_absent=True)
            assert (copied.blobs, copied.skipped) == (1, 2)
            assert await keys_of(other, "") == [root + name for name in ("a", "b/c", "b/d")]
            await store.delete_many(prefix=root)
            await other.copy_to(store)
        assert await store.get(f"{root}b/d") == b"b/d" * 1000
