"""Writes and reads that are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from interstore import AsyncBlobStore, open_blobs_async
from tests.patience import no_hang


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield bytes(300_000)
        await asyncio.sleep(0)


async def stalled() -> AsyncIterator[bytes]:
    yield bytes(3_000_000)
    await asyncio.Event().wait()


@pytest.mark.parametrize("source", [endless, stalled])
async def test_a_cancelled_write_leaves_nothing(
    tmp_path: Path, source: Callable[[], AsyncIterator[bytes]]
) -> None:
    async with open_blobs_async("local:", path=str(tmp_path)) as store:
        await store.put("old", b"before")
        for key in ("old", "new/er"):
            for pause in (0.0, 0.01, 0.1):
                write = asyncio.create_task(store.put(key, source()))
                await asyncio.sleep(pause)
                write.cancel()
                with no_hang(), pytest.raises(asyncio.CancelledError):
                    await write
        await nothing_else(store, tmp_path)


async def test_a_cancelled_block_leaves_nothing(tmp_path: Path) -> None:
    async with open_blobs_async("local:", path=str(tmp_path)) as store:
        await store.put("old", b"before")

        async def write() -> None:
            async with store.open("old", "wb") as file:
                await file.write(bytes(3_000_000))
                await asyncio.Event().wait()

        task = asyncio.create_task(write())
        await asyncio.sleep(0.05)
        task.cancel()
        with no_hang(), pytest.raises(asyncio.CancelledError):
            await task
        await nothing_else(store, tmp_path)


async def nothing_else(store: AsyncBlobStore, folder: Path) -> None:
    assert [entry.key async for entry in store.list()] == ["old"]
    assert await store.get("old") == b"before"
    assert list((folder / ".interstore/drafts").iterdir()) == []
    kept = [path for path in (folder / ".interstore/info").rglob("*") if path.is_file()]
    assert len(kept) == 1
