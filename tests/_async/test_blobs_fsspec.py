"""The kit on filesystems of others: one of a third party's, and fsspec's own for local files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]
from morefs.memory import MemFS

from interstore.blobs._async.engine import AsyncBlobs
from interstore.testing import AsyncBlobConformance
from tests.blob_engines import fsspec_blobs_async


class TestMoreMemory(AsyncBlobConformance):
    @pytest.fixture
    def filesystem(self) -> Any:
        return MemFS(skip_instance_cache=True)  # type: ignore[no-untyped-call]

    @pytest.fixture
    def blobs(self, filesystem: Any) -> AsyncBlobs:
        return fsspec_blobs_async(filesystem, "/blobs")

    @pytest.fixture
    def second_blobs(self, filesystem: Any) -> AsyncBlobs:
        return fsspec_blobs_async(filesystem, "/blobs")


class TestLocalFileSystem(AsyncBlobConformance):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> AsyncBlobs:
        return fsspec_blobs_async(LocalFileSystem(skip_instance_cache=True), str(tmp_path))

    @pytest.fixture
    def second_blobs(self, tmp_path: Path) -> AsyncBlobs:
        return fsspec_blobs_async(LocalFileSystem(skip_instance_cache=True), str(tmp_path))
