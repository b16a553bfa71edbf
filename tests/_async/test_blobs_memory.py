"""The kit on blobs in memory, and across the bridge between the flavours."""

from __future__ import annotations

import pytest

from interstore.blobs._async.engine import AsyncBlobs
from interstore.testing import AsyncBlobConformance
from tests.blob_engines import bridged_blobs_async, memory_blobs_async


class TestMemoryBlobs(AsyncBlobConformance):
    @pytest.fixture
    def blobs(self) -> AsyncBlobs:
        return memory_blobs_async()


class TestBridgedBlobs(AsyncBlobConformance):
    """To the other flavour and back again."""

    @pytest.fixture
    def blobs(self) -> AsyncBlobs:
        return bridged_blobs_async()
