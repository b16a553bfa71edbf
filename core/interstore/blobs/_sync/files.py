# Generated from core/interstore/blobs/_async/files.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 86a0bfdc2bc9ecf72ddea361

"""Blobs as files: what `BlobStore.open` returns."""

from __future__ import annotations

import io
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

from interstore._compat import to_thread
from interstore.blobs._sync.engine import BlobReader, BlobWriter
from interstore.blobs._sync.operations import CHUNK, BlobOperations
from interstore.blobs._sync.sources import checked
from interstore.blobs.blob import BlobInfo
from interstore.blobs.problems import changed, corrupt
from interstore.blobs.request import Request
from interstore.blobs.rules import BlobRules
from interstore.errors import InvalidQueryError

__all__ = ["BlobReadFile", "BlobWriteFile"]

_HASHED_AT_ONCE = 4 * CHUNK


class BlobReadFile:
    """A blob to read from: ``with store.open(key) as file``.

    What is read from the beginning to the end without `seek` is checked against the SHA-256
    that was kept; a blob that changes meanwhile is not mixed with what it becomes.

    Attributes:
        key: the blob's key.
        sha256: what the content must have, if whoever reads it knows; else as it was kept.
    """

    def __init__(self, operations: BlobOperations, key: str) -> None:
        self.key = key
        self.sha256: str | None = None
        self._operations = operations
        self._reader: BlobReader | None = None
        self._info: BlobInfo | None = None
        self._position = 0
        self._digest: Any = sha256()  # None once something was passed over
        self.closed = False

    def info(self) -> BlobInfo:
        """What is known of the blob that is read.

        Raises:
            NotFoundError: there is none.
        """
        if self._info is None:
            self._open()
        assert self._info is not None
        return self._info

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, or all that is left; none at the end.

        Raises:
            NotFoundError: there is no such blob.
            CorruptionError: its content is not what was written.
            ConflictError: it was changed since the first read, and `seek` was called.
        """
        if size is None or size < 0:
            parts = []
            while data := self.read(CHUNK):
                parts.append(data)
            return b"".join(parts)
        if size == 0:
            return b""
        reader = self._open()
        data = reader.read(size)
        self._position += len(data)
        if self._digest is not None:
            self._check(data)
        return data

    def _check(self, data: bytes) -> None:
        if len(data) > _HASHED_AT_ONCE:
            to_thread(self._digest.update, data)
        else:
            self._digest.update(data)
        info = self._info
        assert info is not None
        if self._position < info.size and data:
            return
        found = self._digest.hexdigest()
        self._digest = None
        expected = self.sha256 or info.sha256
        if expected is not None and found != expected:
            raise corrupt(self.key, expected, found, self._operations.name)

    def _open(self) -> BlobReader:
        if self.closed:
            raise ValueError(f"the file of the blob {self.key!r} is closed")
        if self._reader is None:
            reader = self._operations.open(self.key, self._position, None)
            if self._info is not None and self._info.etag != reader.info.etag:
                reader.close()
                raise changed(self.key, self._info.etag, reader.info.etag, self._operations.name)
            self._reader, self._info = reader, reader.info
        return self._reader

    def tell(self) -> int:
        """The position of the next byte to read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to another position; return it. What is passed over is not transferred."""
        if whence == io.SEEK_CUR:
            offset += self._position
        elif whence == io.SEEK_END:
            offset += self.info().size
        if offset < 0:
            raise ValueError(f"{offset} lies before the beginning of the blob")
        if offset != self._position:
            self._end()
            self._position, self._digest = offset, None
        return offset

    def close(self) -> None:
        """Give everything back. Called again, it does nothing."""
        self.closed = True
        self._end()

    def _end(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """The next chunk, as large as it comes."""
        if data := self.read(CHUNK):
            return data
        raise StopIteration

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # What `io.BufferedReader` asks for, and by it `io.TextIOWrapper`.

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return True

    def flush(self) -> None:
        """Nothing is kept back."""

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read as much as `buffer` holds at most; return how much that was."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class BlobWriteFile:
    """A blob to write to: ``with store.open(key, "wb") as file``.

    The blob is visible when the block ends, whole. If the block fails, or is cancelled,
    nothing is left of it, and what had the key before is untouched.

    Attributes:
        key: the blob's key.
        result: the blob that was written; ``None`` before it is.
    """

    def __init__(
        self,
        operations: BlobOperations,
        rules: BlobRules,
        request: Request,
        known_sha256: str | None = None,
    ) -> None:
        self.key = request.key
        self.result: BlobInfo | None = None
        self.closed = False
        self._operations = operations
        self._rules = rules
        self._request = request
        self._known_sha256 = known_sha256
        self._digest = sha256()
        self._size = 0
        self._waiting: list[bytes] = []
        self._waiting_size = 0
        self._writer: BlobWriter | None = None

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Add bytes; return how many they were.

        Raises:
            InvalidDocumentError: the store's rules do not allow them; nothing is written then.
        """
        if self.closed:
            raise ValueError(f"the file of the blob {self.key!r} is closed")
        data = checked(data)
        self._size += len(data)
        self._rules.check_size(self.key, self._size)
        self._waiting.append(data)
        self._waiting_size += len(data)
        if self._waiting_size >= CHUNK:
            self._send()
        return len(data)

    def _send(self) -> None:
        """Hand on what waits."""
        data = self._taken()
        if self._writer is None:
            self._rules.check_type(self.key, self._head(data).content_type, data)
            self._writer = self._operations.begin(
                self.key, self._head(data), data, **self._request.conditions
            )
        self._hash(data)
        self._writer.write(data)

    def _head(self, start: bytes, *, size: int | None = None) -> Any:
        return self._request.head(start, size=size, sha256=self._known_sha256)

    def _taken(self) -> bytes:
        waiting, self._waiting, self._waiting_size = self._waiting, [], 0
        return waiting[0] if len(waiting) == 1 else b"".join(waiting)

    def _hash(self, data: bytes) -> None:
        if len(data) > _HASHED_AT_ONCE:
            to_thread(self._digest.update, data)
        else:
            self._digest.update(data)

    def close(self) -> None:
        """Make the blob visible. Called again, or after `discard`, it does nothing.

        Raises:
            DuplicateError: the key exists, and `if_absent` was given.
            ConflictError: the blob has another etag than `if_match`, or is not there.
            InvalidDocumentError: the store's rules do not allow the content.
        """
        if self.closed:
            return
        try:
            self.result = self._finished()
        except BaseException:
            self.discard()
            raise
        self.closed = True

    def _finished(self) -> BlobInfo:
        if self._writer is None:
            data = self._taken()
            self._hash(data)
            self._known_sha256 = self._found()
            head = self._head(data, size=len(data))
            self._rules.check_type(self.key, head.content_type, data)
            return self._operations.put(self.key, data, head, **self._request.conditions)
        if self._waiting:
            self._send()
        return self._writer.commit(self._found())

    def _found(self) -> str:
        """The digest of all that was written."""
        found = self._digest.hexdigest()
        if self._known_sha256 not in (None, found):
            raise InvalidQueryError(
                f"the source of the blob {self.key!r} changed while it was read"
            )
        return found

    def discard(self) -> None:
        """Leave nothing of what was written."""
        self.closed = True
        self._waiting.clear()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.discard()

    # What `io.BufferedWriter` asks for, and by it `io.TextIOWrapper`.

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        """Nothing is visible before `close`."""
