"""What is S3's own: parts, encryption, broken transfers, errors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest

from interstore import open_blobs, open_blobs_async
from interstore.blobs._async.store import AsyncBlobStore
from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    PermissionDeniedError,
    UnavailableError,
)
from interstore.testing.http import fetch
from interstore_backends.blobs_s3.settings import S3BlobsSettings
from tests.blob_servers import container_of, s3_blobs_async, through
from tests.servers.proxy import Proxy
from tests.servers.s3 import S3

PART = 5 * 2**20
LARGE = os.urandom(3 * PART + 1)


@pytest.fixture
async def store(s3_url: str) -> AsyncIterator[AsyncBlobStore]:
    async with AsyncBlobStore(s3_blobs_async(s3_url, part_size=PART)) as store:
        yield store


@pytest.fixture
def bucket(s3_url: str) -> str:
    if urlsplit(s3_url).path:
        pytest.skip("looks at a bucket of its own")
    return container_of(s3_url)


class TestParts:
    async def test_bytes(self, store: AsyncBlobStore) -> None:
        info = await store.put("a", LARGE, metadata={"n": "é"})
        assert info.etag.endswith("-4")
        assert info == await store.stat("a")
        assert info.sha256 == sha256(LARGE).hexdigest()
        assert info.metadata == {"n": "é"}
        assert await store.get("a") == LARGE
        assert await store.get("a", start=PART - 1, end=PART + 1) == LARGE[PART - 1 : PART + 1]

    async def test_conditions(self, store: AsyncBlobStore, s3_server: S3, bucket: str) -> None:
        first = await store.put("a", LARGE, if_absent=True)
        with pytest.raises(InterstoreError, match="already"):
            await store.put("a", LARGE, if_absent=True)
        await store.put("a", LARGE + b"1", if_match=first.etag)
        with pytest.raises(InterstoreError, match="if_match expected"):
            await store.put("a", LARGE, if_match=first.etag)
        assert s3_server.uploads(bucket) == []

    async def test_failed(self, store: AsyncBlobStore, s3_server: S3, bucket: str) -> None:
        def source() -> Iterator[bytes]:
            yield LARGE
            assert s3_server.uploads(bucket)
            raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            await store.put("a", source())
        assert s3_server.uploads(bucket) == []
        assert not await store.exists("a")

    async def test_cancelled(self, store: AsyncBlobStore, s3_server: S3, bucket: str) -> None:
        begun = asyncio.Event()

        async def source() -> AsyncIterator[bytes]:
            yield LARGE
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(store.put("a", source()))
        await begun.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert s3_server.uploads(bucket) == []
        assert not await store.exists("a")


KEYS = ("put", "parts", "stream", "copy", "signed")


class TestEncryption:
    """What settings say of it reaches the server with every write, and stands at the object."""

    async def test_by_the_server(self, s3_url: str, s3_server: S3, bucket: str) -> None:
        await self._write(s3_url, sse="AES256")
        for key in KEYS:
            found = s3_server.client.head_object(Bucket=bucket, Key=key)
            assert found["ServerSideEncryption"] == "AES256", key

    @pytest.mark.long  # another server has to start
    async def test_by_a_key(self, moto_url: str, moto_server: S3) -> None:
        with Proxy(*moto_server.address) as proxy:
            heard = proxy.record()
            options = {"sse": "aws:kms", "sse_kms_key_id": "key-1", "sse_bucket_key": True}
            await self._write(through(moto_url, proxy.port), **options)
        bucket = container_of(moto_url)
        for key in KEYS:
            found = moto_server.client.head_object(Bucket=bucket, Key=key)
            assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "key-1"), (
                key
            )
        header = b"x-amz-server-side-encryption-bucket-key-enabled: true\r\n"
        assert heard.lower().count(header) == len(KEYS)

    async def _write(self, url: str, **options: Any) -> None:
        engine = s3_blobs_async(url, part_size=PART, **options)
        async with AsyncBlobStore(engine) as store:
            await store.put("put", b"1")
            await store.put("parts", LARGE)
            await store.put("stream", iter([b"1"]))
            await store.copy("put", "copy")
            upload = await store.signed_url("signed", method="PUT")
            headers = dict(store.capabilities.signed_put_headers)
            answer = await asyncio.to_thread(fetch, upload, "PUT", b"1", headers)
            assert answer.status == 200


class TestFaults:
    @pytest.fixture
    def proxy(self, s3_server: S3) -> Iterator[Proxy]:
        with Proxy(*s3_server.address) as proxy:
            yield proxy

    async def test_a_broken_download_goes_on(self, s3_url: str, proxy: Proxy) -> None:
        engine = s3_blobs_async(through(s3_url, proxy.port))
        async with AsyncBlobStore(engine) as store:
            await store.put("a", LARGE)
            proxy.cut(2**20, "to_client", times=2)
            assert sha256(await store.get("a")).digest() == sha256(LARGE).digest()
            proxy.cut(2**20, "to_client", times=2)
            async with store.open("a") as file:
                assert sha256(await file.read()).digest() == sha256(LARGE).digest()

    async def test_a_write_whose_answer_is_lost_wins_once(self, s3_url: str, proxy: Proxy) -> None:
        engine = s3_blobs_async(through(s3_url, proxy.port))
        async with AsyncBlobStore(engine) as store:
            proxy.cut(0, "to_client", times=1)
            await store.put("a", b"1", if_absent=True)
            assert await store.get("a") == b"1"

    async def test_nobody_is_there(self, s3_url: str, proxy: Proxy) -> None:
        engine = s3_blobs_async(through(s3_url, proxy.port))
        async with AsyncBlobStore(engine) as store:
            proxy.refuse()
            proxy.reset()
            with pytest.raises(UnavailableError, match="the bucket") as raised:
                await store.put("a", b"1")
            assert raised.value.id == "a"


class TestOpening:
    def test_by_url(self, s3_url: str) -> None:
        with open_blobs(s3_url, keys="flat") as store:
            assert store.backend == "s3"
            store.put("a", b"1")
            assert [entry.key for entry in store.list()] == ["a"]
            assert store.native.protocol == ("s3", "s3a")

    async def test_in_a_prefix(self, s3_url: str, s3_server: S3, bucket: str) -> None:
        async with open_blobs_async(s3_url, prefix="p/q") as store:
            await store.put("b", b"1", content_type="text/plain")
            assert [entry.key async for entry in store.list()] == ["b"]
        found = s3_server.client.get_object(Bucket=bucket, Key="p/q/b")
        assert (found["Body"].read(), found["ContentType"]) == (b"1", "text/plain")

    def test_wrong_secret(self, s3_url: str, s3_server: S3) -> None:
        wrong = s3_url.replace(s3_server.secret, "canary-secret")
        with pytest.raises(PermissionDeniedError, match="AWS_SECRET_ACCESS_KEY") as raised:
            open_blobs(wrong)
        assert "canary" not in repr(raised.value)
        assert raised.value.__cause__ is None

    def test_no_such_bucket(self, s3_server: S3) -> None:
        with pytest.raises(ConfigurationError, match=r"NoSuchBucket.*AWS_S3_BUCKET"):
            open_blobs(s3_server.url("nonesuch-interstore"))

    def test_settings_that_contradict(self) -> None:
        with pytest.raises(ConfigurationError, match="go together"):
            S3BlobsSettings(bucket="b", access_key_id="k")
        with pytest.raises(ConfigurationError, match="aws:kms"):
            S3BlobsSettings(bucket="b", sse_kms_key_id="k")
        with pytest.raises(ConfigurationError, match="name of a bucket"):
            S3BlobsSettings(bucket="")


async def test_names_of_others_are_not_listed(
    store: AsyncBlobStore, s3_server: S3, bucket: str
) -> None:
    s3_server.client.put_object(Bucket=bucket, Key="folder/file.txt", Body=b"1")
    await store.put("a/b", b"1")
    assert [entry.key async for entry in store.list()] == ["a/b"]
