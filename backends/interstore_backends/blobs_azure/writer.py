"""Writes: one request if they are small, blocks and their list otherwise."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from interstore.blobs.blob import BlobHead, BlobInfo

if TYPE_CHECKING:
    from interstore_backends.blobs_azure.engine import AzureBlobs

__all__ = ["AzureWriter"]


class AzureWriter:
    """A write under way. The service itself discards blocks that no list names, after a week."""

    def __init__(
        self, blobs: AzureBlobs, key: str, head: BlobHead, conditions: dict[str, Any]
    ) -> None:
        self._blobs = blobs
        self._key = key
        self._head = head
        self._conditions = conditions
        self._buffer = bytearray()
        self._size = 0
        self._blocks: list[str] = []
        self._name = uuid4().hex

    async def write(self, data: bytes, /) -> None:
        self._size += len(data)
        self._buffer += data
        # 50,000 blocks at most: 8 MiB at first, then twice as much, hold more than a blob may.
        while len(self._buffer) > (size := self._blobs.part_size << (len(self._blocks) // 10_000)):
            block = bytes(self._buffer[:size])
            del self._buffer[:size]
            await self._send(block)

    async def _send(self, block: bytes) -> None:
        # Of the write's own, so that others of the same key do not use or replace it.
        name = base64.b64encode(f"{self._name}{len(self._blocks):06}".encode()).decode()
        await self._blobs.send_block(self._key, name, block)
        self._blocks.append(name)

    async def commit(self, sha256: str, /) -> BlobInfo:
        if not self._blocks and len(self._buffer) <= self._blobs.whole:
            data = bytes(self._buffer)
            return await self._blobs.put_digested(
                self._key, data, self._head, sha256, self._conditions
            )
        if self._buffer:
            await self._send(bytes(self._buffer))
            self._buffer.clear()
        return await self._blobs.commit_blocks(
            self._key, self._blocks, self._head, self._size, sha256, self._conditions
        )

    async def abort(self) -> None:
        self._buffer.clear()
