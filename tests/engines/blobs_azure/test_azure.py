"""What is Azure's own: blocks, conditions, encryption, accounts, broken transfers, errors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import pytest
from azure.storage.blob import (
    AccountSasPermissions,
    ContainerClient,
    ResourceTypes,
    generate_account_sas,
)

from interstore import Secret, open_blobs, open_blobs_async
from interstore.blobs._async.store import AsyncBlobStore
from interstore.errors import (
    ConfigurationError,
    ConflictError,
    DuplicateError,
    PermissionDeniedError,
    UnavailableError,
    UnsupportedError,
)
from interstore_backends.blobs_azure.settings import AzureBlobsSettings
from tests.blob_servers import azure_blobs_async, container_of, through
from tests.servers.azure import Azure
from tests.servers.proxy import Proxy

BLOCK = 2**18
LARGE = os.urandom(5 * BLOCK + 1)


@pytest.fixture
async def store(azure_url: str) -> AsyncIterator[AsyncBlobStore]:
    async with AsyncBlobStore(azure_blobs_async(azure_url, part_size=BLOCK)) as store:
        yield store


@pytest.fixture
def container(azure_url: str, azure_server: Azure) -> ContainerClient:
    """The container, as Microsoft's client sees it."""
    return azure_server.client.get_container_client(container_of(azure_url))


class TestBlocks:
    async def test_bytes(self, store: AsyncBlobStore, container: ContainerClient) -> None:
        info = await store.put("a", LARGE, metadata={"n": "é"})
        assert info == await store.stat("a")
        assert info.sha256 == sha256(LARGE).hexdigest()
        assert info.metadata == {"n": "é"}
        assert await store.get("a") == LARGE
        assert await store.get("a", start=BLOCK - 1, end=BLOCK + 1) == LARGE[BLOCK - 1 : BLOCK + 1]
        committed, uncommitted = container.get_blob_client("a").get_block_list("all")
        assert [block.size for block in committed] == [*[BLOCK] * 5, 1]
        assert uncommitted == []

    async def test_conditions(self, store: AsyncBlobStore) -> None:
        first = await store.put("a", LARGE, if_absent=True)
        with pytest.raises(DuplicateError, match="already"):
            await store.put("a", LARGE, if_absent=True)
        with pytest.raises(DuplicateError, match="already"):
            await store.put("a", iter([LARGE]), if_absent=True)
        second = await store.put("a", LARGE + b"1", if_match=first.etag)
        for content in (LARGE, b"small"):
            with pytest.raises(ConflictError, match=f"has the etag '{second.etag}' now"):
                await store.put("a", content, if_match=first.etag)
            with pytest.raises(ConflictError, match="is not there"):
                await store.put("b", content, if_match=first.etag)
        assert (await store.stat("a")).etag == second.etag
        assert [entry.key async for entry in store.list()] == ["a"]

    async def test_writers_do_not_mix_their_blocks(self, store: AsyncBlobStore) -> None:
        """The first to end discards the blocks of the others; what is at hand is sent again."""
        contents = [bytes([number]) * (3 * BLOCK) for number in range(4)]
        await asyncio.gather(*(store.put("a", content) for content in contents))
        assert await store.get("a") in contents

    async def test_a_stream_that_is_overtaken(self, store: AsyncBlobStore) -> None:
        async with store.open("a", "wb") as slow:
            await slow.write(LARGE)
            await store.put("a", LARGE[1:])
            with pytest.raises(UnavailableError, match="others wrote the same blob"):
                await slow.close()
        assert await store.get("a") == LARGE[1:]

    async def test_failed(self, store: AsyncBlobStore, container: ContainerClient) -> None:
        await store.put("old", b"before")

        def source() -> Iterator[bytes]:
            yield LARGE
            raise RuntimeError("on purpose")

        for key in ("old", "new"):
            with pytest.raises(RuntimeError, match="on purpose"):
                await store.put(key, source())
        await self._nothing_else(store, container)

    async def test_cancelled(self, store: AsyncBlobStore, container: ContainerClient) -> None:
        await store.put("old", b"before")
        begun = asyncio.Event()

        async def source() -> AsyncIterator[bytes]:
            yield LARGE
            begun.set()
            await asyncio.Event().wait()

        for key in ("old", "new"):
            begun.clear()
            task = asyncio.create_task(store.put(key, source()))
            await begun.wait()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._nothing_else(store, container)

    async def _nothing_else(self, store: AsyncBlobStore, container: ContainerClient) -> None:
        assert await store.get("old") == b"before"
        assert not await store.exists("new")
        assert [blob.name for blob in container.list_blobs()] == ["old"]
        await store.put("new", LARGE, if_absent=True)  # blocks that are left are not in the way
        assert await store.get("new") == LARGE


