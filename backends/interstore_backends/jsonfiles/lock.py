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

_LONGEST_PAUSE: Final = 0.005


class FolderLock:
    """A context manager that holds the folder's lock file; not reentrant.

    The lock belongs to the open file, so several of these exclude one another within a
    process, too. The system releases it when the process dies.

    Args:
        path: the lock file; created when first needed, its folder too.
        timeout: how many seconds to wait.

    Raises:
        OperationTimeoutError: others held it all the time.
    """

    def __init__(self, path: str, timeout: float) -> None:
        from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock

        self.path = path
        self._timeout = timeout
        self._threads = threading.Lock()
        self._fd = -1
        self._flock = flock
        self._take = LOCK_EX | LOCK_NB
        self._release = LOCK_UN

    def __enter__(self) -> None:
        if not self._threads.acquire(timeout=self._timeout):
            raise self._timed_out("another thread")
        try:
            if self._fd < 0:
                make_folder(os.path.dirname(self.path))
                self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT, PRIVATE)
            try:
                self._flock(self._fd, self._take)
            except OSError as error:
                self._wait(error)
        except BaseException:
            if self._fd >= 0:  # an interrupt may have come when it was already ours
                self._flock(self._fd, self._release)
            self._threads.release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._flock(self._fd, self._release)
        self._threads.release()

    def _wait(self, error: OSError) -> None:
        # flock itself cannot wait for a limited time without signals.
        deadline = time.monotonic() + self._timeout
        pause = 0.0001
        while True:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR):
                raise error
            if time.monotonic() >= deadline:
                raise self._timed_out("another process")
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - not for secrecy
            pause = min(pause * 1.5, _LONGEST_PAUSE)
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
