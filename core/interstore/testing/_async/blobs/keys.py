"""Keys: any text that is valid, each a blob of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from interstore.blobs._async.store import AsyncBlobStore
from interstore.errors import InvalidQueryError
from interstore.testing._async.blobs.suite import AsyncBlobSuite, keys_of
from interstore.testing.blob_keys import HOSTILE, INVALID, TOGETHER
from interstore.testing.checks import refuses

__all__ = ["AsyncBlobKeySuite"]


class AsyncBlobKeySuite(AsyncBlobSuite):
    """Hostile keys, keys that disks and servers confuse, and keys that are refused."""

    @pytest.mark.parametrize("name", HOSTILE, ids=ascii)
    async def test_a_key(self, store: AsyncBlobStore, root: str, name: str) -> None:
        key = root + name
        data = name.encode()
        assert (await store.put(key, data)).key == key
        assert await store.get(key) == data
        assert (await store.stat(key)).key == key
        assert await keys_of(store, root) == [name]
        await store.copy(key, key + ".copy")
        assert await store.get(key + ".copy") == data
        assert await store.delete(key)
        assert await keys_of(store, root) == [name + ".copy"]

    @pytest.mark.parametrize("names", TOGETHER, ids=ascii)
    async def test_keys_that_are_not_the_same(
        self, store: AsyncBlobStore, root: str, names: tuple[str, ...]
    ) -> None:
        for order in (names, names[::-1]):
            for name in order:
                await store.put(root + name, name.encode())
            for name in order:
                assert await store.get(root + name) == name.encode()
            assert await keys_of(store, root) == sorted(names)
            for name in order:
                assert await store.delete(root + name)
                assert not await store.exists(root + name)
            assert await keys_of(store, root) == []

    async def test_the_longest_keys(self, store: AsyncBlobStore, root: str) -> None:
        room = 1024 - len(root)
        names = sorted(["x" * room, "x" * (room - 2) + "/y", "é" * (room // 2), "%" * room])
        for name in names:
            await store.put(root + name, name.encode())
        for name in names:
            assert await store.get(root + name) == name.encode()
        assert await keys_of(store, root) == names
        with refuses(InvalidQueryError, "a key of 1,025 bytes"):
            await store.put(root + "x" * (room + 1), b"")

    @pytest.mark.parametrize("key", INVALID, ids=ascii)
    async def test_keys_that_are_refused(self, store: AsyncBlobStore, key: str) -> None:
        calls: list[Callable[[], Awaitable[object]]] = [
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
                await call()
        with refuses(InvalidQueryError, f"the key {key!r}"):
            store.open(key)
