"""`resync`: one store made equal to another, by writing only what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from interstore.errors import ConfigurationError, UnsupportedError
from interstore.migration.blobs.counts import BlobReport
from interstore.migration.blobs.ends import BlobsArgument, open_blob_ends
from interstore.migration.blobs.verifying import blob_orders, look_at_blobs
from interstore.migration.chunks import archive_of
from interstore.migration.compare import Mender
from interstore.migration.coordinator import Coordinator
from interstore.migration.ends import Ends, open_ends
from interstore.migration.executors import open_workers
from interstore.migration.locks import target_lock
from interstore.migration.mend_runs import finding
from interstore.migration.plan import Level, Request
from interstore.migration.progress import Control, OnProgress, Stopped
from interstore.migration.raw import is_raw
from interstore.migration.report import Verification
from interstore.migration.rewriting import Resynced, Rewriting
from interstore.migration.run import DEFAULT_EXECUTOR, pairs_of
from interstore.migration.slice import Order
from interstore.migration.transform import Transform
from interstore.migration.verification import Verifier
from interstore.migration.views import Foreign
from interstore.times import now

if TYPE_CHECKING:
    from interstore._sync.operations import Operations
    from interstore._sync.store import Store

__all__ = ["Resynchronization", "resync"]


class Resynchronization(msgspec.Struct, kw_only=True):
    """What `resync` changed in each model and of the blobs, and the verification after it."""

    models: list[Resynced]
    verification: Verification
    blobs: BlobReport | None = None

    @property
    def ok(self) -> bool:
        """Whether no difference is left."""
        return self.verification.ok

    @property
    def exit_code(self) -> int:
        """Of the command line: 0, or 3 if a difference is left."""
        return self.verification.exit_code

    def to_json(self) -> bytes:
        """All of it as JSON."""
        plain: dict[str, Any] = {"ok": self.ok, **msgspec.to_builtins(self)}
        return msgspec.json.format(msgspec.json.encode(plain), indent=2)


def resync(
    left: str | Store,
    right: str | Store,
    *,
    delete_extra: bool = False,
    models: Sequence[str] | None = None,
    map: Mapping[str, str] | None = None,
    level: Level = "digest",
    envelope: bool = True,
    transform: Transform | None = None,
    foreign: Foreign | None = None,
    executor: str | Executor = DEFAULT_EXECUTOR,
    progress: OnProgress | None = None,
    stop: Event | None = None,
    from_blobs: BlobsArgument | None = None,
    to_blobs: BlobsArgument | None = None,
) -> Resynchronization:
    """Make the right store hold what the left one does: only what differs is written.

    Args:
        left: as for `verify`.
        right: likewise; it is written to.
        delete_extra: delete documents that only the right side has. Otherwise they stay, and are
            a difference that is left.
        models: as for `verify`.
        map: as for `verify`.
        level: ``"digest"``, or ``"full"``.
        envelope: whether versions and times count, and are kept. Otherwise documents that are
            written start anew at version 1.
        transform: as for `verify`.
        foreign: as for `verify`.
        executor: as for `verify`.
        progress: as for `verify`.
        stop: set it to stop; then `KeyboardInterrupt` is raised.
        from_blobs: as for `verify`: where both sides have blobs, those to which the left side's
            documents refer are written on the right if they are missing there, or different.
        to_blobs: likewise.

    Raises:
        ConfigurationError: the arguments do not fit together, or a migration to the right side is
            under way.
        UnsupportedError: the right side is an archive, or cannot keep versions and times.
        InterstoreError: a store cannot be read or written. Called again, it does what is left.
    """
    control = Control(progress, stop)
    request = Request.of(models, map, "empty", False, transform, foreign=foreign)
    with ExitStack() as stack:
        workers = stack.enter_context(open_workers(executor))
        ends = stack.enter_context(
            open_ends(left, right, reach=workers.reach, create=False, views=request.foreign)
        )
        envelope = envelope and not is_raw(ends.source.database)
        _check_right(ends, envelope, request)
        _lock(ends, stack)
        ends = stack.enter_context(open_blob_ends(ends, from_blobs, to_blobs, reach=workers.reach))
        blobs = None if ends.blobs is None else replace(ends.blobs.order, replace=True, mend=True)
        coordinator = Coordinator(workers, ends, control)
        verifier = partial(
            Verifier,
            ends,
            coordinator,
            control,
            level=finding(level),
            envelope=envelope,
            transform=request.transform,
        )
        pairs = pairs_of(ends, request)
        made: list[Rewriting] = []
        moment = "" if envelope else now()

        def copying(source: str, target: str) -> Order:
            return Order(
                kind="copy",
                source=ends.both[0].reference,
                model=source,
                target=ends.both[1].reference,
                into=target,
                anew=moment,
                transform=request.transform,
                blobs=blobs,
            )

        def mender(source: str, target: str) -> Mender:
            rewriting = Rewriting(
                copying(source, target),
                ends.target.database,
                coordinator,
                delete_extra=delete_extra,
            )
            made.append(rewriting)
            return rewriting

        try:
            verifier(mender=mender).verify(pairs)
            orders = [copying(*pair) for pair in pairs]
            written = _mend_blobs(orders, ends.source.database, coordinator)
            verification = verifier().verify(pairs)
        except Stopped:
            raise KeyboardInterrupt from None
    return Resynchronization(
        models=[each.done for each in made], verification=verification, blobs=written
    )


def _mend_blobs(
    orders: Sequence[Order], source: Operations, coordinator: Coordinator
) -> BlobReport | None:
    """Write the blobs that are missing or different; ``None`` if they stay where they are."""
    parts = [
        part
        for order in orders
        if order.blobs is not None
        for part in blob_orders(replace(order, kind="blobs"), source, coordinator.workers)
    ]
    return BlobReport.of(look_at_blobs(parts, coordinator).values()) if parts else None


def _check_right(ends: Ends, envelope: bool, request: Request) -> None:
    left, right = (end.place for end in ends.both)
    if left.identity == right.identity and not request.foreign:
        raise ConfigurationError(f"both are the same place: {left.shown}")
    operations = ends.target.database
    if archive_of(operations) is not None:
        raise UnsupportedError("an archive does not change: make a new backup")
    if is_raw(operations):
        raise UnsupportedError("files of others are only read: resync writes to the right side")
    if envelope and not operations.capabilities.write_page:
        raise UnsupportedError(
            f"{operations.name} cannot keep versions and times: ignore them (--ignore-versions)"
        )


def _lock(ends: Ends, stack: ExitStack) -> None:
    place = ends.both[1].place
    lock = target_lock(place.identity)
    if not lock.acquire():
        raise ConfigurationError(
            f"a migration to {place.shown} is under way ({lock.holder()}): wait until it has ended"
        )
    stack.callback(lock.release)
