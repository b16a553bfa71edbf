"""Blobs on a server, reached directly or through a proxy that misbehaves."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from interstore.blobs._async.store import AsyncBlobStore
from tests.blob_servers import azure_blobs_async, s3_blobs_async, through
from tests.servers.azure import Azure
from tests.servers.process import ServerProcess
from tests.servers.proxy import Proxy
from tests.servers.s3 import S3

__all__ = ["PART", "ServedBlobs"]

PART = 5 * 2**20
"""Bytes; the smallest part that S3 takes."""


class ServedBlobs:
    """One server, and a place for blobs in it.

    Attributes:
        name: ``"s3"`` or ``"azure"``.
        url: of a bucket or container with nothing in it.
        proxy: stands before the server for what is opened with `proxied=True`.
    """

    def __init__(self, name: str, server: S3 | Azure, url: str, proxy: Proxy) -> None:
        self.name = name
        self.url = url
        self.proxy = proxy
        self._server = server

    @property
    def process(self) -> ServerProcess:
        """The server's process; what is done to it is undone after the test."""
        if self._server.process is None:
            pytest.skip("a server of your own is not killed or stopped")
        return self._server.process

    def store(self, *, proxied: bool = False, **options: Any) -> AsyncBlobStore:
        """A store, not connected yet, which sends parts of `PART` bytes and waits two seconds."""
        url = through(self.url, self.proxy.port) if proxied else self.url
        make = s3_blobs_async if self.name == "s3" else azure_blobs_async
        return AsyncBlobStore(make(url, **{"part_size": PART, "timeout": 2.0, **options}))

    def unfinished(self) -> list[str]:
        """Uploads in parts that S3 still keeps. Azure keeps blocks, for a week at most."""
        if not isinstance(self._server, S3):
            return []
        return self._server.uploads(self._place)

    def change(self, name: str, change: Any) -> None:
        """Change the bytes of an object behind the back of its store, and nothing else."""
        if isinstance(self._server, S3):
            client = self._server.client
            found = client.get_object(Bucket=self._place, Key=name)
            data = change(found["Body"].read())
            client.put_object(Bucket=self._place, Key=name, Body=data, Metadata=found["Metadata"])
        else:
            blob = self._server.client.get_blob_client(self._place, name)
            found = blob.download_blob()
            metadata = found.properties.metadata
            blob.upload_blob(change(found.readall()), overwrite=True, metadata=metadata)

    @property
    def _place(self) -> str:
        parts = urlsplit(self.url)
        if parts.path:
            pytest.skip("looks at a bucket of its own")
        return parts.netloc.rpartition("@")[2]
