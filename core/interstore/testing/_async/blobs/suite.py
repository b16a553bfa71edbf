"""What every suite of blobs builds on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import uuid4

import pytest

from interstore._compat_async import ASYNC
from interstore.blobs._async.engine import AsyncBlobs
from interstore.blobs._async.store import AsyncBlobStore
from interstore.errors import InterstoreError
from interstore.testing._async.suite import fixture

__all__ = ["AsyncBlobSuite", "keys_of"]


class AsyncBlobSuite:
    """The fixtures. An engine defines `blobs`, and `second_blobs` if it is persistent."""

    if ASYNC:
        pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def blobs(self) -> AsyncBlobs:
        """The engine under test, not connected."""
        pytest.fail(
            "define a fixture `blobs` in your class: it returns your blob engine, not connected"
        )

    @pytest.fixture
    def second_blobs(self, blobs: AsyncBlobs) -> AsyncBlobs:
        """Another engine object that leads to the same blobs, not connected."""
        if not blobs.capabilities.persistent:
            pytest.skip("capability persistent is not declared")
        pytest.fail(
            f"{blobs.name} declares `persistent`: define a fixture `second_blobs` in your class, "
            "which returns another engine object for the same place"
        )

    @fixture
    async def store(self, blobs: AsyncBlobs) -> AsyncIterator[AsyncBlobStore]:
        """A connected store over `blobs`."""
        async with AsyncBlobStore(blobs) as store:
            yield store

    @fixture
    async def second(self, second_blobs: AsyncBlobs) -> AsyncIterator[AsyncBlobStore]:
        """A connected store over `second_blobs`."""
        async with AsyncBlobStore(second_blobs) as store:
            yield store

    @fixture
    async def root(self, store: AsyncBlobStore) -> AsyncIterator[str]:
        """What all keys of the test begin with; nothing else does."""
        root = f"kit-{uuid4().hex[:12]}/"
        yield root
        with suppress(InterstoreError):
            await store.delete_many(prefix=root)


async def keys_of(store: AsyncBlobStore, prefix: str, *, delimiter: str | None = None) -> list[str]:
    """What `list` gives, without the prefix."""
    entries = store.list(prefix, delimiter=delimiter)
    return [entry.key.removeprefix(prefix) async for entry in entries]
