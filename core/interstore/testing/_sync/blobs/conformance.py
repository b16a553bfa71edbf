# Generated from core/interstore/testing/_async/blobs/conformance.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 67a630a4a96db871f2d44436

"""The whole kit of blob engines in one class."""

from __future__ import annotations

from interstore.testing._sync.blobs.conditions import BlobConditionSuite
from interstore.testing._sync.blobs.contents import BlobContentSuite
from interstore.testing._sync.blobs.files import BlobFileSuite
from interstore.testing._sync.blobs.keys import BlobKeySuite
from interstore.testing._sync.blobs.listing import BlobListingSuite

__all__ = ["BlobConformance"]


class BlobConformance(
    BlobContentSuite,
    BlobConditionSuite,
    BlobKeySuite,
    BlobListingSuite,
    BlobFileSuite,
):
    """Every suite of blobs. Inherit from it, and define the fixture `blobs`."""
