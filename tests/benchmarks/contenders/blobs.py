"""Who keeps blobs, each as its own documentation shows it: in a folder, in S3, in Azure.

Each has `put` and `get`, for asyncio where its class says so, and what it needs to be closed.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from msgspec import json

from tests.servers.azure import Azure
from tests.servers.s3 import S3

__all__ = [
    "Adlfs",
    "Aiobotocore",
    "AzureSdk",
    "ByHand",
    "ByHandAsync",
    "FsspecLocal",
    "ObstoreAzure",
    "ObstoreLocal",
    "ObstoreLocalAsync",
    "ObstoreS3",
    "S3fs",
]

_THREADS: Final = 16


class ByHand:
    """Files, written whole or not at all, and synced; a digest computed, and compared.

    Digest and content type are in a second file beside it, that is there before the blob is.
    """

    def __init__(self, folder: Path, *, synced: bool) -> None:
        self.folder = folder
        self.beside = folder / ".beside"
        self.beside.mkdir()
        self.synced = synced

    def put(self, key: str, data: bytes) -> None:
        kept = {"type": "application/octet-stream", "sha256": sha256(data).hexdigest()}
        self._write(self.beside, key, json.encode(kept))
        self._write(self.folder, key, data)

    def _write(self, folder: Path, name: str, data: bytes) -> None:
        draft = folder / uuid4().hex
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(fd, data)
            if self.synced:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(draft, folder / name)
        if self.synced:
            parent = os.open(folder, os.O_RDONLY)
            os.fsync(parent)
            os.close(parent)

    def get(self, key: str) -> bytes:
        data = (self.folder / key).read_bytes()
        kept = json.decode((self.beside / key).read_bytes())
        assert sha256(data).hexdigest() == kept["sha256"]
        return data


class ByHandAsync:
    """The same in worker threads."""

    def __init__(self, folder: Path, *, synced: bool) -> None:
        self._files = ByHand(folder, synced=synced)
        self._threads = ThreadPoolExecutor(_THREADS)

    async def put(self, key: str, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._files.put, key, data)

    async def get(self, key: str) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._files.get, key)

    async def close(self) -> None:
        self._threads.shutdown()


class FsspecLocal:
    """fsspec's local files: neither whole nor synced nor checked."""

    def __init__(self, folder: Path) -> None:
        from fsspec.implementations.local import (  # type: ignore[import-untyped]
            LocalFileSystem,
        )

        self._files: Any = LocalFileSystem(skip_instance_cache=True)
        self._folder = str(folder)

    def put(self, key: str, data: bytes) -> None:
        self._files.pipe_file(f"{self._folder}/{key}", data)

    def get(self, key: str) -> bytes:
        data: bytes = self._files.cat_file(f"{self._folder}/{key}")
        return data


class ObstoreLocal:
    """obstore: written whole, not synced, not checked."""

    def __init__(self, folder: Path) -> None:
        from obstore.store import LocalStore  # type: ignore[import-not-found, unused-ignore]

        self._store: Any = LocalStore(prefix=folder)

    def put(self, key: str, data: bytes) -> None:
        self._store.put(key, data)

    def get(self, key: str) -> bytes:
        return bytes(self._store.get(key).bytes())


class _ObstoreAsync:
    _store: Any

    async def put(self, key: str, data: bytes) -> None:
        await self._store.put_async(key, data)

    async def get(self, key: str) -> bytes:
        return bytes(await (await self._store.get_async(key)).bytes_async())

    async def close(self) -> None:
        """Nothing is held."""


class ObstoreLocalAsync(_ObstoreAsync):
    """obstore on files."""

    def __init__(self, folder: Path) -> None:
        from obstore.store import LocalStore  # type: ignore[import-not-found, unused-ignore]

        self._store = LocalStore(prefix=folder)


class ObstoreS3(_ObstoreAsync):
    """obstore on S3."""

    def __init__(self, server: S3, url: str) -> None:
        from obstore.store import S3Store  # type: ignore[import-not-found, unused-ignore]

        self._store = S3Store(
            place(url),
            endpoint=server.endpoint,
            access_key_id=server.key,
            secret_access_key=server.secret,
            region=server.region,
            client_options={"allow_http": True},
        )


