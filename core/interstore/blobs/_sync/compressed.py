# Generated from core/interstore/blobs/_async/compressed.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 5972e2c51e45eee8a5f8157c

"""Blobs that are kept compressed: written and read as if they were not."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from interstore._compat import to_thread
from interstore.blobs._sync.engine import BlobReader, Blobs, BlobWriter
from interstore.blobs.blob import BlobInfo
from interstore.blobs.compression import (
    ENCODING,
    SIZE,
    Compression,
    decoder,
    shown,
    size_in,
    trailer,
    trailer_size,
)
from interstore.blobs.problems import changed
from interstore.errors import CorruptionError

__all__ = ["DecodingReader", "EncodingWriter", "decoded", "described", "unpacked"]

_CHUNK = 1 << 20
_IN_THREAD = 1 << 16
"""Bytes whose compression would keep an event loop waiting."""


def described(engine: Blobs, raw: BlobInfo) -> BlobInfo:
    """What is told of a compressed blob, by what its engine tells.

    Raises:
        CorruptionError: it is damaged.
        ConflictError: it was replaced meanwhile.
    """
    size = raw.metadata.get(SIZE)
    if size is not None and size.isdecimal():
        return shown(raw, int(size))
    encoding = _encoding(raw, engine.name)
    start = max(0, raw.size - trailer_size(encoding))
    reader = engine.open(raw.key, start, raw.size)
    try:
        if reader.info.etag != raw.etag:
            raise changed(raw.key, raw.etag, reader.info.etag, engine.name)
        end = b""
        while data := reader.read(_CHUNK):
            end += data
    finally:
        reader.close()
    found = size_in(encoding, end)
    if found is None:
        raise _damaged(raw, engine.name, "it does not end as it was written")
    return shown(raw, found)


def _encoding(raw: BlobInfo, backend: str) -> str:
    encoding = raw.metadata[ENCODING]
    if encoding not in ("gzip", "zstd"):
        raise _damaged(raw, backend, f"it is kept in a way that is not known, {encoding!r}")
    return encoding


def _damaged(info: BlobInfo, backend: str, reason: str) -> CorruptionError:
    return CorruptionError(
        f"the blob {info.key!r} is damaged: {reason}", backend=backend, id=info.key
    )


def decoded(engine: Blobs, reader: BlobReader, start: int, end: int | None) -> BlobReader:
    """A reader of a range of the content, in place of one of what is kept.

    What stands before the range is read and thrown away.
    """
    try:
        info = described(engine, reader.info)
        if start or end is not None:
            reader.close()
            reader = engine.open(info.key, 0, None)
            if reader.info.etag != info.etag:
                raise changed(info.key, info.etag, reader.info.etag, engine.name)
        return DecodingReader(reader, info, engine.name, start, end)
    except BaseException:
        reader.close()
        raise


def unpacked(engine: Blobs, raw: BlobInfo, data: bytes) -> tuple[BlobInfo, bytes]:
    """The whole content, of all that is kept of it."""
    encoding = _encoding(raw, engine.name)
    cut = trailer_size(encoding)
    size = size_in(encoding, data[-cut:])
    if size is None:
        raise _damaged(raw, engine.name, "it does not end as it was written")
    info = shown(raw, size)
    inner = decoder(encoding)
    found = _decompressed(inner, data[:-cut], size, info, engine.name)
    if len(found) != size:
        raise _damaged(info, engine.name, f"it has {len(found):,} bytes, and had {size:,}")
    return info, found


def _decompressed(inner: Any, data: bytes, limit: int, info: BlobInfo, backend: str) -> bytes:
    def decompress() -> bytes:
        found: bytes = inner.decompress(data, max_length=max(1, limit))
        return found

    try:
        return _called(decompress, len(data))
    except MemoryError:
        raise
    except (zlib.error, EOFError, ValueError) as error:
        raise _damaged(info, backend, str(error)) from error
    except Exception as error:
        if type(error).__name__ != "ZstdError":
            raise
        raise _damaged(info, backend, str(error)) from error


def _called(function: Callable[[], bytes], size: int) -> bytes:
    if size > _IN_THREAD:
        return to_thread(function)
    return function()


class DecodingReader:
    """A read under way of a blob that is kept compressed."""

    def __init__(
        self, inner: BlobReader, info: BlobInfo, backend: str, start: int, end: int | None
    ) -> None:
        self.info = info
        self._inner = inner
        self._backend = backend
        self._before = start
        self._left = max(0, (info.size if end is None else min(end, info.size)) - start)
        assert info.encoding is not None
        assert info.stored_size is not None
        self._kept_left = info.stored_size - trailer_size(info.encoding)
        self._decoder = decoder(info.encoding)
        self._waiting = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        if not self._left:
            return b""
        while not self._waiting:
            found = self._decode()
            passed = min(self._before, len(found))
            self._before -= passed
            self._waiting = memoryview(found)[passed:]
        size = min(size, self._left, len(self._waiting))
        data = bytes(self._waiting[:size])
        self._waiting = self._waiting[size:]
        self._left -= size
        return data

    def _decode(self) -> bytes:
        """The next bytes of the content; none if more has to be read first."""
        data = b""
        if self._decoder.needs_input:
            data = self._inner.read(max(1, min(_CHUNK, self._kept_left)))
            data = data[: self._kept_left]
            self._kept_left -= len(data)
            if not data:
                raise _damaged(self.info, self._backend, "it ends too early")
        return _decompressed(self._decoder, data, _CHUNK, self.info, self._backend)

    def close(self) -> None:
        self._inner.close()


class EncodingWriter:
    """A write under way, compressed on its way to the engine."""

    def __init__(self, inner: BlobWriter, compression: Compression) -> None:
        self._inner = inner
        self._encoding = compression.encoding
        self._encoder = compression.encoder()
        self._size = 0

    def write(self, data: bytes, /) -> None:
        self._size += len(data)
        self._pass_on(lambda: self._encoder.compress(data), len(data))

    def _pass_on(self, make: Callable[[], bytes], size: int) -> None:
        found = _called(make, size)
        if found:
            self._inner.write(found)

    def commit(self, sha256: str, /) -> BlobInfo:
        self._pass_on(self._encoder.flush, _CHUNK)
        self._inner.write(trailer(self._encoding, self._size))
        return shown(self._inner.commit(sha256), self._size)

    def abort(self) -> None:
        self._inner.abort()
