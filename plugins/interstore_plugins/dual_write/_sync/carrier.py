# Generated from plugins/interstore_plugins/dual_write/_async/carrier.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: c784c32c0d07729fcaa58bcd

"""`Carrier`: brings what was written to the primary to the other store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count
from time import monotonic
from typing import Final, TypeAlias

from interstore.dual._sync.ledger import IDS
from interstore.dual._sync.settling import settle
from interstore.dual.records import INTENT, Intent
from interstore.errors import InterstoreError, OperationTimeoutError, UnavailableError
from interstore.prepared import Write
from interstore_plugins.dual_write._sync.member import Member
from interstore_plugins.dual_write._sync.stand import Stand

__all__ = ["Carrier", "Touched", "parts_of"]

_AWAY: Final = (UnavailableError, OperationTimeoutError)


Touched: TypeAlias = Mapping[str, Collection[str]]
"""The ids of documents, by models."""

_PAUSE: Final = 0.25
_PAUSE_HELD: Final = 0.02
"""Seconds between two looks at what is left; the second, while writes are held for it."""


class Carrier:
    """Records intents, settles them, and forgets them; what could not be settled, it does later.

    An intent that was settled is forgotten in the background: to settle it once more, because
    this process was killed before, does no harm.

    Args:
        member: knows how things stand.
        lease: seconds after which a write of which nothing was heard is taken to be settled.
    """

    def __init__(self, member: Member, lease: float) -> None:
        self._member = member
        self._lease = lease
        self._numbers = count(1)
        self._busy: set[str] = set()
        self._done: list[tuple[Stand, str]] = []
        self._doubts: dict[str, float] = {}
        self._overtaken: list[tuple[str, list[str]]] = []
        self._left = False
        self.away = False
        self.carried = self.late = 0

    @property
    def waiting(self) -> bool:
        """Whether anything is left to be brought to the other store."""
        return self._left

    def record(self, stand: Stand, model: str, ids: Sequence[str]) -> str:
        """Write an intent, before the primary is written; return its id."""
        intent = self.new_intent(stand)
        try:
            stand.ledger.record(intent, Intent(owner=stand.owner, model=model, ids=list(ids)))
        except BaseException:
            self.doubt(intent)
            raise
        return intent

    def new_intent(self, stand: Stand) -> str:
        """An id, of an operation that is under way until one of the following is called."""
        intent = f"{INTENT}{stand.owner}-{next(self._numbers):012}"
        self._busy.add(intent)
        return intent

    def done(self, stand: Stand, intent: str) -> None:
        """Nothing is left to be done about it."""
        self._done.append((stand, intent))
        self._busy.discard(intent)

    def leave(self, intent: str) -> None:
        """It is to be settled later."""
        self._left = True
        self._busy.discard(intent)

    def doubt(self, intent: str) -> None:
        """Nobody knows whether the primary was written, or will be yet: settle it after a while."""
        self._doubts[intent] = monotonic() + self._lease
        self.leave(intent)

    def bring(
        self,
        stand: Stand,
        intent: str,
        model: str,
        ids: Sequence[str],
        known: Iterable[Write] | None,
    ) -> None:
        """Settle what has just been written; or leave it, and the call succeeds all the same."""
        if self.away:
            self.leave(intent)
            return
        try:
            self._settle(stand, model, ids, known)
        except InterstoreError as error:
            self._failed(error)
            self.leave(intent)
        except BaseException:
            self.leave(intent)
            raise
        else:
            self.done(stand, intent)

    def settle_late(self, written: Stand, touched: Touched) -> None:
        """After a write whose lease lapsed meanwhile: others may have gone on without it.

        Args:
            written: what it went by.
            touched: the documents, by models.

        Raises:
            OperationTimeoutError: the data has been handed over to the other store.
        """
        self.late += 1
        self._member.beat()
        stand, ticket = self._member.enter()
        try:
            if stand.secondary is not None:
                for model, ids in parts_of(touched):
                    intent = self.record(stand, model, ids)
                    self.bring(stand, intent, model, ids, None)
        finally:
            stand.running.discard(ticket)
        if stand.side != written.side:
            [(model, ids), *more] = parts_of(touched)
            raise OperationTimeoutError(
                f"this process was stopped for longer than its lease of {self._lease:g} s while it "
                "wrote, and the data was handed over to the other store meanwhile: what it wrote "
                "may not have been kept",
                model=None if more else model,
                id=None if more or len(ids) > 1 else ids[0],
            )

    def doubt_late(self, written: Stand, touched: Touched) -> None:
        """Likewise after a write that failed, if nobody knows whether it was done, or will be yet.

        Its own intent may have been settled and forgotten before it was done. So there is to be
        one more in the store that is the primary then.
        """
        if touched and not self._member.counts(written):
            self.late += 1
            self._overtaken += parts_of(touched)
            self._left = True

    def carry(self) -> float:
        """Forget what is done, and settle what was left; the next pause."""
        self._forget()
        if self._left:
            self._carry_left()
        return _PAUSE_HELD if self._member.stand.held else _PAUSE

    def _forget(self) -> None:
        count = len(self._done)
        if not count:
            return
        stand = self._done[0][0]
        some = [intent for each, intent in self._done[:count] if each.ledger is stand.ledger]
        stand.ledger.forget(some)
        gone = set(some)
        self._done = [each for each in self._done if each[1] not in gone]

    def _carry_left(self) -> None:
        """Settle the intents of this process that no operation is busy with."""
        stand = self._member.stand
        if stand.secondary is None:
            self._overtaken.clear()
            return
        ticket = object()
        stand.running.add(ticket)
        try:
            if self._member.stand is stand and self._member.counts(stand):
                self._left = False
                self._carry_all(stand)
        except InterstoreError as error:
            self._left = True
            self._failed(error)
        except BaseException:
            self._left = True
            raise
        finally:
            stand.running.discard(ticket)

    def _carry_all(self, stand: Stand) -> None:
        if self.away:
            self._connect(stand)
        while self._overtaken and not stand.held:
            self.doubt(self.record(stand, *self._overtaken[0]))
            del self._overtaken[0]
        self._left = self._left or bool(self._overtaken)
        trouble = ""
        for owner in list(self._member.owners):
            for page in stand.ledger.intents(owner):
                trouble = self._carry_page(stand, page) or trouble
        self.away, self._member.trouble = False, trouble

    def _connect(self, stand: Stand) -> None:
        assert stand.secondary is not None
        try:
            stand.secondary.connect()
            stand.secondary.ping()
        except InterstoreError:  # whose text may quote the URL
            raise UnavailableError(
                f"{stand.secondary.name}, the other store, cannot be reached"
            ) from None

    def _carry_page(self, stand: Stand, page: list[tuple[str, Intent]]) -> str:
        """Settle some intents; what stands in the way of one, if anything does."""
        settled: list[str] = []
        trouble = ""
        try:
            for id, intent in page:
                if id in self._busy or self._doubts.get(id, 0.0) > monotonic():
                    self._left = self._left or id not in self._busy
                    continue
                try:
                    self._settle(stand, intent.model, intent.ids, None)
                except _AWAY:
                    raise
                except InterstoreError as error:  # such as a value that another still has
                    self._left, trouble = True, f"{type(error).__name__}: {error}"
                else:
                    settled.append(id)
                    self._doubts.pop(id, None)
        finally:
            stand.ledger.forget(settled)
            self.carried += len(settled)
        return trouble

    def _settle(
        self,
        stand: Stand,
        model: str,
        ids: Sequence[str],
        known: Iterable[Write] | None,
    ) -> None:
        assert stand.secondary is not None

        def check() -> None:
            if not self._member.counts(stand):
                raise UnavailableError("the lease of this process has lapsed")

        settle(stand.primary, stand.secondary, model, ids, known, check)

    def _failed(self, error: InterstoreError) -> None:
        if isinstance(error, _AWAY):
            self.away = True
        self._member.trouble = f"{type(error).__name__}: {error}"


def parts_of(touched: Touched) -> list[tuple[str, list[str]]]:
    """As intents have them: of one model, and not too many."""
    return [
        (model, list(ids)[start : start + IDS])
        for model, ids in touched.items()
        for start in range(0, len(ids), IDS)
    ]
