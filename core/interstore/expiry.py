"""When documents cease to exist.

A document that has an expiry is there until that moment and for nobody afterwards: to every read
and write it is as if it had been deleted, whether or not the engine has removed it. The clock that
decides is that of whoever asks, as it is for the other times of the envelope.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

from interstore.document import Document
from interstore.errors import InvalidQueryError
from interstore.filters.tree import ALL, And, Bound, Node, Not, Range
from interstore.paths import Envelope
from interstore.times import format_time, now, parse_time

__all__ = [
    "KEEP",
    "ChangedExpiry",
    "Expiry",
    "Keep",
    "Sweep",
    "changed_expiry",
    "earliest",
    "expired",
    "expiry_text",
    "has_expired",
    "seconds_until",
    "unexpired",
]


class Keep(Enum):
    """That a document's expiry stays what it is."""

    KEEP = "keep"

    def __repr__(self) -> str:
        return "KEEP"


KEEP: Final = Keep.KEEP

Expiry: TypeAlias = datetime | timedelta | None
"""When a document ceases to exist: an aware datetime, a time from now, or ``None`` for never. A
time that has passed is not refused: the document is then there for nobody."""

ChangedExpiry: TypeAlias = datetime | timedelta | Literal[Keep.KEEP] | None
"""The same for a document that exists, or `KEEP` for the expiry that it has."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What `Store.sweep` did.

    Attributes:
        removed: how many documents that had expired were removed.
        finished: whether none was left; otherwise the time was up.
    """

    removed: int
    finished: bool


def expiry_text(value: Any, time: str) -> str | None:
    """An expiry as canonical text; ``None`` if never.

    Args:
        value: as a caller gives it.
        time: what a timedelta counts from, as canonical text.

    Raises:
        InvalidQueryError: it is neither, has no time zone, or lies beyond the year 9999.
    """
    if value is None:
        return None
    try:
        if isinstance(value, timedelta):
            value = parse_time(time) + value
        if isinstance(value, datetime):
            return format_time(value)
    except (ValueError, OverflowError) as error:
        raise InvalidQueryError(f"expires_at cannot be {value!r:.80}: {error}") from None
    raise InvalidQueryError(
        "expires_at is an aware datetime, a timedelta from now, or None for never, not "
        f"{value!r:.80}"
    )


def changed_expiry(value: Any, time: str) -> str | Literal[Keep.KEEP] | None:
    """`expiry_text` of an expiry that may be `KEEP`."""
    return KEEP if value is KEEP else expiry_text(value, time)


def has_expired(document: Document, time: str | None = None) -> bool:
    """Whether the document has ceased to exist by `time`, by now if that is not given."""
    expires = document.expires
    return expires is not None and expires <= (time or now())


def expired(time: str) -> Node:
    """The filter for what has expired by that time."""
    return Range(Envelope.EXPIRES_AT, None, Bound(time, True))


def unexpired(tree: Node, time: str | None = None) -> Node:
    """A filter for what matches `tree` and has not expired: for engines that filter."""
    live = Not(expired(time or now()))
    return live if tree == ALL else And((tree, live))


def seconds_until(expires: str) -> float:
    """Seconds from now to an expiry; negative if it has passed."""
    return (parse_time(expires) - parse_time(now())).total_seconds()


def earliest(expiries: Iterable[str | None]) -> str | None:
    """The first of several expiries; ``None`` if all are never."""
    return min((each for each in expiries if each is not None), default=None)
