# Generated from core/interstore/blobs/_async/operations.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 16eab7feb6b73152efd9ad2d

"""Every operation of an engine: its own, and those that core makes of the basic ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from interstore._compat import to_thread
from interstore.blobs._sync.compressed import (
    EncodingWriter,
    decoded,
    described,
    unpacked,
)
from interstore.blobs._sync.engine import BlobReader, Blobs, BlobWriter
from interstore.blobs.blob import BlobHead, BlobInfo, UrlGrant
from interstore.blobs.compression import Compression, encoding_of, marked, shown
from interstore.blobs.problems import changed, corrupt, missing
from interstore.errors import UnsupportedError

__all__ = ["CHUNK", "BlobOperations"]

CHUNK = 1 << 20
"""Bytes that are handed on at a time."""


class BlobOperations:
    """An engine with all operations. Arguments are valid, and conditions are declared.

    Args:
        engine: the engine.
        compression: how contents that gain by it are kept. Compressed ones are read in any case.
    """

    def __init__(self, engine: Blobs, compression: Compression | None = None) -> None:
        self.engine = engine
        self.name = engine.name
        self._compression = compression
        self._put = self._own("put")
        self._get = self._own("get")
        self._delete_many = self._own("delete_many")

    def _own(self, name: str) -> Callable[..., Any] | None:
        method: Callable[..., Any] | None = getattr(self.engine, name, None)
        return method

    def put(self, key: str, data: bytes, head: BlobHead, **conditions: Any) -> BlobInfo:
        """Write a blob whose content is at hand; `head.sha256` is its digest."""
        compression = self._compression
        if compression is not None and compression.gains(head.content_type, data):
            packed = to_thread(compression.packed, data)
            if len(packed) < len(data):
                head = marked(head, compression.encoding, len(data))
                return shown(self._write(key, packed, head, conditions), len(data))
        return self._write(key, data, head, conditions)

    def _write(self, key: str, data: bytes, head: BlobHead, conditions: dict[str, Any]) -> BlobInfo:
        if self._put is not None:
            info: BlobInfo = self._put(key, data, head, **conditions)
            return info
        writer = self.engine.begin(key, head, **conditions)
        try:
            if data:
                writer.write(data)
            assert head.sha256 is not None
            return writer.commit(head.sha256)
        except BaseException:
            writer.abort()
            raise

    def get(self, key: str, start: int, end: int | None) -> bytes:
        """The bytes of a blob, checked where it is the whole blob.

        Raises:
            NotFoundError: there is none.
            CorruptionError: they are not what was written.
        """
        if self._get is not None:
            info, data = self._get(key, start, end)
            if encoding_of(info) is not None:
                if start or end is not None:
                    info, data = self._read(key, start, end)
                else:
                    info, data = unpacked(self.engine, info, data)
        else:
            info, data = self._read(key, start, end)
        if len(data) == info.size and info.sha256 is not None:
            found = sha256(data).hexdigest()
            if found != info.sha256:
                raise corrupt(key, info.sha256, found, self.name)
        result: bytes = data
        return result

    def _read(self, key: str, start: int, end: int | None) -> tuple[BlobInfo, bytes]:
        reader = self.open(key, start, end)
        try:
            parts = []
            while data := reader.read(CHUNK):
                parts.append(data)
        finally:
            reader.close()
        return reader.info, parts[0] if len(parts) == 1 else b"".join(parts)

    def open(self, key: str, start: int, end: int | None) -> BlobReader:
        """Begin to read the bytes from `start` to before `end` (``None``: to the end).

        Raises:
            NotFoundError: there is no such blob.
        """
        reader = self.engine.open(key, start, end)
        if encoding_of(reader.info) is None:
            return reader
        return decoded(self.engine, reader, start, end)

    def begin(self, key: str, head: BlobHead, first: bytes, **conditions: Any) -> BlobWriter:
        """Begin to write a blob whose content begins with `first`."""
        compression = self._compression
        if compression is None or not compression.gains(head.content_type, first):
            return self.engine.begin(key, head, **conditions)
        marked_head = marked(head, compression.encoding, head.size)
        inner = self.engine.begin(key, marked_head, **conditions)
        return EncodingWriter(inner, compression)

    def _told(self, info: BlobInfo) -> BlobInfo:
        return info if encoding_of(info) is None else described(self.engine, info)

    def copy(self, source: str, target: str, *, if_absent: bool) -> BlobInfo:
        """Copy a blob within the store, in the store if it can.

        Raises:
            NotFoundError: there is no `source`.
        """
        own = self._own("copy")
        if self.engine.capabilities.server_copy and own is not None:
            info: BlobInfo = own(source, target, if_absent=if_absent)
            return self._told(info)
        reader = self.engine.open(source, 0, None)
        try:
            old = reader.info
            head = BlobHead(
                content_type=old.content_type,
                metadata=old.metadata,
                size=old.size,
                sha256=old.sha256,
            )
            writer = self.engine.begin(target, head, if_absent=if_absent)
            try:
                digest = sha256()
                while data := reader.read(CHUNK):
                    digest.update(data)
                    writer.write(data)
                found = digest.hexdigest()
                if encoding_of(old) is not None:
                    # The digest is that of the content, which is not what is copied here.
                    return self._told(writer.commit(old.sha256 or found))
                if old.sha256 not in (None, found):
                    raise corrupt(source, str(old.sha256), found, self.name)
                return writer.commit(found)
            except BaseException:
                writer.abort()
                raise
        finally:
            reader.close()

    def delete_many(self, keys: Sequence[str]) -> int:
        """Remove blobs; return how many there were."""
        if self._delete_many is not None:
            removed: int = self._delete_many(keys)
            return removed
        count = 0
        for key in keys:
            count += self.engine.delete(key)
        return count

    def sign(self, grant: UrlGrant) -> str:
        """A URL that lets who has it do one thing for a time."""
        own = self._own("sign")
        assert own is not None, "declared, and not defined"
        url: str = own(grant)
        return url

    def stat(self, key: str) -> BlobInfo:
        """What is known of a blob.

        Raises:
            NotFoundError: there is none.
        """
        info = self.engine.stat(key)
        if info is None:
            raise missing(key, self.name)
        return self._told(info)

    def delete(self, key: str, *, if_match: str | None) -> bool:
        """Remove a blob; return whether there was one."""
        if if_match is None:
            return self.engine.delete(key)
        if not self.engine.delete(key, if_match=if_match):
            raise changed(key, if_match, None, self.name)
        return True

    def require(self, capability: str, what: str, instead: str) -> None:
        """Refuse what the engine does not declare.

        Raises:
            UnsupportedError: it does not.
        """
        if not getattr(self.engine.capabilities, capability):
            raise UnsupportedError(f"{self.name} has no {what}: {instead}", backend=self.name)
