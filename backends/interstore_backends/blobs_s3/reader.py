"""Objects, read as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from interstore.blobs.blob import BlobInfo
from interstore_backends.blobs_s3.errors import CAUGHT, translated

if TYPE_CHECKING:
    from interstore_backends.blobs_s3.engine import S3Blobs

__all__ = ["S3Reader"]

_TRIES: Final = 3
"""How often in a row a broken transfer is taken up again."""


class S3Reader:
    """A read under way. If it breaks, it goes on where it was, with the same version."""

    def __init__(self, blobs: S3Blobs, info: BlobInfo, body: Any, start: int, end: int) -> None:
        self.info = info
        self._blobs = blobs
        self._body = body
        self._position = start
        self._end = end

    async def read(self, size: int, /) -> bytes:
        broken: Exception | None = None
        for _ in range(_TRIES):
            if self._position >= self._end:
                return b""
            try:
                if self._body is None:
                    etag, key = self.info.etag, self.info.key
                    self._body = await self._blobs.body(key, self._position, self._end, etag)
                data: bytes = await self._body.read(min(size, self._end - self._position))
            except CAUGHT as error:
                broken = error
            else:
                if data:
                    self._position += len(data)
                    return data
            await self.close()
        cause = broken or ConnectionResetError("the transfer ended before the object did")
        raise translated(cause, self._blobs.place, self.info.key) from broken

    async def close(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()
