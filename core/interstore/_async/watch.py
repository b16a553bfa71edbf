"""`AsyncWatch`: the changes of a model, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Final, Self

from interstore._async.operations import AsyncOperations
from interstore._compat_async import Flag, Lock
from interstore.errors import InterstoreError
from interstore.watching import Change, check_seconds

__all__ = ["AsyncWatch"]

_WAIT: Final = 0.5
"""Seconds that an engine may wait for a change. After `close` it takes no longer to end."""

_SHORTEST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 0.2
"""Seconds between two looks, if there was nothing. They grow while that stays so."""


class AsyncWatch:
    """The changes of a model, as `AsyncStore.watch` gives them; for one reader at a time.

    A context manager and an iterator. An error does not end it: iterated over again, it goes on
    where it was. No more than a page of changes is held for a reader that is slow.
    """

    def __init__(
        self,
        operations: AsyncOperations,
        model: str,
        since: str | None,
        idle: float | None,
        name_error: Callable[[InterstoreError, str], None],
    ) -> None:
        self._operations = operations
        self._model = model
        self._idle = idle
        self._name_error = name_error
        self._token = since
        self._position: str | None = None
        self._changes: deque[Change] = deque()
        self._caught_up = False
        self._closed = Flag()
        self._reading = Lock()

    @property
    def token(self) -> str | None:
        """Where to go on after the last change that was given: ``watch(model, since=token)``.

        Kept from time to time also while nothing happens, it does not become too old. ``None``
        before the watch has begun.
        """
        return self._token

    @property
    def caught_up(self) -> bool:
        """Whether all that had happened when the watch began has been given.

        Where somebody writes all the time there is always a next change: who wants no more than
        what there was at the beginning stops when this is true.
        """
        return self._caught_up and not self._changes

    async def start(self) -> str:
        """Begin, unless it has begun; return `token`. Entering the block does it.

        Raises:
            ConfigurationError, ResumeExpiredError, InvalidQueryError: as `AsyncStore.watch` says.
        """
        async with self._reading:
            await self._begin()
        return str(self._token)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        change = await self.next(self._idle)
        if change is None:
            raise StopAsyncIteration
        return change

    async def next(self, timeout: float | None = None) -> Change | None:  # noqa: ASYNC109
        """The next change; ``None`` if there is none within `timeout` seconds, or after `close`.

        Args:
            timeout: 0 gives what has happened by now; ``None`` waits for ever.

        Raises:
            ResumeExpiredError: what follows is not known any more: it is older than the
                retention, or the model was dropped, or recording was switched off.
            UnavailableError, OperationTimeoutError: as of any operation; call it again later.
        """
        check_seconds("timeout", timeout)
        async with self._reading:
            if not self._changes and not self._closed.is_set():
                await self._read(timeout)
            if self._closed.is_set():
                await self._end()
            if not self._changes:
                return None
            change = self._changes.popleft()
            self._token = change.token if self._changes else self._position
            return change

    async def close(self) -> None:
        """End it, also for another task that waits for a change; that takes half a second."""
        self._closed.set()
        await self._end()

    async def _begin(self) -> str:
        if self._position is None:
            try:
                found = await self._operations.start_watch(self._model, self._token)
            except InterstoreError as error:
                self._name_error(error, self._model)
                raise
            self._position = self._token = found
        return self._position

    async def _read(self, timeout: float | None) -> None:  # noqa: ASYNC109 (of several calls)
        """Fill `_changes`, unless nothing comes in time."""
        position = await self._begin()
        deadline = None if timeout is None else monotonic() + timeout
        pause = _SHORTEST_PAUSE
        while not self._closed.is_set():
            try:
                page = await self._operations.read_changes(
                    self._model, position, _left(deadline, _WAIT)
                )
            except InterstoreError as error:
                self._name_error(error, self._model)
                raise
            # Nothing but this, after everything that may fail or be cancelled, moves on.
            self._position = position = page.token
            self._caught_up = page.caught_up
            if page.changes:
                self._changes.extend(page.changes)
                return
            self._token = position
            if deadline is not None and monotonic() >= deadline:
                return
            await self._closed.wait(_left(deadline, pause))
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _end(self) -> None:
        """Give back what the engine holds for this position."""
        self._changes.clear()
        if self._position is not None:
            await self._operations.end_watch(self._model, self._position)


def _left(deadline: float | None, seconds: float) -> float:
    """So many seconds, but not beyond the deadline."""
    return seconds if deadline is None else max(0.0, min(seconds, deadline - monotonic()))
