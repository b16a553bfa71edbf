"""The kit on blobs in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interstore.blobs._async.engine import AsyncBlobs
from interstore.testing import AsyncBlobConformance
from interstore.testing._async.blobs.signed import AsyncBlobSignedSuite
from tests.blob_engines import local_blobs_async, served_folder


class TestLocalBlobs(AsyncBlobConformance):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> AsyncBlobs:
        return local_blobs_async(tmp_path / "blobs")

    @pytest.fixture
    def second_blobs(self, tmp_path: Path) -> AsyncBlobs:
        return local_blobs_async(tmp_path / "blobs")


class TestSignedUrls(AsyncBlobSignedSuite):
    """Those of a folder that is served."""

    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Iterator[AsyncBlobs]:
        with served_folder(tmp_path) as settings:
            yield local_blobs_async(tmp_path, **settings)
