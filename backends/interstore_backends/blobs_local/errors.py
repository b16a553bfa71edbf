"""What the operating system reports, as errors of Interstore."""

from __future__ import annotations

import errno
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


class translated:  # noqa: N801, used as a function is
    """Raises errors of Interstore for those of the operating system.

    Args:
        key: of the blob that is worked at; ``None`` for the folder of all.
    """

    __slots__ = ("_key",)

    def __init__(self, key: str | None = None) -> None:
        self._key = key

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, OSError):
            told = _TABLE.get(error.errno or 0, UnavailableError)
            what = "the folder of the blobs" if self._key is None else f"the blob {self._key!r}"
            raise told(f"{what}: {error}", backend=BACKEND, id=self._key) from error
