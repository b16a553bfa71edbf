"""The one table from the driver's errors to Interstore's."""

from __future__ import annotations

import re
from typing import Any, Final

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.cosmos.exceptions import CosmosClientTimeoutError, CosmosHttpResponseError

from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    InvalidQueryError,
    OperationTimeoutError,
    PermissionDeniedError,
    UnavailableError,
)
from interstore_backends.cosmosdb.retry import LateError, ThrottledError, UnsureError

__all__ = [
    "CAUGHT",
    "Translator",
    "duplicate_id",
    "is_gone",
    "is_taken",
    "is_unfit",
    "is_unmet",
    "unsure",
]

CAUGHT: Final = (AzureError, LateError, UnsureError, TimeoutError)
"""Everything that the driver raises, and what is raised within it."""

_STATUSES: Final[dict[int, tuple[type[InterstoreError], str]]] = {
    400: (InvalidQueryError, ""),
    401: (PermissionDeniedError, "check DATABASE_PASSWORD, which is the account's key"),
    403: (
        PermissionDeniedError,
        "the key or identity lacks the right, or the account's firewall refuses this machine",
    ),
    404: (ConfigurationError, "check DATABASE_NAME"),
    408: (OperationTimeoutError, ""),
    410: (UnavailableError, "its partitions are being split or moved: try again"),
    413: (InvalidDocumentError, "an item has 2 MB at most"),
    429: (UnavailableError, "more request units a second are needed than it has"),
    449: (UnavailableError, "others wrote the same item: try again"),
}
_DRIVERS_REMARKS: Final = re.compile(r"(?s)\n?(?:Code: |Content: |ActivityId|activityId).*")


def _status(error: Exception) -> int | None:
    return error.status_code if isinstance(error, CosmosHttpResponseError) else None


def is_gone(error: Exception) -> bool:
    """Whether the item, or the container that it would be in, does not exist."""
    return _status(error) == 404


def is_taken(error: Exception) -> bool:
    """Whether an item, or a container, of that id exists already."""
    return _status(error) == 409


def is_unmet(error: Exception) -> bool:
    """Whether the item was not as a condition demands."""
    return _status(error) == 412


def is_unfit(error: Exception) -> bool:
    """Whether an operation of a patch is not possible on the item as it is, or makes it too large.

    What is to be stored tells which it was.
    """
    return _status(error) in (400, 413)


def duplicate_id(model: str, id: str) -> DuplicateError:
    """The error for a document whose id exists."""
    return DuplicateError(
        f"{model} has a document {id!r} already", backend="cosmosdb", model=model, id=id
    )


def unsure(model: str, id: str, error: Exception) -> OperationTimeoutError:
    """The error for a write of which even reading afterwards does not tell whether it happened."""
    return OperationTimeoutError(
        f"{model} {id!r}: {_line(error)}; the write may or may not have been applied",
        backend="cosmosdb",
        model=model,
        id=id,
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
            writes: whether what failed is a write, which may have been applied.
        """
        kind, cure = self._find(error)
        if isinstance(error, (LateError, TimeoutError)):
            text = f"{self.place} took longer than {self.timeout:g} seconds"
            text = f"{text}: {error}" if str(error) else text
            if writes and not isinstance(error, ThrottledError):
                cure = "a write may or may not have been applied"
        else:
            text = f"{self.place}: {_line(error)}"
        return kind(f"{text}; {cure}" if cure else text, backend="cosmosdb", model=model)

    def closed(self, model: str | None = None) -> UnavailableError:
        """The error for a use of a database that is not connected, or not any more."""
        return UnavailableError(
            f"{self.place}: the database is not connected", backend="cosmosdb", model=model
        )

    def _find(self, error: Exception) -> tuple[type[InterstoreError], str]:
        if isinstance(error, ThrottledError):
            return OperationTimeoutError, "give the container more throughput, or send less"
        if isinstance(error, (LateError, TimeoutError, CosmosClientTimeoutError)):
            return OperationTimeoutError, ""
        if isinstance(error, UnsureError):
            return OperationTimeoutError, "the write may or may not have been applied"
        if isinstance(error, ClientAuthenticationError):
            return PermissionDeniedError, "check the credential"
        status = _status(error)
        if status is None:
            return _of_connection(error)
        if status >= 500:
            return UnavailableError, ""
        return _STATUSES.get(status, (InterstoreError, ""))


def _of_connection(error: Exception) -> tuple[type[InterstoreError], str]:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        cure = "who answers has no certificate that is trusted: see DATABASE_SSL and ssl_root_cert"
        return ConfigurationError, cure
    if "[SSL" in text:
        return UnavailableError, "who answers speaks no TLS: see DATABASE_SSL"
    if "Name or service not known" in text or "getaddrinfo" in text:
        return UnavailableError, "check DATABASE_HOST"
    return UnavailableError, "it cannot be reached, or the connection was lost"


def _line(error: Any) -> str:
    """The driver's message in one line, without what it adds for Microsoft's support."""
    text = " ".join(_DRIVERS_REMARKS.sub("", str(error)).split())
    return text if len(text) <= 400 else text[:397] + "..."
