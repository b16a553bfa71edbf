"""The one table from PostgreSQL's error codes to Interstore's errors.

It goes by SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), first
the whole code, then its class. Errors without one come from the connection.
"""

from __future__ import annotations

import re
from typing import Final

import psycopg

from interstore.errors import (
    ConfigurationError,
    CorruptionError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    InvalidQueryError,
    OperationTimeoutError,
    PermissionDeniedError,
    UnavailableError,
)
from interstore.settings import Secret, redact

__all__ = [
    "OLDEST", "REFUSALS", "Stalled", "Translator", "Unsure", "is_lost", "is_undefined_table",
    "too_old", "was_rolled_back",
]  # fmt: skip

REFUSALS: Final = (psycopg.errors.UniqueViolation, psycopg.errors.CheckViolation)
"""What an index raises when it refuses a document."""


class Stalled(psycopg.OperationalError):
    """The server did not answer in time, so the connection was given up."""


class Unsure(psycopg.OperationalError):
    """The connection was lost after a write was sent: nobody knows what became of it."""


_DENIED: Final = "give the role the rights that the guide names, or use another role"
_FULL: Final = "free space on the server; what was stored before can be read"
_BUSY: Final = "the server has no room for more connections; lower DATABASE_POOL_SIZE"
_AGAIN: Final = "others wrote the same documents at the same time; try again"
_LARGE: Final = "larger than PostgreSQL takes"

_TABLE: Final[dict[str, tuple[type[InterstoreError], str]]] = {
    # Whole codes.
    "23505": (DuplicateError, ""),
    "57014": (OperationTimeoutError, ""),
    "55P03": (OperationTimeoutError, ""),  # lock_not_available
    "42501": (PermissionDeniedError, _DENIED),
    "25006": (PermissionDeniedError, "the server or the role only reads; connect to the primary"),
    "3D000": (ConfigurationError, "create the database, or correct DATABASE_NAME"),
    "3F000": (ConfigurationError, "create the schema, or correct the setting 'schema'"),
    "53100": (UnavailableError, _FULL),
    "53300": (UnavailableError, _BUSY),
    "54000": (InvalidDocumentError, _LARGE),  # program_limit_exceeded: an index's row
    "54001": (InvalidQueryError, "the filter is too complex"),  # stack depth
    "22021": (InvalidDocumentError, "the database's encoding must be UTF8"),
    "22P05": (InvalidDocumentError, "the database's encoding must be UTF8"),
    "2201B": (InvalidQueryError, "the regular expression is too complex"),
    "55000": (UnavailableError, "the server is not ready for it"),
    # Not what is stored, but an error of any other kind, as a file that must not grow.
    "XX000": (UnavailableError, "the server failed at it; see its log"),
    "0A000": (UnavailableError, "a table was changed meanwhile; try again"),
    # Classes.
    "08": (UnavailableError, "the connection was lost"),
    "22": (InvalidDocumentError, "a value does not fit"),
    "23": (InvalidDocumentError, "a constraint of the table refuses it"),
    "28": (PermissionDeniedError, "check DATABASE_USERNAME and DATABASE_PASSWORD"),
    "40": (UnavailableError, _AGAIN),
    "53": (UnavailableError, "the server has no resources left for it"),
    "54": (InvalidQueryError, "beyond the server's limits"),
    "57": (UnavailableError, "the server is stopping or starting"),
    "58": (UnavailableError, "the server's system failed; see its log"),
    "XX": (CorruptionError, "see the server's log"),
}

# Errors of libpq itself, which have no code.
_TEXTS: Final[tuple[tuple[str, type[InterstoreError], str], ...]] = (
    ("password authentication failed", PermissionDeniedError, _TABLE["28"][1]),
    ("no password supplied", PermissionDeniedError, "set DATABASE_PASSWORD"),
    ("no pg_hba.conf entry", PermissionDeniedError, "the server admits nobody from here"),
    ('role "', PermissionDeniedError, "check DATABASE_USERNAME"),
    ("unsupported startup parameter", ConfigurationError, "a pooler needs prepare=False"),
    ("certificate", ConfigurationError, "see DATABASE_SSL and ssl_root_cert"),
    ("does not support SSL", ConfigurationError, "see DATABASE_SSL"),
    ("could not translate host name", UnavailableError, "check DATABASE_HOST"),
    ("failed to resolve host", UnavailableError, "check DATABASE_HOST"),
    ("timeout expired", OperationTimeoutError, ""),
)
_ADVICE: Final = re.compile(r"\n\s*Is the server running [^\n]*\?")
_DATABASE_MISSING: Final = ('database "', '" does not exist')


