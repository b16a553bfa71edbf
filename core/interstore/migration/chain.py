"""One partition on its way: slice after slice, with what failed tried again or set aside."""

from __future__ import annotations

import random
import time
from typing import Final, Generic, Literal, TypeAlias, TypeVar

from msgspec.structs import replace

from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    InvalidQueryError,
    NotFoundError,
    OperationTimeoutError,
    PermissionDeniedError,
    ResumeExpiredError,
    UnsupportedError,
)
from interstore.migration.refusals import Refused, reason_of
from interstore.migration.slice import Order, Result

__all__ = ["Chain", "Failure", "failure_of"]

K = TypeVar("K")

Failure: TypeAlias = Literal["fatal", "passing", "death", "document"]
"""What a failed slice means: nothing can go on; the same may succeed later; its worker died
or broke; or, as far as can be told, a document in it is the cause."""

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 20.0
"""Seconds before the second attempt and, doubling, before later ones; a random part of them."""

_LONG: Final = 100_000
"""Documents of a slice that need no limit any more."""

_FATAL: Final = (
    ConfigurationError,
    InvalidQueryError,
    NotFoundError,  # a blob, where the caller asked to stop at a reference to nothing
    PermissionDeniedError,
    ResumeExpiredError,  # of a snapshot that the server does not keep any longer
    UnsupportedError,
)


def failure_of(error: BaseException) -> Failure:
    """What an error of a slice means."""
    if not isinstance(error, InterstoreError):
        return "death"
    if isinstance(error, _FATAL):
        return "fatal"
    if error.retryable or isinstance(error, OperationTimeoutError):
        return "passing"  # a slice done twice has the effect of once
    return "document"


class Chain(Generic[K]):
    """The slices of one partition, one after another.

    Where a document makes slices fail, it is searched for: by slices that double until one
    fails, and by halving that one. Then the document is set aside.

    Attributes:
        key: what the caller knows it by.
        ready: the monotonic time from when it may go on.
        deaths: how many workers died in a row while they had a slice of it.
    """

    def __init__(self, key: K, order: Order) -> None:
        self.key = key
        self.ready = 0.0
        self.deaths = 0
        self._order = order
        self._attempts = 0
        self._most: int | None = None  # documents in the next slice
        self._within: int | None = None  # one of so many that follow makes slices fail
        self._aside: Refused | None = None

    def order(self) -> Order:
        """The next slice."""
        if self._aside is not None:
            return replace(self._order, most=1, aside=self._aside)
        return replace(self._order, most=self._most) if self._most else self._order

    def succeeded(self, result: Result) -> None:
        """A slice is done: go on after it."""
        self._order = replace(self._order, after=result.after)
        self._attempts = self.deaths = 0
        if self._within is not None and self._aside is None and result.read < self._within:
            self._within -= result.read
            self._most = max(1, self._within // 2)
        elif self._most is not None and self._within is None:
            self._most = 2 * self._most if self._most < _LONG else None
        else:
            self._most = self._within = self._aside = None

    def failed(self, error: BaseException, *, alone: bool) -> bool:
        """A slice failed; whether the chain goes on.

        Args:
            error: why.
            alone: whether no other slice ran, so that nothing else can be the cause.
        """
        kind = failure_of(error)
        if kind == "fatal" or self._aside is not None:
            return False
        if kind == "passing":
            if isinstance(error, OperationTimeoutError):  # perhaps it was too much at once
                self._most = max(1, (self._most or self._order.limits.page) // 2)
            return self._again()
        if kind == "death":
            self.deaths += 1
            if not alone or (self.deaths == 1 and self._most is None):
                return True  # it may have been the fault of another, or of nobody
        return self._order.kind == "copy" and self._narrow(error)

    def _again(self) -> bool:
        self._attempts += 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self._attempts - 1))
        self.ready = time.monotonic() + random.uniform(pause / 2, pause)  # noqa: S311
        return self._attempts < self._order.limits.attempts

    def _narrow(self, error: BaseException) -> bool:
        if self._most == 1:
            self._aside = reason_of(error)
        elif self._most is None:
            self._most = self._order.limits.page
        else:
            self._within = self._most
            self._most = self._within // 2
        return True
