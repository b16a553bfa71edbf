"""The one table from SQLite's result codes to Interstore's errors.

It goes by the numbers (https://www.sqlite.org/rescode.html), which every driver module
gives, because each module has exception classes of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from interstore.errors import (
    ConfigurationError,
    CorruptionError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    OperationTimeoutError,
    PermissionDeniedError,
    UnavailableError,
)

__all__ = ["Translator", "code_of", "is_busy", "is_stale", "is_too_complex"]

_ERROR: Final = 1
_BUSY: Final = 5
_LOCKED: Final = 6
_CORRUPT: Final = 11
_CANTOPEN: Final = 14
_PROTOCOL: Final = 15
_CONSTRAINT: Final = 19
_CONSTRAINT_DATATYPE: Final = 19 | 12 << 8
_NOTADB: Final = 26

_BUSY_CODES: Final = frozenset([_BUSY, _LOCKED, _PROTOCOL])

_DENIED: Final = (
    "check the permissions of the file and of its folder, in which SQLite keeps two more"
)
_TABLE: Final[dict[int, tuple[type[InterstoreError], str]]] = {
    3: (PermissionDeniedError, _DENIED),  # PERM
    _BUSY: (OperationTimeoutError, ""),
    _LOCKED: (OperationTimeoutError, ""),
    7: (UnavailableError, "the process has no memory left for it"),  # NOMEM
    8: (PermissionDeniedError, _DENIED),  # READONLY
    9: (UnavailableError, "the statement was interrupted"),  # INTERRUPT
    10: (UnavailableError, "the disk failed; see the system's log"),  # IOERR
    _CORRUPT: (CorruptionError, ""),
    13: (UnavailableError, "disk full; what was stored before can be read"),  # FULL
    _CANTOPEN: (PermissionDeniedError, _DENIED),
    _PROTOCOL: (OperationTimeoutError, ""),
    18: (InvalidDocumentError, "too large for SQLite"),  # TOOBIG
    _CONSTRAINT: (InvalidDocumentError, "a constraint of the table refuses it"),
    22: (UnavailableError, "the file system does not support files of this size"),  # NOLFS
    23: (PermissionDeniedError, "an authorizer refuses it"),  # AUTH
    24: (CorruptionError, ""),  # FORMAT
    _NOTADB: (CorruptionError, ""),
}

# Errors that have the general code ERROR, or none, and are told apart by their text.
_TEXTS: Final[tuple[tuple[str, type[InterstoreError], str], ...]] = (
    ("malformed JSON", CorruptionError, ""),
    ("no such table", CorruptionError, ""),  # it is listed as a model's
    ("no such column", CorruptionError, ""),
    ("Could not decode to UTF-8", CorruptionError, ""),
    ("closed database", UnavailableError, "the database is not connected"),
)
_TOO_COMPLEX: Final = ("parser stack overflow", "Expression tree is too large", "too many SQL var")
_UNIQUE: Final = "UNIQUE constraint failed: "


def code_of(error: Exception) -> int:
    """The extended result code; 0 where the driver gives none."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code if isinstance(code, int) else 0


def is_busy(error: Exception) -> bool:
    """Whether another connection held a lock for as long as this one waited."""
    return code_of(error) & 0xFF in _BUSY_CODES


def is_stale(error: Exception) -> bool:
    """Whether another process dropped the table, or made it anew in another format."""
    code = code_of(error)
    return code == _CONSTRAINT_DATATYPE or (code == _ERROR and "no such table" in str(error))


def is_too_complex(error: Exception) -> bool:
    """Whether the statement is beyond what SQLite's own parser takes."""
    return code_of(error) == _ERROR and str(error).startswith(_TOO_COMPLEX)


class Translator:
    """Makes Interstore's errors of the driver's, for one file.

    Args:
        file: the path, as messages name it.
        timeout: how many seconds a lock is waited for, as messages name it.
    """

    def __init__(self, file: str, timeout: float) -> None:
        self.file = file
        self.timeout = timeout

    def __call__(self, error: Exception, model: str | None = None) -> InterstoreError:
        """The error to raise from the driver's."""
        made = self._made(error)
        made.backend, made.model = "sqlite", model
        return made

    def _made(self, error: Exception) -> InterstoreError:
        text, code = str(error), code_of(error)
        primary = code & 0xFF
        kind, cure = _TABLE.get(primary, (InterstoreError, ""))
        for part, other, said in _TEXTS:
            if primary in (0, _ERROR) and part in text:
                kind, cure = other, said
        if primary == _CANTOPEN and Path(self.file).is_dir():
            return ConfigurationError(f"{self.file} is a folder; the path must name a file")
        if primary == _CONSTRAINT and text.startswith(_UNIQUE):
            return DuplicateError(f"{self.file}: {text}")
        if kind is OperationTimeoutError:
            return self.timed_out()
        if kind is CorruptionError:
            return self.corrupt(text)
        return kind(f"{self.file}: {text}" + (f": {cure}" if cure else ""))

    def timed_out(self) -> OperationTimeoutError:
        """The error for a lock that was not to be had in time."""
        return OperationTimeoutError(
            f"{self.file} was locked by other writers for {self.timeout:g} seconds; "
            "raise DATABASE_TIMEOUT, or write in smaller batches",
            backend="sqlite",
        )

    def corrupt(
        self, what: str, model: str | None = None, id: str | None = None
    ) -> CorruptionError:
        """The error for damage in the file."""
        return CorruptionError(
            f"{self.file} is damaged, or no SQLite database: {what}. Restore a backup, or copy "
            "what can be read with the command line's .recover",
            file=self.file,
            backend="sqlite",
            model=model,
            id=id,
        )