async def test_an_encryption_scope(azure_url: str, azure_server: Azure) -> None:
    """Azurite passes over it, so it is looked for on the wire."""
    with Proxy(*azure_server.address) as proxy:
        heard = proxy.record()
        engine = azure_blobs_async(
            through(azure_url, proxy.port), part_size=BLOCK, encryption_scope="scope1"
        )
        async with AsyncBlobStore(engine) as store:
            await store.put("a", b"1")
            assert heard.lower().count(b"x-ms-encryption-scope: scope1\r\n") == 1
            await store.put("a", LARGE)
            assert heard.lower().count(b"x-ms-encryption-scope: scope1\r\n") == 1 + 6 + 1
            assert "&ses=scope1&" in await store.signed_url("a", method="PUT")
            assert "&ses=" not in await store.signed_url("a")


class TestFaults:
    @pytest.fixture
    def proxy(self, azure_server: Azure) -> Iterator[Proxy]:
        with Proxy(*azure_server.address) as proxy:
            yield proxy

    @pytest.fixture
    async def far(self, azure_url: str, proxy: Proxy) -> AsyncIterator[AsyncBlobStore]:
        engine = azure_blobs_async(through(azure_url, proxy.port), part_size=BLOCK)
        async with AsyncBlobStore(engine) as store:
            yield store

    async def test_a_broken_download_goes_on(self, far: AsyncBlobStore, proxy: Proxy) -> None:
        await far.put("a", LARGE)
        proxy.cut(BLOCK // 2, "to_client", times=1)
        assert sha256(await far.get("a")).digest() == sha256(LARGE).digest()
        proxy.cut(BLOCK // 2, "to_client", times=1)
        async with far.open("a") as file:
            assert sha256(await file.read()).digest() == sha256(LARGE).digest()

    async def test_a_write_is_repeated(self, far: AsyncBlobStore, proxy: Proxy) -> None:
        proxy.cut(0, "to_client", times=1)
        await far.put("a", LARGE)
        assert await far.get("a") == LARGE

    @pytest.mark.long  # the client tries again for some seconds
    async def test_nobody_is_there(self, far: AsyncBlobStore, proxy: Proxy) -> None:
        proxy.refuse()
        proxy.reset()
        with pytest.raises(UnavailableError, match="the container") as raised:
            await far.put("a", b"1")
        assert raised.value.id == "a"


class TestAccounts:
    def test_by_url(self, azure_url: str) -> None:
        with open_blobs(azure_url) as store:
            assert store.backend == "azure"
            store.put("a", b"1")
            assert [entry.key for entry in store.list()] == ["a"]
            assert "abfs" in store.native.protocol

    def test_a_wrong_key(self, azure_url: str, azure_server: Azure) -> None:
        wrong = azure_url.replace(quote(azure_server.key, safe=""), "Y2FuYXJ5LWtleQ%3D%3D")
        with pytest.raises(PermissionDeniedError, match="AZURE_STORAGE_ACCOUNT_KEY") as raised:
            open_blobs(wrong)
        assert "Y2FuYXJ5" not in repr(raised.value)
        assert raised.value.__cause__ is None

    def test_no_such_container(self, azure_server: Azure) -> None:
        with pytest.raises(ConfigurationError, match=r"ContainerNotFound.*CONTAINER_NAME"):
            open_blobs(azure_server.url("nonesuch-interstore"))

    async def test_a_shared_access_signature(self, azure_url: str, azure_server: Azure) -> None:
        async with open_blobs_async(
            backend="azure", **_shared(azure_server, azure_url, 1)
        ) as store:
            await store.put("a", b"1")
            assert await store.get("a") == b"1"
            assert not store.capabilities.signed_get
            with pytest.raises(UnsupportedError, match="no signed URLs for GET"):
                await store.signed_url("a")

    def test_an_expired_signature(self, azure_url: str, azure_server: Azure) -> None:
        options = _shared(azure_server, azure_url, -1)
        with pytest.raises(PermissionDeniedError, match="AZURE_STORAGE_ACCOUNT_KEY") as raised:
            open_blobs(backend="azure", **options)
        signature = options["connection_string"].reveal().rpartition("sig=")[2]
        assert signature not in repr(raised.value)

    def test_settings_that_are_refused(self) -> None:
        settings: list[tuple[dict[str, Any], str]] = [
            ({"container": ""}, "name of a container"),
            ({"container": "c"}, "nothing says which account"),
            ({"container": "c", "account": "a", "key": Secret("canary!")}, "not in base 64"),
        ]
        for wrong, said in settings:
            with pytest.raises(ConfigurationError, match=said) as raised:
                AzureBlobsSettings(**wrong)
            assert "canary" not in repr(raised.value)


def _shared(server: Azure, url: str, hours: int) -> dict[str, Any]:
    """Settings with a signature for the account instead of its key."""
    signature = generate_account_sas(
        server.account,
        server.key,
        ResourceTypes(container=True, object=True),
        AccountSasPermissions(read=True, write=True, list=True, create=True, delete=True),
        datetime.now(UTC) + timedelta(hours=hours),
    )
    text = f"BlobEndpoint={server.endpoint};SharedAccessSignature={signature}"
    return {"container": container_of(url), "connection_string": Secret(text)}
