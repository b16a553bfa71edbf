"""A run, from the plan to the report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from interstore._version import __version__
from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    InvalidDocumentError,
)
from interstore.filters.tree import ALL
from interstore.migration.archives import check_archives, held_blobs, seal
from interstore.migration.blobs.counts import BlobCounts, BlobProblem, BlobReport
from interstore.migration.blobs.verifying import find_orphans
from interstore.migration.chunks import Backup, ChunkTarget, archive_of
from interstore.migration.compare import Mender
from interstore.migration.coordinator import Coordinator
from interstore.migration.ends import Ends
from interstore.migration.findings import check_codes
from interstore.migration.increments import plan_backup
from interstore.migration.indexes import copy_indexes
from interstore.migration.journal import Journal, write_atomically
from interstore.migration.live.beginning import begin
from interstore.migration.live.move import move_of
from interstore.migration.live.verifying import verify_live
from interstore.migration.locks import target_lock
from interstore.migration.plan import Level, Limits, ModelPlan, Plan, Request
from interstore.migration.preflight import (
    check_target,
    check_views,
    list_models,
    plan_models,
)
from interstore.migration.progress import Control, Stopped
from interstore.migration.quarantine import Quarantine
from interstore.migration.raw import is_raw
from interstore.migration.report import Blocker, ModelReport, Report, Status, Verification
from interstore.migration.slice import Order, Result
from interstore.migration.state import MAX_REFUSED, RunState, load_plan, new_run, save_plan
from interstore.migration.verification import Verifier
from interstore.times import now

__all__ = ["Ended", "Migration", "Session"]

OpenSession: TypeAlias = "Callable[[Migration, Plan, Path, Journal], Session]"
"""How a session is begun."""

Ended: TypeAlias = tuple[Report, InterstoreError | None]
"""The report, and the error that stopped the run, if one did."""


class Migration:
    """Plans a run or finds the one to resume, and runs it.

    Args:
        ends: the stores.
        state: the folder of runs.
        coordinator: runs the slices.
        level: how thoroughly to verify.
        control: what the caller hears, and how it stops the run.
        executor: the name of what runs the slices, for the plan.
    """

    def __init__(
        self,
        *,
        ends: Ends,
        state: Path,
        coordinator: Coordinator,
        level: Level,
        control: Control,
        executor: str,
    ) -> None:
        self.ends = ends
        self.state = state
        self.coordinator = coordinator
        self.level: Level = level
        self.control = control
        self.executor = executor
        self.started = time.monotonic()
        self.notes: list[str] = []
        self.warnings: list[Blocker] = []

    def run(
        self, request: Request, limits: Limits | None, *, resume: str | None, plan_only: bool
    ) -> Ended:
        """See `migrate`. Without limits, a resumed run keeps its own."""
        source, target = (end.place for end in self.ends.both)
        if source.identity == target.identity and not request.foreign:
            raise ConfigurationError(f"source and target are the same place: {source.shown}")
        if resume is None:
            limits = limits or Limits()
            with self.control.paced(limits):
                return self._begin(request, limits, plan_only)
        plan = load_plan(self.state, resume)
        self._check_same(plan, request)
        plan = self._with_backup(replace(plan, limits=limits or plan.limits), plan.backup)
        with self.control.paced(plan.limits):
            return self._locked(plan, new=False)

    def _begin(self, request: Request, limits: Limits, plan_only: bool) -> Ended:
        """Plan and check; then run, unless something forbids it or a plan was all."""
        check_codes(request.set_aside)
        source, target = self.ends.source, self.ends.target
        plan = Plan(
            run=new_run(),
            created=now(),
            interstore=__version__,
            source=self.ends.both[0].place,
            target=self.ends.both[1].place,
            request=request,
            models=[],
            limits=limits,
            blobs=dict(self.ends.blobs_shown),
            executor=self.executor,
            level=self.level,
        )
        if damage := check_archives(self.ends, request):
            return self._unbegun(plan, "blocked", damage), None
        pairs = list_models(source, request)
        if hidden := check_views(source, [name for name, _ in pairs], request):
            return self._unbegun(plan, "blocked", hidden), None
        try:
            backup, obstacles = plan_backup(
                self.ends, request, pairs, dry=plan_only, on_change=self.control.step
            )
            if obstacles:
                return self._unbegun(plan, "blocked", obstacles), None
            plan = self._with_backup(plan, backup)
            plan = replace(plan, models=plan_models(source, pairs, self.coordinator.workers))
            checked = check_target(source, target, plan.models, request, self.control)
        except Stopped:
            return self._unbegun(plan, "stopped", []), None
        self.notes += checked.notes
        self.warnings = checked.warnings
        blockers = checked.blockers
        if not pairs:
            blockers.append(_empty_source(plan))
        if blockers or plan_only:
            return self._unbegun(plan, "blocked" if blockers else "planned", blockers), None
        return self._locked(plan, new=True)

    def _with_backup(self, plan: Plan, backup: Backup | None) -> Plan:
        """The plan of a backup; of an incremental one, from now on the source is what changed."""
        archive = archive_of(self.ends.target.database)
        if backup is not None and backup.base is not None:
            if archive is None or self.ends.increment is None:
                raise ConfigurationError("an incremental backup is made by threads of one process")
            archive.stand_on(backup.base)
            self.ends.increment.changed = backup.changed
        return replace(plan, backup=backup)

    def _unbegun(self, plan: Plan, status: Status, blockers: list[Blocker]) -> Report:
        counts = [f"{model.source} ({model.count:,} documents)" for model in plan.models]
        return Report(
            run="",
            status=status,
            source=plan.source,
            target=plan.target,
            seconds=time.monotonic() - self.started,
            sessions=0,
            blockers=blockers,
            warnings=self.warnings,
            notes=[f"to be copied: {', '.join(counts) or 'no models'}", *self.notes],
        )

    def mend(self, run: str, request: Request, session: OpenSession) -> Ended:
        """Go on with a run in another way than by copying on.

        Args:
            run: its name.
            request: what it was asked for. The source text of a transform's function may differ,
                and files of others: to mend them may be how a document comes out of quarantine.
            session: what is done.
        """
        plan = load_plan(self.state, run)
        planned, asked = plan.request.transform, request.transform
        if planned is not None and asked is not None:
            planned = replace(planned, digest=asked.digest)
        plan = replace(
            plan,
            request=replace(plan.request, transform=planned),
            source=replace(plan.source, state=self.ends.both[0].place.state),
        )
        self._check_same(plan, request)
        with self.control.paced(plan.limits):
            return self._locked(plan, new=False, session=session)

    def _check_same(self, plan: Plan, request: Request) -> None:
        source, target = (end.place for end in self.ends.both)
        if differences := plan.differences(source, target, request, self.ends.blobs_shown):
            raise ConfigurationError(
                f"run {plan.run} cannot be resumed with other arguments: {'; '.join(differences)}"
            )

    def _locked(self, plan: Plan, *, new: bool, session: OpenSession | None = None) -> Ended:
        """Run, if no other run writes to the same target at this time."""
        session = session or Session
        lock = target_lock(plan.target.identity)
        if not lock.acquire():
            busy = Blocker(
                code="busy",
                message=f"another migration to {plan.target.shown} is under way "
                f"({lock.holder()}): wait until it has ended",
            )
            return self._unbegun(plan, "blocked", [busy]), None
        try:
            folder = self.state / plan.run
            if new:
                save_plan(folder, plan)
            with Journal(folder / "journal.jsonl") as journal, self.control.heeding(folder):
                return session(self, plan, folder, journal).run()
        finally:
            lock.release()


def _longest(model: ModelPlan) -> float:
    """How long a partition of it is, about: the longest are begun first."""
    return model.count / max(1, len(model.partitions))


def _empty_source(plan: Plan) -> Blocker:
    # A mistyped path is a new, empty store to most engines: "done" would be the wrong answer.
    return Blocker(
        code="empty-source",
        message=f"the source {plan.source.shown} has no models, so there is nothing to copy: see "
        "that it is the right place",
    )


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
        if result.refused and self._state.refused > MAX_REFUSED:
            last = result.refused[-1]
            raise InvalidDocumentError(
                f"the target has refused {self._state.refused:,} documents, the last one because: "
                f"{last.message}. Find the cause, and start a new run",
                id=last.id,
            )

    def _seal(self, archive: ChunkTarget) -> Verification:
        as_of = self._instant()
        source = self._ends.source.database
        blobs = None if self._ends.blobs is None else held_blobs(self._state.models.values())
        verification = seal(
            archive, self._plan, self._state.models, source, as_of=as_of, blobs=blobs
        )
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
