# Generated from tests/_async/test_blobs_azure.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 19711f014365222f7d640a99

"""The kit on blobs in Azure: those of Azurite, or of one's own account."""

from __future__ import annotations

import pytest

from interstore.blobs._sync.engine import Blobs
from interstore.testing import BlobConformance
from tests.blob_servers import azure_blobs

# By a bridge that others are tested with as well.
pytestmark = pytest.mark.long


class TestAzureBlobs(BlobConformance):
    @pytest.fixture
    def blobs(self, azure_url: str) -> Blobs:
        return azure_blobs(azure_url)

    @pytest.fixture
    def second_blobs(self, azure_url: str) -> Blobs:
        return azure_blobs(azure_url)
