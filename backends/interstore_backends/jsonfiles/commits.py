"""`Commits`: the log of transactions, each of which it holds before any model's file does.

A line of ``interstore.transactions`` has all that one transaction writes; once the line is on
the disk, the transaction is committed:

.. code-block:: json

    {"crc":"8f0c5d1e","interstore":1,"at":"2026-01-31T12:00:00.000000Z","writes":[
     {"model":"users","from":178,"lines":[{"crc":"0f9dd3a1","id":"u1","v":2,"at":"...","doc":{}}]}]}

(in one line). Then the lines are appended to the files of the models, where they are to stand
from byte ``from`` on; these are not brought to the disk before the log is emptied. So who opens
the folder after a crash appends what they lack: a file has all of a transaction's lines or
some of the first, as it was only ever appended to.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Sequence
from typing import Final

import msgspec

from interstore.errors import ConfigurationError, InterstoreError
from interstore.times import now
from interstore_backends.jsonfiles.disk import PRIVATE, replace_file, sync, sync_folder
from interstore_backends.jsonfiles.errors import corrupt
from interstore_backends.jsonfiles.format import FORMAT, SUFFIX, is_whole, line_of
from interstore_backends.jsonfiles.log import Log
from interstore_backends.jsonfiles.torn import TORN, keep_aside, settle_tail

__all__ = ["TRANSACTIONS", "Commits", "Part"]

TRANSACTIONS: Final = "interstore.transactions"

_LONG: Final = 1 << 20
_CHUNK: Final = 64 << 10

_logger = logging.getLogger("interstore.json")


class Part(msgspec.Struct):
    """What a transaction appends to the file of one model.

    Attributes:
        model: its name.
        begin: where in the file the lines begin, if nothing before them is lost.
        lines: the lines, without newlines.
    """

    model: str
    begin: int = msgspec.field(name="from")
    lines: list[msgspec.Raw]

    @property
    def end(self) -> int:
        """Where they end, newline included."""
        return self.begin + sum(memoryview(line).nbytes for line in self.lines) + len(self.lines)

    @property
    def data(self) -> bytes:
        """The lines as they stand in the file."""
        return b"".join([bytes(line) + b"\n" for line in self.lines])


class _Record(msgspec.Struct):
    interstore: int
    writes: list[Part]


_decode: Final = msgspec.json.Decoder(_Record).decode
_encode: Final = msgspec.json.Encoder().encode


class Commits:
    """The log of a folder. All but `size` and `is_done` is called under its lock.

    Args:
        folder: the folder.

    Attributes:
        path: its file.
        failed: whether the system could not bring the files of models to the disk.
    """

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, TRANSACTIONS)
        self.failed = False
        self._folder = folder

    @property
    def size(self) -> int:
        """How long the log is, in bytes."""
        try:
            return os.stat(self.path).st_size
        except FileNotFoundError:
            return 0

    @property
    def is_long(self) -> bool:
        """Whether it should be emptied soon."""
        return self.size > _LONG

    def append(self, parts: Sequence[Part], *, durable: bool) -> None:
        """Commit a transaction: when this returns, it is.

        Raises:
            OSError: the log could not be written; it must be cut back to what it was.
        """
        writes = _encode(parts)
        line = line_of(b'"interstore":%d,"at":"%b","writes":%b}' % (FORMAT, now().encode(), writes))
        created = not os.path.exists(self.path)
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE)
        try:
            data = memoryview(line + b"\n")
            while data:
                data = data[os.write(fd, data) :]
            if durable:
                sync(fd)
        finally:
            os.close(fd)
        if created and durable:
            sync_folder(os.path.dirname(self.path))

    def cut(self, size: int) -> None:
        """Make it as long as it was, on the disk, too: what was committed since is not.

        Raises:
            OSError: it is unknown what the disk holds.
        """
        if self.size <= size:
            return
        fd = os.open(self.path, os.O_WRONLY)
        try:
            os.ftruncate(fd, size)
            sync(fd)
        finally:
            os.close(fd)

    def is_done(self) -> bool:
        """Whether every transaction is in the files of the models. Waits for nobody.

        Raises:
            CorruptionError, ConfigurationError: as `redo`.
        """
        parts, rest = self._read()
        return not rest and not any(self._missing(model, each) for model, each in parts.items())

    def redo(self) -> None:
        """Append to the files of the models what they lack.

        Raises:
            OSError: that cannot be done; each file is as it was.
            CorruptionError: the log is damaged.
            ConfigurationError: it is of a format not known here.
        """
        parts, rest = self._read()
        if rest:
            _logger.warning(
                "%s: moved a transaction that was not committed, of %d bytes, to %s%s",
                self.path, len(rest), self.path, TORN,
            )  # fmt: skip
            keep_aside(self.path + TORN, rest)
            self.cut(self.size - len(rest))
        for model, each in parts.items():
            missing = self._missing(model, each)
            if missing:
                self._append(self._file_of(model), b"".join(part.data for part in missing))

    def clear(self) -> None:
        """Bring the files of the models to the disk, and empty the log.

        Raises:
            OSError: that cannot be done, now or earlier; the log is as it was.
        """
        if not self.size:
            return
        if self.failed:  # to sync again would succeed and prove nothing
            raise OSError(errno.EIO, "an earlier write to the disk failed", self.path)
        for model in self._read()[0]:
            try:
                fd = os.open(self._file_of(model), os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                sync(fd)
            except OSError:
                self.failed = True
                raise
            finally:
                os.close(fd)
        self.cut(0)

    def salvage(self) -> dict[str, list[bytes]]:
        """What the files of the models lack, as far as the log can be read.

        Lines that cannot be are moved to ``interstore.transactions.damaged``.
        """
        if not self.size:
            return {}
        with open(self.path, "rb") as file:
            lines = file.read().split(b"\n")
        kept = [line for line in lines[:-1] if self._is_record(line)]
        damaged = [line for line in (*lines[:-1], *filter(None, lines[-1:])) if line not in kept]
        if damaged:
            keep_aside(self.path + ".damaged", b"\n".join(damaged))
            replace_file(self.path, [line + b"\n" for line in kept], ".new")
        missing = {model: self._missing(model, each) for model, each in self._read()[0].items()}
        return {
            model: [bytes(line) for part in parts for line in part.lines]
            for model, parts in missing.items()
            if parts
        }

    def _file_of(self, model: str) -> str:
        return os.path.join(self._folder, model + SUFFIX)

    def _is_record(self, line: bytes) -> bool:
        try:
            return is_whole(line) and bool(self._record(line, 0))
        except InterstoreError:
            return False

    def _read(self) -> tuple[dict[str, list[Part]], bytes]:
        """What belongs to each model, in order, and a torn record at the end."""
        parts: dict[str, list[Part]] = {}
        try:
            with open(self.path, "rb") as file:
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return {}, b""
        offset = 0
        for number, line in enumerate(lines[:-1]):
            if not is_whole(line):
                if number == len(lines) - 2:
                    return parts, line + b"\n" + lines[-1]
                raise corrupt(self.path, offset, "the checksum of a transaction is wrong")
            for part in self._record(line, offset).writes:
                parts.setdefault(part.model, []).append(part)
            offset += len(line) + 1
        return parts, lines[-1]

    def _record(self, line: bytes, offset: int) -> _Record:
        try:
            record = _decode(line)
        except msgspec.DecodeError:
            raise corrupt(self.path, offset, "the line is not a transaction") from None
        if record.interstore != FORMAT:
            raise ConfigurationError(
                f"{self.path} has format {record.interstore}, and this version of Interstore "
                f"knows format {FORMAT} only: install a newer one",
                backend="json",
            )
        return record

    def _missing(self, model: str, parts: list[Part]) -> list[Part]:
        """What the model's file lacks: all that follows the first that is not there whole."""
        try:
            log = Log(self._file_of(model))
        except FileNotFoundError:
            return []  # that it is lost is found out by who opens it
        end = _end_of_lines(log, os.fstat(log.fd).st_size)
        for number, part in enumerate(parts):
            if end < part.end:
                return parts[number:]
        return []

    def _append(self, path: str, data: bytes) -> None:
        log = Log(path)
        size = os.fstat(log.fd).st_size
        log.adopt(_end_of_lines(log, size))
        tail = log.read(log.loaded, size)
        if tail:
            settle_tail(log, tail)
            log.adopt(os.fstat(log.fd).st_size)
        kept, error = log.append(data)
        if error is not None:
            if kept:
                log.cut(log.loaded)
            raise error
        _logger.warning("%s: completed transactions that were not applied whole", path)


def _end_of_lines(log: Log, size: int) -> int:
    """The byte behind the last newline."""
    while size:
        begin = max(size - _CHUNK, 0)
        found = log.read(begin, size).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        size = begin
    return 0
