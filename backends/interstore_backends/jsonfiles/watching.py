"""Changes of a model: the lines of its file, and of those that compaction has replaced.

Where changes are recorded, compaction keeps the file that it replaces, under a name of its own
(``<model>.<epoch>-<number>.changes``), as long as the retention says. The header of each file says
its number and where its changes begin: behind the documents that compaction has taken over.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from interstore.watching import PAGE, Change, Changed, ChangePage, Deleted, encode_position, expired
from interstore_backends._table.records import decode_document, decode_head
from interstore_backends.jsonfiles.format import header_in, read_line
from interstore_backends.jsonfiles.log import Log

__all__ = ["Position", "Recording", "keep_file", "prune", "read"]

_SUFFIX: Final = ".changes"
_CHUNK: Final = 64 << 10


class Recording(NamedTuple):
    """What the header of a file says about its changes.

    Attributes:
        epoch: another one each time recording begins.
        number: of the file, from 1.
        start: where in it the changes begin.
    """

    epoch: str
    number: int
    start: int

    def text(self) -> str:
        """As the header has it: always as long."""
        return f"{self.epoch}.{self.number:08}.{self.start:014}"

    @classmethod
    def of(cls, text: str) -> Recording | None:
        """What `text` has made."""
        parts = text.split(".")
        return cls(parts[0], int(parts[1]), int(parts[2])) if text else None


class Position(NamedTuple):
    """How far a reader is: behind so many bytes of that file."""

    epoch: str
    number: int
    offset: int

    def token(self, model: str) -> str:
        """As those who watch see it."""
        return encode_position("json", model, self)


def keep_file(path: str, recording: Recording) -> None:
    """Give the file, which is about to be replaced, a name under which it stays."""
    with suppress(FileExistsError):  # a killed process came as far
        os.link(path, _kept(path, recording.epoch, recording.number))


def prune(path: str, recording: Recording | None, retention: float | None) -> None:
    """Remove the files that are older than the retention, and those of another recording."""
    folder, stem = os.path.split(path.removesuffix(".jsonl"))
    own = "" if recording is None else f"{stem}.{recording.epoch}-"
    oldest = time.time() - (retention or 0.0)
    for name in os.listdir(folder):
        if not (name.startswith(f"{stem}.") and name.endswith(_SUFFIX)):
            continue
        kept = os.path.join(folder, name)
        if not own or not name.startswith(own) or os.stat(kept).st_mtime < oldest:
            os.unlink(kept)


def read(model: str, position: Position, log: Log) -> ChangePage:
    """The next changes.

    Args:
        model: whose they are.
        position: behind which.
        log: the file as it is now, all that is loaded of it being committed.

    Raises:
        ResumeExpiredError: they are not kept any more.
    """
    now = Recording.of(log.recording)
    if now is None or now.epoch != position.epoch:
        raise expired(model, "json", "recording it was ended, or has begun anew")
    while position.number < now.number:
        try:
            kept = Log(_kept(log.path, position.epoch, position.number))
        except FileNotFoundError:
            raise expired(model, "json", "the retention is over") from None
        changes = list(_changes(model, position, kept, os.fstat(kept.fd).st_size))
        if changes:
            return ChangePage(changes, changes[-1].token)
        position = _begin(position, now, log)
    changes = list(_changes(model, position, log, log.loaded))
    return ChangePage(changes, changes[-1].token if changes else position.token(model))


def _begin(position: Position, now: Recording, log: Log) -> Position:
    """The beginning of the following file."""
    number = position.number + 1
    if number == now.number:
        return Position(now.epoch, number, now.start)
    try:
        kept = Log(_kept(log.path, now.epoch, number))
    except FileNotFoundError:
        return Position(now.epoch, number, 0)  # which is said when it is read
    found = header_in(kept.read(0, 4096).partition(b"\n")[0], kept.path).watch
    following = Recording.of(found)
    return Position(now.epoch, number, 0 if following is None else following.start)


def _changes(model: str, position: Position, log: Log, end: int) -> Iterator[Change]:
    """At most a page of changes of one file."""
    offset, rest, left = position.offset, b"", PAGE
    while left and offset + len(rest) < end:
        begin = offset + len(rest)
        # Twice as much each time: a long line is searched for its end a few times only.
        data = log.read(begin, min(end, begin + max(_CHUNK, len(rest))))
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines[:left]:
            entry = read_line(line, log.path, offset)
            offset += len(line) + 1
            left -= 1
            token = position._replace(offset=offset).token(model)
            if entry.removes:
                yield Deleted(entry.id, decode_head(line).v, token)
            else:
                document = decode_document(line)
                yield Changed(entry.id, document.version, document, token)


def _kept(path: str, epoch: str, number: int) -> str:
    return f"{path.removesuffix('.jsonl')}.{epoch}-{number:08}{_SUFFIX}"
