"""Contents that are kept compressed: nobody sees it who does not ask for it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from interstore.blobs._async.engine import AsyncBlobs
from interstore.blobs._async.store import AsyncBlobStore
from interstore.blobs.opening import open_blobs_async
from interstore.errors import (
    ConfigurationError,
    ConflictError,
    DuplicateError,
    MissingDriverError,
    UnsupportedError,
)
from interstore.testing._async.blobs.suite import AsyncBlobSuite, keys_of
from interstore.testing._async.suite import fixture
from interstore.testing.checks import refuses, require

__all__ = ["AsyncBlobCompressionSuite"]

TEXT = b"".join(b"%d: all is well, and all shall be well\n" % number for number in range(60_000))
NOISE = os.urandom(50_000)


class AsyncBlobCompressionSuite(AsyncBlobSuite):
    """A store with `compression`, beside one without it."""

    @pytest.fixture(params=["gzip", "zstd"])
    def encoding(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @fixture
    async def packing(
        self, store: AsyncBlobStore, blobs: AsyncBlobs, encoding: Any
    ) -> AsyncIterator[AsyncBlobStore]:
        """A store that compresses, over the engine of `store`."""
        require(store, "metadata")
        try:
            packing = AsyncBlobStore(blobs, compression=encoding)
        except MissingDriverError as error:
            pytest.skip(str(error))
        await packing.connect()  # `store` closes the engine
        yield packing

    @pytest.mark.parametrize("kind", ["bytes", "stream", "path"])
    async def test_what_gains(
        self,
        packing: AsyncBlobStore,
        store: AsyncBlobStore,
        root: str,
        kind: str,
        encoding: str,
        tmp_path: Path,
    ) -> None:
        (tmp_path / "source").write_bytes(TEXT)
        parts = iter([TEXT[:700_000], TEXT[700_000:]])
        sources: dict[str, Any] = {"bytes": TEXT, "stream": parts, "path": tmp_path / "source"}
        key = f"{root}a.txt"
        written = await packing.put(key, sources[kind], metadata={"n": "1"})
        for reading in (packing, store):
            assert await reading.get(key) == TEXT, "the content differs"
            stat = await reading.stat(key)
            for info in (stat, written):
                assert (info.size, info.content_type) == (len(TEXT), "text/plain")
                assert (info.metadata, info.encoding) == ({"n": "1"}, encoding)
                assert info.stored_size is not None
                assert info.stored_size < len(TEXT) / 4
            assert stat.etag == written.etag
            if store.capabilities.digest:
                assert stat.sha256 == written.sha256 == sha256(TEXT).hexdigest()
            for start, end in (
                (0, 5),
                (3, 3),
                (1_000_000, 1_000_005),
                (5, None),
                (9_999_999, None),
            ):
                assert await reading.get(key, start=start, end=end) == TEXT[start:end], (start, end)
            async with reading.open(key) as file:
                assert (await file.info()).size == len(TEXT)
                await file.seek(1_500_000)
                assert await file.read(7) == TEXT[1_500_000:1_500_007]
                await file.seek(0)
                assert b"".join([part async for part in file]) == TEXT, "the content differs"
        (entry,) = (await store.page(root)).entries
        assert entry.size == written.stored_size

    async def test_what_does_not_gain(self, packing: AsyncBlobStore, root: str) -> None:
        png = b"\x89PNG\r\n\x1a\n" + TEXT
        for name, content in (
            ("a.png", png),
            ("noise.txt", NOISE),
            ("small.txt", b"small"),
            ("empty.txt", b""),
            ("b.bin", TEXT),
        ):
            for source in (content, iter([content])):
                info = await packing.put(root + name, source)
                assert (info.encoding, info.stored_size, info.size) == (None, None, len(content))
                assert await packing.stat(root + name) is not None
                assert await packing.get(root + name) == content

    async def test_copies(self, packing: AsyncBlobStore, store: AsyncBlobStore, root: str) -> None:
        a, b, c = f"{root}a.txt", f"{root}b.txt", f"{root}c.txt"
        first = await packing.put(a, iter([TEXT]), metadata={"n": "1"})
        for copying in (packing, store):
            copied = await copying.copy(a, b)
            assert (copied.size, copied.metadata) == (len(TEXT), {"n": "1"})
            assert (copied.encoding, copied.sha256) == (first.encoding, first.sha256)
            assert await store.get(b) == TEXT
        await store.move(b, c)
        assert await packing.get(c) == TEXT
        assert await keys_of(store, root) == ["a.txt", "c.txt"]

    async def test_copies_to_other_stores(
        self, packing: AsyncBlobStore, store: AsyncBlobStore, root: str
    ) -> None:
        key = f"{root}a.txt"
        await packing.put(key, TEXT)
        async with open_blobs_async("memory:") as other:
            assert (await store.copy_to(other, prefix=root)).size == len(TEXT)
            info = await other.stat(key)
            assert (info.size, info.encoding) == (len(TEXT), None)
            assert await other.get(key) == TEXT
            await store.delete(key)
            await other.copy_to(packing)
        info = await packing.stat(key)
        assert info.encoding is not None
        assert await store.get(key) == TEXT

    async def test_conditions(self, packing: AsyncBlobStore, root: str) -> None:
        require(packing, "if_absent")
        require(packing, "if_match")
        key = f"{root}a.txt"
        first = await packing.put(key, TEXT, if_absent=True)
        with refuses(DuplicateError, "if_absent of what is there"):
            await packing.put(key, iter([TEXT]), if_absent=True)
        await packing.put(key, iter([TEXT + b"1"]), if_match=first.etag)
        with refuses(ConflictError, "if_match of an old etag"):
            await packing.put(key, TEXT, if_match=first.etag)
        assert await packing.get(key) == TEXT + b"1"

    async def test_a_write_that_fails_compressed(
        self, packing: AsyncBlobStore, store: AsyncBlobStore, root: str
    ) -> None:
        def source() -> Iterator[bytes]:
            yield TEXT
            raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            await packing.put(f"{root}a.txt", source())
        assert await keys_of(store, root) == []

    async def test_a_url_never_serves_what_is_kept(
        self, packing: AsyncBlobStore, root: str
    ) -> None:
        if not packing.capabilities.signed_get or packing.capabilities.signed_put_rules:
            pytest.skip("nobody serves it as it is kept")
        await packing.put(f"{root}a.txt", TEXT)
        await packing.put(f"{root}b.png", TEXT)
        with refuses(UnsupportedError, "a signed URL for what is kept compressed"):
            await packing.signed_url(f"{root}a.txt")
        assert await packing.signed_url(f"{root}b.png")

    async def test_compression_that_is_refused(
        self, store: AsyncBlobStore, blobs: AsyncBlobs
    ) -> None:
        wrong: Any = "lzma"
        with refuses(ConfigurationError, "an unknown compression"):
            AsyncBlobStore(blobs, compression=wrong)
        if not store.capabilities.metadata:
            with refuses(UnsupportedError, "compression without metadata"):
                AsyncBlobStore(blobs, compression="gzip")
