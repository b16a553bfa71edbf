"""What goes wrong with a server for blobs, or on the way to it, ends in a typed error, in time.

Nothing is half written, and what had the key before is untouched.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from interstore.blobs._async.store import AsyncBlobStore
from interstore.errors import CorruptionError, OperationTimeoutError, UnavailableError
from tests.blobs.served import PART, ServedBlobs
from tests.patience import eventually_async, no_hang

LARGE = os.urandom(3 * PART)
GONE = (UnavailableError, OperationTimeoutError)

patient = pytest.mark.parametrize(
    "served", ["s3", pytest.param("azure", marks=pytest.mark.long)], indirect=True
)
"""Azure's client waits some seconds before each attempt."""


async def pieces(data: bytes = LARGE) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 2**20):
        yield data[start : start + 2**20]


async def untouched(store: AsyncBlobStore, served: ServedBlobs) -> None:
    """There is nothing but what was there before."""
    assert [entry.key async for entry in store.list()] == ["old"]
    assert await store.get("old") == b"before"
    assert served.unfinished() == []


class TestWriting:
    @patient
    @pytest.mark.parametrize("key", ["old", "new"])
    async def test_connections_that_break_each_time(self, served: ServedBlobs, key: str) -> None:
        async with served.store() as direct, served.store(proxied=True) as store:
            await direct.put("old", b"before")
            served.proxy.cut(2**20, "to_server")
            with no_hang(), pytest.raises(GONE):
                await store.put(key, pieces())
            await untouched(direct, served)
            served.proxy.restore()
            await store.put(key, pieces())
            assert await direct.get(key) == LARGE

    async def test_a_connection_that_breaks_once(self, served: ServedBlobs) -> None:
        async with served.store(proxied=True) as store:
            served.proxy.cut(2**20, "to_server", times=1)
            with no_hang():
                await store.put("new", pieces())
            assert await store.get("new") == LARGE

    @pytest.mark.long  # waits for retries
    async def test_silence_in_mid_transfer(self, served: ServedBlobs) -> None:
        async with served.store() as direct, served.store(proxied=True, timeout=1.0) as store:
            await direct.put("old", b"before")

            async def source() -> AsyncIterator[bytes]:
                yield LARGE
                served.proxy.blackhole()
                yield LARGE

            with no_hang(), pytest.raises(GONE):
                await store.put("old", source())
            served.proxy.reset()
            served.proxy.restore()
            assert [entry.key async for entry in direct.list()] == ["old"]
            assert await direct.get("old") == b"before"

    @patient
    async def test_a_server_that_hangs(self, served: ServedBlobs) -> None:
        async with served.store() as direct, served.store(timeout=0.5) as store:
            await direct.put("old", b"before")
            served.process.pause()
            with no_hang(), pytest.raises(GONE):
                await store.put("old", b"after")
            served.process.resume()
            await eventually_async(lambda: direct.put("new", b"x"))
            assert await direct.get("old") in (b"before", b"after")  # nobody knows

    @pytest.mark.parametrize("kind", ["endless", "stalled"])
    async def test_cancelled(self, served: ServedBlobs, kind: str) -> None:
        begun = asyncio.Event()

        async def source() -> AsyncIterator[bytes]:
            yield LARGE
            begun.set()
            while kind == "endless":
                yield LARGE[: 2**20]
                await asyncio.sleep(0)
            await asyncio.Event().wait()

        async with served.store() as store:
            await store.put("old", b"before")
            for key in ("old", "new"):
                begun.clear()
                write = asyncio.create_task(store.put(key, source()))
                await begun.wait()
                write.cancel()
                with no_hang(), pytest.raises(asyncio.CancelledError):
                    await write
            await untouched(store, served)


class TestReading:
    async def test_a_download_that_breaks_goes_on(self, served: ServedBlobs) -> None:
        async with served.store(proxied=True) as store:
            await store.put("a", LARGE)
            served.proxy.cut(2**20, "to_client", times=2)
            async with store.open("a") as file:
                assert sha256(await file.read()).digest() == sha256(LARGE).digest()

    @patient
    async def test_a_download_that_breaks_each_time(self, served: ServedBlobs) -> None:
        async with served.store(proxied=True) as store:
            await store.put("a", LARGE)
            served.proxy.cut(0, "to_client")
            with no_hang(), pytest.raises(GONE):
                await store.get("a")
            with no_hang(), pytest.raises(GONE):
                async with store.open("a") as file:
                    await file.read()
            served.proxy.restore()
            assert await store.get("a") == LARGE

    @patient
    async def test_silence_in_mid_transfer(self, served: ServedBlobs) -> None:
        async with (
            served.store() as direct,
            served.store(proxied=True, timeout=0.5) as store,
        ):
            await direct.put("a", LARGE)
            async with store.open("a") as file:
                read = await file.read(2**20)
                served.proxy.blackhole()
                with no_hang(), pytest.raises(GONE):
                    await file.read()
            assert LARGE.startswith(read)
            served.proxy.reset()
            served.proxy.restore()
            assert await store.get("a") == LARGE

    async def test_damage_in_the_store(self, served: ServedBlobs) -> None:
        async with served.store() as store:
            for data in (b"what was written", LARGE):
                await store.put("a", data)
                served.change("a", lambda data: data[:-1] + bytes([data[-1] ^ 1]))
                with pytest.raises(CorruptionError, match="'a' is damaged"):
                    await store.get("a")
                with pytest.raises(CorruptionError):
                    async with store.open("a") as file:
                        await file.read()
                assert await store.get("a", start=0, end=4) == data[:4]

    async def test_damage_on_the_way(self, served: ServedBlobs) -> None:
        async with served.store(proxied=True) as store:
            await store.put("a", b"what was written")
            served.proxy.lie(b"what was written", b"what was Written")
            with pytest.raises(CorruptionError):
                await store.get("a")
            with pytest.raises(CorruptionError):
                async with store.open("a") as file:
                    await file.read()


class TestServer:
    @pytest.mark.long  # SeaweedFS takes seconds to be itself again
    async def test_killed_in_mid_transfer(self, served: ServedBlobs) -> None:
        async with served.store() as store:
            await store.put("old", b"before")
            await asyncio.sleep(6)  # Azurite keeps what is older than five seconds

            async def source() -> AsyncIterator[bytes]:
                yield LARGE
                served.process.kill()
                yield LARGE

            with no_hang(), pytest.raises(GONE):
                await store.put("old", source())
            served.process.start()

            async def works() -> None:
                assert await store.get("old") == b"before"
                await store.put("new", pieces())
                assert await store.get("new") == LARGE

            await eventually_async(works, 60)

    @pytest.mark.long
    async def test_restarted_between_calls(self, served: ServedBlobs) -> None:
        async with served.store() as store:
            await store.put("old", b"before")
            served.process.restart()
            await eventually_async(lambda: store.put("new", b"after"), 60)
            await eventually_async(lambda: store.get("old"), 60)
