"""The folder `.interstore`: what stands beside the blobs."""

from __future__ import annotations

import errno
import fcntl
import os
import unicodedata
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import Final

import msgspec

from interstore.blobs.keys import OWN_FOLDER, Escaping
from interstore.errors import ConfigurationError
from interstore_backends.blobs_local.errors import BACKEND
from interstore_backends.jsonfiles.disk import PRIVATE, make_folder, replace_file, sync, sync_folder

__all__ = ["Beside", "Kept", "copy_content", "sync_whole", "write_all"]

VERSION: Final = 1
_LONGEST: Final = 2**16
"""Bytes; what is kept of one blob has far fewer: its key and metadata are bounded."""


class Kept(msgspec.Struct, frozen=True):
    """What is kept of a blob beside its file."""

    key: str
    content_type: str
    metadata: Mapping[str, str]
    sha256: str | None


class _Format(msgspec.Struct, frozen=True):
    """How the folder is laid out, from when it was made."""

    interstore: int
    case: bool
    forms: bool


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Kept).decode


class Beside:
    """The folder of one store.

    Args:
        root: the folder of the blobs.
        durable: whether what is written survives a power loss.
    """

    def __init__(self, root: str, *, durable: bool) -> None:
        self._path = os.path.join(root, OWN_FOLDER)
        self._durable = durable

    def prepare(self) -> Escaping:
        """Make what is missing, remove what writers left that died; how keys become names.

        Raises:
            ConfigurationError: the folder is of a later version, or was made on another
                kind of disk.
        """
        if os.path.islink(self._path):
            raise ConfigurationError(f"{self._path} is a link", backend=BACKEND)
        for name in ("info", "drafts", "locks"):
            make_folder(os.path.join(self._path, name))
        self._clean()
        disk = self._disk()
        path = os.path.join(self._path, "format.json")
        try:
            with open(path, "rb") as file:
                found = msgspec.json.decode(file.read(), type=_Format)
        except FileNotFoundError:
            found = _Format(VERSION, disk.case, disk.forms)
            replace_file(path, [_encode(found), b"\n"], f".{uuid.uuid4().hex}")
        except msgspec.DecodeError as error:
            raise ConfigurationError(f"{path} is damaged: {error}", backend=BACKEND) from None
        if found.interstore > VERSION:
            raise ConfigurationError(
                f"{path} is of version {found.interstore}, which this Interstore does not know",
                backend=BACKEND,
            )
        if (disk.case and not found.case) or (disk.forms and not found.forms):
            raise ConfigurationError(
                f"{self._path} was made on a disk that tells more names apart than this one: copy "
                "the blobs with `copy_to` instead of the files",
                backend=BACKEND,
            )
        return Escaping(case=found.case, forms=found.forms)

    def _disk(self) -> Escaping:
        name = f"probe-{uuid.uuid4().hex}-é"
        path = os.path.join(self._path, name)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
        try:
            return Escaping(
                case=os.path.exists(os.path.join(self._path, name.upper())),
                forms=os.path.exists(os.path.join(self._path, unicodedata.normalize("NFD", name))),
            )
        finally:
            os.unlink(path)

    def _clean(self) -> None:
        """Remove the drafts of writers that are no more."""
        folder = os.path.join(self._path, "drafts")
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            try:
                fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)
            except (BlockingIOError, FileNotFoundError):
                pass
            finally:
                os.close(fd)

    def draft(self) -> tuple[str, int]:
        """A new empty file, its path and a descriptor; nobody removes it while that is open."""
        while True:
            path = os.path.join(self._path, "drafts", uuid.uuid4().hex)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:  # else it was taken for a dead writer's just before
                return path, fd
            os.close(fd)

    @contextmanager
    def lock(self, key: str) -> Generator[None]:
        """Exclude other writers of the key, of all threads and processes."""
        path = f"{self._path}/locks/{_hash(key)[:2]}"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def keep(self, key: str, etag: str, kept: Kept) -> bool:
        """Keep it; return False if there is something already for this key and etag."""
        path = self._info(key, etag)
        try:
            fd = self._new(path)
        except FileExistsError:
            return False
        try:
            os.write(fd, _encode(kept))
            if self._durable:
                sync_whole(fd)
        finally:
            os.close(fd)
        if self._durable:
            sync_folder(os.path.dirname(path))
        return True

    def _new(self, path: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(path, flags, PRIVATE)
        except FileNotFoundError:
            make_folder(os.path.dirname(path))
            return os.open(path, flags, PRIVATE)

    def kept(self, key: str, etag: str) -> Kept | None:
        """What is kept of a blob; ``None`` if nothing is, or nothing that can be read."""
        try:
            fd = os.open(self._info(key, etag), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            found = _decode(os.read(fd, _LONGEST))
        except msgspec.DecodeError:
            return None
        finally:
            os.close(fd)
        return found if found.key == key else None

    def forget(self, key: str, etag: str) -> None:
        """Keep it no longer."""
        with suppress(FileNotFoundError):
            os.unlink(self._info(key, etag))

    def _info(self, key: str, etag: str) -> str:
        hashed = _hash(key)
        return f"{self._path}/info/{hashed[:2]}/{hashed}.{etag}"


def _hash(key: str) -> str:
    return blake2b(key.encode(), digest_size=16).hexdigest()


def sync_whole(fd: int) -> None:
    """Return once content and times of the file are on the disk."""
    if hasattr(os, "fdatasync"):
        os.fsync(fd)  # the times matter: they are the etag
    else:
        sync(fd)


def copy_content(source: int, target: int) -> None:
    """Append all of one file to another, in the system where it can do that."""
    while True:
        try:
            if not os.copy_file_range(source, target, 1 << 26):
                return
        except (AttributeError, OSError) as error:
            if getattr(error, "errno", None) not in _NO_COPY:
                raise
            break
    while data := os.read(source, 1 << 20):
        write_all(target, data)


def write_all(fd: int, data: bytes) -> None:
    """Write all of it, however often the system takes a part."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


_NO_COPY: Final = frozenset(
    {None, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF}
)
