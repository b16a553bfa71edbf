"""Every operation of an engine: its own, and those that core makes of the basic ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any

from interstore._compat_async import to_thread
from interstore.blobs._async.compressed import (
    AsyncEncodingWriter,
    decoded,
    described,
    unpacked,
)
from interstore.blobs._async.engine import AsyncBlobReader, AsyncBlobs, AsyncBlobWriter
from interstore.blobs.blob import BlobHead, BlobInfo, UrlGrant
from interstore.blobs.compression import Compression, encoding_of, marked, shown
from interstore.blobs.problems import changed, corrupt, missing
from interstore.errors import UnsupportedError

__all__ = ["CHUNK", "AsyncBlobOperations"]

CHUNK = 1 << 20
"""Bytes that are handed on at a time."""


class AsyncBlobOperations:
    """An engine with all operations. Arguments are valid, and conditions are declared.

    Args:
        engine: the engine.
        compression: how contents that gain by it are kept. Compressed ones are read in any case.
    """

    def __init__(self, engine: AsyncBlobs, compression: Compression | None = None) -> None:
        self.engine = engine
        self.name = engine.name
        self._compression = compression
        self._put = self._own("put")
        self._get = self._own("get")
        self._delete_many = self._own("delete_many")

    def _own(self, name: str) -> Callable[..., Awaitable[Any]] | None:
        method: Callable[..., Awaitable[Any]] | None = getattr(self.engine, name, None)
        return method

    async def put(self, key: str, data: bytes, head: BlobHead, **conditions: Any) -> BlobInfo:
        """Write a blob whose content is at hand; `head.sha256` is its digest."""
        compression = self._compression
        if compression is not None and compression.gains(head.content_type, data):
            packed = await to_thread(compression.packed, data)
            if len(packed) < len(data):
                head = marked(head, compression.encoding, len(data))
                return shown(await self._write(key, packed, head, conditions), len(data))
        return await self._write(key, data, head, conditions)

    async def _write(
        self, key: str, data: bytes, head: BlobHead, conditions: dict[str, Any]
    ) -> BlobInfo:
        if self._put is not None:
            info: BlobInfo = await self._put(key, data, head, **conditions)
            return info
        writer = await self.engine.begin(key, head, **conditions)
        try:
            if data:
                await writer.write(data)
            assert head.sha256 is not None
            return await writer.commit(head.sha256)
        except BaseException:
            await writer.abort()
            raise

    async def get(self, key: str, start: int, end: int | None) -> bytes:
        """The bytes of a blob, checked where it is the whole blob.

        Raises:
            NotFoundError: there is none.
            CorruptionError: they are not what was written.
        """
        if self._get is not None:
            info, data = await self._get(key, start, end)
            if encoding_of(info) is not None:
                if start or end is not None:
                    info, data = await self._read(key, start, end)
                else:
                    info, data = await unpacked(self.engine, info, data)
        else:
            info, data = await self._read(key, start, end)
        if len(data) == info.size and info.sha256 is not None:
            found = sha256(data).hexdigest()
            if found != info.sha256:
                raise corrupt(key, info.sha256, found, self.name)
        result: bytes = data
        return result

    async def _read(self, key: str, start: int, end: int | None) -> tuple[BlobInfo, bytes]:
        reader = await self.open(key, start, end)
        try:
            parts = []
            while data := await reader.read(CHUNK):
                parts.append(data)
        finally:
            await reader.close()
        return reader.info, parts[0] if len(parts) == 1 else b"".join(parts)

    async def open(self, key: str, start: int, end: int | None) -> AsyncBlobReader:
        """Begin to read the bytes from `start` to before `end` (``None``: to the end).

        Raises:
            NotFoundError: there is no such blob.
        """
        reader = await self.engine.open(key, start, end)
        if encoding_of(reader.info) is None:
            return reader
        return await decoded(self.engine, reader, start, end)

    async def begin(
        self, key: str, head: BlobHead, first: bytes, **conditions: Any
    ) -> AsyncBlobWriter:
        """Begin to write a blob whose content begins with `first`."""
        compression = self._compression
        if compression is None or not compression.gains(head.content_type, first):
            return await self.engine.begin(key, head, **conditions)
        marked_head = marked(head, compression.encoding, head.size)
        inner = await self.engine.begin(key, marked_head, **conditions)
        return AsyncEncodingWriter(inner, compression)

    async def _told(self, info: BlobInfo) -> BlobInfo:
        return info if encoding_of(info) is None else await described(self.engine, info)

    async def copy(self, source: str, target: str, *, if_absent: bool) -> BlobInfo:
        """Copy a blob within the store, in the store if it can.

        Raises:
            NotFoundError: there is no `source`.
        """
        own = self._own("copy")
        if self.engine.capabilities.server_copy and own is not None:
            info: BlobInfo = await own(source, target, if_absent=if_absent)
            return await self._told(info)
        reader = await self.engine.open(source, 0, None)
        try:
            old = reader.info
            head = BlobHead(
                content_type=old.content_type,
                metadata=old.metadata,
                size=old.size,
                sha256=old.sha256,
            )
            writer = await self.engine.begin(target, head, if_absent=if_absent)
            try:
                digest = sha256()
                while data := await reader.read(CHUNK):
                    digest.update(data)
                    await writer.write(data)
                found = digest.hexdigest()
                if encoding_of(old) is not None:
                    # The digest is that of the content, which is not what is copied here.
                    return await self._told(await writer.commit(old.sha256 or found))
                if old.sha256 not in (None, found):
                    raise corrupt(source, str(old.sha256), found, self.name)
                return await writer.commit(found)
            except BaseException:
                await writer.abort()
                raise
        finally:
            await reader.close()

    async def delete_many(self, keys: Sequence[str]) -> int:
        """Remove blobs; return how many there were."""
        if self._delete_many is not None:
            removed: int = await self._delete_many(keys)
            return removed
        count = 0
        for key in keys:
            count += await self.engine.delete(key)
        return count

    async def sign(self, grant: UrlGrant) -> str:
        """A URL that lets who has it do one thing for a time."""
        own = self._own("sign")
        assert own is not None, "declared, and not defined"
        url: str = await own(grant)
        return url

    async def stat(self, key: str) -> BlobInfo:
        """What is known of a blob.

        Raises:
            NotFoundError: there is none.
        """
        info = await self.engine.stat(key)
        if info is None:
            raise missing(key, self.name)
        return await self._told(info)

    async def delete(self, key: str, *, if_match: str | None) -> bool:
        """Remove a blob; return whether there was one."""
        if if_match is None:
            return await self.engine.delete(key)
        if not await self.engine.delete(key, if_match=if_match):
            raise changed(key, if_match, None, self.name)
        return True

    def require(self, capability: str, what: str, instead: str) -> None:
        """Refuse what the engine does not declare.

        Raises:
            UnsupportedError: it does not.
        """
        if not getattr(self.engine.capabilities, capability):
            raise UnsupportedError(f"{self.name} has no {what}: {instead}", backend=self.name)
