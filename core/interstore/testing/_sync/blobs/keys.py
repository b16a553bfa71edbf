# Generated from core/interstore/testing/_async/blobs/keys.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: f50e90bedb854de5e8b668e1

"""Keys: any text that is valid, each a blob of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from interstore.blobs._sync.store import BlobStore
from interstore.errors import InvalidQueryError
from interstore.testing._sync.blobs.suite import BlobSuite, keys_of
from interstore.testing.blob_keys import HOSTILE, INVALID, TOGETHER
from interstore.testing.checks import refuses

__all__ = ["BlobKeySuite"]


class BlobKeySuite(BlobSuite):
    """Hostile keys, keys that disks and servers confuse, and keys that are refused."""

    @pytest.mark.parametrize("name", HOSTILE, ids=ascii)
    def test_a_key(self, store: BlobStore, root: str, name: str) -> None:
        key = root + name
        data = name.encode()
        assert store.put(key, data).key == key
        assert store.get(key) == data
        assert store.stat(key).key == key
        assert keys_of(store, root) == [name]
        store.copy(key, key + ".copy")
        assert store.get(key + ".copy") == data
        assert store.delete(key)
        assert keys_of(store, root) == [name + ".copy"]

    @pytest.mark.parametrize("names", TOGETHER, ids=ascii)
    def test_keys_that_are_not_the_same(
        self, store: BlobStore, root: str, names: tuple[str, ...]
    ) -> None:
        for order in (names, names[::-1]):
            for name in order:
                store.put(root + name, name.encode())
            for name in order:
                assert store.get(root + name) == name.encode()
            assert keys_of(store, root) == sorted(names)
            for name in order:
                assert store.delete(root + name)
                assert not store.exists(root + name)
            assert keys_of(store, root) == []

    def test_the_longest_keys(self, store: BlobStore, root: str) -> None:
        room = 1024 - len(root)
        names = sorted(["x" * room, "x" * (room - 2) + "/y", "é" * (room // 2), "%" * room])
        for name in names:
            store.put(root + name, name.encode())
        for name in names:
            assert store.get(root + name) == name.encode()
        assert keys_of(store, root) == names
        with refuses(InvalidQueryError, "a key of 1,025 bytes"):
            store.put(root + "x" * (room + 1), b"")

    @pytest.mark.parametrize("key", INVALID, ids=ascii)
    def test_keys_that_are_refused(self, store: BlobStore, key: str) -> None:
        calls: list[Callable[[], object]] = [
            lambda: store.put(key, b"x"),
            lambda: store.get(key),
            lambda: store.stat(key),
            lambda: store.exists(key),
            lambda: store.delete(key),
            lambda: store.delete_many([key]),
            lambda: store.copy("a", key),
            lambda: store.copy(key, "a"),
            lambda: store.signed_url(key),
        ]
        for call in calls:
            with refuses(InvalidQueryError, f"the key {key!r}"):
                call()
        with refuses(InvalidQueryError, f"the key {key!r}"):
            store.open(key)
