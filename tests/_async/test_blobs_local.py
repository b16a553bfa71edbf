"""The kit on blobs in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from interstore.blobs._async.engine import AsyncBlobs
from interstore.testing import AsyncBlobConformance
from tests.blob_engines import local_blobs_async


class TestLocalBlobs(AsyncBlobConformance):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> AsyncBlobs:
        return local_blobs_async(tmp_path / "blobs")

    @pytest.fixture
    def second_blobs(self, tmp_path: Path) -> AsyncBlobs:
        return local_blobs_async(tmp_path / "blobs")
