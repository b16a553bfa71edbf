# Generated from tests/_async/test_blobs_fsspec.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 0c97b6fe4d0f2d159b14ede3

"""The kit on filesystems of others: one of a third party's, and fsspec's own for local files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]
from morefs.memory import MemFS

from interstore.blobs._sync.engine import Blobs
from interstore.testing import BlobConformance
from tests.blob_engines import fsspec_blobs


class TestMoreMemory(BlobConformance):
    @pytest.fixture
    def filesystem(self) -> Any:
        return MemFS(skip_instance_cache=True)  # type: ignore[no-untyped-call]

    @pytest.fixture
    def blobs(self, filesystem: Any) -> Blobs:
        return fsspec_blobs(filesystem, "/blobs")

    @pytest.fixture
    def second_blobs(self, filesystem: Any) -> Blobs:
        return fsspec_blobs(filesystem, "/blobs")


class TestLocalFileSystem(BlobConformance):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        return fsspec_blobs(LocalFileSystem(skip_instance_cache=True), str(tmp_path))

    @pytest.fixture
    def second_blobs(self, tmp_path: Path) -> Blobs:
        return fsspec_blobs(LocalFileSystem(skip_instance_cache=True), str(tmp_path))
