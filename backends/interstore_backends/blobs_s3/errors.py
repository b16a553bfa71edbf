"""The one table from the driver's errors to Interstore's."""

from __future__ import annotations

from typing import Any, Final

import aiohttp
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
)
from botocore.exceptions import (
    ConnectionError as NoConnectionError,
)

from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    InvalidQueryError,
    OperationTimeoutError,
    PermissionDeniedError,
    UnavailableError,
)

__all__ = ["CAUGHT", "code_of", "is_missing", "is_unmet", "status_of", "translated"]

CAUGHT: Final = (ClientError, BotoCoreError, aiohttp.ClientError, TimeoutError, OSError)
"""Everything that the driver raises."""

_CODES: Final[dict[str, tuple[type[InterstoreError], str]]] = {
    "NoSuchBucket": (ConfigurationError, "check AWS_S3_BUCKET and AWS_REGION"),
    "InvalidBucketName": (ConfigurationError, "check AWS_S3_BUCKET"),
    "PermanentRedirect": (ConfigurationError, "the bucket is elsewhere: set AWS_REGION"),
    "AuthorizationHeaderMalformed": (ConfigurationError, "check AWS_REGION"),
    "KeyTooLongError": (InvalidQueryError, "its name has more bytes than the store allows"),
    "RequestTimeout": (UnavailableError, "try again"),
    "OperationAborted": (UnavailableError, "others write the same blob: try again"),
    "ConditionalRequestConflict": (UnavailableError, "others write the same blob: try again"),
    "RequestTimeTooSkewed": (PermissionDeniedError, "the clock of this machine is wrong"),
}
_STATUSES: Final[dict[int, tuple[type[InterstoreError], str]]] = {
    301: (ConfigurationError, "the bucket is elsewhere: set AWS_REGION"),
    400: (InvalidQueryError, ""),
    401: (PermissionDeniedError, "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    403: (
        PermissionDeniedError,
        "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they are allowed to do",
    ),
    404: (ConfigurationError, "check AWS_S3_BUCKET"),
    409: (UnavailableError, "others write the same blob: try again"),
    429: (UnavailableError, "more requests than the store takes: try again later"),
}
_DRIVERS: Final[tuple[tuple[type[Exception], type[InterstoreError], str], ...]] = (
    (ReadTimeoutError, OperationTimeoutError, "it took longer than AWS_S3_TIMEOUT"),
    (TimeoutError, OperationTimeoutError, "it took longer than AWS_S3_TIMEOUT"),
    (NoCredentialsError, PermissionDeniedError, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    (PartialCredentialsError, PermissionDeniedError, "set AWS_SECRET_ACCESS_KEY as well"),
    (ProfileNotFound, ConfigurationError, "check AWS_PROFILE"),
    (ParamValidationError, InvalidQueryError, ""),
    (NoConnectionError, UnavailableError, "check AWS_ENDPOINT_URL"),
    (HTTPClientError, UnavailableError, ""),
    (aiohttp.ClientError, UnavailableError, ""),
    (OSError, UnavailableError, ""),
    (BotoCoreError, ConfigurationError, ""),
)


def code_of(error: Exception) -> str:
    """What S3 calls it; empty if it did not come from there."""
    return str(_answer(error).get("Error", {}).get("Code", ""))


def status_of(error: Exception) -> int:
    """The HTTP status; 0 if there was no answer."""
    return int(_answer(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _answer(error: Exception) -> dict[str, Any]:
    return error.response if isinstance(error, ClientError) else {}


def is_missing(error: Exception) -> bool:
    """Whether the object does not exist (and the bucket does, or nothing tells)."""
    return status_of(error) == 404 and code_of(error) not in ("NoSuchBucket", "NoSuchUpload")


def is_unmet(error: Exception) -> bool:
    """Whether the object was not as a condition demands."""
    return status_of(error) == 412


def translated(error: Exception, place: str, key: str | None = None) -> InterstoreError:
    """The error to raise from the driver's."""
    kind, cure = _find(error)
    what = place if key is None else f"{place}, {key!r}"
    code = code_of(error)
    message = str(_answer(error).get("Error", {}).get("Message", "")) if code else str(error)
    text = " ".join(part for part in (code, message or type(error).__name__) if part).rstrip(".")
    return kind(f"{what}: {text}" + (f" ({cure})" if cure else ""), backend="s3", id=key)


def _find(error: Exception) -> tuple[type[InterstoreError], str]:
    if isinstance(error, ClientError):
        status = status_of(error)
        if status >= 500:
            return UnavailableError, "try again"
        return _CODES.get(code_of(error)) or _STATUSES.get(status) or (InvalidQueryError, "")
    return next((kind, cure) for driver, kind, cure in _DRIVERS if isinstance(error, driver))
