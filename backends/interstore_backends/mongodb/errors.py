"""The one table from the driver's errors to Interstore's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bson.errors import BSONError, InvalidBSON
from pymongo import errors

from interstore.errors import (
    ConfigurationError,
    CorruptionError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    InvalidQueryError,
    OperationTimeoutError,
    PermissionDeniedError,
    ResumeExpiredError,
    UnavailableError,
)

__all__ = [
    "CAUGHT",
    "REFUSED",
    "Translator",
    "duplicate",
    "duplicate_id",
    "is_duplicate",
    "is_duplicate_id",
    "is_index_gone",
]

CAUGHT: Final = (errors.PyMongoError, BSONError)
"""Everything that the driver raises."""

REFUSED: Final = 121
"""The code of the error for a document that the collection's validator refuses."""

_DUPLICATE: Final = frozenset({11000, 11001, 12582})

_TRANSIENT: Final = "TransientTransactionError"
_UNKNOWN: Final = "UnknownTransactionCommitResult"
"""What the driver writes on errors of a transaction, and of its commit."""

_CLOSED: Final = "closed connection pool"
"""What the driver says, by a class of its own, where a client is closed that others use."""

_UNSURE: Final = "a write may or may not have been applied"

_CLASSES: Final[tuple[tuple[type[Exception], type[InterstoreError], str], ...]] = (
    # The first that fits: some are subclasses of others below.
    (errors.WaitQueueTimeoutError, OperationTimeoutError, "no connection came free in time"),
    (errors.NetworkTimeout, OperationTimeoutError, _UNSURE),
    (errors.ExecutionTimeout, OperationTimeoutError, _UNSURE),
    (errors.WTimeoutError, OperationTimeoutError, "written, but not by a majority in time"),
    (errors.NotPrimaryError, UnavailableError, "the primary is being changed"),
    (errors.AutoReconnect, UnavailableError, "the connection was lost"),
    (errors.ConnectionFailure, UnavailableError, ""),
    (errors.DocumentTooLarge, InvalidDocumentError, ""),
    (errors.ConfigurationError, ConfigurationError, ""),  # InvalidURI too
    (errors.InvalidOperation, UnavailableError, "the database is not connected"),
    (InvalidBSON, CorruptionError, ""),
    (BSONError, InvalidDocumentError, ""),
)
_NO_SERVER: Final[tuple[tuple[str, type[InterstoreError], str], ...]] = (
    # What the driver says of each server that it could not use.
    ("CERTIFICATE_VERIFY_FAILED", ConfigurationError, "see DATABASE_SSL and ssl_root_cert"),
    ("SSL handshake failed", UnavailableError, "does it speak TLS? See DATABASE_SSL"),
    ("No replica set members available for", ConfigurationError, "correct replica_set"),
    ("Name or service not known", UnavailableError, "check DATABASE_HOST"),
    ("connection closed", UnavailableError, "is it a MongoDB, and without TLS? See DATABASE_SSL"),
    ("timed out", UnavailableError, "it does not answer"),
    ("No servers found yet", UnavailableError, "it does not answer"),
    ("", UnavailableError, "no server answers"),
)
_CODES: Final[dict[int, tuple[type[InterstoreError], str]]] = {
    6: (UnavailableError, ""),  # HostUnreachable
    7: (UnavailableError, ""),  # HostNotFound
    8: (UnavailableError, "the server failed at it, as on a full disk; see its log"),
    11: (PermissionDeniedError, ""),  # UserNotFound
    13: (PermissionDeniedError, "the user lacks a role: readWrite on the database serves"),
    18: (PermissionDeniedError, "check DATABASE_USERNAME, DATABASE_PASSWORD and auth_source"),
    20: (InterstoreError, "a single server cannot do this: it needs a replica set"),
    50: (OperationTimeoutError, ""),  # MaxTimeMSExpired
    59: (InterstoreError, "the server is too old"),  # CommandNotFound
    64: (OperationTimeoutError, "written, but not by a majority in time"),
    73: (InvalidQueryError, ""),  # InvalidNamespace
    86: (ConfigurationError, ""),  # IndexKeySpecsConflict
    89: (UnavailableError, ""),  # NetworkTimeout
    91: (UnavailableError, "the server is shutting down"),
    100: (UnavailableError, "too few members of the replica set are up"),
    112: (UnavailableError, "others wrote the same document"),  # WriteConflict
    REFUSED: (InvalidDocumentError, "the collection's validator refuses it"),
    133: (UnavailableError, ""),  # FailedToSatisfyReadPreference
    166: (ConfigurationError, "this is no collection but a view"),
    175: (UnavailableError, "try again"),  # QueryPlanKilled: with the index it used
    189: (UnavailableError, "the primary is being changed"),
    239: (
        ResumeExpiredError,
        "raise minSnapshotHistoryWindowInSeconds on the server, or read without a snapshot",
    ),
    246: (UnavailableError, "that state cannot be read yet"),  # SnapshotUnavailable
    251: (UnavailableError, "the server has undone the transaction"),  # NoSuchTransaction
    262: (OperationTimeoutError, ""),  # ExceededTimeLimit
    8000: (PermissionDeniedError, "check DATABASE_USERNAME and DATABASE_PASSWORD"),  # Atlas
    10107: (UnavailableError, "the primary is being changed"),
    10334: (InvalidDocumentError, "too large for MongoDB"),
    11600: (UnavailableError, "the server is shutting down"),
    11602: (UnavailableError, "the primary is being changed"),
    12587: (UnavailableError, "try again later"),  # BackgroundOperationInProgressForNamespace
    13435: (UnavailableError, "the primary is being changed"),
    13436: (UnavailableError, "the server is recovering"),
    14031: (UnavailableError, "disk full; what was stored before can be read"),
    17280: (InvalidDocumentError, "a value is too large for its index"),
    17419: (InvalidDocumentError, "too large for MongoDB"),
    17420: (InvalidDocumentError, "too large for MongoDB"),
    51091: (InvalidQueryError, "the pattern is too large"),
    90: (InterstoreError, ""),
}


