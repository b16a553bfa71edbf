"""A request of HTTP, by the standard library alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import Request, urlopen

__all__ = ["Answer", "fetch"]


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: of the answer, also if it is an error.
        headers: names in lower case.
        body: the content.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask, and wait for the answer."""
    request = Request(url, body, dict(headers or {}), method=method)  # noqa: S310 - signed URLs
    try:
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            return Answer(answer.status, _lower(answer.headers.items()), answer.read())
    except HTTPError as error:
        with error:
            return Answer(error.code, _lower(error.headers.items()), error.read())


def _lower(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}
