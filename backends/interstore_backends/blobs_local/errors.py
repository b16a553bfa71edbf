"""What the operating system reports, as errors of Interstore."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from interstore.errors import (
    InterstoreError,
    InvalidQueryError,
    PermissionDeniedError,
    UnavailableError,
)

__all__ = ["BACKEND", "translated"]

BACKEND: Final = "local"

_TABLE: Final[dict[int, type[InterstoreError]]] = {
    errno.EACCES: PermissionDeniedError,
    errno.EPERM: PermissionDeniedError,
    errno.EROFS: PermissionDeniedError,
    errno.ELOOP: PermissionDeniedError,
    errno.ENAMETOOLONG: InvalidQueryError,
}


@contextmanager
def translated(key: str | None = None) -> Generator[None]:
    """Raise errors of Interstore for those of the operating system."""
    try:
        yield
    except OSError as error:
        kind = _TABLE.get(error.errno or 0, UnavailableError)
        what = "the folder of the blobs" if key is None else f"the blob {key!r}"
        raise kind(f"{what}: {error}", backend=BACKEND, id=key) from error
