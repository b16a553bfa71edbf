"""A write under way: a draft, and how it becomes the blob."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from interstore.blobs.blob import BlobHead, BlobInfo
from interstore.blobs.problems import changed, exists
from interstore_backends.blobs_local.beside import Kept, sync_whole, write_all
from interstore_backends.blobs_local.errors import BACKEND, translated
from interstore_backends.blobs_local.tree import name_to_write, names_in, stat_in

if TYPE_CHECKING:
    from interstore_backends.blobs_local.engine import LocalBlobs

__all__ = ["LocalWriter", "etag_of"]

_ATTEMPTS = 100


class LocalWriter:
    """One write, to a key of one store."""

    def __init__(
        self, store: LocalBlobs, key: str, head: BlobHead, *, if_absent: bool, if_match: str | None
    ) -> None:
        self._store = store
        self._key = key
        self._head = head
        self._if_absent = if_absent
        self._if_match = if_match
        self._kept_etag: str | None = None
        self._path, self.fd = store.beside.draft()

    def write(self, data: bytes, /) -> None:
        with translated(self._key):
            write_all(self.fd, data)

    def commit(self, sha256: str | None, /) -> BlobInfo:
        with translated(self._key):
            etag, found = self._finish(sha256)
            self._publish()
            self._end()
        return self._store.info(self._key, found, etag, self._kept(sha256))

    def _finish(self, sha256: str | None) -> tuple[str, os.stat_result]:
        """Give the draft its etag, and have it and what belongs to it on the disk."""
        moment = time.time_ns()
        while True:
            os.utime(self.fd, ns=(moment, moment))
            found = os.fstat(self.fd)  # some disks round
            etag = etag_of(found)
            if self._store.beside.keep(self._key, etag, self._kept(sha256)):
                break
            moment += max(1, moment - found.st_mtime_ns + 1)
        self._kept_etag = etag
        if self._store.durable:
            sync_whole(self.fd)
        return etag, found

    def _kept(self, sha256: str | None) -> Kept:
        return Kept(self._key, self._head.content_type, self._head.metadata, sha256)

    def _publish(self) -> None:
        for attempt in range(_ATTEMPTS):
            folder, name = self._store.tree.place(self._key)
            try:
                with self._store.beside.lock(self._key):
                    self._replace(folder, name)
                if self._store.durable:
                    os.fsync(folder)
                return
            except (FileNotFoundError, IsADirectoryError, FileExistsError):
                # The folder was removed meanwhile, or one was made where the file was to be.
                if attempt == _ATTEMPTS - 1:
                    raise
            finally:
                os.close(folder)

    def _replace(self, folder: int, name: str) -> None:
        before = self._current(folder, name)
        if self._if_absent and before is not None:
            raise exists(self._key, BACKEND)
        if self._if_match is not None and before != self._if_match:
            raise changed(self._key, self._if_match, before, BACKEND)
        target = name_to_write(folder, name)
        if self._if_absent:  # other programs do not know of the lock
            os.link(self._path, target, dst_dir_fd=folder)
            os.unlink(self._path)
        else:
            os.rename(self._path, target, dst_dir_fd=folder)
        for other in names_in(folder, name):
            if other != target:
                os.unlink(other, dir_fd=folder)
        if before is not None and before != self._kept_etag:
            self._store.beside.forget(self._key, before)
        self._kept_etag = None

    def _current(self, folder: int, name: str) -> str | None:
        found = stat_in(folder, name)
        return None if found is None else etag_of(found)

    def abort(self) -> None:
        if self.fd < 0:
            return
        with translated(self._key):
            with suppress(FileNotFoundError):
                os.unlink(self._path)
            if self._kept_etag is not None:
                self._store.beside.forget(self._key, self._kept_etag)
            self._end()

    def _end(self) -> None:
        fd, self.fd = self.fd, -1
        os.close(fd)

    def __del__(self) -> None:
        if getattr(self, "fd", -1) >= 0:
            os.close(self.fd)


def etag_of(found: os.stat_result) -> str:
    """The etag of a file."""
    assert stat.S_ISREG(found.st_mode)
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"
