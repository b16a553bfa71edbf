# Generated from core/interstore/testing/_async/blobs/conformance.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: e6ab84e262c79d12a2cf43cd

"""The whole kit of blob engines in one class."""

from __future__ import annotations

from interstore.testing._sync.blobs.compression import BlobCompressionSuite
from interstore.testing._sync.blobs.conditions import BlobConditionSuite
from interstore.testing._sync.blobs.contents import BlobContentSuite
from interstore.testing._sync.blobs.files import BlobFileSuite
from interstore.testing._sync.blobs.keys import BlobKeySuite
from interstore.testing._sync.blobs.listing import BlobListingSuite
from interstore.testing._sync.blobs.signed import BlobSignedSuite

__all__ = ["BlobConformance"]


class BlobConformance(
    BlobContentSuite,
    BlobConditionSuite,
    BlobKeySuite,
    BlobListingSuite,
    BlobFileSuite,
    BlobSignedSuite,
    BlobCompressionSuite,
):
    """Every suite of blobs. Inherit from it, and define the fixture `blobs`."""
