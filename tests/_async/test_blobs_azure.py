"""The kit on blobs in Azure: those of Azurite, or of one's own account."""

from __future__ import annotations

import pytest

from interstore._compat_async import ASYNC
from interstore.blobs._async.engine import AsyncBlobs
from interstore.testing import AsyncBlobConformance
from tests.blob_servers import azure_blobs_async

if not ASYNC:
    # By a bridge that others are tested with as well.
    pytestmark = pytest.mark.long


class TestAzureBlobs(AsyncBlobConformance):
    @pytest.fixture
    def blobs(self, azure_url: str) -> AsyncBlobs:
        return azure_blobs_async(azure_url)

    @pytest.fixture
    def second_blobs(self, azure_url: str) -> AsyncBlobs:
        return azure_blobs_async(azure_url)
