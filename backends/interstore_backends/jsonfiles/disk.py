"""Files as this engine needs them: private, durable, replaced whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from typing import Final

__all__ = ["PRIVATE", "make_folder", "network_type", "replace_file", "sync", "sync_folder"]

PRIVATE: Final = 0o600

_NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "lustre", "fuse.sshfs"}
)


def sync(fd: int) -> None:
    """Return once the content of the file is on the disk.

    Raises:
        OSError: it is not; what the disk holds is unknown then.
    """
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
        return
    import fcntl

    # On macOS, fsync leaves the data in the cache of the drive.
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        try:
            fcntl.fcntl(fd, full)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise
    os.fsync(fd)


def sync_folder(path: str) -> None:
    """Return once the names of the files in the folder are on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folder(path: str) -> None:
    """Create the folder, for its owner only, if it does not exist."""
    if os.path.isdir(path):
        return
    os.makedirs(path, mode=0o700, exist_ok=True)
    sync_folder(os.path.dirname(os.path.abspath(path)))


def replace_file(path: str, parts: Iterable[bytes], suffix: str) -> None:
    """Give the file a new content: after a crash it has the old one or the new one.

    Args:
        path: the file; it need not exist.
        parts: the content.
        suffix: what to add to the name while the content is written.
    """
    draft = path + suffix
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        with open(fd, "wb", buffering=1 << 20) as file:
            file.writelines(parts)
            file.flush()
            sync(fd)
        os.rename(draft, path)
    except BaseException:
        if os.path.exists(draft):
            os.unlink(draft)
        raise
    sync_folder(os.path.dirname(path))


def network_type(path: str) -> str | None:
    """The type of the network file system that holds the folder, where that can be told."""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
            mounts = [line.split(" ")[1:3] for line in file]
    except OSError:
        return None
    path = os.path.realpath(path)
    found, kind = "", ""
    for point, each in mounts:
        point = point.replace("\\040", " ").rstrip("/")
        if len(point) >= len(found) and (path == point or path.startswith(point + "/")):
            found, kind = point, each
    return kind if kind in _NETWORK else None
