"""`ModelFile`: the table of one model, kept equal to its file."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from heapq import heapify
from itertools import chain
from typing import Final

from interstore.errors import CorruptionError
from interstore_backends._table.records import Change
from interstore_backends._table.table import Table
from interstore_backends.jsonfiles.disk import replace_file, sync_folder
from interstore_backends.jsonfiles.errors import corrupt
from interstore_backends.jsonfiles.format import (
    check_header,
    header_in,
    header_of,
    is_line_of,
    line_of,
    load_lines,
    read_line,
)
from interstore_backends.jsonfiles.log import Log
from interstore_backends.jsonfiles.torn import TORN, settle_tail
from interstore_backends.jsonfiles.watching import Recording, keep_file

__all__ = ["COMPACTING", "ModelFile", "lines_of"]

COMPACTING: Final = ".compact"
_LEAST_GARBAGE: Final = 1 << 20
_CHUNK: Final = 256 << 10  # what is split is still in the processor's cache when it is read
_SECOND_LOOKS: Final = 3


class _BeingWritten(Exception):
    """A transaction was being applied while the file was read."""


class ModelFile:
    """One model. Readers call `refresh`; writers hold the folder's lock and call the rest.

    Args:
        sequence: `FolderLock.sequence`.

    Attributes:
        model: its name.
        path: its file.
        table: the index.
        log: the file; another object once the file is another one.
    """

    def __init__(self, model: str, path: str, sequence: Callable[[], int] = lambda: 0) -> None:
        self.model = model
        self.path = path
        self._sequence = sequence
        self._header = b""
        self._postponed = 0
        # Holds the log's position and the table together; never held while waiting for the lock.
        self._mutex = threading.Lock()
        self.log, self.table = self._load()

    # Reading.

    def is_current(self) -> bool:
        """Whether the table holds all that the file does."""
        return self.log.is_current()

    def refresh(self) -> bool:
        """Take in what others have written; return whether it could be.

        It cannot while a transaction is being applied: some of it may be in the file, and the
        rest not in this or in others.

        Raises:
            FileNotFoundError: the file is gone: the model was dropped.
            CorruptionError: what they have written is damaged.
        """
        if self.log.is_current():
            return True
        try:
            with self._mutex:
                self._catch_up(_SECOND_LOOKS, since=self._sequence())
        except _BeingWritten:
            return False
        return True

    def _check_quiet(self, since: int | None) -> None:
        """Do not let anybody see what was read since then, if a transaction was applied."""
        if since is not None and (since & 1 or self._sequence() != since):
            raise _BeingWritten

    def _catch_up(self, second_looks: int = 0, since: int | None = None) -> bytes:
        """Take in the lines behind `loaded`; return what stands behind the last newline.

        Args:
            second_looks: how often to look again if a line is damaged.
            since: what `sequence` said before; ``None`` if the lock is held.
        """
        while True:
            log = self.log
            try:
                if log.is_replaced():
                    self._reload(since)
                    continue
                return self._take_in(log, os.fstat(log.fd).st_size, since)
            except CorruptionError:
                self._check_quiet(since)
                # A reader does not hold the lock: the line may be just being written.
                if second_looks <= 0:
                    raise
                second_looks -= 1
                time.sleep(0.002)

    def _take_in(self, log: Log, size: int, since: int | None) -> bytes:
        if size < log.loaded:
            self._check_quiet(since)
            raise corrupt(
                log.path, size, f"the file ends here, but was read up to byte {log.loaded:,} before"
            )
        data = log.read(log.loaded, size)
        end = data.rfind(b"\n") + 1
        if end:
            lines = data[: end - 1].split(b"\n")
            offset = log.loaded
            entries = []
            for line in lines:
                id, removes, expires = read_line(line, log.path, offset)
                entries.append((id, None if removes else line, expires))
                offset += len(line) + 1
            self._check_quiet(since)
            self.table.take_in(entries)
            log.loaded = offset
        return data[end:]

    def _reload(self, since: int | None = None) -> None:
        log, table = self._load()
        self._check_quiet(since)
        # In this order: a thread that sees the new log takes the table for what it holds.
        self.table = table
        self.log = log

    def _load(self) -> tuple[Log, Table]:
        """Read the file from its beginning."""
        log = Log(self.path)
        records: dict[str, bytes] = {}
        expiring: list[tuple[str, str]] = []
        rest = b""
        while data := log.read(log.loaded + len(rest), log.loaded + len(rest) + _CHUNK):
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            end = log.loaded + sum(map(len, lines)) + len(lines)
            if lines and not log.loaded:
                self._header = lines.pop(0)
                log.recording = check_header(self._header, self.model, self.path).watch
                log.loaded = len(self._header) + 1
            load_lines(lines, records, expiring, self.path, log.loaded)
            log.loaded = end
        if not log.loaded:
            raise corrupt(self.path, 0, "the file has lost its content, even the first line")
        table = Table(records)
        heapify(expiring)
        table.expiring = expiring
        return log, table

    # Writing, under the lock of the folder.

    def settle(self) -> None:
        """Take in everything, and give the file a clean end.

        Raises:
            FileNotFoundError: the file is gone: the model was dropped.
            CorruptionError: the file is damaged.
        """
        found = os.stat(self.path)
        log = self.log
        if found.st_size == log.loaded and found.st_ino == log.inode:
            return
        with self._mutex:
            if found.st_ino != log.inode:
                # Who put the new file there may have died before its name was on the disk.
                sync_folder(os.path.dirname(self.path))
                self._reload()
            tail = self._catch_up()
            if tail and settle_tail(self.log, tail):
                self._catch_up()

    def append(self, changes: Sequence[Change]) -> tuple[int, OSError | None]:
        """Write the changes; return how many were, and what prevented the rest."""
        lines = lines_of(changes)
        data = b"\n".join(lines) + b"\n"
        with self._mutex:
            log = self.log
            log.check()
            kept, error = log.append(data)
            count = len(lines) if kept == len(data) else data.count(b"\n", 0, kept)
            self._hold(changes[:count], lines, kept)
        return count, error

    def write(self, lines: Sequence[bytes]) -> None:
        """Append a transaction's lines, or nothing. The table does not hold them yet.

        Raises:
            OSError: it could not be done.
        """
        kept, error = self.log.append(b"\n".join(lines) + b"\n")
        if error is not None:
            if kept:
                self.unwrite()
            raise error

    def unwrite(self) -> None:
        """Take back what `write` has appended."""
        os.ftruncate(self.log.fd, self.log.loaded)

    def take_over(self, changes: Sequence[Change], lines: Sequence[bytes], begin: int) -> None:
        """Have the table hold what `write` has appended there, unless a reader saw to that."""
        with self._mutex:
            if self.log.loaded == begin:
                self._hold(changes, lines, sum(map(len, lines)) + len(lines))

    def _hold(self, changes: Sequence[Change], lines: Sequence[bytes], size: int) -> None:
        # The position comes last: an interrupt between makes the lines be read again.
        self.table.take_in(
            (change.id, None if change.removes else line, change.expires)
            for change, line in zip(changes, lines, strict=False)
        )
        self.log.loaded += size

    @property
    def garbage(self) -> int:
        """How many bytes of the file no longer count."""
        return self.log.loaded - self._live

    @property
    def _live(self) -> int:
        return len(self._header) + 1 + self.table.bytes + len(self.table.records)

    def torn_bytes(self) -> int:
        """How many bytes of unfinished lines were moved away so far."""
        try:
            return os.path.getsize(self.path + TORN)
        except FileNotFoundError:
            return 0

    def wants_compaction(self) -> bool:
        """Whether more of the file is garbage than counts, and it is worth the work."""
        garbage = self.garbage
        return garbage > max(_LEAST_GARBAGE, self._postponed, self._live)

    def postpone_compaction(self) -> None:
        """Do not try again at each write."""
        self._postponed = 2 * self.garbage

    def compact(self, recording: Recording | None = None) -> None:
        """Replace the file by one that holds only what counts.

        Args:
            recording: where changes are recorded, the new file's; where they begin in it is
                not yet known. The old file is kept if it is of the same recording.

        Raises:
            OSError: it could not be written; the old file is in place.
        """
        with self._mutex:
            lines = self.table.all()
            header = self._new_header(recording, lines)
            old = Recording.of(self.log.recording)
            if recording is not None and old is not None:
                keep_file(self.path, old)
            self.log.mark_replaced()
            replace_file(self.path, (line + b"\n" for line in chain((header,), lines)), COMPACTING)
            log = Log(self.path)
            log.recording = header_in(header, self.path).watch
            log.adopt(os.fstat(log.fd).st_size)
            self._header = header
            self.log = log
            self._postponed = 0

    def _new_header(self, recording: Recording | None, lines: Sequence[bytes]) -> bytes:
        at = header_in(self._header, self.path).at
        if recording is None:
            return header_of(self.model, at)
        length = len(header_of(self.model, at, recording.text())) + 1
        start = length + sum(map(len, lines)) + len(lines)
        return header_of(self.model, at, recording._replace(start=start).text())


def lines_of(changes: Sequence[Change]) -> list[bytes]:
    """The lines that the changes are, without newlines."""
    return [
        source if is_line_of(source, body) else line_of(body)
        for _, _, body, _, _, source in changes
    ]
