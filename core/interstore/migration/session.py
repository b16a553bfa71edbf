"""A run in hand, from the first slice to the report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec.structs import replace

from interstore.errors import ConfigurationError, InterstoreError, InvalidDocumentError
from interstore.filters.tree import ALL
from interstore.migration.archives import held_blobs, list_chunks, seal
from interstore.migration.blobs.counts import BlobCounts, BlobProblem, BlobReport
from interstore.migration.blobs.verifying import find_orphans
from interstore.migration.chunks import ChunkTarget, archive_of
from interstore.migration.compare import Mender
from interstore.migration.indexes import copy_indexes
from interstore.migration.journal import Journal, write_atomically
from interstore.migration.live.beginning import begin
from interstore.migration.live.move import move_of
from interstore.migration.live.verifying import verify_live
from interstore.migration.plan import ModelPlan, Plan
from interstore.migration.progress import Stopped
from interstore.migration.quarantine import Quarantine
from interstore.migration.raw import is_raw
from interstore.migration.report import Blocker, ModelReport, Report, Status, Verification
from interstore.migration.slice import Order, Result
from interstore.migration.state import RunState
from interstore.migration.verification import Verifier

if TYPE_CHECKING:
    from interstore.migration.planning import Migration

__all__ = ["Ended", "Session"]

Ended: TypeAlias = tuple[Report, InterstoreError | None]
"""The report, and the error that stopped the run, if one did."""


class Session:
    """A run in hand: its start or one resumption of it, with its journal open."""

    def __init__(self, migration: Migration, plan: Plan, folder: Path, journal: Journal) -> None:
        self._migration = migration
        self._ends = migration.ends
        self._control = migration.control
        self._notes = migration.notes
        self._plan = plan
        self._folder = folder
        self._journal = journal
        self._quarantine = Quarantine(folder)
        self._state = RunState.of(plan, journal.replayed.entries)
        self._orphans: list[BlobProblem] = []
        self._blockers: list[Blocker] = []
        if journal.replayed.torn:
            self._notes.append(
                f"the last line of the journal was never finished ({journal.replayed.torn} "
                "bytes): it was dropped, and what it told of was done again"
            )

    def run(self) -> Ended:
        """Copy what is not copied yet, verify, and write the report."""
        self._record("begun", pid=os.getpid())
        try:
            try:
                report = self.work()
            except Stopped:
                report = self._report("stopped")
            self._finish(report)
        except InterstoreError as error:
            error.add_note(f"the run can be resumed: --resume {self._plan.run}")
            report = self._report("stopped", error=f"{type(error).__name__}: {error}")
            with suppress(InterstoreError):  # such as the full disk that stopped it
                self._finish(report)
            return report, error
        return report, None

    def work(self) -> Report:
        """What this session is for.

        Raises:
            Stopped: the caller asked to.
            InterstoreError: it cannot go on.
        """
        if self._plan.request.live and not self._begin_live():
            return self._report("blocked")
        self._clear()
        self._copy()
        if (archive := archive_of(self._ends.target.database)) is not None:
            verification = self._seal(archive)
        else:
            self._notes += copy_indexes(
                self._ends.source.database,
                self._ends.target.database,
                self._plan.models,
                self._plan.request.transform,
            )
            verification = self._verify()
        if not self._plan.request.live:  # where blobs that are about to be attached look like it
            self._orphans = find_orphans(self._ends, self._plan.request.models)
        return self._ended(verification)

    def _begin_live(self) -> bool:
        """Have all that is written go to both stores from now on; whether it does."""
        move = move_of(self._plan, self._ends)
        self._blockers, notes = begin(move, lambda: self._control.stopping)
        if self._control.stopping:
            raise Stopped
        self._notes += notes
        return not self._blockers

    def _ended(self, verification: Verification) -> Report:
        if not verification.ok:
            return self._report("mismatch", verification)
        blobs = self._blob_report()
        whole = not self._state.refused and (blobs is None or blobs.ok)
        return self._report("done" if whole else "quarantine", verification)

    def _clear(self) -> None:
        """Delete what the target's models hold, if that was asked for, once in the run."""
        if self._plan.request.into != "replace":
            return
        target = self._ends.target.database
        for model in self._plan.models:
            if self._state.models[model.source].cleared:
                continue
            if target.capabilities.drop:
                target.drop(model.target)
            else:
                target.delete_many(model.target, ALL)
            self._record("cleared", model=model.source)

    def _order(self, model: ModelPlan) -> Order:
        """To copy a model, from its beginning to its end."""
        source, target = self._ends.both
        request, blobs = self._plan.request, None
        if self._ends.blobs is not None:
            blobs = replace(
                self._ends.blobs.order,
                replace=request.into != "empty",
                stop=request.dangling == "stop",
            )
        return Order(
            kind="copy",
            source=source.reference,
            model=model.source,
            limits=self._plan.limits,
            target=target.reference,
            into=model.target,
            anew=self._anew,
            transform=request.transform,
            blobs=blobs,
            mode="insert_if_absent" if request.live else "upsert",
            live=request.live,
            compression=request.compression,
        )

    def _copy(self) -> None:
        orders: list[tuple[tuple[str, int], Order]] = []
        for model in sorted(self._plan.models, key=_longest, reverse=True):
            order = self._order(model)
            done = self._state.models[model.source].partitions
            for index, partition in enumerate(model.partitions):
                if not done[index].done:
                    order = replace(order, partition=partition, after=done[index].after)
                    orders.append(((model.source, index), order))
        self._control.begin(
            "copy", sum(model.count for model in self._plan.models), self._state.read
        )
        started = time.monotonic()

        def collect(key: tuple[str, int], result: Result) -> None:
            self._quarantine.add(key[0], result.refused)
            result.refused = [replace(item, document=None) for item in result.refused]
            self._record(
                "slice",
                model=key[0],
                partition=key[1],
                result=msgspec.to_builtins(result),
                seconds=round(time.monotonic() - started, 3),
            )
            self._check_refused(result)

        if not self._migration.coordinator.run(orders, collect):
            raise Stopped
        charged = any(model.totals.request_units for model in self._state.models.values())
        if self._plan.limits.request_units is not None and self._state.read and not charged:
            self._notes.append("neither store charges request units: their limit limits nothing")

    @property
    def _anew(self) -> str:
        """When documents start anew: as the run was planned, so always at the same time."""
        raw = is_raw(self._ends.source.database)
        return self._plan.created if raw or self._plan.request.drop_versions else ""

    def _check_refused(self, result: Result) -> None:
        most = self._plan.limits.quarantine
        if result.refused and self._state.refused > most:
            last = result.refused[-1]
            raise InvalidDocumentError(
                f"{self._state.refused:,} documents are in quarantine, and the run stops at more "
                f"than {most:,}. The last one is {last.id!r}, because: {last.message}. Find the "
                "cause; to set more aside, resume with a higher limit (--max-quarantine N)",
                id=last.id,
            )

    def _seal(self, archive: ChunkTarget) -> Verification:
        contents = archive.contents()
        if contents is not None and contents.began != self._plan.created:
            raise ConfigurationError(
                f"another backup was written to {archive.place} meanwhile: make a new one elsewhere"
            )
        if contents is None:  # else an earlier session was stopped while it read it again, or later
            blobs = None if self._ends.blobs is None else held_blobs(self._state.models.values())
            source = self._ends.source.database
            list_chunks(
                archive, self._plan, self._state.models, source, as_of=self._instant(), blobs=blobs
            )
        verification = seal(archive, self._plan, self._control)
        self._record("sealed", ok=verification.ok)
        return verification

    def _instant(self) -> str | None:
        """The moment of which all documents of the backup are, if there is one."""
        instant = self._ends.instant
        as_of, why_not = (None, "") if instant is None else (instant.at, instant.why_not)
        if self._state.sessions > 1:
            as_of, why_not = None, "the backup was resumed"
        if as_of is not None:
            self._notes.append(f"all documents are as they were at one instant, {as_of}")
        else:
            self._notes.append(
                f"not as of one instant ({why_not}): each document is as it was at some moment "
                "while the backup ran, and what was written meanwhile may be in it or not"
            )
        return as_of

    def _compare(self, mender: Callable[[str, str], Mender] | None = None) -> Verification:
        """Compare source and target; tell each difference to the mender of its models."""
        request = self._plan.request
        refused = {name: model.refused for name, model in self._state.models.items()}
        verifier = Verifier(
            self._ends,
            self._migration.coordinator,
            self._control,
            level=self._migration.level,
            envelope=not self._anew,
            keep=request.into == "merge",
            refused=refused,
            limits=self._plan.limits,
            transform=request.transform,
            mender=mender,
        )
        return verifier.verify([(model.source, model.target) for model in self._plan.models])

    def _verify(self) -> Verification:
        if self._plan.request.live:
            return self._verify_live()
        verification = self._compare()
        self._record(
            "verified",
            level=verification.level,
            ok=verification.ok,
            counts={model.source: model.target_count for model in verification.models},
        )
        self._note_extras(verification)
        return verification

    def _verify_live(self) -> Verification:
        source, target = self._ends.source.database, self._ends.target.database
        self._control.begin("verify", 2 * self._state.read)
        verification = verify_live(source, target, self._control.step)
        self._record("verified", level=verification.level, ok=verification.ok)
        if verification.ok:
            self._notes.append(
                f"both stores are kept equal now: interstore migrate cutover {self._plan.run}"
            )
        if self._ends.blobs is not None:
            self._notes.append(
                "the application still uses its own blob store: what it attaches from now on is "
                "brought over by catch-up and finish, if --from-blobs and --to-blobs are given"
            )
        return verification

    def _note_extras(self, verification: Verification) -> None:
        extra = sum(model.comparison.extra for model in verification.models if model.comparison)
        if extra and self._state.sessions > 1:
            self._notes.append(
                f"{extra:,} documents are in the target that the source no longer has: they were "
                "deleted there after an earlier session had copied them. "
                f"`interstore migrate resync {self._plan.run} --delete-extra` deletes them"
            )

    def _record(self, event: str, **values: Any) -> None:
        self._state.apply(self._journal.append(event, **values))

    def _report(
        self, status: Status, verification: Verification | None = None, error: str | None = None
    ) -> Report:
        models = [
            ModelReport(
                source=model.source,
                target=model.target,
                totals=self._state.models[model.source].totals,
                refused=self._state.models[model.source].refused,
            )
            for model in self._plan.models
        ]
        self._note_left_out(models)
        unbalanced = [model.source for model in models if not model.totals.balanced]
        if unbalanced:  # a defect of Interstore's own, which must not look like success
            status = "mismatch"
            self._notes.append(f"documents of {', '.join(unbalanced)} are not accounted for")
        return Report(
            run=self._plan.run,
            status=status,
            source=self._plan.source,
            target=self._plan.target,
            models=models,
            seconds=self._state.seconds + time.monotonic() - self._migration.started,
            copy_seconds=self._state.copy_seconds,
            sessions=self._state.sessions,
            blockers=self._blockers,
            warnings=self._migration.warnings,
            notes=self._notes,
            verification=verification,
            blobs=self._blob_report(),
            folder=str(self._folder),
            error=error,
        )

    def _note_left_out(self, models: Sequence[ModelReport]) -> None:
        """A filter that is wrong, or a function that forgets to return, looks like success."""
        for model in models:
            read = model.totals.read
            if read and model.totals.filtered == read:
                self._notes.append(
                    f"{model.source}: all {read:,} documents were left out, by the filter or the "
                    "function (which must return the document)"
                )

    def _blob_report(self) -> BlobReport | None:
        if self._ends.blobs is None:
            return None
        counts = [model.blobs for model in self._state.models.values()]
        return BlobReport.of([*counts, BlobCounts(problems=self._orphans)])

    def _finish(self, report: Report) -> None:
        write_atomically(self._folder / "report.json", report.to_json() + b"\n")
        write_atomically(self._folder / "report.md", report.to_markdown().encode())
        seconds = round(time.monotonic() - self._migration.started, 3)
        self._record("ended", exit_code=report.exit_code, seconds=seconds)


def _longest(model: ModelPlan) -> float:
    """How long a partition of it is, about: the longest are begun first."""
    return model.count / max(1, len(model.partitions))
