# Generated from core/interstore/testing/_async/blobs/suite.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: d16cbe68aaabc3f3cb70ce93

"""What every suite of blobs builds on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import pytest

from interstore.blobs._sync.engine import Blobs
from interstore.blobs._sync.store import BlobStore
from interstore.errors import InterstoreError
from interstore.testing._sync.suite import fixture

__all__ = ["BlobSuite", "keys_of"]


class BlobSuite:
    """The fixtures. An engine defines `blobs`, and `second_blobs` if it is persistent."""

    @pytest.fixture
    def blobs(self) -> Blobs:
        """The engine under test, not connected."""
        pytest.fail(
            "define a fixture `blobs` in your class: it returns your blob engine, not connected"
        )

    @pytest.fixture
    def second_blobs(self, blobs: Blobs) -> Blobs:
        """Another engine object that leads to the same blobs, not connected."""
        if not blobs.capabilities.persistent:
            pytest.skip("capability persistent is not declared")
        pytest.fail(
            f"{blobs.name} declares `persistent`: define a fixture `second_blobs` in your class, "
            "which returns another engine object for the same place"
        )

    @fixture
    def store(self, blobs: Blobs) -> Iterator[BlobStore]:
        """A connected store over `blobs`."""
        with BlobStore(blobs) as store:
            yield store

    @fixture
    def second(self, second_blobs: Blobs) -> Iterator[BlobStore]:
        """A connected store over `second_blobs`."""
        with BlobStore(second_blobs) as store:
            yield store

    @fixture
    def root(self, store: BlobStore) -> Iterator[str]:
        """What all keys of the test begin with; nothing else does."""
        root = f"kit-{uuid4().hex[:12]}/"
        yield root
        with suppress(InterstoreError):
            store.delete_many(prefix=root)


def keys_of(store: BlobStore, prefix: str, *, delimiter: str | None = None) -> list[str]:
    """What `list` gives, without the prefix."""
    entries = store.list(prefix, delimiter=delimiter)
    return [entry.key.removeprefix(prefix) for entry in entries]
