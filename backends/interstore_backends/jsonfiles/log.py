"""`Log`: one model's file, as it is open."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from typing import Final

from interstore.errors import UnavailableError
from interstore_backends.jsonfiles.disk import sync

__all__ = ["Log"]

_CHUNK: Final = 8 << 20


class Log:
    """An open file of lines.

    What lies before a newline never changes while the file exists: an append that fails is
    cut back to its last newline, and compaction makes a new file. So those who have read up
    to a newline need only read on from there.

    Attributes:
        path: the file.
        fd: its descriptor, open as long as this object lives.
        inode: which file it is; another one may have taken its name since.
        links: how many names it had when that was last looked into.
        mode: its permissions when it was opened; see `mark_replaced`.
        loaded: up to where the lines are in the index; the byte behind a newline.
        recording: what its header says of the changes in it.
        failed: whether the system could not bring data to the disk.
    """

    __slots__ = (
        "_sync_lock",
        "_synced",
        "failed",
        "fd",
        "inode",
        "links",
        "loaded",
        "mode",
        "path",
        "recording",
    )

    def __init__(self, path: str) -> None:
        self.fd = -1
        self.fd = os.open(path, os.O_RDWR | os.O_APPEND)
        self.path = path
        found = os.fstat(self.fd)
        self.inode = found.st_ino
        # It may have lost its name between the two calls: then the first look must notice.
        self.links = max(found.st_nlink, 1)
        self.mode = found.st_mode
        self.loaded = 0
        self.recording = ""
        self.failed = False
        self._synced = 0
        self._sync_lock = threading.Lock()

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        # Not earlier: another thread may be reading or syncing.
        if self.fd >= 0:
            close(self.fd)

    def is_current(self) -> bool:
        """Whether the file has no more lines than are loaded, and is surely not replaced."""
        found = os.fstat(self.fd)
        return (
            found.st_size == self.loaded
            and found.st_nlink == self.links
            and found.st_mode == self.mode
        )

    def is_replaced(self) -> bool:
        """Whether another file has taken the name.

        Raises:
            FileNotFoundError: there is no file of this name any more.
        """
        links = os.fstat(self.fd).st_nlink
        if os.stat(self.path).st_ino != self.inode:
            return True
        # A new link is a backup's. One less may be a replacement that is just under way,
        # whose new name is not to be seen yet: that is looked into again each time.
        self.links = max(self.links, links)
        return False

    def mark_replaced(self) -> None:
        """Let those who have the file open see that it is about to be replaced.

        They see it lose its name; but if a backup links the file, the number of its names
        may be what it was when they looked last. A permission that nothing needs tells them.
        """
        found = os.fstat(self.fd)
        if found.st_nlink > 1:
            os.fchmod(self.fd, stat.S_IMODE(found.st_mode) ^ stat.S_IXUSR)

    def read(self, offset: int, end: int) -> bytes:
        """The bytes from `offset` up to `end`, or to the end of the file."""
        parts: list[bytes] = []
        while offset < end:
            part = os.pread(self.fd, min(end - offset, _CHUNK), offset)
            if not part:
                break
            parts.append(part)
            offset += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def append(self, data: bytes) -> tuple[int, OSError | None]:
        """Append whole lines behind `loaded`; to be called under the lock, the tail clean.

        Returns:
            How many bytes of whole lines are in the file now, and what prevented the rest.
        """
        written = 0
        try:
            while written < len(data):
                written += os.write(self.fd, data[written:] if written else data)
        except OSError as error:
            kept = data.rfind(b"\n", 0, written) + 1
            if kept < written:
                self.cut(self.loaded + kept)
            return kept, error
        return written, None

    def adopt(self, size: int) -> None:
        """Begin as a file of lines that are in the index, and on the disk, up to `size`."""
        self.loaded = self._synced = size

    def cut(self, end: int) -> None:
        """Cut the file's tail off.

        If even that fails, the tail stays for the next writer to find and move away.
        """
        try:
            os.ftruncate(self.fd, end)
        except OSError:
            return

    def sync(self, end: int) -> None:
        """Return once everything up to `end` is on the disk.

        Threads that wait here together are served by one call to the disk.

        Raises:
            UnavailableError: the system could not do it, now or earlier.
        """
        if self._synced >= end:
            return
        with self._sync_lock:
            if self._synced >= end:
                return
            self.check()
            reached = self.loaded
            try:
                sync(self.fd)
            except OSError as error:
                # The pages count as clean now: to sync again would succeed and prove nothing.
                self.failed = True
                raise self._failure(error.strerror) from error
            self._synced = reached

    def check(self) -> None:
        """Refuse to go on if data could not be brought to the disk before."""
        if self.failed:
            raise self._failure("an earlier write failed")

    def _failure(self, reason: str | None) -> UnavailableError:
        return UnavailableError(
            f"{self.path}: the system could not bring data to the disk ({reason}); the write "
            "may be lost or not. Check the disk, then close the store and open it again",
            backend="json",
        )
