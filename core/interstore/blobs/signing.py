"""Signed URLs: what may be asked of them, and those that Interstore signs itself.

S3 and Azure have signatures of their own. For a store without a server, `UrlSigner` makes URLs
that `interstore.blobs.serving.SignedUrlApp` serves: the grant stands in the URL, and an HMAC-SHA256
of it and of the URL's beginning proves that who has the secret gave it.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from interstore.blobs.blob import UrlGrant
from interstore.blobs.capabilities import BlobCapabilities
from interstore.blobs.content_types import check_content_type
from interstore.blobs.keys import check_key
from interstore.blobs.request import is_number
from interstore.blobs.rules import BlobRules
from interstore.errors import (
    ConfigurationError,
    InvalidQueryError,
    PermissionDeniedError,
    UnsupportedError,
)
from interstore.settings.secret import Secret

__all__ = ["MIN_SECRET_BYTES", "Permit", "UrlSigner", "check_grant", "check_signing"]

MIN_SECRET_BYTES: Final = 16
"""A secret that is shorter could be guessed from one URL."""

_LONGEST: Final = 7 * 24 * 3600
_BEGINNING: Final = "interstore signed URL 1"  # of what is signed, so that nothing else is meant
_BASE: Final = re.compile(r"https?://[^/?#]+(?:/[^?#]*)?\Z")
_FIELDS: Final = ("expires", "content_type", "filename", "max_size")


def check_grant(
    key: Any, method: Any, expires: Any, content_type: Any, filename: Any, max_size: Any
) -> UrlGrant:
    """What is asked for, checked.

    Raises:
        InvalidQueryError: an argument is not valid.
    """
    check_key(key)
    if method not in ("GET", "PUT"):
        raise InvalidQueryError(f"the method is 'GET' or 'PUT', not {method!r}")
    if not is_number(expires, 1):
        raise InvalidQueryError(f"expires is a number of seconds from 1, not {expires!r}")
    if expires > _LONGEST:
        raise InvalidQueryError(f"expires is at most {_LONGEST:,} s (a week), not {expires:,}")
    if content_type is not None:
        check_content_type(content_type)
    if filename is not None and (method == "PUT" or not _is_filename(filename)):
        raise InvalidQueryError(
            f"filename {filename!r} is the name of a download: for GET, of one line, without "
            "'/' and '\\'"
        )
    if max_size is not None and (method == "GET" or not is_number(max_size, 0)):
        raise InvalidQueryError(
            f"max_size {max_size!r} is the limit of an upload: for PUT, a number of bytes from 0"
        )
    return UrlGrant(
        key=key,
        method=method,
        seconds=expires,
        content_type=content_type,
        filename=filename,
        max_size=max_size,
    )


def check_signing(
    grant: UrlGrant, rules: BlobRules, capabilities: BlobCapabilities, backend: str
) -> None:
    """Refuse a grant that the engine cannot sign, or not hold an upload to.

    Raises:
        UnsupportedError: that is so.
    """
    reason = _unsupported(grant, rules, capabilities)
    if reason is not None:
        raise UnsupportedError(f"{backend} has no signed URLs {reason}", backend=backend)


def _unsupported(grant: UrlGrant, rules: BlobRules, capabilities: BlobCapabilities) -> str | None:
    if not getattr(capabilities, f"signed_{grant.method.lower()}"):
        return (
            f"for {grant.method}: let your application serve the blob (in a folder, set "
            "LOCAL_STORAGE_URL and LOCAL_STORAGE_SECRET)"
        )
    if grant.method == "GET":
        return None
    if grant.content_type is not None and not capabilities.signed_put_type:
        return "that demand a content type: leave it to the upload, and check it by stat"
    if capabilities.signed_put_rules:
        return None
    if grant.max_size is not None:
        return "that limit the size: check it by stat after the upload"
    if rules != BlobRules():
        return (
            "that hold uploads to the rules of this store: open it without rules to make the "
            "URL, and check what was uploaded"
        )
    return None


@dataclass(frozen=True, slots=True)
class Permit:
    """A grant that was found in a URL, genuine and in force.

    Attributes:
        grant: what is allowed.
        until: POSIX time at which it ends.
    """

    grant: UrlGrant
    until: int


class UrlSigner:
    """Signs URLs, and tells those that it signed.

    Args:
        base_url: where the application that serves them is reached, as its clients write it.
        secret: 16 bytes or more that only those know who sign.

    Raises:
        ConfigurationError: the URL is none of HTTP, or the secret is too short.
    """

    def __init__(self, base_url: str, secret: Secret) -> None:
        if not _BASE.match(base_url) or "@" in urlsplit(base_url).netloc:
            raise ConfigurationError(
                "LOCAL_STORAGE_URL is not a URL that begins with http:// or https://, without "
                "user, '?' and '#'"
            )
        if len(secret.reveal().encode()) < MIN_SECRET_BYTES:
            raise ConfigurationError(
                f"LOCAL_STORAGE_SECRET has less than {MIN_SECRET_BYTES} bytes: make one by "
                "`python -c 'import secrets; print(secrets.token_urlsafe(32))'`"
            )
        self.base_url = base_url.rstrip("/")
        self._secret = secret

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"

    def sign(self, grant: UrlGrant) -> str:
        """The URL for a grant, from now on."""
        return self.url(grant, int(time.time()) + grant.seconds)

    def url(self, grant: UrlGrant, until: int) -> str:
        """The URL for a grant that ends at a POSIX time."""
        values = (until, grant.content_type, grant.filename, grant.max_size)
        query = [
            *(
                (name, value)
                for name, value in zip(_FIELDS, values, strict=True)
                if value is not None
            ),
            ("signature", self._signature(grant, until)),
        ]
        # Empty segments and those that a client would resolve are not left to be tidied away.
        path = re.sub(r"/(?=/|\Z)", "%2F", quote(grant.key))
        return f"{self.base_url}/{path}?{urlencode(query, quote_via=quote)}"

    def _signature(self, grant: UrlGrant, until: int) -> str:
        signed = (
            *(_BEGINNING, self.base_url, grant.method, grant.key),
            *(until, grant.content_type, grant.filename, grant.max_size),
        )
        return hmac.digest(
            self._secret.reveal().encode(), msgspec.json.encode(signed), "sha256"
        ).hex()

    def verify(self, method: str, paths: Iterable[str], query: str) -> Permit:
        """The grant of a request.

        Args:
            method: of the request; ``HEAD`` is granted with ``GET``.
            paths: what the key may be: who mounts the application may strip some of the path.
            query: of the URL, without ``?``.

        Raises:
            PermissionDeniedError: it is not one of ours, was changed, or has expired.
        """
        said = _said(query)
        for key in paths if said is not None else ():
            assert said is not None
            permit = _permit("GET" if method == "HEAD" else method, key, said)
            given = said.get("signature", "")
            expected = self._signature(permit.grant, permit.until)
            if not hmac.compare_digest(given.encode(), expected.encode()):
                continue
            if permit.until <= time.time():
                raise PermissionDeniedError("the signed URL has expired")
            return permit
        raise PermissionDeniedError("the URL is not signed for this, or was changed")


def _said(query: str) -> dict[str, str] | None:
    """The parameters; ``None`` if they are not such as `UrlSigner` writes."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return None
    said = dict(pairs)
    numbers = [said[name] for name in ("expires", "max_size") if name in said]
    if len(said) != len(pairs) or "expires" not in said:
        return None
    if not all(re.fullmatch(r"0|[1-9][0-9]{0,17}", number) for number in numbers):
        return None
    return said if said.keys() <= {*_FIELDS, "signature"} else None


def _permit(method: str, key: str, said: dict[str, str]) -> Permit:
    max_size = said.get("max_size")
    grant = UrlGrant(
        key=key,
        method=cast("Literal['GET', 'PUT']", method),
        seconds=0,
        content_type=said.get("content_type"),
        filename=said.get("filename"),
        max_size=None if max_size is None else int(max_size),
    )
    return Permit(grant, int(said["expires"]))


def _is_filename(name: Any) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name) <= 255
        and name.isprintable()
        and not {"/", "\\"} & set(name)
    )
