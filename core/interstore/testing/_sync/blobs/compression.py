# Generated from core/interstore/testing/_async/blobs/compression.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 40a343b79b63f1833a4cb977

"""Contents that are kept compressed: nobody sees it who does not ask for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from interstore.blobs._sync.engine import Blobs
from interstore.blobs._sync.store import BlobStore
from interstore.blobs.opening import open_blobs
from interstore.errors import (
    ConfigurationError,
    ConflictError,
    DuplicateError,
    MissingDriverError,
    UnsupportedError,
)
from interstore.testing._sync.blobs.suite import BlobSuite, keys_of
from interstore.testing._sync.suite import fixture
from interstore.testing.checks import refuses, require

__all__ = ["BlobCompressionSuite"]

TEXT = b"".join(b"%d: all is well, and all shall be well\n" % number for number in range(60_000))
NOISE = os.urandom(50_000)


class BlobCompressionSuite(BlobSuite):
    """A store with `compression`, beside one without it."""

    @pytest.fixture(params=["gzip", "zstd"])
    def encoding(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @fixture
    def packing(self, store: BlobStore, blobs: Blobs, encoding: Any) -> Iterator[BlobStore]:
        """A store that compresses, over the engine of `store`."""
        require(store, "metadata")
        try:
            packing = BlobStore(blobs, compression=encoding)
        except MissingDriverError as error:
            pytest.skip(str(error))
        packing.connect()  # `store` closes the engine
        yield packing

    @pytest.mark.parametrize("kind", ["bytes", "stream", "path"])
    def test_what_gains(
        self,
        packing: BlobStore,
        store: BlobStore,
        root: str,
        kind: str,
        encoding: str,
        tmp_path: Path,
    ) -> None:
        (tmp_path / "source").write_bytes(TEXT)
        parts = iter([TEXT[:700_000], TEXT[700_000:]])
        sources: dict[str, Any] = {"bytes": TEXT, "stream": parts, "path": tmp_path / "source"}
        key = f"{root}a.txt"
        written = packing.put(key, sources[kind], metadata={"n": "1"})
        for reading in (packing, store):
            assert reading.get(key) == TEXT, "the content differs"
            stat = reading.stat(key)
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
                assert reading.get(key, start=start, end=end) == TEXT[start:end], (start, end)
            with reading.open(key) as file:
                assert file.info().size == len(TEXT)
                file.seek(1_500_000)
                assert file.read(7) == TEXT[1_500_000:1_500_007]
                file.seek(0)
                assert b"".join([part for part in file]) == TEXT, "the content differs"
        (entry,) = store.page(root).entries
        assert entry.size == written.stored_size

    def test_what_does_not_gain(self, packing: BlobStore, root: str) -> None:
        png = b"\x89PNG\r\n\x1a\n" + TEXT
        for name, content in (
            ("a.png", png),
            ("noise.txt", NOISE),
            ("small.txt", b"small"),
            ("empty.txt", b""),
            ("b.bin", TEXT),
        ):
            for source in (content, iter([content])):
                info = packing.put(root + name, source)
                assert (info.encoding, info.stored_size, info.size) == (None, None, len(content))
                assert packing.stat(root + name) is not None
                assert packing.get(root + name) == content

    def test_copies(self, packing: BlobStore, store: BlobStore, root: str) -> None:
        a, b, c = f"{root}a.txt", f"{root}b.txt", f"{root}c.txt"
        first = packing.put(a, iter([TEXT]), metadata={"n": "1"})
        for copying in (packing, store):
            copied = copying.copy(a, b)
            assert (copied.size, copied.metadata) == (len(TEXT), {"n": "1"})
            assert (copied.encoding, copied.sha256) == (first.encoding, first.sha256)
            assert store.get(b) == TEXT
        store.move(b, c)
        assert packing.get(c) == TEXT
        assert keys_of(store, root) == ["a.txt", "c.txt"]

    def test_copies_to_other_stores(self, packing: BlobStore, store: BlobStore, root: str) -> None:
        key = f"{root}a.txt"
        packing.put(key, TEXT)
        with open_blobs("memory:") as other:
            assert store.copy_to(other, prefix=root).size == len(TEXT)
            info = other.stat(key)
            assert (info.size, info.encoding) == (len(TEXT), None)
            assert other.get(key) == TEXT
            store.delete(key)
            other.copy_to(packing)
        info = packing.stat(key)
        assert info.encoding is not None
        assert store.get(key) == TEXT

    def test_conditions(self, packing: BlobStore, root: str) -> None:
        require(packing, "if_absent")
        require(packing, "if_match")
        key = f"{root}a.txt"
        first = packing.put(key, TEXT, if_absent=True)
        with refuses(DuplicateError, "if_absent of what is there"):
            packing.put(key, iter([TEXT]), if_absent=True)
        packing.put(key, iter([TEXT + b"1"]), if_match=first.etag)
        with refuses(ConflictError, "if_match of an old etag"):
            packing.put(key, TEXT, if_match=first.etag)
        assert packing.get(key) == TEXT + b"1"

    def test_a_write_that_fails_compressed(
        self, packing: BlobStore, store: BlobStore, root: str
    ) -> None:
        def source() -> Iterator[bytes]:
            yield TEXT
            raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            packing.put(f"{root}a.txt", source())
        assert keys_of(store, root) == []

    def test_a_url_never_serves_what_is_kept(self, packing: BlobStore, root: str) -> None:
        if not packing.capabilities.signed_get or packing.capabilities.signed_put_rules:
            pytest.skip("nobody serves it as it is kept")
        packing.put(f"{root}a.txt", TEXT)
        packing.put(f"{root}b.png", TEXT)
        with refuses(UnsupportedError, "a signed URL for what is kept compressed"):
            packing.signed_url(f"{root}a.txt")
        assert packing.signed_url(f"{root}b.png")

    def test_compression_that_is_refused(self, store: BlobStore, blobs: Blobs) -> None:
        wrong: Any = "lzma"
        with refuses(ConfigurationError, "an unknown compression"):
            BlobStore(blobs, compression=wrong)
        if not store.capabilities.metadata:
            with refuses(UnsupportedError, "compression without metadata"):
                BlobStore(blobs, compression="gzip")
