"""The lock of the folder: one writer at a time, of all threads and processes."""

from __future__ import annotations

import errno
import os
import random
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

from interstore.errors import OperationTimeoutError
from interstore_backends.jsonfiles.disk import PRIVATE, make_folder

__all__ = ["LOCK", "FolderLock"]

LOCK: Final = "interstore.lock"

_LONGEST_PAUSE: Final = 0.003
_SHORTEST_PAUSE: Final = 0.0001
_HASTE: Final = 50
"""After so many parts of a second, half of the longest pause."""
_APPLYING: Final = 0.0005


class FolderLock:
    """A context manager that holds the folder's lock file; not reentrant.

    The lock belongs to the open file, so several of these exclude one another within a
    process, too. The system releases it when the process dies.

    The size of the file counts: it is odd while a transaction is being applied to the files of
    models. Who reads one, and finds the size even and the same before and after, has read all
    of each transaction or nothing. The file has no content, so it takes no space.

    Args:
        path: the lock file; created when first needed, its folder too.
        timeout: how many seconds to wait.
        recover: called under the lock if who held it last died while it applied a
            transaction; it finishes that.

    Raises:
        OperationTimeoutError: others held it all the time.
    """

    def __init__(
        self, path: str, timeout: float, recover: Callable[[], None] | None = None
    ) -> None:
        from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock

        self.path = path
        self._timeout = timeout
        self._recover = recover
        self._threads = threading.Lock()
        self._fd = -1
        self._flock = flock
        self._take = LOCK_EX | LOCK_NB
        self._release = LOCK_UN

    def __enter__(self) -> None:
        self.acquire(self._timeout)

    def acquire(self, timeout: float) -> None:
        """Hold it, waiting for so many seconds at most."""
        if not self._threads.acquire(timeout=timeout):
            raise self._timed_out("another thread")
        try:
            if self._fd < 0:
                make_folder(os.path.dirname(self.path))
                self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT, PRIVATE)
            try:
                self._flock(self._fd, self._take)
            except OSError as error:
                self._wait(error, timeout)
            if self._recover is not None and os.fstat(self._fd).st_size & 1:
                self._recover()
                self.unmark()
        except BaseException:
            if self._fd >= 0:  # an interrupt may have come when it was already ours
                self._flock(self._fd, self._release)
            self._threads.release()
            raise

    def release(self) -> None:
        """Hold it no longer."""
        if self._fd >= 0:
            self._flock(self._fd, self._release)
        self._threads.release()

    def abandon(self) -> None:
        """In the child of a process that holds it: leave it to the parent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def mark(self) -> None:
        """Say that a transaction is being applied. To be called with the lock held."""
        os.ftruncate(self._fd, os.fstat(self._fd).st_size | 1)

    def unmark(self) -> None:
        """Say that it has been, or that nothing of it is left."""
        size = os.fstat(self._fd).st_size
        os.ftruncate(self._fd, size + (size & 1))

    def sequence(self) -> int:
        """How often that was said: odd while a transaction is being applied."""
        try:
            return os.stat(self.path).st_size
        except FileNotFoundError:
            return 0

    def wait_until_applied(self) -> None:
        """Return when no transaction is being applied.

        If who applied one has died, it is finished here.

        Raises:
            OperationTimeoutError: it took too long.
        """
        deadline = time.monotonic() + self._timeout
        while self.sequence() & 1:
            if time.monotonic() >= deadline:
                raise self._timed_out("another process")
            try:
                self.acquire(0)  # which finishes it, if nobody else is about to
            except OperationTimeoutError:
                time.sleep(_APPLYING)
            else:
                self.release()

    def _wait(self, error: OSError, timeout: float) -> None:
        # flock itself cannot wait for a limited time without signals.
        begun = time.monotonic()
        while True:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR):
                raise error
            waited = time.monotonic() - begun
            if waited >= timeout:
                raise self._timed_out("another process")
            # Who waits longer looks more often, so that nobody waits very long.
            pause = max(_SHORTEST_PAUSE, _LONGEST_PAUSE / (1 + waited * _HASTE))
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - not for secrecy
            try:
                self._flock(self._fd, self._take)
                return
            except OSError as again:
                error = again

    def _timed_out(self, who: str) -> OperationTimeoutError:
        return OperationTimeoutError(
            f"{who} has held {self.path} for more than {self._timeout:g} s "
            "(DATABASE_TIMEOUT); nothing was written",
            backend="json",
        )

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        if self._fd >= 0:
            close(self._fd)
            self._fd = -1
