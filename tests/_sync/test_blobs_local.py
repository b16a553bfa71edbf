# Generated from tests/_async/test_blobs_local.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: cac26a31f481c53ef0a661ec

"""The kit on blobs in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interstore.blobs._sync.engine import Blobs
from interstore.testing import BlobConformance
from interstore.testing._sync.blobs.signed import BlobSignedSuite
from tests.blob_engines import local_blobs, served_folder


class TestLocalBlobs(BlobConformance):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        return local_blobs(tmp_path / "blobs")

    @pytest.fixture
    def second_blobs(self, tmp_path: Path) -> Blobs:
        return local_blobs(tmp_path / "blobs")


class TestSignedUrls(BlobSignedSuite):
    """Those of a folder that is served."""

    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Iterator[Blobs]:
        with served_folder(tmp_path) as settings:
            yield local_blobs(tmp_path, **settings)
