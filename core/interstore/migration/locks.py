"""Locks between processes: whoever dies gives them back."""

from __future__ import annotations

import fcntl
import os
import tempfile
from hashlib import blake2b
from pathlib import Path

from interstore.errors import PermissionDeniedError

__all__ = ["FileLock", "target_lock"]


class FileLock:
    """An exclusive lock on a file that stays where it is, with the holder's process id in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def acquire(self) -> bool:
        """Take the lock; whether it was free."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file
        return True

    def holder(self) -> str:
        """Who holds it, for messages."""
        pid = self._path.read_text(errors="replace").strip()
        return f"process {pid}" if pid.isdigit() else "another process"

    def release(self) -> None:
        """Give it back. Called again, it does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def target_lock(identity: str) -> FileLock:
    """The lock of this user's migrations to one target, whatever folder they run in.

    Raises:
        PermissionDeniedError: the folder for locks belongs to somebody else.
    """
    folder = Path(tempfile.gettempdir()) / f"interstore-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o022 or folder.is_symlink():
        raise PermissionDeniedError(
            f"{folder}, where locks are kept, belongs to somebody else or can be written to by "
            "others; set TMPDIR to a folder of your own"
        )
    name = blake2b(identity.encode(), digest_size=12).hexdigest()
    return FileLock(folder / f"migrate-{name}.lock")
