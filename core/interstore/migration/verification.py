"""Whether two stores hold the same documents: both sides are read again, nothing is trusted."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from interstore.filters.tree import ALL
from interstore.migration.blobs.counts import BlobReport
from interstore.migration.blobs.verifying import blob_orders, look_at_blobs
from interstore.migration.compare import Mender, compare
from interstore.migration.coordinator import Coordinator
from interstore.migration.digest import Digest
from interstore.migration.ends import Ends
from interstore.migration.plan import Level, Limits, shares_of
from interstore.migration.progress import Control, Stopped
from interstore.migration.refusals import Refused
from interstore.migration.report import ModelVerification, Verification
from interstore.migration.slice import Order, Result
from interstore.migration.transform import Transform

if TYPE_CHECKING:
    from interstore.migration.blobs.ends import BlobOrder

__all__ = ["Verifier"]

_COUNTS: Final = 3


class Verifier:
    """Verifies pairs of models of two stores.

    Args:
        ends: the stores; the target is verified against the source.
        coordinator: runs the slices that read.
        control: what the caller hears.
        level: how thorough to be.
        envelope: whether versions and times are compared as well.
        keep: whether the target may have documents that the source has not.
        refused: by model of the source, the documents in quarantine, which are passed over.
        limits: of a slice.
        transform: what the target's documents are compared with: the source's, transformed.
        mender: gives what is told of each difference of a pair of models. Blobs are not compared
            then.
    """

    def __init__(
        self,
        ends: Ends,
        coordinator: Coordinator,
        control: Control,
        *,
        level: Level = "digest",
        envelope: bool = True,
        keep: bool = False,
        refused: Mapping[str, Collection[Refused]] | None = None,
        limits: Limits | None = None,
        transform: Transform | None = None,
        mender: Callable[[str, str], Mender] | None = None,
    ) -> None:
        self._ends = ends
        self._coordinator = coordinator
        self._control = control
        self._level: Level = level
        self._envelope = envelope
        self._keep = keep
        self._skipped = {
            name: frozenset(item.id for item in items) for name, items in (refused or {}).items()
        }
        self._limits = limits or Limits()
        self._transform = transform
        self._mender = mender

    def verify(self, models: Sequence[tuple[str, str]]) -> Verification:
        """Compare each pair of models: its name in the source, and in the target.

        Raises:
            Stopped: the caller asked to.
            InterstoreError: a side cannot be read.
        """
        started = time.monotonic()
        compared = "id, fields, version and times" if self._envelope else "id and fields"
        verification = Verification(
            level=self._level, compared="counts" if self._level == "count" else compared
        )
        if self._level != "count" or self._transform is not None:
            verification.models = results = [self._counted(*pair) for pair in models]
            total = sum(item.source_count + item.target_count for item in results)
            self._control.begin("verify", total)
            digests = self._digests(results)
            for index, item in enumerate(results):
                self._judge(item, digests[2 * index], digests[2 * index + 1])
        else:
            verification.models = [self._by_count(*pair) for pair in models]
        if self._level != "count" and self._mender is None and self._ends.blobs is not None:
            verification.blobs = self._compare_blobs(self._ends.blobs.order, models)
        verification.seconds = time.monotonic() - started
        return verification

    def _counted(self, source: str, target: str) -> ModelVerification:
        return ModelVerification(
            source=source,
            target=target,
            source_count=self._ends.source.database.count(source, ALL),
            target_count=self._ends.target.database.count(target, ALL),
        )

    def _by_count(self, source: str, target: str) -> ModelVerification:
        """Compare the numbers; if they differ, again: documents may have expired between."""
        attempts = 0
        while True:
            item = self._counted(source, target)
            item.source_count -= len(self._skipped.get(source, ()))
            self._judge_counts(item)
            attempts += 1
            if item.ok or attempts == _COUNTS:
                return item

    def _judge_counts(self, item: ModelVerification) -> None:
        more = self._keep and item.target_count > item.source_count
        item.ok = item.target_count == item.source_count or more

    def _digests(self, models: Sequence[ModelVerification]) -> list[Digest]:
        """The digest of each side of each pair, by slices."""
        digests: list[Digest] = []
        orders: list[tuple[tuple[int, int], Order]] = []
        for pair in models:
            sides = ((pair.source, pair.source_count), (pair.target, pair.target_count))
            for end, (model, count) in zip(self._ends.both, sides, strict=True):
                left = end is self._ends.both[0]
                shares = shares_of(count, self._coordinator.workers)
                partitions = end.store.database.partitions(model, shares)
                for index, partition in enumerate(partitions):
                    order = Order(
                        kind="digest",
                        source=end.reference,
                        model=model,
                        partition=partition,
                        limits=self._limits,
                        transform=self._transform if left else None,
                        skip=sorted(self._skipped.get(model, ())) if left else [],
                    )
                    orders.append(((len(digests), index), order))
                digests.append(Digest())

        def collect(key: tuple[int, int], result: Result) -> None:
            assert result.digest is not None
            digests[key[0]].merge(result.digest)

        if not self._coordinator.run(orders, collect):
            raise Stopped
        return digests

    def _compare_blobs(self, blobs: BlobOrder, models: Sequence[tuple[str, str]]) -> BlobReport:
        """Compare the blobs to which the left side's documents refer."""
        one, other = self._ends.both
        orders: list[tuple[str, Order]] = []
        for model, _ in models:
            order = Order(
                kind="blobs",
                source=one.reference,
                target=other.reference,
                model=model,
                limits=self._limits,
                transform=self._transform,
                skip=sorted(self._skipped.get(model, ())),
                blobs=blobs,
            )
            orders += blob_orders(order, one.store.database, self._coordinator.workers)
        return BlobReport.of(look_at_blobs(orders, self._coordinator).values())

    def _judge(self, item: ModelVerification, left: Digest, right: Digest) -> None:
        """Compare the digests; where they differ, or at level "full", the documents."""
        item.source_count, item.target_count = left.count, right.count
        if self._level == "count":
            self._judge_counts(item)
            return
        item.source_digest, item.target_digest = left.content(), right.content()
        buckets = left.differing(right, envelope=self._envelope)
        if self._level == "digest" and not buckets:
            item.ok = True
            return
        item.comparison = found = compare(
            (self._ends.source.database, item.source),
            (self._ends.target.database, item.target),
            buckets=None if self._level == "full" else buckets,
            envelope=self._envelope,
            extras=not self._keep,
            skip=self._skipped.get(item.source, ()),
            transform=self._transform,
            mender=self._mender and self._mender(item.source, item.target),
            on_page=self._control.step,
        )
        if self._keep:
            item.kept = right.count - left.count
        item.ok = found.equal
