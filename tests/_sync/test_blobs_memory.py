# Generated from tests/_async/test_blobs_memory.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: b7e68874bda6bfa599aac07d

"""The kit on blobs in memory, and across the bridge between the flavours."""

from __future__ import annotations

import pytest

from interstore.blobs._sync.engine import Blobs
from interstore.testing import BlobConformance
from tests.blob_engines import bridged_blobs, memory_blobs


class TestMemoryBlobs(BlobConformance):
    @pytest.fixture
    def blobs(self) -> Blobs:
        return memory_blobs()


class TestBridgedBlobs(BlobConformance):
    """To the other flavour and back again."""

    @pytest.fixture
    def blobs(self) -> Blobs:
        return bridged_blobs()
