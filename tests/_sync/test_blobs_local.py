# Generated from tests/_async/test_blobs_local.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: acbc528756e589c4ada13c73

"""The kit on blobs in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from interstore.blobs._sync.engine import Blobs
from interstore.testing import BlobConformance
from tests.blob_engines import local_blobs


class TestLocalBlobs(BlobConformance):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        return local_blobs(tmp_path / "blobs")

    @pytest.fixture
    def second_blobs(self, tmp_path: Path) -> Blobs:
        return local_blobs(tmp_path / "blobs")
