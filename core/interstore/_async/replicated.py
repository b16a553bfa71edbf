"""A database that reads from replicas and does everything else on the primary."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from time import monotonic
from typing import Any, Final

from interstore._async.database import AsyncDatabase
from interstore._async.operations import AsyncOperations
from interstore.errors import OperationTimeoutError, UnavailableError
from interstore.plugins._async.wrapper import AsyncWrapper
from interstore.plugins.composition import OPERATIONS
from interstore.stats import ReplicaStats, Stats

__all__ = ["AsyncReplicated", "primary_of"]

READS: Final = (
    "find_by_id", "find_by_ids", "find", "count", "exists", "aggregate", "distinct",
)  # fmt: skip
"""What a replica answers. Not what migrations and verification read by: `scan`."""

_FIRST_REST: Final = 2.0
_LONGEST_REST: Final = 60.0
"""Seconds for which nobody asks a replica that failed: twice as many after each failure."""


class _Replica:
    """One replica, and whether it is worth asking."""

    def __init__(self, database: AsyncDatabase, place: str) -> None:
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


class AsyncReplicated:
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
        primary: AsyncDatabase,
        replicas: Sequence[tuple[AsyncDatabase, str]],
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
        operations = AsyncOperations(primary)
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

    async def connect(self) -> None:
        """`AsyncDatabase.connect`. A replica that is away is asked again later."""
        await self.primary.connect()
        try:
            for replica in self._replicas:
                try:
                    await replica.database.connect()
                except (UnavailableError, OperationTimeoutError):
                    replica.failed()
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        """`AsyncDatabase.disconnect`."""
        for replica in self._replicas:
            await replica.database.disconnect()
        await self.primary.disconnect()

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncDatabase]:
        """The primary's session; the primary, if it has none."""
        async with AsyncOperations(self.primary).session() as operations:
            yield operations.database

    async def stats(self) -> Stats:
        """The primary's, with what there is to tell of each replica."""
        operations = AsyncOperations(self.primary)
        return replace(
            await operations.stats(),
            replicas=tuple([await self._figures(replica) for replica in self._replicas]),
        )

    async def _figures(self, replica: _Replica) -> ReplicaStats:
        lag: Callable[[], Coroutine[Any, Any, float | None]] | None
        lag = getattr(replica.database, "lag", None)
        seconds = None
        if lag is not None:
            try:
                seconds = await lag()
            except (UnavailableError, OperationTimeoutError):
                replica.failed()
            else:
                replica.answered()
        return ReplicaStats(place=replica.place, is_away=replica.is_away, lag_seconds=seconds)

    def _reading(
        self, name: str, otherwise: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        """The operation on whichever replica answers, else on the primary."""
        replicas = [
            (replica, getattr(AsyncOperations(replica.database), name))
            for replica in self._replicas
        ]

        @functools.wraps(otherwise)
        async def read(*args: Any, **kwargs: Any) -> Any:
            if not self._falls_back:
                return await replicas[next(self._turn) % len(replicas)][1](*args, **kwargs)
            first = next(self._turn)
            for place in range(len(replicas)):
                replica, call = replicas[(first + place) % len(replicas)]
                if not replica.is_asked():
                    continue
                try:
                    found = await call(*args, **kwargs)
                except UnavailableError:
                    replica.failed()
                except OperationTimeoutError:  # there is no time left to ask another
                    replica.failed()
                    raise
                else:
                    if replica.is_away:
                        replica.answered()
                    return found
            return await otherwise(*args, **kwargs)

        return read


def primary_of(database: AsyncDatabase) -> AsyncDatabase:
    """The database whose reads see all that was written: `database`, if it has no replicas."""
    if isinstance(database, AsyncWrapper):
        inner = database.inner.database
        primary = primary_of(inner)
        return database if primary is inner else database.around(primary)
    return database.primary if isinstance(database, AsyncReplicated) else database
