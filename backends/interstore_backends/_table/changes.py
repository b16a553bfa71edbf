"""`ChangeLog`: what was changed in one table, as long as it is to be kept."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import Final
from uuid import uuid4

from interstore.times import now
from interstore.watching import (
    PAGE,
    Changed,
    ChangePage,
    Deleted,
    decode_position,
    encode_position,
    expired,
)
from interstore.watching import Change as Seen
from interstore_backends._table.records import Change, decode_document, removal_of
from interstore_backends._table.table import Table

__all__ = ["ChangeLog", "removals_before", "seen"]

_AT_ONCE: Final = 2
"""Old changes that one new change removes: more than it adds."""
_GAP: Final = 1_000
"""Those that are gone leave a gap at the beginning, no longer than what is left."""


class ChangeLog:
    """The changes in memory, numbered from 1. The caller keeps its calls apart.

    Args:
        backend: the engine's name.
        model: the table's.
        retention: seconds.
    """

    def __init__(self, backend: str, model: str, retention: float) -> None:
        self.retention = retention
        self._backend = backend
        self._model = model
        self._epoch = uuid4().hex[:12]
        self._first = 1
        self._changes: list[tuple[float, Change]] = []
        self._gone = 0
        self._began = 0

    def add(self, change: Change) -> None:
        """Keep one more."""
        self._changes.append((monotonic(), change))
        self._forget(_AT_ONCE)

    def _forget(self, most: int) -> None:
        oldest = monotonic() - self.retention
        end = min(len(self._changes), self._gone + most)
        while self._gone < end and self._changes[self._gone][0] < oldest:
            self._gone += 1
        if self._gone > _GAP and self._gone * 2 > len(self._changes):
            self._first += self._gone
            del self._changes[: self._gone]
            self._gone = 0

    def start(self, since: str | None) -> str:
        """The position behind `since`, or behind all."""
        self._began = self._first + len(self._changes) - 1
        if since is None:
            return self._token(self._began)
        self._skipped(since)
        return since

    def read(self, after: str) -> ChangePage:
        """The next changes."""
        skipped = self._skipped(after)
        changes = [
            seen(change, self._token(number))
            for number, (_, change) in enumerate(
                self._changes[skipped : skipped + PAGE], self._first + skipped
            )
        ]
        more = bool(changes) and self._first + skipped + len(changes) <= self._began
        return ChangePage(changes, changes[-1].token if changes else after, more)

    def _token(self, number: int) -> str:
        return encode_position(self._backend, self._model, (self._epoch, number))

    def _skipped(self, after: str) -> int:
        """How many of those that are kept lie before the position."""
        epoch, number = decode_position(after, self._backend, self._model, tuple[str, int])
        if epoch != self._epoch:
            raise expired(self._model, self._backend, "recording it has begun anew since")
        self._forget(len(self._changes))
        skipped = number + 1 - self._first
        if skipped < self._gone:
            raise expired(
                self._model,
                self._backend,
                f"changes are kept for {self.retention:g} seconds",
            )
        return skipped


def removals_before(table: Table, changes: Iterable[Change]) -> list[Change]:
    """Those of what has expired in whose place the changes come."""
    if not table.expired:
        return []
    ids = dict.fromkeys(change.id for change in changes if not change.removes)
    return [removal_of(id, table.expired[id], now()) for id in ids if id in table.expired]


def seen(change: Change, token: str) -> Seen:
    """A change as those see it who watch."""
    if change.removes:
        return Deleted(change.id, change.version, token)
    document = decode_document(b"{" + change.body)
    return Changed(change.id, change.version, document, token)
