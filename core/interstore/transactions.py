"""What transactions mean on every engine, and when one is run again."""

from __future__ import annotations

from random import uniform
from typing import Any, Final, Literal, TypeAlias, cast

from interstore.errors import BulkError, InterstoreError, InvalidQueryError, UnavailableError

__all__ = ["Isolation", "check_isolation", "has_ended", "is_retryable", "pause"]

Isolation: TypeAlias = Literal["snapshot", "serializable", "reading"]
"""What a transaction is kept from seeing.

``"snapshot"``: all its reads are of one state, and its own writes; of transactions that write
the same document, one is applied, and the others fail or wait, so no update is lost.
``"serializable"``: besides, the result is one of running the transactions one after the other.
``"reading"``: what `Store.snapshot` begins, on engines that declare `snapshot`: all its reads are
of one state, it writes nothing, and nobody who writes waits for its end.
"""

_LEVELS: Final = ("snapshot", "serializable")
_FIRST: Final = 0.01
_LONGEST: Final = 1.0


def check_isolation(isolation: Any) -> Isolation:
    """The level, if it is one.

    Raises:
        InvalidQueryError: it is not.
    """
    if isolation == "reading":
        raise InvalidQueryError("to read one state without writing, call snapshot()")
    if not isinstance(isolation, str) or isolation not in _LEVELS:
        raise InvalidQueryError(
            f"isolation is {' or '.join(map(repr, _LEVELS))}, not {isolation!r}"
        )
    return cast("Isolation", isolation)


def is_retryable(error: InterstoreError) -> bool:
    """Whether a transaction that it ended may succeed if it is run again."""
    if isinstance(error, BulkError):
        failed = (outcome.error for outcome in error.result.outcomes)
        return any(each is not None and each.retryable for each in failed)
    return error.retryable


def pause(attempt: int) -> float:
    """Seconds before the next attempt, at random: who met once shall not meet again.

    Args:
        attempt: how many there were before the last one.
    """
    return uniform(0, min(_LONGEST, _FIRST * 2 ** min(attempt, 16)))  # noqa: S311 (no secret)


def has_ended(backend: str) -> UnavailableError:
    """The error for what is asked of a transaction after its end."""
    return UnavailableError(
        "the transaction has ended; what is to be part of it must be done within its block",
        backend=backend,
    )
