"""The whole kit of blob engines in one class."""

from __future__ import annotations

from interstore.testing._async.blobs.compression import AsyncBlobCompressionSuite
from interstore.testing._async.blobs.conditions import AsyncBlobConditionSuite
from interstore.testing._async.blobs.contents import AsyncBlobContentSuite
from interstore.testing._async.blobs.files import AsyncBlobFileSuite
from interstore.testing._async.blobs.keys import AsyncBlobKeySuite
from interstore.testing._async.blobs.listing import AsyncBlobListingSuite
from interstore.testing._async.blobs.signed import AsyncBlobSignedSuite

__all__ = ["AsyncBlobConformance"]


class AsyncBlobConformance(
    AsyncBlobContentSuite,
    AsyncBlobConditionSuite,
    AsyncBlobKeySuite,
    AsyncBlobListingSuite,
    AsyncBlobFileSuite,
    AsyncBlobSignedSuite,
    AsyncBlobCompressionSuite,
):
    """Every suite of blobs. Inherit from it, and define the fixture `blobs`."""
