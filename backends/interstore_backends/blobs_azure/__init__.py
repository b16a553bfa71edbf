"""Blobs in Azure Blob Storage.

Keys are the names of the blobs, but for some characters that are written as
`interstore_backends._blobs.names` says of `CAREFUL`. Content type, metadata and SHA-256 are the
blob's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interstore.blobs.backend import BlobBackend
from interstore.blobs.capabilities import BlobCapabilities
from interstore.hookspecs import hookimpl
from interstore_backends.blobs_azure.settings import AzureBlobsSettings

if TYPE_CHECKING:
    from interstore_backends.blobs_azure.engine import AzureBlobs

__all__ = ["CAPABILITIES", "AzureBlobsSettings", "interstore_blob_backend"]

CAPABILITIES = BlobCapabilities(
    if_absent=True,
    if_match=True,
    metadata=True,
    digest=True,
    signed_get=True,
    signed_put=True,
    signed_put_headers=(("x-ms-blob-type", "BlockBlob"),),
    native=True,
)


def _blobs(settings: AzureBlobsSettings) -> AzureBlobs:
    from interstore_backends.blobs_azure.engine import AzureBlobs

    return AzureBlobs(settings)


@hookimpl
def interstore_blob_backend() -> BlobBackend:
    """Blobs in Azure Blob Storage."""
    return BlobBackend(
        name="azure",
        settings=AzureBlobsSettings,
        async_blobs=_blobs,
        capabilities=CAPABILITIES,
        schemes=("az", "abfs", "abfss"),
        drivers=("adlfs",),
        install="interstore[azure]",
    )
