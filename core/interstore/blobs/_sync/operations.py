# Generated from core/interstore/blobs/_async/operations.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 54b18e34439411beed27ad2a

"""Every operation of an engine: its own, and those that core makes of the basic ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from interstore.blobs._sync.engine import Blobs
from interstore.blobs.blob import BlobHead, BlobInfo, UrlGrant
from interstore.blobs.problems import changed, corrupt, missing
from interstore.errors import UnsupportedError

__all__ = ["CHUNK", "BlobOperations"]

CHUNK = 1 << 20
"""Bytes that are handed on at a time."""


class BlobOperations:
    """An engine with all operations. Arguments are valid, and conditions are declared."""

    def __init__(self, engine: Blobs) -> None:
        self.engine = engine
        self.name = engine.name
        self._put = self._own("put")
        self._get = self._own("get")
        self._delete_many = self._own("delete_many")

    def _own(self, name: str) -> Callable[..., Any] | None:
        method: Callable[..., Any] | None = getattr(self.engine, name, None)
        return method

    def put(self, key: str, data: bytes, head: BlobHead, **conditions: Any) -> BlobInfo:
        """Write a blob whose content is at hand; `head.sha256` is its digest."""
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
        else:
            info, data = self._read(key, start, end)
        if len(data) == info.size and info.sha256 is not None:
            found = sha256(data).hexdigest()
            if found != info.sha256:
                raise corrupt(key, info.sha256, found, self.name)
        result: bytes = data
        return result

    def _read(self, key: str, start: int, end: int | None) -> tuple[BlobInfo, bytes]:
        reader = self.engine.open(key, start, end)
        try:
            parts = []
            while data := reader.read(CHUNK):
                parts.append(data)
        finally:
            reader.close()
        return reader.info, parts[0] if len(parts) == 1 else b"".join(parts)

    def copy(self, source: str, target: str, *, if_absent: bool) -> BlobInfo:
        """Copy a blob within the store, in the store if it can.

        Raises:
            NotFoundError: there is no `source`.
        """
        own = self._own("copy")
        if self.engine.capabilities.server_copy and own is not None:
            info: BlobInfo = own(source, target, if_absent=if_absent)
            return info
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
        return info

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
