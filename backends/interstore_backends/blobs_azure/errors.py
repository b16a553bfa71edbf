"""The one table from the driver's errors to Interstore's."""

from __future__ import annotations

from typing import Final

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    InvalidQueryError,
    OperationTimeoutError,
    PermissionDeniedError,
    UnavailableError,
)

__all__ = ["CAUGHT", "is_missing", "is_overtaken", "is_unmet", "status_of", "translated"]

CAUGHT: Final = (AzureError, TimeoutError, OSError)
"""Everything that the driver raises."""

_CODES: Final[dict[str, tuple[type[InterstoreError], str]]] = {
    # Whoever completes a blob first discards the blocks that others have sent for it.
    "InvalidBlockList": (UnavailableError, "others wrote the same blob meanwhile: try again"),
}
_STATUSES: Final[dict[int, tuple[type[InterstoreError], str]]] = {
    400: (InvalidQueryError, ""),
    401: (PermissionDeniedError, "check AZURE_STORAGE_ACCOUNT_KEY"),
    403: (
        PermissionDeniedError,
        "check AZURE_STORAGE_ACCOUNT_KEY (or _CONNECTION_STRING), and the account's firewall",
    ),
    404: (ConfigurationError, "check AZURE_STORAGE_CONTAINER_NAME"),
    409: (UnavailableError, "others use the same blob or container: try again"),
    429: (UnavailableError, "more requests than the account takes: try again later"),
}
_DRIVERS: Final[tuple[tuple[type[Exception], type[InterstoreError], str], ...]] = (
    (ServiceResponseTimeoutError, OperationTimeoutError, "it took longer than the timeout"),
    (TimeoutError, OperationTimeoutError, "it took longer than the timeout"),
    (IncompleteReadError, UnavailableError, "try again"),
    (ServiceRequestError, UnavailableError, "check AZURE_STORAGE_ENDPOINT"),
    (ServiceResponseError, UnavailableError, "try again"),
    (HttpResponseError, UnavailableError, "try again"),  # without a status: it broke off
    (OSError, UnavailableError, ""),
    (AzureError, ConfigurationError, ""),
)


def status_of(error: Exception) -> int:
    """The HTTP status; 0 if there was no answer."""
    return (error.status_code or 0) if isinstance(error, HttpResponseError) else 0


def _code(error: BaseException | None) -> str:
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def is_missing(error: Exception) -> bool:
    """Whether the blob does not exist (and the container does, or nothing tells)."""
    return status_of(error) == 404 and _code(error) != "ContainerNotFound"


def is_overtaken(error: BaseException | None) -> bool:
    """Whether another write of the same blob has discarded the blocks of this one."""
    return _code(error) == "InvalidBlockList"


def is_unmet(error: Exception) -> bool:
    """Whether the blob was not as a condition demands."""
    return status_of(error) == 412 or _code(error) == "BlobAlreadyExists"


def translated(error: Exception, place: str, key: str | None = None) -> InterstoreError:
    """The error to raise from the driver's."""
    kind, cure = _find(error)
    what = place if key is None else f"{place}, {key!r}"
    text = _code(error) or str(error).partition("\n")[0].rstrip(".") or type(error).__name__
    return kind(f"{what}: {text}" + (f" ({cure})" if cure else ""), backend="azure", id=key)


def _find(error: Exception) -> tuple[type[InterstoreError], str]:
    status = status_of(error)
    if status >= 500:
        return UnavailableError, "try again"
    if status >= 400:
        return _CODES.get(_code(error)) or _STATUSES.get(status, (InvalidQueryError, ""))
    return next((kind, cure) for driver, kind, cure in _DRIVERS if isinstance(error, driver))
