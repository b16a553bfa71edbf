"""Points in time as canonical text: UTC, six digits of microseconds, ``Z``.

The width is fixed, so the order of the texts is the order of the times.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

__all__ = ["format_time", "now", "parse_time"]


_second = (0, "")  # the last second that `now` saw, and its text: one per thousands of calls


def now() -> str:
    """The time of this machine's clock, as canonical text."""
    global _second  # noqa: PLW0603 (two threads that both renew it do no harm)
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    known, text = _second
    if known != seconds:
        text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(seconds))
        _second = (seconds, text)
    return f"{text}{nanoseconds // 1000:06d}Z"


def format_time(value: datetime) -> str:
    """Canonical text of an aware datetime.

    Raises:
        ValueError: `value` has no time zone, or lies outside the years 1 to 9999 in UTC.
    """
    if value.utcoffset() is None:
        raise ValueError("a datetime needs a time zone; use datetime.now(timezone.utc)")
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value!r} lies outside the years 1 to 9999 in UTC") from None
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_time(text: str) -> datetime:
    """The aware datetime (UTC) of a canonical text."""
    return datetime.fromisoformat(text)
