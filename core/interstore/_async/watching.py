"""Following the changes of a model."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from interstore._async.base import AsyncBase
from interstore._async.watch import AsyncWatch
from interstore.errors import InterstoreError, InvalidQueryError
from interstore.watching import check_seconds, seconds_of

__all__ = ["AsyncWatching"]

_WEEK: Final = timedelta(days=7)


class AsyncWatching(AsyncBase):
    """Changes as they happen, where they are recorded."""

    def watch(
        self, model: str, since: str | None = None, *, idle: float | None = None
    ) -> AsyncWatch:
        """The changes of a model as they happen, each once it is committed.

        ``async with store.watch("orders") as changes:`` begins when the block is entered: nothing
        that is acknowledged after that is missed. Then ``async for change in changes:`` gives
        `interstore.watching.Changed` and, where the engine declares `watch_deletes`,
        `interstore.watching.Deleted`. Those of one document come in the order of its versions,
        each once; an engine without `watch_deletes` may leave out versions that were written over
        meanwhile.

        Store ``change.token`` once a change is dealt with: a program that starts again with
        `since` goes on after it. What it had not stored it gets again.

        Args:
            model: the model, for which `enable_watch` was called.
            since: the token after which to begin; by default, from now on.
            idle: iterating ends if so many seconds pass without a change; 0 ends it after what
                has happened by now. By default it goes on until it is closed.

        Raises:
            UnsupportedError: the engine cannot do this, or this is a transaction.
            ConfigurationError: when it begins: changes of the model are not recorded.
            ResumeExpiredError: when it begins, or later: what changed since then is not known
                any more.
            InvalidQueryError: `since` is no token, or another model's.
        """
        self._check(model)
        self.database.check_watch()
        if since is not None and not isinstance(since, str):
            raise InvalidQueryError(f"since is the token of a change, a text, not {since!r}")
        return AsyncWatch(
            self.database, model, since, check_seconds("idle", idle), self._name_error
        )

    async def enable_watch(self, model: str, *, retention: timedelta | float = _WEEK) -> None:
        """Have the changes of a model recorded from now on, whoever makes them, so that
        `watch` can give them. Called again, it changes the retention.

        Each write costs more from then on; without it, nothing.

        Args:
            model: the model; it is created if it does not exist.
            retention: how long a change is kept, at least, as a timedelta or in seconds. A
                reader that was away for longer gets `ResumeExpiredError`. MongoDB keeps what
                its oplog holds, Azure Cosmos DB everything.

        Raises:
            UnsupportedError: the engine cannot do this.
        """
        self._check(model)
        self.database.check_watch()
        seconds = seconds_of(retention)
        try:
            await self.database.enable_watch(model, seconds)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    async def disable_watch(self, model: str) -> bool:
        """Record changes no longer, and forget those that were; return whether any were.

        Who watches the model gets `ResumeExpiredError`.

        Raises:
            UnsupportedError: the engine cannot do this.
        """
        self._check(model)
        self.database.check_watch()
        try:
            return await self.database.disable_watch(model)
        except InterstoreError as error:
            self._name_error(error, model)
            raise