OLDEST: Final = 14_00_00
"""The oldest version of the server that is expected to work, as PostgreSQL counts them."""


def too_old(place: str, version: int) -> ConfigurationError:
    """The error for a server of an older version."""
    return ConfigurationError(
        f"{place} is version {version // 10_000}, which is too old: "
        f"{OLDEST // 10_000} and newer work",
        backend="postgresql",
    )


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, and nobody knows what became of the statement."""
    if isinstance(error, Stalled):
        return False
    code = getattr(error, "sqlstate", None)
    if code is None:
        return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    return str(code).startswith(("08", "57P0"))


def was_rolled_back(error: BaseException) -> bool:
    """Whether the server undid the statement because of others, so that it may be repeated."""
    return getattr(error, "sqlstate", None) in ("40001", "40P01")


def is_undefined_table(error: BaseException) -> bool:
    """Whether the table does not exist: nothing was written yet, or another dropped it."""
    return getattr(error, "sqlstate", None) == "42P01"


class Translator:
    """Makes Interstore's errors of the driver's, for one database.

    Args:
        place: where it is, as messages name it.
        timeout: the seconds that an operation has, as messages name them.
        secrets: what must not be shown.
    """

    def __init__(self, place: str, timeout: float, secrets: tuple[Secret, ...]) -> None:
        self.place = place
        self.timeout = timeout
        self.secrets = secrets

    def __call__(self, error: BaseException, model: str | None = None) -> InterstoreError:
        """The error to raise from the driver's."""
        made = self._made(error)
        made.backend, made.model = "postgresql", model
        return made

    def _made(self, error: BaseException) -> InterstoreError:
        text = redact(_said(error), self.secrets)
        code = getattr(error, "sqlstate", None) or ""
        if isinstance(error, Stalled):
            return self.timed_out()
        if isinstance(error, Unsure):
            return OperationTimeoutError(
                f"{self.place}: {text}: the write may or may not have been applied"
            )
        if code:
            kind, cure = _TABLE.get(code) or _TABLE.get(code[:2]) or (InterstoreError, "")
        else:
            kind, cure = _without_code(error, text)
        if kind is OperationTimeoutError:
            return self.timed_out()
        message = f"{self.place}: {text}" + (f": {cure}" if cure else "")
        if kind is DuplicateError:
            diagnostics = getattr(error, "diag", None)
            return DuplicateError(message, index=getattr(diagnostics, "constraint_name", None))
        return kind(message)

    def timed_out(self) -> OperationTimeoutError:
        """The error for an operation that took too long."""
        return OperationTimeoutError(
            f"{self.place} did not answer within {self.timeout:g} seconds; raise "
            "DATABASE_TIMEOUT, or ask for less at once",
            backend="postgresql",
        )

    def unsure_of_commit(self, error: BaseException) -> OperationTimeoutError:
        """The error for a commit of which no answer came."""
        text = redact(str(error).strip(), self.secrets)
        return OperationTimeoutError(
            f"{self.place}: {text}: no answer came to the commit; the transaction may or may not "
            "have been applied",
            backend="postgresql",
        )

    def exhausted(self, size: int) -> OperationTimeoutError:
        """The error for a pool of which no connection came free in time."""
        return OperationTimeoutError(
            f"{self.place}: all {size} connections of the pool were in use for "
            f"{self.timeout:g} seconds; raise DATABASE_POOL_SIZE, or do less at the same time",
            backend="postgresql",
        )

    def busy(self) -> OperationTimeoutError:
        """The error for a session whose connection came free too late."""
        return OperationTimeoutError(
            f"{self.place}: the session's one connection was in use for {self.timeout:g} seconds; "
            "share a session among fewer callers, or call the store itself",
            backend="postgresql",
        )


def _said(error: BaseException) -> str:
    """The server's message in one line, without the row that it refuses and libpq's own advice."""
    diagnostics = getattr(error, "diag", None)
    text: str = getattr(diagnostics, "message_primary", None) or str(error)
    detail: str = getattr(diagnostics, "message_detail", None) or ""
    if detail and not detail.startswith("Failing row"):
        text += f" ({detail.rstrip('.')})"
    text = _ADVICE.sub("", text.removeprefix("connection failed: "))
    return " ".join(text.split())


def _without_code(error: BaseException, text: str) -> tuple[type[InterstoreError], str]:
    for part, kind, cure in _TEXTS:
        if part in text:
            return kind, cure
    if all(part in text for part in _DATABASE_MISSING):
        return _TABLE["3D000"]
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return UnavailableError, "is the server running, and does it listen there?"
    return InterstoreError, ""
