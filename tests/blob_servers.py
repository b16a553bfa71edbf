"""Blob engines on the servers of the tests, in both flavours under paired names."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from interstore.blobs._async.engine import AsyncBlobs
from interstore.blobs._sync.engine import Blobs
from interstore.blobs.bridge import to_sync
from interstore.settings import URL

__all__ = [
    "azure_blobs",
    "azure_blobs_async",
    "container_of",
    "s3_blobs",
    "s3_blobs_async",
    "through",
]


def s3_blobs_async(url: str, **options: Any) -> AsyncBlobs:
    """Blobs in a bucket; of SeaweedFS, which keeps objects in folders, with flat keys."""
    from interstore_backends.blobs_s3.engine import S3Blobs
    from interstore_backends.blobs_s3.settings import S3BlobsSettings

    parsed = URL.parse(url)
    said = {**S3BlobsSettings.from_url(parsed), **parsed.query, "keys": "flat"}
    return S3Blobs(S3BlobsSettings(**{**said, **options}))


def s3_blobs(url: str, **options: Any) -> Blobs:
    return to_sync(s3_blobs_async(url, **options))


def azure_blobs_async(url: str, **options: Any) -> AsyncBlobs:
    """Blobs in a container."""
    from interstore_backends.blobs_azure.engine import AzureBlobs
    from interstore_backends.blobs_azure.settings import AzureBlobsSettings

    parsed = URL.parse(url)
    said = {**AzureBlobsSettings.from_url(parsed), **parsed.query}
    return AzureBlobs(AzureBlobsSettings(**{**said, **options}))


def azure_blobs(url: str, **options: Any) -> Blobs:
    return to_sync(azure_blobs_async(url, **options))


def container_of(url: str) -> str:
    """The bucket or container of a URL."""
    return urlsplit(url).netloc.rpartition("@")[2]


def through(url: str, port: int) -> str:
    """The same place, through a proxy on 127.0.0.1."""
    from urllib.parse import parse_qsl, urlencode

    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    path = urlsplit(query["endpoint"]).path
    return parts._replace(
        query=urlencode({**query, "endpoint": f"http://127.0.0.1:{port}{path}"})
    ).geturl()
