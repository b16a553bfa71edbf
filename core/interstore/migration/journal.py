"""The journal of a run: an append-only file that is the only truth about what was done.

Each line is ``{"crc":<number>,"entry":{...}}``: the CRC-32 of the entry's exact bytes, and the
entry, which holds its number in ``seq`` (counted from 0) and the time in ``at``. A line is on
the disk before `Journal.append` returns. One process writes at a time.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from zlib import crc32

import msgspec

from interstore.errors import CorruptionError, UnavailableError
from interstore.migration.locks import FileLock
from interstore.times import now

__all__ = ["Journal", "Replay", "replay", "write_atomically"]

_encode: Final = msgspec.json.Encoder().encode
_PREFIX: Final = b'{"crc":'
_MIDDLE: Final = b',"entry":'


@dataclass(frozen=True, slots=True)
class Replay:
    """What a journal holds.

    Attributes:
        entries: all entries, in order.
        size: how many bytes they take.
        torn: how many bytes after them were never finished, and are dropped.
    """

    entries: list[dict[str, Any]]
    size: int
    torn: int


def replay(path: Path) -> Replay:
    """Read a journal; a line that was never finished (without its newline) is left out.

    Raises:
        CorruptionError: a finished line is damaged, or one is missing.
    """
    text = path.read_bytes()
    entries: list[dict[str, Any]] = []
    offset = 0
    while (end := text.find(b"\n", offset)) >= 0:
        entries.append(_entry(text[offset:end], len(entries), path, offset))
        offset = end + 1
    return Replay(entries, offset, len(text) - offset)


def _line(entry: dict[str, Any]) -> bytes:
    body = _encode(entry)
    return b"%b%d%b%b}\n" % (_PREFIX, crc32(body), _MIDDLE, body)


def _entry(line: bytes, seq: int, path: Path, offset: int) -> dict[str, Any]:
    try:
        if not line.startswith(_PREFIX) or not line.endswith(b"}"):
            raise ValueError("is not of the journal's form")
        middle = line.index(_MIDDLE)
        body = line[middle + len(_MIDDLE) : -1]
        if int(line[len(_PREFIX) : middle]) != crc32(body):
            raise ValueError("has a wrong checksum")
        entry = msgspec.json.decode(body, type=dict[str, Any])
        if entry.get("seq") != seq:
            raise ValueError(f"has the number {entry.get('seq')}; expected {seq}")
    except (ValueError, msgspec.DecodeError) as error:
        raise CorruptionError(
            f"line {seq + 1} of {path} (byte {offset}) {error}: the journal was damaged after "
            "it was written. Restore it, or start a new run",
            file=str(path),
            offset=offset,
        ) from None
    return entry


class Journal:
    """A journal open for writing. A context manager.

    Attributes:
        replayed: what it held when it was opened.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the journal at `path`, and cut off a torn last line.

        Raises:
            UnavailableError: another process is writing to it.
            CorruptionError: see `replay`.
        """
        self._path = path
        self._lock = FileLock(path.with_suffix(".lock"))
        if not self._lock.acquire():
            raise UnavailableError(f"{path.parent.name} is being run by {self._lock.holder()}")
        self._file = -1
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self.replayed = replay(path)
            if self.replayed.torn:
                os.ftruncate(self._file, self.replayed.size)
            _sync_folder(path.parent)
        except BaseException:
            self.close()
            raise
        self._seq = len(self.replayed.entries)

    def append(self, event: str, /, **values: Any) -> dict[str, Any]:
        """Add an entry, on the disk when this returns; `values` are what JSON has.

        Raises:
            UnavailableError: it cannot be written, as on a full disk.
        """
        entry = {"seq": self._seq, "at": now(), "event": event, **values}
        line = _line(entry)
        try:
            written = os.write(self._file, line)
            if written != len(line):  # the disk is full: take back the part that did fit
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file)
        except OSError as error:
            raise UnavailableError(f"cannot write to {self._path}: {error.strerror}") from error
        self._seq += 1
        return entry

    def close(self) -> None:
        """Give the file and the lock back."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, on the disk when this returns; mode 0600.

    Raises:
        UnavailableError: it cannot be written, as on a full disk.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UnavailableError(f"cannot write to {path}: {error.strerror}") from error


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
