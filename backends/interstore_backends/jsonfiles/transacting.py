"""How what a transaction has written gets into the files: all of it, or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence

import msgspec

from interstore.errors import OperationTimeoutError
from interstore_backends._table.records import Change
from interstore_backends.jsonfiles.commits import Commits, Part
from interstore_backends.jsonfiles.lock import FolderLock
from interstore_backends.jsonfiles.model import ModelFile, lines_of

__all__ = ["Batch", "apply"]


class Batch:
    """What a transaction writes to one model, in order.

    Attributes:
        file: the model's file, which is settled.
    """

    def __init__(self, file: ModelFile, changes: Sequence[Change]) -> None:
        self.file = file
        self._changes = changes
        self._lines = lines_of(changes)
        self._begin = file.log.loaded

    def part(self) -> Part:
        """The same for the log of transactions."""
        return Part(self.file.model, begin=self._begin, lines=[*map(msgspec.Raw, self._lines)])

    def write(self) -> None:
        """Append it to the file."""
        self.file.write(self._lines)

    def take_over(self) -> None:
        """Have the table hold it."""
        self.file.take_over(self._changes, self._lines, self._begin)


def apply(batches: Sequence[Batch], lock: FolderLock, commits: Commits, *, durable: bool) -> None:
    """Apply a transaction; the lock is held.

    Raises:
        OSError, UnavailableError: nothing of it was applied.
        OperationTimeoutError: nobody knows whether it was.
    """
    for batch in batches:
        batch.file.log.check()
    before = commits.size
    with _marked(lock):
        try:
            commits.append([batch.part() for batch in batches], durable=durable)
            for batch in batches:
                batch.write()
        except BaseException as error:
            _undo(batches, commits, before, error)
            raise
    for batch in batches:
        batch.take_over()


@contextlib.contextmanager
def _marked(lock: FolderLock) -> Generator[None]:
    """Have readers wait. If nobody knows what was applied, the next to take the lock sees to it."""
    lock.mark()
    try:
        yield
    except OperationTimeoutError:
        raise
    except BaseException:
        lock.unmark()
        raise
    lock.unmark()


def _undo(batches: Sequence[Batch], commits: Commits, before: int, reason: BaseException) -> None:
    """Take everything back. The log comes last: while it has all, all can be applied."""
    try:
        for batch in batches:
            batch.file.unwrite()
        commits.cut(before)
    except OSError as error:
        raise OperationTimeoutError(
            f"{commits.path}: a transaction could be neither applied nor taken back "
            f"({reason}; {error.strerror}): it is one or the other when the files are opened again",
            backend="json",
        ) from error
