"""The engine for blobs in memory."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

from interstore.blobs.blob import BlobEntry, BlobHead, BlobInfo
from interstore.blobs.listing import fold
from interstore.blobs.problems import changed, exists, missing
from interstore_backends.blobs_memory import CAPABILITIES

__all__ = ["MemoryBlobs"]


class MemoryBlobs:
    """A dictionary of blobs, for any number of threads."""

    name = "memory"
    capabilities = CAPABILITIES

    def __init__(self) -> None:
        self._blobs: dict[str, tuple[BlobInfo, bytes]] = {}
        self._ordered: list[str] | None = []
        self._lock = threading.Lock()
        self._changes = 0

    def connect(self) -> None:
        """There is nothing to connect to."""

    def disconnect(self) -> None:
        with self._lock:
            self._blobs.clear()
            self._ordered = []

    def begin(
        self, key: str, head: BlobHead, *, if_absent: bool = False, if_match: str | None = None
    ) -> _Writer:
        return _Writer(self, key, head, if_absent, if_match)

    def put(
        self,
        key: str,
        data: bytes,
        head: BlobHead,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> BlobInfo:
        with self._lock:
            old = self._blobs.get(key)
            if if_absent and old is not None:
                raise exists(key, self.name)
            if if_match is not None:
                self._check(key, old, if_match)
            self._changes += 1
            info = BlobInfo(
                key=key,
                size=len(data),
                content_type=head.content_type,
                metadata=dict(head.metadata),
                etag=f"{self._changes:x}",
                sha256=head.sha256,
                modified=datetime.now(UTC),
            )
            self._blobs[key] = (info, data)
            if old is None:
                self._ordered = None
        return _copied(info)

    def _check(self, key: str, old: tuple[BlobInfo, bytes] | None, etag: str) -> None:
        found = None if old is None else old[0].etag
        if found != etag:
            raise changed(key, etag, found, self.name)

    def open(self, key: str, start: int, end: int | None) -> _Reader:
        return _Reader(*self.get(key, start, end))

    def get(self, key: str, start: int, end: int | None) -> tuple[BlobInfo, bytes]:
        found = self._blobs.get(key)
        if found is None:
            raise missing(key, self.name)
        info, data = found
        return _copied(info), data[start:end]

    def stat(self, key: str) -> BlobInfo | None:
        found = self._blobs.get(key)
        return None if found is None else _copied(found[0])

    def page(self, prefix: str, after: str, limit: int, delimiter: str | None) -> list[BlobEntry]:
        with self._lock:
            if self._ordered is None:
                self._ordered = sorted(self._blobs)
            entries = []
            for key, is_prefix in fold(self._ordered, prefix, after, limit, delimiter):
                if is_prefix:
                    entries.append(BlobEntry(key))
                else:
                    info = self._blobs[key][0]
                    entries.append(BlobEntry(key, info.size, info.modified))
        return entries

    def delete(self, key: str, *, if_match: str | None = None) -> bool:
        with self._lock:
            if if_match is not None:
                self._check(key, self._blobs.get(key), if_match)
            if self._blobs.pop(key, None) is None:
                return False
            self._ordered = None
        return True

    def copy(self, source: str, target: str, *, if_absent: bool = False) -> BlobInfo:
        info, data = self.get(source, 0, None)
        head = BlobHead(content_type=info.content_type, metadata=info.metadata, sha256=info.sha256)
        return self.put(target, data, head, if_absent=if_absent)


def _copied(info: BlobInfo) -> BlobInfo:
    """With metadata that the caller may change."""
    return replace(info, metadata=dict(info.metadata))


class _Writer:
    def __init__(
        self, engine: MemoryBlobs, key: str, head: BlobHead, if_absent: bool, if_match: str | None
    ) -> None:
        self._engine = engine
        self._key = key
        self._head = head
        self._if_absent = if_absent
        self._if_match = if_match
        self._parts: list[bytes] = []

    def write(self, data: bytes, /) -> None:
        self._parts.append(data)

    def commit(self, sha256: str, /) -> BlobInfo:
        return self._engine.put(
            self._key,
            b"".join(self._parts),
            replace(self._head, sha256=sha256),
            if_absent=self._if_absent,
            if_match=self._if_match,
        )

    def abort(self) -> None:
        self._parts.clear()


class _Reader:
    def __init__(self, info: BlobInfo, data: bytes) -> None:
        self.info = info
        self._data = data
        self._position = 0

    def read(self, size: int, /) -> bytes:
        data = self._data[self._position : self._position + size]
        self._position += len(data)
        return data

    def close(self) -> None:
        """Nothing is held."""
