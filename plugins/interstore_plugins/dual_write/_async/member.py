"""`AsyncMember`: the part of one process in a move."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from math import inf
from time import monotonic
from typing import Final

from interstore._async.operations import AsyncOperations
from interstore._compat_async import ASYNC, Lock, sleep
from interstore.dual._async.ledger import AsyncLedger
from interstore.dual.records import Control, Side, Writer
from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    OperationTimeoutError,
    UnavailableError,
)
from interstore.names import new_id
from interstore.plugins import AsyncBackground
from interstore_plugins.dual_write._async.stand import AsyncStand
from interstore_plugins.dual_write.common import LOGGER
from interstore_plugins.dual_write.settings import DualWriteSettings

if not ASYNC:
    from interstore_plugins.dual_write.forks import forget_in_forks

__all__ = ["AsyncMember"]

_AWAY: Final = (UnavailableError, OperationTimeoutError)
_WAITING: Final = 0.01
"""Seconds between two looks of an operation that waits while writes are held."""
_HELD: Final = 0.02
"""Seconds between two looks at the control document meanwhile."""


class AsyncMember:
    """Follows the control document, holds a lease, and lets operations in.

    What an operation goes by is true for as long as the lease counts: whoever hands the data
    over waits until every writer has acknowledged the new state, or has let its lease lapse.

    Args:
        stores: for each side, what answers reads, and what answers for itself.
        target: the identity of the target.
        settings: the plugin's.
    """

    def __init__(
        self,
        stores: dict[Side, tuple[AsyncOperations, AsyncOperations]],
        target: str,
        settings: DualWriteSettings,
    ) -> None:
        self._stores = stores
        self._ledgers = {side: AsyncLedger(primary) for side, (_, primary) in stores.items()}
        self._target = target
        self._lease = settings.lease
        self._look = settings.look
        self._beating = Lock()
        self._heart = AsyncBackground(self._pulse, "interstore-dual-write", LOGGER)
        self._renewed = self.valid_until = -inf
        self._held_since = 0.0
        self._beats = self._seen = 0
        self._leased = False
        self.trouble = self._told = ""
        self.owner = ""
        self.owners: list[str] = []
        self._earlier: list[AsyncStand] = []
        self.stand = self._standing("source", None, 0)
        if not ASYNC:
            forget_in_forks(self)

    # The life of it.

    async def start(self, away: dict[Side, InterstoreError]) -> None:
        """Find out how things stand, and follow from now on.

        Args:
            away: the stores that cannot be reached, and why.

        Raises:
            InterstoreError: the primary cannot be reached.
        """
        if "source" in away:
            self.stand = self._standing("target", None, 0)
        self.valid_until = -inf
        try:
            await self.beat()
        except _AWAY:
            if away:
                raise next(iter(away.values())) from None
            raise
        if self.stand.control is None and "source" in away:
            raise away["source"]
        self._heart.start()

    async def stop(self, *, withdraw: bool) -> None:
        """End; `withdraw`: give the lease back, which lapses otherwise."""
        await self._heart.stop()
        if withdraw and self.owner and not self.stand.over:
            with suppress(InterstoreError):  # else it lapses
                await self.stand.ledger.remove_writer(self.owner)
        self.valid_until = -inf

    def forked(self) -> None:
        """This is a fork of the process: it has no threads, and needs a lease of its own."""
        self._beating = Lock()
        self._heart = AsyncBackground(self._pulse, "interstore-dual-write", LOGGER)
        self.owners, self._earlier = [], []
        self.stand.running.clear()
        if self.valid_until > 0:
            self._renewed = self.valid_until = 0.0

    async def _pulse(self) -> float:
        await self.beat()
        return _HELD if self.stand.held else self._look

    # Letting operations in.

    async def reading(self) -> AsyncOperations:
        """What answers a read."""
        if monotonic() > self.valid_until:
            await self.beat()
        stand = self.stand
        if stand.problem is not None:
            raise stand.problem
        return stand.reads

    async def enter(self) -> tuple[AsyncStand, object]:
        """What an operation that writes goes by, and a ticket to take out of `running` in the end.

        Where writes are held, it waits.

        Raises:
            UnavailableError: the hold does not end.
        """
        ticket, end = object(), inf
        while True:
            if monotonic() > self.valid_until:
                await self.beat()
            stand = self.stand
            if stand.problem is not None:
                raise stand.problem
            if not stand.held:
                stand.running.add(ticket)
                if self.stand is stand:
                    return stand, ticket
                stand.running.discard(ticket)
                continue
            assert stand.control is not None
            end = min(end, monotonic() + stand.control.hold + self._lease)
            if monotonic() > end:
                raise UnavailableError(
                    "writes are held for a hand-over to the other store, which does not end; try "
                    "again later"
                )
            await sleep(_WAITING)

    def counts(self, stand: AsyncStand) -> bool:
        """Whether the lease has counted without a break since the stand was taken."""
        return stand.owner == self.owner and monotonic() <= self.valid_until

    # Following.

    async def beat(self) -> None:
        """Renew the lease if it is time, and look at the control document."""
        async with self._beating:
            if self._is_over():
                await self._withdraw()
                return
            started = monotonic()
            if lapsed := started > self.valid_until:
                self._begin_tenure()
            news = self.trouble != self._told
            if renewing := lapsed or news or started > self._renewed + self._lease / 3:
                await self._renew(self.stand.side)
            await self._follow()
            if renewing:
                # Not before the control document was read: what it said is what counts now.
                self._renewed = started
                self.valid_until = inf if self._is_over() else started + self._lease
                self._leased = True
            await self._acknowledge()

    def _is_over(self) -> bool:
        return self.stand.over

    def _begin_tenure(self) -> None:
        """What was known under a lease that has lapsed may have been overtaken: begin anew."""
        if self._leased or not self.owner:
            self.owner, self._seen, self._leased = new_id(), 0, False
            self.owners.append(self.owner)
        if self.valid_until == 0.0:  # in a fork, which has no heart yet
            self._heart.start()

    async def _withdraw(self) -> None:
        """When the move is over, and nothing runs any more that goes by what was before."""
        self._earlier = [stand for stand in self._earlier if stand.running]
        if self.owner and not self._earlier:
            await self._ledgers["target"].remove_writer(self.owner)
            self.owner = self.stand.owner = ""

    async def _renew(self, side: Side) -> None:
        self._beats += 1
        self._told = self.trouble
        writer = Writer(
            owner=self.owner,
            process=f"{socket.gethostname()}:{os.getpid()}",
            target=self._target,
            lease=self._lease,
            seen=self._seen,
            beats=self._beats,
            trouble=self.trouble,
        )
        await self._ledgers[side].renew(writer)

    async def _follow(self) -> None:
        """Look at the control document, and at the other one if that is the primary's now."""
        side = self.stand.side
        control, version = await self._ledgers[side].control()
        while control is not None and control.primary != side and control.phase != "ended":
            left, side = side, control.primary
            await self._ledgers[side].point(control)
            self._seen = 0
            await self._renew(side)
            await self._ledgers[left].remove_writer(self.owner)
            control, version = await self._ledgers[side].control()
        if control is not None and control.phase == "ended":
            side = control.primary
        if control is not None and control.phase == "held" and self._has_waited(control):
            await self._ledgers[side].change_control(_opened(control), version)
            control, version = await self._ledgers[side].control()
        stand = self.stand
        if (side, version, self.owner) != (stand.side, stand.version, stand.owner):
            after = self._standing(side, control, version)
            after.over = side == "target" and (
                control.phase == "ended"
                if control is not None
                else stand.side == side and stand.control is not None  # its records are removed
            )
            if control is None and after.over:
                after.handovers = stand.handovers
            self._take(after)

    def _has_waited(self, control: Control) -> bool:
        return self.stand.held and monotonic() > self._held_since + control.hold

    def _take(self, stand: AsyncStand) -> None:
        self._earlier.append(self.stand)
        if stand.held:
            self._held_since = monotonic()
        if stand.over:
            self.valid_until = inf
        self.stand = stand

    async def _acknowledge(self) -> None:
        """Tell that nothing runs any more that goes by an earlier state."""
        self._earlier = [stand for stand in self._earlier if stand.running]
        if self._earlier or self._seen == self.stand.version or self.stand.over:
            return
        self._seen = self.stand.version
        await self._renew(self.stand.side)

    def _standing(self, side: Side, control: Control | None, version: int) -> AsyncStand:
        reads, primary = self._stores[side]
        moving = control is not None and control.phase != "ended"
        other: Side = "target" if side == "source" else "source"
        problem = None
        if control is not None and moving and control.target != self._target:
            problem = ConfigurationError(
                f"the data moves to {control.target}, and DUAL_WRITE_TARGET of this process names "
                f"{self._target}: set it to the same place"
            )
        return AsyncStand(
            owner=self.owner,
            side=side,
            control=control,
            version=version,
            reads=reads,
            primary=primary,
            secondary=self._stores[other][1] if moving else None,
            ledger=self._ledgers[side],
            problem=problem,
            handovers=0 if control is None else control.handovers,
        )


def _opened(control: Control) -> Control:
    from msgspec.structs import replace

    return replace(control, phase="open")
