"""Plans a run, or finds the one to go on with, and begins it under the lock of its target."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from interstore._version import __version__
from interstore.errors import ConfigurationError, InterstoreError
from interstore.migration.archives import blobs_left, check_archives
from interstore.migration.chunks import Backup, archive_of
from interstore.migration.coordinator import Coordinator
from interstore.migration.ends import Ends
from interstore.migration.findings import check_codes
from interstore.migration.increments import plan_backup
from interstore.migration.journal import Journal
from interstore.migration.locks import target_lock
from interstore.migration.plan import Level, Limits, Plan, Request
from interstore.migration.preflight import check_target, check_views, list_models, plan_models
from interstore.migration.progress import Control, Stopped
from interstore.migration.report import Blocker, Report, Status
from interstore.migration.runs import load_run
from interstore.migration.session import Ended, Session
from interstore.migration.state import load_plan, new_run, save_plan
from interstore.times import now

__all__ = ["Migration", "OpenSession"]

OpenSession: TypeAlias = "Callable[[Migration, Plan, Path, Journal], Session]"
"""How a session is begun."""


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
        with self.control.paced(plan.limits), self._alone(plan) as busy:
            return busy or self._journaled(plan, new=False)

    def _begin(self, request: Request, limits: Limits, plan_only: bool) -> Ended:
        """Plan and check; then run, unless something forbids it or a plan was all."""
        check_codes(request.set_aside)
        plan = self._empty(request, limits)
        if plan_only:
            return self._planned(plan, dry=True)
        with self._alone(plan) as busy:  # what is found out about the target stays so
            return busy or self._planned(plan, dry=False)

    def _empty(self, request: Request, limits: Limits) -> Plan:
        return Plan(
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

    def _planned(self, plan: Plan, *, dry: bool) -> Ended:
        request, source, target = plan.request, self.ends.source, self.ends.target
        try:
            if damage := check_archives(self.ends, request, self.control):
                return self._unbegun(plan, "blocked", damage), None
            self.notes += blobs_left(self.ends)
            pairs = list_models(source, request)
            if hidden := check_views(source, [name for name, _ in pairs], request):
                return self._unbegun(plan, "blocked", hidden), None
            backup, obstacles = plan_backup(
                self.ends, request, pairs, dry=dry, on_change=self.control.step
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
        if any(blocker.code == "not-empty" for blocker in blockers):
            self.notes += self._resumable(plan)
        if not pairs:
            blockers.append(_empty_source(plan))
        if blockers or dry:
            return self._unbegun(plan, "blocked" if blockers else "planned", blockers), None
        return self._journaled(plan, new=True)

    def _resumable(self, plan: Plan) -> list[str]:
        """What to do instead, if an earlier run between these stores did not come to its end."""
        for path in sorted(self.state.glob("*/plan.json"), reverse=True):
            try:
                run = load_run(self.state, path.parent.name)
            except InterstoreError:  # a damaged one must not hide what is to be told here
                continue
            same = run.plan.target.identity == plan.target.identity
            if same and run.plan.source.identity == plan.source.identity and run.resumable:
                name, how = run.plan.run, run.status
                return [
                    f"run {name} between these stores is {how}: interstore migrate resume {name}"
                ]
        return []

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
            notes=[f"to be copied: {', '.join(counts)}"] * bool(counts) + self.notes,
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
        with self.control.paced(plan.limits), self._alone(plan) as busy:
            return busy or self._journaled(plan, new=False, session=session)

    def _check_same(self, plan: Plan, request: Request) -> None:
        source, target = (end.place for end in self.ends.both)
        if differences := plan.differences(source, target, request, self.ends.blobs_shown):
            raise ConfigurationError(
                f"run {plan.run} cannot be resumed with other arguments: {'; '.join(differences)}"
            )

    @contextmanager
    def _alone(self, plan: Plan) -> Generator[Ended | None]:
        """Within it, no other run writes to the same target; if one does, what to say of that."""
        lock = target_lock(plan.target.identity)
        if not lock.acquire():
            busy = Blocker(
                code="busy",
                message=f"another migration to {plan.target.shown} is under way "
                f"({lock.holder()}): wait until it has ended",
            )
            yield self._unbegun(plan, "blocked", [busy]), None
            return
        try:
            yield None
        finally:
            lock.release()

    def _journaled(self, plan: Plan, *, new: bool, session: OpenSession | None = None) -> Ended:
        """Run, with a journal of what is done."""
        folder = self.state / plan.run
        if new:
            save_plan(folder, plan)
        with Journal(folder / "journal.jsonl") as journal, self.control.heeding(folder):
            return (session or Session)(self, plan, folder, journal).run()


def _empty_source(plan: Plan) -> Blocker:
    # A mistyped path is a new, empty store to most engines: "done" would be the wrong answer.
    return Blocker(
        code="empty-source",
        message=f"the source {plan.source.shown} has no models, so there is nothing to copy: see "
        "that it is the right place",
    )
