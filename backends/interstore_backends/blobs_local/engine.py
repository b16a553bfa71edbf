"""The engine for blobs in a folder."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from interstore.blobs.blob import BlobEntry, BlobHead, BlobInfo, UrlGrant
from interstore.blobs.content_types import UNKNOWN, guess
from interstore.blobs.keys import Escaping
from interstore.blobs.listing import folded
from interstore.blobs.problems import changed, exists, missing
from interstore_backends.blobs_local import CAPABILITIES, SIGNING
from interstore_backends.blobs_local.beside import Beside, Kept, copy_content
from interstore_backends.blobs_local.errors import BACKEND, translated
from interstore_backends.blobs_local.settings import LocalBlobsSettings
from interstore_backends.blobs_local.tree import Tree, move_beside, names_in, stat_in
from interstore_backends.blobs_local.writing import LocalWriter, etag_of
from interstore_backends.jsonfiles.disk import make_folder

__all__ = ["LocalBlobs"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LocalBlobs:
    """Blobs in a folder, for any number of threads and processes.

    Attributes:
        root: the absolute path of the folder.
        durable: whether an acknowledged write survives a power loss.
        beside: what stands beside the blobs.
        tree: the files.
        signer: signs URLs; ``None`` if no settings say where they are served.
        threads: how many an asyncio store uses. What waits for the disk goes well beside its like;
            what the system keeps in memory is work, and more threads than cores hinder each other.
    """

    name = BACKEND
    capabilities = CAPABILITIES

    def __init__(self, settings: LocalBlobsSettings) -> None:
        self.root = os.path.abspath(settings.path)
        self.durable = settings.durability == "fsync"
        self.beside = Beside(self.root, durable=self.durable)
        self.tree = Tree(self.root, Escaping(), self._give_way)
        self.threads = 16 if self.durable else (os.cpu_count() or 1) + 2
        self.signer = settings.signer()
        if self.signer is not None:
            self.capabilities = SIGNING

    def connect(self) -> None:
        with translated():
            make_folder(self.root)
            self.tree = Tree(self.root, self.beside.prepare(), self._give_way)

    def disconnect(self) -> None:
        """Nothing is held."""

    @property
    def native(self) -> Any:
        from fsspec.implementations.dirfs import (  # type: ignore[import-untyped]
            DirFileSystem,
        )
        from fsspec.implementations.local import (  # type: ignore[import-untyped]
            LocalFileSystem,
        )

        local = LocalFileSystem(use_listings_cache=False, skip_instance_cache=True)
        return DirFileSystem(path=self.root, fs=local, skip_instance_cache=True)

    def begin(
        self, key: str, head: BlobHead, *, if_absent: bool = False, if_match: str | None = None
    ) -> LocalWriter:
        with translated(key):
            return LocalWriter(self, key, head, if_absent=if_absent, if_match=if_match)

    def put(
        self,
        key: str,
        data: bytes,
        head: BlobHead,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> BlobInfo:
        writer = self.begin(key, head, if_absent=if_absent, if_match=if_match)
        try:
            writer.write(data)
            return writer.commit(str(head.sha256))
        except BaseException:
            writer.abort()
            raise

    def open(self, key: str, start: int, end: int | None) -> LocalReader:
        with translated(key):
            opened = self._opened(key)
            if opened is None:
                raise missing(key, BACKEND)
            return LocalReader(*opened, start, end)

    def get(self, key: str, start: int, end: int | None) -> tuple[BlobInfo, bytes]:
        reader = self.open(key, start, end)
        try:
            parts = []
            while data := reader.read(1 << 30):
                parts.append(data)
        finally:
            reader.close()
        return reader.info, parts[0] if len(parts) == 1 else b"".join(parts)

    def stat(self, key: str) -> BlobInfo | None:
        with translated(key):
            opened = self._opened(key)
            if opened is None:
                return None
            os.close(opened[0])
            return opened[1]

    def _opened(self, key: str) -> tuple[int, BlobInfo] | None:
        """A descriptor of the blob's file, and what belongs to just this file."""
        while True:
            fd = self.tree.open(key)
            if fd is None:
                return None
            try:
                found = os.fstat(fd)
                etag = etag_of(found)
                kept = self.beside.kept(key, etag)
                # Between the two, another write may have replaced the file.
                if kept is not None or self._etag(key) == etag:
                    opened, fd = fd, -1
                    return opened, self.info(key, found, etag, kept)
            finally:
                if fd >= 0:
                    os.close(fd)

    def _etag(self, key: str) -> str | None:
        found = self.tree.stat(key)
        return None if found is None else etag_of(found)

    def info(self, key: str, found: os.stat_result, etag: str, kept: Kept | None) -> BlobInfo:
        """What is known of a blob by its file and by what is kept beside it."""
        if kept is None:  # another program's file
            kept = Kept(key, guess(key) or UNKNOWN, {}, None)
        return BlobInfo(
            key=key,
            size=found.st_size,
            content_type=kept.content_type,
            metadata=dict(kept.metadata),
            etag=etag,
            sha256=kept.sha256,
            modified=_time(found),
        )

    def page(self, prefix: str, after: str, limit: int, delimiter: str | None) -> list[BlobEntry]:
        entries: list[BlobEntry] = []
        with translated():
            keys = self.tree.keys(prefix, after, delimiter)
            for key, is_prefix in folded(keys, prefix, after, delimiter):
                entry = BlobEntry(key) if is_prefix else self._entry(key)
                if entry is not None:  # else it is gone already
                    entries.append(entry)
                if len(entries) == limit:
                    break
        return entries

    def _entry(self, key: str) -> BlobEntry | None:
        found = self.tree.stat(key)
        return None if found is None else BlobEntry(key, found.st_size, _time(found))

    def delete(self, key: str, *, if_match: str | None = None) -> bool:
        with translated(key):
            place = self.tree.find(key)
            if place is None:
                if if_match is not None:
                    raise changed(key, if_match, None, BACKEND)
                return False
            folder, name = place
            try:
                with self.beside.lock(key):
                    was_there = self._remove(key, folder, name, if_match)
                if was_there and self.durable:
                    os.fsync(folder)
            finally:
                os.close(folder)
            if was_there:
                self.tree.prune(key)
        return was_there

    def _remove(self, key: str, folder: int, name: str, if_match: str | None) -> bool:
        found = stat_in(folder, name)
        etag = None if found is None else etag_of(found)
        if if_match is not None and etag != if_match:
            raise changed(key, if_match, etag, BACKEND)
        if etag is None:
            return False
        for each in names_in(folder, name):
            os.unlink(each, dir_fd=folder)
        self.beside.forget(key, etag)
        return True

    def copy(self, source: str, target: str, *, if_absent: bool = False) -> BlobInfo:
        if if_absent and self.stat(target) is not None:
            raise exists(target, BACKEND)
        reader = self.open(source, 0, None)
        try:
            info = reader.info
            head = BlobHead(content_type=info.content_type, metadata=info.metadata)
            writer = self.begin(target, head, if_absent=if_absent)
            try:
                with translated(target):
                    copy_content(reader.fd, writer.fd)
                return writer.commit(info.sha256)
            except BaseException:
                writer.abort()
                raise
        finally:
            reader.close()

    def sign(self, grant: UrlGrant) -> str:
        assert self.signer is not None, "not declared"
        return self.signer.sign(grant)

    def _give_way(self, key: str, folder: int, name: str) -> None:
        with self.beside.lock(key):
            move_beside(folder, name)


class LocalReader:
    """A read of one version of a blob: an open file stays what it is."""

    def __init__(self, fd: int, info: BlobInfo, start: int, end: int | None) -> None:
        self.fd = fd
        self.info = info
        self._left = max(0, (info.size if end is None else min(end, info.size)) - start)
        if start:
            os.lseek(fd, start, os.SEEK_SET)

    def read(self, size: int, /) -> bytes:
        if self._left <= 0:
            return b""
        with translated(self.info.key):
            data = os.read(self.fd, min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self.close()


def _time(found: os.stat_result) -> datetime:
    return _EPOCH + timedelta(microseconds=found.st_mtime_ns // 1000)
