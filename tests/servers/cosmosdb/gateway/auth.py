"""Who may ask: the signature that each request carries.

Fact: the page "Access control in the Azure Cosmos DB SQL API" (the text that is signed, the
15 minutes, 401 and 403).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, unquote

from tests.servers.cosmosdb.gateway.errors import ServiceError
from tests.servers.cosmosdb.gateway.request import Request

__all__ = ["Guard"]

TOLERANCE = 15 * 60
MANAGES = ("Create", "Replace", "Delete")

WRONG = (
    "The input authorization token can't serve the request. The wrong key is being used or the "
    "expected payload is not built as per the protocol."
)


class Guard:
    """Knows the account's key, and a token that stands for one of Microsoft Entra ID.

    Args:
        key: in base 64.
        token: what a credential may give instead; ``None``: nothing.
    """

    def __init__(self, key: str, token: str | None = None) -> None:
        self._key = base64.b64decode(key)
        self._token = token

    def check(self, request: Request) -> None:
        """Raises ServiceError: 401 for who is not known, 403 for a date long past."""
        text = unquote(request.headers.get("authorization", ""))
        if not text:
            raise ServiceError(401, "Required Header authorization is missing.", charge=0)
        # In a signature, `+` is no space.
        parts = {name: values[0] for name, values in parse_qs(text.replace("+", "%2B")).items()}
        kind, signature = parts.get("type"), parts.get("sig", "")
        if kind == "aad":
            if self._token is None or signature != self._token:
                raise ServiceError(401, "The access token is not valid.", charge=0)
            _check_data_plane(request)
            return
        date = request.headers.get("x-ms-date", request.headers.get("date", ""))
        if kind != "master" or not any(
            hmac.compare_digest(self._sign(request, link, date), signature)
            for link in _links(request)
        ):
            raise ServiceError(401, WRONG, charge=0)
        _check_date(date)

    def _sign(self, request: Request, link: str, date: str) -> str:
        text = f"{request.method.lower()}\n{request.resource}\n{link}\n{date.lower()}\n\n"
        return base64.b64encode(hmac.digest(self._key, text.encode(), hashlib.sha256)).decode()


def _check_data_plane(request: Request) -> None:
    """A token is for items: what there is besides is managed by other means.

    Fact: issues of azure-cosmos with this text, of status 403 and substatus 5300.
    """
    if request.resource in ("dbs", "colls", "offers") and request.operation in MANAGES:
        what = f"{request.method} /{'/'.join(request.path)}"
        raise ServiceError(
            403,
            f"The given request [{what}] cannot be authorized by AAD token in data plane.",
            substatus=5300,
            charge=0,
        )


def _links(request: Request) -> list[str]:
    """What is asked for: by names as they are, by `_rid` in small letters."""
    path = request.path if len(request.path) % 2 == 0 else request.path[:-1]
    if not path:
        return [""]
    return ["/".join(path), path[-1].lower()]


def _check_date(text: str) -> None:
    try:
        age = abs(time.time() - parsedate_to_datetime(text).timestamp())
    except ValueError:
        raise ServiceError(401, "The date header is missing or not valid.", charge=0) from None
    if age > TOLERANCE:
        raise ServiceError(
            403, "The authorization token is not valid at the current time.", charge=0
        )