class ObstoreAzure(_ObstoreAsync):
    """obstore on Azure."""

    def __init__(self, server: Azure, url: str) -> None:
        from obstore.store import AzureStore  # type: ignore[import-not-found, unused-ignore]

        self._store = AzureStore(
            container_name=place(url),
            account_name=server.account,
            account_key=server.key,
            endpoint=server.endpoint,
            client_options={"allow_http": True},
        )


class Aiobotocore:
    """The driver of S3 itself; a digest computed, and compared."""

    def __init__(self, server: S3, url: str) -> None:
        self._server = server
        self._bucket = place(url)
        self._open = AsyncExitStack()
        self._client: Any = None
        self._digests: dict[str, bytes] = {}

    async def connect(self) -> None:
        from aiobotocore.config import AioConfig  # type: ignore[import-untyped]
        from aiobotocore.session import AioSession  # type: ignore[import-untyped]

        self._client = await self._open.enter_async_context(
            AioSession().create_client(
                "s3",
                region_name=self._server.region,
                endpoint_url=self._server.endpoint,
                aws_access_key_id=self._server.key,
                aws_secret_access_key=self._server.secret,
                config=AioConfig(max_pool_connections=50),
            )
        )

    async def put(self, key: str, data: bytes) -> None:
        self._digests[key] = sha256(data).digest()
        await self._client.put_object(Bucket=self._bucket, Key=key, Body=data)

    async def get(self, key: str) -> bytes:
        answer = await self._client.get_object(Bucket=self._bucket, Key=key)
        data: bytes = await answer["Body"].read()
        assert sha256(data).digest() == self._digests[key]
        return data

    async def close(self) -> None:
        await self._open.aclose()


class S3fs:
    """s3fs, on the event loop."""

    def __init__(self, server: S3, url: str) -> None:
        self._server = server
        self._bucket = place(url)
        self._files: Any = None

    async def connect(self) -> None:
        from s3fs import S3FileSystem  # type: ignore[import-untyped]

        self._files = S3FileSystem(
            key=self._server.key,
            secret=self._server.secret,
            endpoint_url=self._server.endpoint,
            client_kwargs={"region_name": self._server.region},
            config_kwargs={"max_pool_connections": 50},
            asynchronous=True,
            skip_instance_cache=True,
            use_listings_cache=False,
        )
        await self._files.set_session()

    async def put(self, key: str, data: bytes) -> None:
        await self._files._pipe_file(f"{self._bucket}/{key}", data)

    async def get(self, key: str) -> bytes:
        data: bytes = await self._files._cat_file(f"{self._bucket}/{key}")
        return data

    async def close(self) -> None:
        await self._files._s3.__aexit__(None, None, None)


class AzureSdk:
    """Microsoft's own client; a digest computed, and compared."""

    def __init__(self, server: Azure, url: str) -> None:
        from azure.storage.blob.aio import ContainerClient

        self._container = ContainerClient(server.endpoint, place(url), server.key)
        self._digests: dict[str, bytes] = {}

    async def put(self, key: str, data: bytes) -> None:
        self._digests[key] = sha256(data).digest()
        await self._container.upload_blob(key, data, overwrite=True)

    async def get(self, key: str) -> bytes:
        data = await (await self._container.download_blob(key)).readall()
        assert sha256(data).digest() == self._digests[key]
        return data

    async def close(self) -> None:
        await self._container.close()


class Adlfs:
    """adlfs, on the event loop."""

    def __init__(self, server: Azure, url: str) -> None:
        self._server = server
        self._container = place(url)
        self._files: Any = None

    async def connect(self) -> None:
        from adlfs import AzureBlobFileSystem  # type: ignore[import-untyped]

        self._files = AzureBlobFileSystem(
            connection_string=(
                f"DefaultEndpointsProtocol=http;AccountName={self._server.account};"
                f"AccountKey={self._server.key};BlobEndpoint={self._server.endpoint}"
            ),
            # Not `asynchronous`: it would be closed, at the end, on a loop that is closed by then.
            skip_instance_cache=True,
            use_listings_cache=False,
        )

    async def put(self, key: str, data: bytes) -> None:
        await self._files._pipe_file(f"{self._container}/{key}", data)

    async def get(self, key: str) -> bytes:
        data: bytes = await self._files._cat_file(f"{self._container}/{key}")
        return data

    async def close(self) -> None:
        await self._files.service_client.close()


def place(url: str) -> str:
    """The bucket or container of a URL."""
    return unquote(urlsplit(url).netloc.rpartition("@")[2])
