"""What is done with a run that came to an end, but not to a good one: retry, and resync."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from interstore.errors import ConfigurationError, UnsupportedError
from interstore.migration.blobs.verifying import blob_orders, find_orphans, look_at_blobs
from interstore.migration.chunks import archive_of
from interstore.migration.compare import Mender
from interstore.migration.journal import Journal
from interstore.migration.plan import ModelPlan, Plan
from interstore.migration.planning import Migration
from interstore.migration.progress import Stopped
from interstore.migration.report import Report
from interstore.migration.rewriting import Rewriting
from interstore.migration.session import Ended, Session
from interstore.migration.slice import Order, Result
from interstore.migration.state import save_plan

__all__ = ["Resync", "Retry", "Verify"]


class _Mending(Session):
    """A session of a run that has copied all of its source."""

    def run(self) -> Ended:
        """See `Session.run`.

        Raises:
            ConfigurationError, UnsupportedError: the run is not one for this; it stays as it is.
        """
        if not self._state.copied:
            raise ConfigurationError(
                f"run {self._plan.run} has not come to its end: resume it first "
                f"(interstore migrate resume {self._plan.run})"
            )
        if self._plan.request.live:
            raise UnsupportedError(
                f"run {self._plan.run} moves while an application goes on: cutover verifies it"
            )
        if archive_of(self._ends.target.database) is not None:
            raise UnsupportedError("an archive does not change: make a new backup")
        return super().run()

    def work(self) -> Report:
        """See `Session.work`."""
        self._mend()
        self._orphans = find_orphans(self._ends, self._plan.request.models)
        save_plan(self._folder, self._plan)  # what was mended in a transform or a file counts now
        return self._ended(self._verify())

    def _mend(self) -> None:
        raise NotImplementedError

    def _mend_blobs(self, looked_at: Mapping[str, list[str] | None], *, over: bool) -> None:
        """Write the blobs that are missing in the target, or different there.

        Args:
            looked_at: by model, the documents whose blobs are meant; ``None`` for all of them.
            over: whether another content under a blob's key is written over in any case.
        """
        orders: list[tuple[str, Order]] = []
        for model in self._plan.models:
            order = self._order(model)
            if order.blobs is None or model.source not in looked_at:
                continue
            blobs = replace(order.blobs, mend=True, replace=over or order.blobs.replace)
            skip = sorted(item.id for item in self._state.models[model.source].refused)
            order = replace(order, kind="blobs", blobs=blobs, skip=skip)
            if (ids := looked_at[model.source]) is not None:
                orders.append((model.source, replace(order, only=ids)))
            else:
                shares = self._migration.coordinator.workers
                orders += blob_orders(order, self._ends.source.database, shares)
        for name, counts in look_at_blobs(orders, self._migration.coordinator).items():
            plain = msgspec.to_builtins(counts)
            self._record("blobs", model=name, ids=looked_at[name], counts=plain)
            if counts.copied:
                self._notes.append(f"{name}: {counts.copied:,} blobs were written again")


class Verify(_Mending):
    """Changes nothing: verifies, and writes the report anew."""

    def _mend(self) -> None:
        """Nothing."""


class Retry(_Mending):
    """Writes what is in quarantine, as the source has it now, and blobs that were not copied."""

    def _mend(self) -> None:
        orders: list[tuple[str, Order]] = []
        for model in self._plan.models:
            ids = [item.id for item in self._state.models[model.source].refused]
            if ids:
                orders.append((model.source, replace(self._order(model), only=ids)))
        only = {model: order.only for model, order in orders}
        self._control.begin("copy", sum(map(len, only.values())))

        def collect(model: str, result: Result) -> None:
            end = len(only[model]) if result.done else result.after
            ids, only[model] = only[model][:end], only[model][end:]
            self._retried(model, ids, result)

        if not self._migration.coordinator.run(orders, collect):
            raise Stopped
        self._mend_blobs(self._lacking_blobs(), over=False)

    def _lacking_blobs(self) -> dict[str, list[str] | None]:
        """By model, the documents in whose blobs something was wrong, as the source calls them."""
        transform = self._plan.request.transform
        known = transform is None or transform.keeps_ids
        found: dict[str, list[str] | None] = {}
        for model in self._plan.models:
            ids = {item.id for item in self._state.models[model.source].blobs.problems}
            if ids:
                found[model.source] = sorted(ids) if known else None
        return found

    def _retried(self, model: str, ids: list[str], result: Result) -> None:
        self._quarantine.add(model, result.refused)
        result.refused = [replace(item, document=None) for item in result.refused]
        self._record("retried", model=model, ids=ids, result=msgspec.to_builtins(result))
        self._quarantine.keep(model, {item.id for item in self._state.models[model].refused})
        parts = {
            "written": result.written + result.unchanged,
            "left out by the transform": result.filtered,
            "no longer in the source": len(ids) - result.read,
            "refused again": len(result.refused),
        }
        told = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)
        self._notes.append(f"of {len(ids):,} documents of {model} in quarantine: {told}")


class Resync(_Mending):
    """Writes what the verification finds missing or different; likewise blobs.

    Args:
        delete_extra: delete what the target alone has.
    """

    def __init__(
        self,
        migration: Migration,
        plan: Plan,
        folder: Path,
        journal: Journal,
        *,
        delete_extra: bool = False,
    ) -> None:
        super().__init__(migration, plan, folder, journal)
        self._delete_extra = delete_extra

    def _mend(self) -> None:
        if self._delete_extra and self._plan.request.into == "merge":
            raise ConfigurationError(
                "the run keeps what the target alone has (into merge): nothing of it is deleted"
            )
        orders = {model.source: self._overwriting(model) for model in self._plan.models}
        made: list[Rewriting] = []

        def mender(source: str, _: str) -> Mender:
            made.append(
                Rewriting(
                    orders[source],
                    self._ends.target.database,
                    self._migration.coordinator,
                    delete_extra=self._delete_extra,
                )
            )
            return made[-1]

        self._compare(mender)
        for each in made:
            changes = each.done
            self._record("resynced", **_plain(changes))
            self._notes.append(changes.sentence)
        self._mend_blobs({model.source: None for model in self._plan.models}, over=True)

    def _overwriting(self, model: ModelPlan) -> Order:
        """To write documents of a model, and their blobs whatever stands under their keys."""
        order = self._order(model)
        if order.blobs is None:
            return order
        return replace(order, blobs=replace(order.blobs, replace=True))


def _plain(changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(changes)
    return plain
