"""How the service refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["CODES", "ServiceError", "bad_request", "not_found"]

CODES: Final[Mapping[int, str]] = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    408: "RequestTimeout",
    409: "Conflict",
    410: "Gone",
    412: "PreconditionFailed",
    413: "RequestEntityTooLarge",
    424: "FailedDependency",
    429: "TooManyRequests",
    449: "RetryWith",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}
"""The names that the page "HTTP status codes for Azure Cosmos DB" has, as `code` in a body."""


class ServiceError(Exception):
    """An answer that is no success.

    Attributes:
        status: that of HTTP.
        substatus: what `x-ms-substatus` says more.
        charge: request units.
        headers: more of them.
        extra: more fields of the body.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        substatus: int = 0,
        charge: float = 1.0,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.substatus = substatus
        self.charge = charge
        self.headers = headers or {}
        self.extra = extra or {}


def not_found(
    what: str = "Entity with the specified id does not exist in the system.",
) -> ServiceError:
    return ServiceError(404, what)


def bad_request(message: str, substatus: int = 0) -> ServiceError:
    return ServiceError(400, message, substatus=substatus)
