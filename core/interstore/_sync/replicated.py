# Generated from core/interstore/_async/replicated.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 48896ad3d5b8e1384c0bc79f

"""A database that reads from replicas and does everything else on the primary."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from time import monotonic
from typing import Any, Final

from interstore._sync.database import Database
from interstore._sync.operations import Operations
from interstore.errors import OperationTimeoutError, UnavailableError
from interstore.plugins._sync.wrapper import Wrapper
from interstore.plugins.composition import OPERATIONS
from interstore.stats import ReplicaStats, Stats

__all__ = ["Replicated", "primary_of"]

READS: Final = (
    "find_by_id", "find_by_ids", "find", "count", "exists", "aggregate", "distinct",
)  # fmt: skip
"""What a replica answers. Not what migrations and verification read by: `scan`."""

_FIRST_REST: Final = 2.0
_LONGEST_REST: Final = 60.0
"""Seconds for which nobody asks a replica that failed: twice as many after each failure."""


class _Replica:
    """One replica, and whether it is worth asking."""

    def __init__(self, database: Database, place: str) -> None:
        self.database = database
        self.place = place
        self._rest = 0.0
        self._until = 0.0

    def is_asked(self) -> bool:
        """Whether to ask it. Of those who find that a failed one has rested, one does."""
        if not self._rest:
            return True
        if monotonic() < self._until:
            return False
        self._until = monotonic() + self._rest
        return True

    @property
    def is_away(self) -> bool:
        """Whether it failed when it was last asked."""
        return self._rest > 0

    def answered(self) -> None:
        self._rest = 0.0

    def failed(self) -> None:
        self._rest = min(_LONGEST_REST, max(_FIRST_REST, self._rest * 2))
        self._until = monotonic() + self._rest


class Replicated:
    """Reads by id, queries, counts and figures go to the replicas, in turn; all else to `primary`.

    A replica may be behind. What must see what was written reads in a session or in a
    transaction, which are the primary's; so are the reads that belong to a write, and those
    of `scan`. A replica that is unavailable is left alone for a while, and the next is asked,
    the primary in the end.

    Args:
        primary: answers for itself.
        replicas: databases over the same data, each with its place as messages name it.
        falls_back: whether the primary answers where no replica does; else the error is raised.
    """

    def __init__(
        self,
        primary: Database,
        replicas: Sequence[tuple[Database, str]],
        *,
        falls_back: bool = True,
    ) -> None:
        self.primary = primary
        self.name = primary.name
        self.capabilities = primary.capabilities
        self.limits = primary.limits
        self._replicas = [_Replica(database, place) for database, place in replicas]
        self._falls_back = falls_back
        self._turn = count()
        # What the engine does not define is derived on the primary, too.
        operations = Operations(primary)
        for name in OPERATIONS:
            if name in READS:
                setattr(self, name, self._reading(name, getattr(operations, name)))
            elif name not in ("connect", "disconnect", "stats"):
                setattr(self, name, getattr(operations, name))
        for name in ("transaction", "foreign"):
            if hasattr(primary, name):
                setattr(self, name, getattr(primary, name))

    @property
    def native(self) -> Any:
        """The primary's."""
        return getattr(self.primary, "native")  # noqa: B009 (not part of the protocol)

    def connect(self) -> None:
        """`Database.connect`. A replica that is away is asked again later."""
        self.primary.connect()
        try:
            for replica in self._replicas:
                try:
                    replica.database.connect()
                except (UnavailableError, OperationTimeoutError):
                    replica.failed()
        except BaseException:
            self.disconnect()
            raise

    def disconnect(self) -> None:
        """`Database.disconnect`."""
        for replica in self._replicas:
            replica.database.disconnect()
        self.primary.disconnect()

    @contextmanager
    def session(self) -> Generator[Database]:
        """The primary's session; the primary, if it has none."""
        with Operations(self.primary).session() as operations:
            yield operations.database

    def stats(self) -> Stats:
        """The primary's, with what there is to tell of each replica."""
        operations = Operations(self.primary)
        return replace(
            operations.stats(),
            replicas=tuple([self._figures(replica) for replica in self._replicas]),
        )

    def _figures(self, replica: _Replica) -> ReplicaStats:
        lag: Callable[[], float | None] | None
        lag = getattr(replica.database, "lag", None)
        seconds = None
        if lag is not None:
            try:
                seconds = lag()
            except (UnavailableError, OperationTimeoutError):
                replica.failed()
            else:
                replica.answered()
        return ReplicaStats(place=replica.place, is_away=replica.is_away, lag_seconds=seconds)

    def _reading(self, name: str, otherwise: Callable[..., Any]) -> Callable[..., Any]:
        """The operation on whichever replica answers, else on the primary."""
        replicas = [
            (replica, getattr(Operations(replica.database), name)) for replica in self._replicas
        ]

        @functools.wraps(otherwise)
        def read(*args: Any, **kwargs: Any) -> Any:
            if not self._falls_back:
                return replicas[next(self._turn) % len(replicas)][1](*args, **kwargs)
            first = next(self._turn)
            for place in range(len(replicas)):
                replica, call = replicas[(first + place) % len(replicas)]
                if not replica.is_asked():
                    continue
                try:
                    found = call(*args, **kwargs)
                except UnavailableError:
                    replica.failed()
                except OperationTimeoutError:  # there is no time left to ask another
                    replica.failed()
                    raise
                else:
                    if replica.is_away:
                        replica.answered()
                    return found
            return otherwise(*args, **kwargs)

        return read


def primary_of(database: Database) -> Database:
    """The database whose reads see all that was written: `database`, if it has no replicas."""
    if isinstance(database, Wrapper):
        inner = database.inner.database
        primary = primary_of(inner)
        return database if primary is inner else database.around(primary)
    return database.primary if isinstance(database, Replicated) else database
