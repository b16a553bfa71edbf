"""Points in time as canonical text: UTC, six digits of microseconds, ``Z``.

The width is fixed, so the order of the texts is the order of the times.
"""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["format_time", "now", "parse_time"]


def now() -> str:
    """The time of this machine's clock, as canonical text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


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
