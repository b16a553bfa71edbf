"""Following the changes of a model."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg

from interstore.watching import PAGE, ChangePage, decode_position, expired, not_watched
from interstore_backends.postgresql._async.indexes import AsyncIndexes
from interstore_backends.postgresql.errors import is_undefined_table
from interstore_backends.postgresql.rows import Row
from interstore_backends.postgresql.watching import Position, WatchLog, change_of

__all__ = ["AsyncWatching"]


class AsyncWatching(AsyncIndexes):
    """The operations about changes."""

    def _log(self, model: str) -> WatchLog:
        return WatchLog(self._settings.schema, model)

    async def enable_watch(self, model: str, retention: float) -> None:
        """Keep the changes of a model, for so many seconds.

        It waits for writes that are under way, and others wait for it: a moment.
        """
        log = self._log(model)
        with self._translated(model):
            await self._models.make(model)
            async with self._connections.transaction() as transaction:
                await transaction.run(self._models.registry.lock)
                if await transaction.run(log.exists) == [(True,)]:
                    await transaction.run(log.change_retention, [model, str(retention)])
                    return
                for statement in log.create():
                    await transaction.run(statement)
                await transaction.run(log.register, [model, uuid4().hex[:12], str(retention)])

    async def disable_watch(self, model: str) -> bool:
        """Forget them, and keep them no longer; return whether they were."""
        log = self._log(model)
        with self._translated(model):
            async with self._connections.transaction() as transaction:
                await transaction.run(self._models.registry.lock)
                if await transaction.run(log.exists) != [(True,)]:
                    return False
                for statement in log.remove():
                    await transaction.run(statement)
        return True

    async def start_watch(self, model: str, since: str | None) -> str:
        """A position: behind `since`, or behind all that is committed."""
        if since is not None:
            _position(since, model)
        rows = await self._watched(model, self._log(model).start, [model])
        if not rows:
            raise not_watched(model, "postgresql")
        if since is not None:
            await self.read_changes(model, since, 0)  # which looks whether it can be gone on with
            return since
        [[epoch, snapshot]] = rows
        return Position(epoch, snapshot).token(model)

    async def read_changes(self, model: str, after: str, wait: float) -> ChangePage:
        """The next changes after a position. It waits for none."""
        position = _position(after, model)
        log = self._log(model)
        while True:
            statement = log.read_on if position.until else log.read
            rows = await self._watched(model, statement, position.values(model))
            until = _check(model, position, rows)
            found = [row for row in rows if row[6] is not None]
            changes = [
                change_of(row[7:], position._replace(until=until, number=row[6]).token(model))
                for row in found
            ]
            if len(found) == PAGE:
                return ChangePage(changes, changes[-1].token)
            going_on = bool(position.until)
            position = Position(position.epoch, given=until)
            if found or not going_on:
                return ChangePage(changes, position.token(model))

    async def _watched(self, model: str, sql: str, values: Any) -> list[Row]:
        """What a query about the log gives; nothing where there is none."""
        try:
            return await self._connections.read(sql, values, prepare=True)
        except psycopg.Error as error:
            if is_undefined_table(error):
                return []
            raise self._connections.error(error, model) from error


def _position(token: str, model: str) -> Position:
    return decode_position(token, "postgresql", model, Position)


def _check(model: str, position: Position, rows: list[Row]) -> str:
    """The snapshot whose changes these are.

    Raises:
        ResumeExpiredError: there may have been others before.
    """
    if not rows or rows[0][0] != position.epoch:
        raise expired(model, "postgresql", "recording it was ended, or has begun anew")
    _, snapshot, retention, pruned, pruned_xid, is_old = rows[0][:6]
    if int(snapshot.split(":")[1]) < position.next:
        raise expired(model, "postgresql", "the server was restored from an older state")
    if position.until:
        lost = pruned > position.number
    else:
        # Of one that was under way then, nothing tells whether it was among those before `next`.
        since = position.oldest if position.under_way else position.next
        lost = pruned_xid >= since
    if lost or is_old:
        raise expired(model, "postgresql", f"changes are kept for {retention:g} seconds")
    return position.until or str(snapshot)
