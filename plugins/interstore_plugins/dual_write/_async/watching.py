"""`AsyncWatcher`: the changes of the store that is the primary, from one hand-over to the next."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from interstore.errors import InvalidQueryError, ResumeExpiredError
from interstore.watching import (
    Change,
    ChangePage,
    decode_position,
    encode_position,
    expired,
    origin_of,
)
from interstore_plugins.dual_write._async.member import AsyncMember
from interstore_plugins.dual_write._async.stand import AsyncStand

__all__ = ["AsyncWatcher"]

_NAME: Final = "dual-write"


class AsyncWatcher:
    """Gives what the primary records, as long as it is the primary.

    What the other store records meanwhile is what was brought over, in whatever order. So a
    position holds until the next hand-over: then it has expired, and whoever watches begins anew.
    Tokens are the primary's own before the first hand-over, and once the move is finished; between,
    they say after which hand-over they were given.

    Args:
        member: knows how things stand.
    """

    def __init__(self, member: AsyncMember) -> None:
        self._member = member

    async def start(self, model: str, since: str | None) -> str:
        """See `AsyncOperations.start_watch`."""
        while True:
            await self._member.reading()
            stand = self._member.stand
            inner = None if since is None else self._opened(stand, model, since)
            found = await stand.primary.start_watch(model, inner)
            if await self._is_primary(stand):
                return _sealed(stand, model, found)
            await stand.primary.end_watch(model, found)

    async def read(self, model: str, after: str, wait: float) -> ChangePage:
        """See `AsyncOperations.read_changes`."""
        await self._member.reading()
        stand = self._member.stand
        page = await stand.primary.read_changes(model, self._opened(stand, model, after), wait)
        if page.changes and not await self._is_primary(stand):
            raise _handed_over(stand, model)
        token = _sealed(stand, model, page.token)
        if token == page.token:
            return page
        changes: list[Change] = [
            replace(change, token=_sealed(stand, model, change.token)) for change in page.changes
        ]
        return replace(page, changes=changes, token=token)

    async def end(self, model: str, after: str) -> None:
        """See `AsyncOperations.end_watch`."""
        stand = self._member.stand
        try:
            inner = self._opened(stand, model, after)
        except (ResumeExpiredError, InvalidQueryError):
            return  # what was held for it is another store's
        await stand.primary.end_watch(model, inner)

    async def _is_primary(self, before: AsyncStand) -> bool:
        """Whether the store was the primary until now: then, what was read of it is its own.

        As long as this process has a lease, and does not know of any hold, nobody can have handed
        the data over; else only the control document tells.
        """
        now = self._member.stand
        if now.held or not self._member.counts(now):
            await self._member.beat()
            now = self._member.stand
        return (now.side, now.handovers) == (before.side, before.handovers)

    def _opened(self, stand: AsyncStand, model: str, token: str) -> str:
        """The primary's own token.

        Raises:
            ResumeExpiredError: it was given before the last hand-over.
            InvalidQueryError: it is damaged, or another model's.
        """
        origin = origin_of(token)
        if origin is None or origin == (_NAME, model) or origin[1] != model:
            handovers, inner = decode_position(token, _NAME, model, tuple[int, str])
            if handovers != stand.handovers:
                raise _handed_over(stand, model)
            return inner
        if stand.handovers and not (stand.over and origin[0] == stand.primary.name):
            raise _handed_over(stand, model)
        return token


def _sealed(stand: AsyncStand, model: str, token: str) -> str:
    """A token of the primary's, as it is given out."""
    if stand.over or not stand.handovers:
        return token
    return encode_position(_NAME, model, (stand.handovers, token))


def _handed_over(stand: AsyncStand, model: str) -> ResumeExpiredError:
    return expired(model, stand.primary.name, "the data was handed over to another store")
