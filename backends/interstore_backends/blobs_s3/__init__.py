"""Blobs in S3, or in what speaks its protocol.

Keys are the names of the objects; with ``keys="flat"``, for stores with folders underneath, they
are written as `interstore_backends._blobs.names` says. Content type, metadata and SHA-256 are the
object's own. The SHA-256 stands before the parts of a large object, so that of a stream larger than
a part is not kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interstore.blobs.backend import BlobBackend
from interstore.blobs.capabilities import BlobCapabilities
from interstore.hookspecs import hookimpl
from interstore_backends.blobs_s3.settings import S3BlobsSettings

if TYPE_CHECKING:
    from interstore_backends.blobs_s3.engine import S3Blobs

__all__ = ["CAPABILITIES", "S3BlobsSettings", "interstore_blob_backend"]

CAPABILITIES = BlobCapabilities(
    if_absent=True,
    if_match=True,
    metadata=True,
    digest=True,
    late_digest=False,
    server_copy=True,
    signed_get=True,
    signed_put=True,
    signed_put_type=True,
    native=True,
)


def _blobs(settings: S3BlobsSettings) -> S3Blobs:
    from interstore_backends.blobs_s3.engine import S3Blobs

    return S3Blobs(settings)


@hookimpl
def interstore_blob_backend() -> BlobBackend:
    """Blobs in S3."""
    return BlobBackend(
        name="s3",
        settings=S3BlobsSettings,
        async_blobs=_blobs,
        capabilities=CAPABILITIES,
        schemes=("s3a",),
        drivers=("s3fs",),
        install="interstore[s3]",
    )
