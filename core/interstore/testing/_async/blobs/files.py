"""Blobs as files, read and written in parts."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from interstore._compat_async import ASYNC
from interstore.blobs._async.store import AsyncBlobStore
from interstore.blobs.rules import BlobRules
from interstore.errors import (
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from interstore.testing._async.blobs.contents import LARGE
from interstore.testing._async.blobs.suite import AsyncBlobSuite, keys_of
from interstore.testing.checks import refuses, require

__all__ = ["AsyncBlobFileSuite"]


class AsyncBlobFileSuite(AsyncBlobSuite):
    """`open`, the rules of a store, and its life."""

    async def test_reading(self, store: AsyncBlobStore, root: str) -> None:
        await store.put(f"{root}a", LARGE)
        async with store.open(f"{root}a") as file:
            assert (await file.info()).size == len(LARGE)
            assert await file.read(0) == b""
            assert await file.read(5) == LARGE[:5]
            assert file.tell() == 5
            assert await file.seek(2_000_000) == 2_000_000
            assert await file.read(3) == LARGE[2_000_000:2_000_003]
            assert await file.seek(-4, io.SEEK_END) == len(LARGE) - 4
            assert await file.read() == LARGE[-4:]
            assert await file.read(1) == b""
            await file.seek(0)
            assert b"".join([part async for part in file]) == LARGE, "the content differs"
        with pytest.raises(ValueError, match="closed"):
            await file.read(1)
        with refuses(NotFoundError, "open of what is not there"):
            async with store.open(f"{root}nothing"):
                pass

    async def test_writing(self, store: AsyncBlobStore, root: str) -> None:
        for size in (0, 10, len(LARGE)):
            key = f"{root}{size}"
            async with store.open(key, "wb") as file:
                for start in range(0, size, 700_000):
                    await file.write(LARGE[start : min(size, start + 700_000)])
                assert not await store.exists(key), "visible before it is whole"
            assert file.result is not None
            assert file.result.size == size
            assert await store.get(key) == LARGE[:size], "the content differs"

    async def test_a_write_that_fails_leaves_nothing(
        self, store: AsyncBlobStore, root: str
    ) -> None:
        await store.put(f"{root}old", b"before")
        for name in ("old", "new/er"):
            with pytest.raises(RuntimeError, match="on purpose"):
                await _fail(store, root + name)
            async with store.open(root + name, "wb") as file:
                await file.write(LARGE)
                await file.discard()
        assert await keys_of(store, root) == ["old"]
        assert await store.get(f"{root}old") == b"before"

    if not ASYNC:

        def test_as_a_file_of_the_standard_library(self, store: AsyncBlobStore, root: str) -> None:
            raw: Any = store.open(f"{root}a", "wb")
            with io.TextIOWrapper(raw, encoding="utf-8") as text:
                text.write("ä\nö\n")
            raw = store.open(f"{root}a")
            with io.TextIOWrapper(io.BufferedReader(raw), encoding="utf-8") as text:
                assert list(text) == ["ä\n", "ö\n"]

    async def test_a_reader_sees_one_version(self, store: AsyncBlobStore, root: str) -> None:
        await store.put(f"{root}a", b"1" * len(LARGE))
        async with store.open(f"{root}a") as file:
            start = await file.read(1)
            assert start == b"1"
        await store.put(f"{root}a", b"2" * len(LARGE))
        assert set(await store.get(f"{root}a")) == {ord("2")}

    async def test_modes(self, store: AsyncBlobStore, root: str) -> None:
        modes: list[Any] = ["r", "w", "ab", ""]
        for mode in modes:
            with refuses(InvalidQueryError, f"the mode {mode!r}"):
                store.open(f"{root}a", mode)

    async def test_rules(self, store: AsyncBlobStore, root: str) -> None:
        store.rules = BlobRules(max_size=1_500_000, content_types=["image/*", "text/plain"])
        png = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
        await store.put(f"{root}a.png", png)
        await store.put(f"{root}a.txt", iter([b"text " * 100_000]))
        for name, data in (
            ("b.png", b"MZ\x90\x00" + b"\0" * 100),
            ("b.txt", b"<!DOCTYPE html><script>"),
            ("b.txt", png),
            ("b.pdf", b"%PDF-1.7"),
            ("large.png", png + bytes(1_500_000)),
        ):
            for source in (data, iter([data[:3], data[3:]])):
                with refuses(InvalidDocumentError, f"{name} of {data[:9]!r}") as refusal:
                    await store.put(root + name, source)
                assert refusal.error.id == root + name
        endless = (bytes([65]) * 100_000 for _ in range(1_000_000_000))
        with refuses(InvalidDocumentError, "an endless content"):
            await store.put(f"{root}b.txt", endless)
        assert await keys_of(store, root) == ["a.png", "a.txt"]

    async def test_native(self, store: AsyncBlobStore) -> None:
        if store.capabilities.native:
            assert store.native is not None
            return
        with refuses(UnsupportedError, "native (not declared)"):
            assert store.native

    async def test_opening_again(self, store: AsyncBlobStore, root: str) -> None:
        await store.put(f"{root}a", b"1")
        await store.connect()
        await store.close()
        await store.close()
        with refuses(UnavailableError, "a read after close"):
            await store.get(f"{root}a")
        with refuses(UnavailableError, "a listing after close"):
            await keys_of(store, root)
        await store.connect()
        if store.capabilities.persistent:
            assert await store.get(f"{root}a") == b"1"

    async def test_two_stores_of_one_place(
        self, store: AsyncBlobStore, second: AsyncBlobStore, root: str
    ) -> None:
        require(store, "persistent")
        info = await store.put(f"{root}a.txt", b"1")
        found = await second.stat(f"{root}a.txt")
        # Some stores do not tell it of what was just written; then it is the time of the answer.
        assert abs(found.modified - info.modified) <= timedelta(seconds=2)
        assert replace(found, modified=info.modified) == info


async def _fail(store: AsyncBlobStore, key: str) -> None:
    async with store.open(key, "wb") as file:
        await file.write(LARGE)
        raise RuntimeError("on purpose")
