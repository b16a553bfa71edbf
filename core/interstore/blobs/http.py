"""What HTTP says of ranges and conditions (RFC 9110, sections 13 and 14), for one blob."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

from interstore.blobs.blob import BlobInfo

__all__ = ["Unsatisfiable", "byte_range", "describing", "precondition"]

_RANGE: Final = re.compile(r"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))[ \t]*\Z")
_TAG: Final = re.compile(r'(W/)?"([^"]*)"')
_ACTIVE: Final = re.compile(r"(?:text/html|[^;]*[/+]xml)[ ;]*(?:;|\Z)", re.IGNORECASE)


class Unsatisfiable(Exception):
    """A range that begins behind the end."""


def describing(info: BlobInfo, content_type: str | None, disposition: str | None) -> dict[str, str]:
    """The headers of an answer that has the blob, or would have it."""
    kind = content_type or info.content_type
    headers = {
        "Content-Type": kind,
        "ETag": f'"{info.etag}"',
        "Last-Modified": format_datetime(_seconds(info.modified), usegmt=True),
        "Accept-Ranges": "bytes",
        # A cache asks again, and so learns when the URL has expired.
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if _ACTIVE.match(kind):
        # A page that somebody uploaded must not act as one of this site.
        headers["Content-Security-Policy"] = "sandbox"
    if disposition is not None:
        headers["Content-Disposition"] = disposition
    return headers


def precondition(headers: Mapping[str, str], info: BlobInfo) -> int | None:
    """The status to answer a GET or HEAD with instead of the blob: 304 or 412."""
    modified = _seconds(info.modified)
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if match is not None:
        is_met = _names(match, info.etag, weakly=False)
    else:
        since = _date(headers.get("if-unmodified-since"))
        is_met = since is None or modified <= since
    if not is_met:
        return 412
    if none_match is not None:
        return 304 if _names(none_match, info.etag, weakly=True) else None
    since = _date(headers.get("if-modified-since"))
    return 304 if since is not None and modified <= since else None


def byte_range(headers: Mapping[str, str], info: BlobInfo) -> tuple[int, int] | None:
    """The range to answer with, from where to before where; ``None`` for all of it.

    Of several ranges at once, all of the blob is the answer.

    Raises:
        Unsatisfiable: there is no such range.
    """
    found = _RANGE.match(headers.get("range", ""))
    if found is None or not _still(headers.get("if-range"), info):
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        start, end = max(0, info.size - int(suffix)), info.size
    else:
        start = int(first)
        end = info.size if last is None else min(int(last) + 1, info.size)
        if last is not None and int(last) < start:
            return None  # not valid, so not there
    if start >= end:
        raise Unsatisfiable
    return start, end


def _still(condition: str | None, info: BlobInfo) -> bool:
    if condition is None:
        return True
    since = _date(condition)
    if since is not None:
        return since == _seconds(info.modified)
    return _names(condition, info.etag, weakly=False) and condition.strip() != "*"


def _names(tags: str, etag: str, *, weakly: bool) -> bool:
    if tags.strip() == "*":
        return True
    return any(tag == etag and (weakly or not weak) for weak, tag in _TAG.findall(tags))


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    if found is None:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _seconds(when: datetime) -> datetime:
    return when.replace(microsecond=0)