def is_duplicate(code: Any) -> bool:
    """Whether the code of a write's error says that a value exists already."""
    return code in _DUPLICATE


def is_duplicate_id(details: Mapping[str, Any] | None) -> bool:
    """Whether what exists already is the document's id."""
    pattern = (details or {}).get("keyPattern")
    if pattern is not None:
        return list(pattern) == ["_id"]
    return "index: _id_" in str((details or {}).get("errmsg", ""))


def is_index_gone(code: Any, *, hinted: bool) -> bool:
    """Whether the index of a query was dropped since, or while it ran."""
    return code == 175 or (hinted and code == 2)


def duplicate(model: str, id: str, details: Mapping[str, Any] | None) -> DuplicateError:
    """The error for a document whose id, or whose value under a unique index, exists."""
    if is_duplicate_id(details):
        return duplicate_id(model, id)
    pattern = ", ".join((details or {}).get("keyPattern", {})) or "unknown"
    return DuplicateError(
        f"another document of {model} has the same value under the unique index on {pattern}",
        index=pattern,
        backend="mongodb",
        model=model,
        id=id,
    )


def duplicate_id(model: str, id: str) -> DuplicateError:
    """The error for a document whose id exists."""
    return DuplicateError(
        f"{model} has a document {id!r} already", backend="mongodb", model=model, id=id
    )


class Translator:
    """Makes Interstore's errors of the driver's, for one database.

    Args:
        place: where it is, as messages name it.
        timeout: how many seconds an operation may take, as messages name it.
    """

    def __init__(self, place: str, timeout: float) -> None:
        self.place = place
        self.timeout = timeout

    def __call__(
        self, error: Exception, model: str | None = None, *, writes: bool = False
    ) -> InterstoreError:
        """The error to raise from the driver's.

        Args:
            writes: whether what failed is a write. If it is lost together with its connection
                the error is not one upon which a call is simply repeated.
        """
        if isinstance(error, errors.PyMongoError) and error.has_error_label(_TRANSIENT):
            return UnavailableError(
                f"{self.place}: {_text(error)}; nothing of the transaction is applied, try again",
                backend="mongodb",
                model=model,
            )
        kind, cure = _find(error)
        text = f"{self.place}: {_text(error)}"
        if kind is UnavailableError and writes and _is_lost(error):
            kind, cure = OperationTimeoutError, f"the connection was lost: {_UNSURE}"
        elif kind is OperationTimeoutError:
            text = f"{self.place} took longer than {self.timeout:g} seconds: {_text(error)}"
        return kind(f"{text}; {cure}" if cure else text, backend="mongodb", model=model)

    def of_commit(self, error: Exception) -> InterstoreError:
        """The error to raise for a transaction that was to be committed."""
        if isinstance(error, errors.PyMongoError) and error.has_error_label(_UNKNOWN):
            return OperationTimeoutError(
                f"{self.place}: {_text(error)}; no answer came to the commit: the transaction may "
                "or may not have been applied",
                backend="mongodb",
            )
        return self(error, writes=True)


def _is_lost(error: Exception) -> bool:
    """Whether it was sent, maybe, and no answer came."""
    return isinstance(error, errors.AutoReconnect) and not isinstance(
        error, (errors.NotPrimaryError, errors.ServerSelectionTimeoutError)
    )


def _find(error: Exception) -> tuple[type[InterstoreError], str]:
    code = getattr(error, "code", None)
    if is_duplicate(code):
        return DuplicateError, ""
    if isinstance(code, int) and code in _CODES:
        return _CODES[code]
    if isinstance(error, errors.ServerSelectionTimeoutError):
        text = str(error)
        return next((made, cure) for part, made, cure in _NO_SERVER if part in text)
    if isinstance(error, errors.ConfigurationError) and "DNS" in str(error):
        return ConfigurationError, "check DATABASE_HOST"
    for kind, made, cure in _CLASSES:
        if isinstance(error, kind):
            return made, cure
    if _CLOSED in str(error):
        return UnavailableError, "the database was closed meanwhile"
    if isinstance(error, errors.PyMongoError) and error.timeout:
        return OperationTimeoutError, ""
    if isinstance(error, errors.OperationFailure) and error.has_error_label("RetryableWriteError"):
        return UnavailableError, ""
    return InterstoreError, ""


def _text(error: Exception) -> str:
    """The driver's message without the rest of what it knows, in one line."""
    details = getattr(error, "details", None)
    text = ""
    if isinstance(details, Mapping):
        text = str(details.get("errmsg", ""))
    text = text or str(error).partition(", Timeout: ")[0].partition(", full error")[0]
    code = getattr(error, "code", None)
    text = " ".join(text.split())
    text = text if len(text) <= 400 else text[:397] + "..."
    return f"{text} (code {code})" if code else text
