"""The opened files: LMDB lets a process open each only once, so several stores share one."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Final

import lmdb

from interstore_lmdb.settings import LMDBSettings

__all__ = ["acquire", "release"]

_lock: Final = Lock()
_opened: Final[dict[str, lmdb.Environment]] = {}
_users: Final[dict[str, int]] = {}


def acquire(settings: LMDBSettings) -> lmdb.Environment:
    """The environment of the folder, opened unless it is already."""
    path = str(Path(settings.path).resolve())
    with _lock:
        if path not in _opened:
            Path(path).mkdir(parents=True, exist_ok=True)
            _opened[path] = lmdb.open(
                path, map_size=settings.map_size, sync=settings.sync, mode=0o600, max_readers=1024
            )
        _users[path] = _users.get(path, 0) + 1
        return _opened[path]


def release(settings: LMDBSettings) -> None:
    """Give one use back; the last one closes."""
    path = str(Path(settings.path).resolve())
    with _lock:
        _users[path] -= 1
        if not _users[path]:
            del _users[path]
            _opened.pop(path).close()
