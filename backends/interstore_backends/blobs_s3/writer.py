"""Large objects, sent in parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from interstore.blobs.blob import BlobHead, BlobInfo
from interstore_backends.blobs_s3.errors import CAUGHT

if TYPE_CHECKING:
    from interstore_backends.blobs_s3.engine import S3Blobs

__all__ = ["S3Writer", "finished", "mark"]

_AT_ONCE: Final = 3
"""Parts of one object on their way, besides the one that is gathered."""
_DOUBLING: Final = 1000
"""Parts after which they are of twice the size: 10,000 of 8 MiB at first hold 5 TiB."""


class S3Writer:
    """A write under way: one request if it is small, an upload in parts otherwise."""

    def __init__(
        self, blobs: S3Blobs, key: str, head: BlobHead, conditions: dict[str, Any]
    ) -> None:
        self._blobs = blobs
        self._key = key
        self._head = head
        self._conditions = conditions
        self._mark = mark(conditions)
        self._buffer = bytearray()
        self._upload: str | None = None
        self._parts: list[asyncio.Task[dict[str, Any]]] = []
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def write(self, data: bytes, /) -> None:
        self._buffer += data
        while len(self._buffer) > (size := self._part_size):
            part = bytes(self._buffer[:size])
            del self._buffer[:size]
            await self._send(part)

    @property
    def _part_size(self) -> int:
        return self._blobs.part_size << (len(self._parts) // _DOUBLING)

    async def _send(self, part: bytes) -> None:
        if self._upload is None:
            self._upload = await self._blobs.begin_upload(self._key, self._head, self._mark)
        await self._room.acquire()
        for task in self._parts:
            if task.done():
                task.result()  # no use in sending more than one that failed
        number = len(self._parts) + 1
        self._parts.append(asyncio.create_task(self._send_part(self._upload, number, part)))

    async def _send_part(self, upload: str, number: int, part: bytes) -> dict[str, Any]:
        try:
            return await self._blobs.send_part(self._key, upload, number, part)
        finally:
            self._room.release()

    async def commit(self, sha256: str, /) -> BlobInfo:
        if self._upload is None:
            data = bytes(self._buffer)
            return await self._blobs.put_digested(
                self._key, data, self._head, sha256, self._conditions
            )
        if self._buffer:
            await self._send(bytes(self._buffer))
            self._buffer.clear()
        parts = await asyncio.gather(*self._parts)
        info = await self._blobs.end_upload(
            self._key, self._upload, parts, self._conditions, self._mark
        )
        self._upload = None
        return info

    async def abort(self) -> None:
        self._buffer.clear()
        for task in self._parts:
            task.cancel()
        await asyncio.gather(*self._parts, return_exceptions=True)
        upload, self._upload = self._upload, None
        if upload is not None:
            # If this fails too, a rule of the bucket for what was never completed removes it.
            with suppress(*CAUGHT):
                await finished(lambda: self._blobs.drop_upload(self._key, upload))


def mark(conditions: Mapping[str, Any]) -> dict[str, str]:
    """What tells a write of ours from another's, where an attempt may be repeated."""
    return {"write": uuid4().hex} if conditions else {}


async def finished(call: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Call, and end it even if this is cancelled meanwhile."""
    task = asyncio.ensure_future(call())
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(*CAUGHT):
            await task
        raise
