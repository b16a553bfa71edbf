# Generated from plugins/interstore_plugins/dual_write/_async/watching.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 677abb5df7c7fedfc44506c0

"""`Watcher`: the changes of the store that is the primary, from one hand-over to the next."""

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
from interstore_plugins.dual_write._sync.member import Member
from interstore_plugins.dual_write._sync.stand import Stand

__all__ = ["Watcher"]

_NAME: Final = "dual-write"


class Watcher:
    """Gives what the primary records, as long as it is the primary.

    What the other store records meanwhile is what was brought over, in whatever order. So a
    position holds until the next hand-over: then it has expired, and whoever watches begins anew.
    Tokens are the primary's own before the first hand-over, and once the move is finished; between,
    they say after which hand-over they were given.

    Args:
        member: knows how things stand.
    """

    def __init__(self, member: Member) -> None:
        self._member = member

    def start(self, model: str, since: str | None) -> str:
        """See `Operations.start_watch`."""
        while True:
            self._member.reading()
            stand = self._member.stand
            inner = None if since is None else self._opened(stand, model, since)
            found = stand.primary.start_watch(model, inner)
            if self._is_primary(stand):
                return _sealed(stand, model, found)
            stand.primary.end_watch(model, found)

    def read(self, model: str, after: str, wait: float) -> ChangePage:
        """See `Operations.read_changes`."""
        self._member.reading()
        stand = self._member.stand
        page = stand.primary.read_changes(model, self._opened(stand, model, after), wait)
        if page.changes and not self._is_primary(stand):
            raise _handed_over(stand, model)
        token = _sealed(stand, model, page.token)
        if token == page.token:
            return page
        changes: list[Change] = [
            replace(change, token=_sealed(stand, model, change.token)) for change in page.changes
        ]
        return replace(page, changes=changes, token=token)

    def end(self, model: str, after: str) -> None:
        """See `Operations.end_watch`."""
        stand = self._member.stand
        try:
            inner = self._opened(stand, model, after)
        except (ResumeExpiredError, InvalidQueryError):
            return  # what was held for it is another store's
        stand.primary.end_watch(model, inner)

    def _is_primary(self, before: Stand) -> bool:
        """Whether the store was the primary until now: then, what was read of it is its own.

        As long as this process has a lease, and does not know of any hold, nobody can have handed
        the data over; else only the control document tells.
        """
        now = self._member.stand
        if now.held or not self._member.counts(now):
            self._member.beat()
            now = self._member.stand
        return (now.side, now.handovers) == (before.side, before.handovers)

    def _opened(self, stand: Stand, model: str, token: str) -> str:
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


def _sealed(stand: Stand, model: str, token: str) -> str:
    """A token of the primary's, as it is given out."""
    if stand.over or not stand.handovers:
        return token
    return encode_position(_NAME, model, (stand.handovers, token))


def _handed_over(stand: Stand, model: str) -> ResumeExpiredError:
    return expired(model, stand.primary.name, "the data was handed over to another store")
