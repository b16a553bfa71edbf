# Generated from core/interstore/testing/_async/blobs/files.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 15702c111e138ffd902ea0d0

"""Blobs as files, read and written in parts."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from interstore.blobs._sync.store import BlobStore
from interstore.blobs.rules import BlobRules
from interstore.errors import (
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from interstore.testing._sync.blobs.contents import LARGE
from interstore.testing._sync.blobs.suite import BlobSuite, keys_of
from interstore.testing.checks import refuses, require

__all__ = ["BlobFileSuite"]


class BlobFileSuite(BlobSuite):
    """`open`, the rules of a store, and its life."""

    def test_reading(self, store: BlobStore, root: str) -> None:
        store.put(f"{root}a", LARGE)
        with store.open(f"{root}a") as file:
            assert file.info().size == len(LARGE)
            assert file.read(0) == b""
            assert file.read(5) == LARGE[:5]
            assert file.tell() == 5
            assert file.seek(2_000_000) == 2_000_000
            assert file.read(3) == LARGE[2_000_000:2_000_003]
            assert file.seek(-4, io.SEEK_END) == len(LARGE) - 4
            assert file.read() == LARGE[-4:]
            assert file.read(1) == b""
            file.seek(0)
            assert b"".join([part for part in file]) == LARGE, "the content differs"
        with pytest.raises(ValueError, match="closed"):
            file.read(1)
        with refuses(NotFoundError, "open of what is not there"):
            with store.open(f"{root}nothing"):
                pass

    def test_writing(self, store: BlobStore, root: str) -> None:
        for size in (0, 10, len(LARGE)):
            key = f"{root}{size}"
            with store.open(key, "wb") as file:
                for start in range(0, size, 700_000):
                    file.write(LARGE[start : min(size, start + 700_000)])
                assert not store.exists(key), "visible before it is whole"
            assert file.result is not None
            assert file.result.size == size
            assert store.get(key) == LARGE[:size], "the content differs"

    def test_a_write_that_fails_leaves_nothing(self, store: BlobStore, root: str) -> None:
        store.put(f"{root}old", b"before")
        for name in ("old", "new/er"):
            with pytest.raises(RuntimeError, match="on purpose"):
                _fail(store, root + name)
            with store.open(root + name, "wb") as file:
                file.write(LARGE)
                file.discard()
        assert keys_of(store, root) == ["old"]
        assert store.get(f"{root}old") == b"before"

    def test_as_a_file_of_the_standard_library(self, store: BlobStore, root: str) -> None:
        raw: Any = store.open(f"{root}a", "wb")
        with io.TextIOWrapper(raw, encoding="utf-8") as text:
            text.write("ä\nö\n")
        raw = store.open(f"{root}a")
        with io.TextIOWrapper(io.BufferedReader(raw), encoding="utf-8") as text:
            assert list(text) == ["ä\n", "ö\n"]

    def test_a_reader_sees_one_version(self, store: BlobStore, root: str) -> None:
        store.put(f"{root}a", b"1" * len(LARGE))
        with store.open(f"{root}a") as file:
            start = file.read(1)
            assert start == b"1"
        store.put(f"{root}a", b"2" * len(LARGE))
        assert set(store.get(f"{root}a")) == {ord("2")}

    def test_modes(self, store: BlobStore, root: str) -> None:
        modes: list[Any] = ["r", "w", "ab", ""]
        for mode in modes:
            with refuses(InvalidQueryError, f"the mode {mode!r}"):
                store.open(f"{root}a", mode)

    def test_rules(self, store: BlobStore, root: str) -> None:
        store.rules = BlobRules(max_size=1_500_000, content_types=["image/*", "text/plain"])
        png = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
        store.put(f"{root}a.png", png)
        store.put(f"{root}a.txt", iter([b"text " * 100_000]))
        for name, data in (
            ("b.png", b"MZ\x90\x00" + b"\0" * 100),
            ("b.txt", b"<!DOCTYPE html><script>"),
            ("b.txt", png),
            ("b.pdf", b"%PDF-1.7"),
            ("large.png", png + bytes(1_500_000)),
        ):
            for source in (data, iter([data[:3], data[3:]])):
                with refuses(InvalidDocumentError, f"{name} of {data[:9]!r}") as refusal:
                    store.put(root + name, source)
                assert refusal.error.id == root + name
        endless = (bytes([65]) * 100_000 for _ in range(1_000_000_000))
        with refuses(InvalidDocumentError, "an endless content"):
            store.put(f"{root}b.txt", endless)
        assert keys_of(store, root) == ["a.png", "a.txt"]

    def test_native(self, store: BlobStore) -> None:
        if store.capabilities.native:
            assert store.native is not None
            return
        with refuses(UnsupportedError, "native (not declared)"):
            assert store.native

    def test_opening_again(self, store: BlobStore, root: str) -> None:
        store.put(f"{root}a", b"1")
        store.connect()
        store.close()
        store.close()
        with refuses(UnavailableError, "a read after close"):
            store.get(f"{root}a")
        with refuses(UnavailableError, "a listing after close"):
            keys_of(store, root)
        store.connect()
        if store.capabilities.persistent:
            assert store.get(f"{root}a") == b"1"

    def test_two_stores_of_one_place(self, store: BlobStore, second: BlobStore, root: str) -> None:
        require(store, "persistent")
        info = store.put(f"{root}a.txt", b"1")
        found = second.stat(f"{root}a.txt")
        # Some stores do not tell it of what was just written; then it is the time of the answer.
        assert abs(found.modified - info.modified) <= timedelta(seconds=2)
        assert replace(found, modified=info.modified) == info


def _fail(store: BlobStore, key: str) -> None:
    with store.open(key, "wb") as file:
        file.write(LARGE)
        raise RuntimeError("on purpose")
