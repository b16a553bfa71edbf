"""What a killed writer left behind the last newline."""

from __future__ import annotations

import logging
import os

from interstore_backends.jsonfiles.disk import PRIVATE, sync
from interstore_backends.jsonfiles.errors import corrupt
from interstore_backends.jsonfiles.format import is_whole
from interstore_backends.jsonfiles.log import Log

__all__ = ["TORN", "keep_aside", "settle_tail"]

TORN = ".torn"

_logger = logging.getLogger("interstore.json")


def settle_tail(log: Log, tail: bytes) -> bool:
    """Give the file an end at a newline. To be called under the lock: nobody is writing.

    A whole record that lacks only its newline gets one. Anything else was never
    acknowledged: it is moved to ``<file>.torn``. A file system may have filled either up
    with NUL bytes.

    Returns:
        Whether a record was kept, and now stands as a line behind `log.loaded`.

    Raises:
        CorruptionError: a whole record is followed by something that no writer could have
            left: its newline was damaged.
    """
    text = tail.rstrip(b"\0")
    if is_whole(text):
        os.ftruncate(log.fd, log.loaded + len(text))
        os.write(log.fd, b"\n")
        _logger.warning("%s: completed the last line, which lacked its newline", log.path)
        return True
    if is_whole(text[:-1]):
        place = log.loaded + len(text) - 1
        raise corrupt(log.path, place, f"byte {text[-1]:#04x} stands where a line ends")
    keep_aside(log.path + TORN, tail)
    os.ftruncate(log.fd, log.loaded)
    sync(log.fd)
    _logger.warning(
        "%s: moved an unfinished line of %d bytes at offset %d to %s%s",
        log.path,
        len(tail),
        log.loaded,
        log.path,
        TORN,
    )
    return False


def keep_aside(path: str, tail: bytes) -> None:
    """Add to the file of what was moved out of the way."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
    with open(fd, "wb") as file:
        file.write(tail + b"\n")
        file.flush()
        sync(fd)
