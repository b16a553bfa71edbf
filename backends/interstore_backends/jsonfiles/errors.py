"""The table of errors: what the operating system reports, in the terms of Interstore."""

from __future__ import annotations

import errno
from typing import Final

from interstore.errors import (
    ConfigurationError,
    CorruptionError,
    InterstoreError,
    PermissionDeniedError,
    UnavailableError,
)

__all__ = ["corrupt", "translate"]

_TABLE: Final[dict[int, tuple[type[InterstoreError], str]]] = {
    errno.ENOSPC: (UnavailableError, "no space left on the disk of {0}: free some, then repeat"),
    errno.EDQUOT: (UnavailableError, "the disk quota of {0} is used up: free some, then repeat"),
    errno.EFBIG: (UnavailableError, "{0} would exceed the limit on the size of files (ulimit -f)"),
    errno.EMFILE: (UnavailableError, "cannot open {0}: too many files are open (ulimit -n)"),
    errno.ENFILE: (UnavailableError, "cannot open {0}: the system has too many files open"),
    errno.EACCES: (PermissionDeniedError, "the permissions of {0} do not allow it"),
    errno.EPERM: (PermissionDeniedError, "the permissions of {0} do not allow it"),
    errno.EROFS: (PermissionDeniedError, "{0} is on a read-only file system"),
    errno.ENOTDIR: (ConfigurationError, "{0} is not a folder: set DATABASE_DATA_DIR to one"),
    errno.EEXIST: (ConfigurationError, "{0} is not a folder: set DATABASE_DATA_DIR to one"),
    errno.EISDIR: (ConfigurationError, "{0} is a folder, where a file is needed"),
    errno.ENAMETOOLONG: (ConfigurationError, "the path {0} is too long"),
    errno.ELOOP: (ConfigurationError, "the path {0} is a loop of symbolic links"),
}


def translate(error: OSError, path: str) -> InterstoreError:
    """The error to raise for what the operating system reported.

    Args:
        error: what it reported.
        path: the file or folder, if `error` does not name it.
    """
    name = error.filename if isinstance(error.filename, str) else path
    kind, text = _TABLE.get(error.errno or 0, (UnavailableError, "{0}: {1}"))
    return kind(text.format(name, error.strerror or error), backend="json")


def corrupt(path: str, offset: int, problem: str) -> CorruptionError:
    """The error for damage at an offset of a file."""
    return CorruptionError(
        f"{path}, byte {offset:,}: {problem}. If it was edited by hand, 'interstore repair' "
        "takes the edit up; else restore the file from a backup",
        file=path,
        offset=offset,
        backend="json",
    )
