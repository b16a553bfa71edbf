"""What `watch` gives: changes, and tokens that say where to go on."""

from __future__ import annotations

import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from interstore.document import Document
from interstore.errors import ConfigurationError, InvalidQueryError, ResumeExpiredError

__all__ = [
    "PAGE",
    "Change",
    "ChangePage",
    "Changed",
    "Deleted",
    "check_seconds",
    "decode_position",
    "encode_position",
    "expired",
    "not_watched",
    "origin_of",
    "seconds_of",
]

T = TypeVar("T")

PAGE: Final = 100
"""Changes that an engine gives at once: all that is in memory for a reader, however slow."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A document was created or written over.

    Attributes:
        id: its id.
        version: the version that it got.
        document: the document as it was written; the receiver's own copy.
        token: ``watch(model, since=token)`` goes on exactly after this change.
    """

    id: str
    version: int
    document: Document
    token: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A document was removed.

    Attributes:
        id: its id.
        version: the version that was removed.
        token: ``watch(model, since=token)`` goes on exactly after this change.
    """

    id: str
    version: int
    token: str


Change: TypeAlias = Changed | Deleted
"""What `watch` gives; ``match`` and ``isinstance`` tell the two apart."""


@dataclass(frozen=True, slots=True)
class ChangePage:
    """What an engine reads at once.

    Attributes:
        changes: at most `PAGE`, in order; none only if there was none at some moment of the call.
        token: the position behind the last of them, or behind all that was looked at.
        more: whether there may be changes behind these that were made before the watch began;
            by default, if there are `PAGE` of these.
    """

    changes: Sequence[Change]
    token: str
    more: bool | None = None

    @property
    def caught_up(self) -> bool:
        """Whether nothing is left of what was there when the watch began."""
        return len(self.changes) < PAGE if self.more is None else not self.more


def encode_position(backend: str, model: str, position: Sequence[Any]) -> str:
    """A token for a position in the changes of a model, as the engine counts them."""
    told = msgspec.json.encode([backend, model, *position])
    return urlsafe_b64encode(told).decode().rstrip("=")


def decode_position(token: str, backend: str, model: str, kind: type[T]) -> T:
    """The position in a token, of the type `kind`: a tuple.

    Raises:
        InvalidQueryError: the token is damaged, or of another engine or model.
    """
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        told: list[Any] = msgspec.json.decode(urlsafe_b64decode(padded), type=list[Any])
        of, position = told[:2], told[2:]
        if of == [backend, model]:
            return msgspec.convert(position, kind)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        of = []
    if len(of) == 2 and all(isinstance(each, str) for each in of):
        raise InvalidQueryError(
            f"since= is a token of the model {of[1]!r} on {of[0]}, and cannot be used for "
            f"{model!r} on {backend}",
            backend=backend,
            model=model,
        )
    shown = token if len(token) <= 60 else token[:57] + "..."
    raise InvalidQueryError(
        f"since={shown!r} is no token of a change, or a damaged one", backend=backend, model=model
    )


def origin_of(token: str) -> tuple[str, str] | None:
    """The engine and the model of a token; ``None`` if it is none."""
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        told: list[Any] = msgspec.json.decode(urlsafe_b64decode(padded), type=list[Any])
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return None
    if len(told) < 2 or not all(isinstance(each, str) for each in told[:2]):
        return None
    return told[0], told[1]


def not_watched(model: str, backend: str) -> ConfigurationError:
    """The error for a model whose changes are not recorded."""
    return ConfigurationError(
        f"changes of {model!r} are not recorded: call enable_watch({model!r}) once, before they "
        "are made",
        backend=backend,
        model=model,
    )


def expired(model: str, backend: str, reason: str) -> ResumeExpiredError:
    """The error for a position whose following changes are not known any more."""
    return ResumeExpiredError(
        f"what changed in {model!r} since then is not known any more: {reason}; begin anew with "
        "since=None, and then read the model",
        backend=backend,
        model=model,
    )


def check_seconds(name: str, value: Any) -> float | None:
    """`value` as seconds, or ``None``.

    Raises:
        InvalidQueryError: it is neither.
    """
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise InvalidQueryError(f"{name} is a number of seconds, 0 or more, not {value!r}")
    return float(value)


def seconds_of(retention: Any) -> float:
    """The seconds of a retention.

    Raises:
        InvalidQueryError: it is no time, or none at all.
    """
    if isinstance(retention, timedelta):
        retention = retention.total_seconds()
    seconds = check_seconds("retention", retention)
    if not seconds:
        raise InvalidQueryError(
            f"retention is a timedelta or a number of seconds above 0, not {retention!r}"
        )
    return seconds
