"""Blobs in memory: of this process, gone when the store is closed.

For tests, and as the reference for what the other engines mean. Every store has blobs of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interstore.blobs.backend import BlobBackend
from interstore.blobs.capabilities import BlobCapabilities
from interstore.hookspecs import hookimpl
from interstore.settings import Settings

if TYPE_CHECKING:
    from interstore_backends.blobs_memory.engine import MemoryBlobs

__all__ = ["CAPABILITIES", "MemoryBlobsSettings", "interstore_blob_backend"]

CAPABILITIES = BlobCapabilities(
    if_absent=True,
    if_match=True,
    metadata=True,
    digest=True,
    server_copy=True,
    persistent=False,
)


class MemoryBlobsSettings(Settings, kw_only=True, frozen=True):
    """There is nothing to set."""


def _blobs(_settings: MemoryBlobsSettings) -> MemoryBlobs:
    from interstore_backends.blobs_memory.engine import MemoryBlobs

    return MemoryBlobs()


@hookimpl
def interstore_blob_backend() -> BlobBackend:
    """Blobs in memory."""
    return BlobBackend(
        name="memory", settings=MemoryBlobsSettings, blobs=_blobs, capabilities=CAPABILITIES
    )
