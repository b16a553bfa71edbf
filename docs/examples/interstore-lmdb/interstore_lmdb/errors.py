"""The table of errors: LMDB's in the terms of Interstore."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import lmdb

from interstore.errors import (
    CorruptionError,
    InterstoreError,
    PermissionDeniedError,
    UnavailableError,
)

__all__ = ["translated"]

_TABLE: Final[tuple[tuple[type[Exception], type[InterstoreError], str], ...]] = (
    (lmdb.MapFullError, UnavailableError, "the data has reached LMDB_MAP_SIZE: raise it"),
    (lmdb.ReadonlyError, PermissionDeniedError, "the data may only be read"),
    (lmdb.LockError, PermissionDeniedError, "the lock file cannot be used"),
    (PermissionError, PermissionDeniedError, "the permissions of the folder do not allow it"),
    (lmdb.InvalidError, CorruptionError, "the file is not LMDB's"),
    (lmdb.CorruptedError, CorruptionError, "the file is damaged: restore a backup"),
    (lmdb.VersionMismatchError, CorruptionError, "another version of LMDB made the file"),
    (lmdb.Error, UnavailableError, "LMDB cannot do it"),
    (OSError, UnavailableError, "the operating system refuses it"),
)


@contextmanager
def translated() -> Generator[None, None, None]:
    """Raise LMDB's errors as those of Interstore."""
    try:
        yield
    except (lmdb.Error, OSError) as error:
        kind, text = next(row[1:] for row in _TABLE if isinstance(error, row[0]))
        raise kind(f"{text} ({error})", backend="lmdb") from error
