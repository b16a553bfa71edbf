"""What a run has done so far, derived from its journal by replaying it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from interstore.errors import ConfigurationError, CorruptionError, UnavailableError
from interstore.migration.blobs.counts import BlobCounts
from interstore.migration.chunks import Chunk
from interstore.migration.journal import write_atomically
from interstore.migration.live.phase import STEPS, MoveState
from interstore.migration.plan import Plan
from interstore.migration.refusals import Refused
from interstore.migration.slice import Result
from interstore.names import new_id

__all__ = ["DEFAULT_STATE", "RunState", "Totals", "load_plan", "new_run", "save_plan"]

DEFAULT_STATE: Final = Path(".interstore/migrations")


class Totals(msgspec.Struct, kw_only=True):
    """What became of a model's documents, always balanced (see `balanced`), and their size.

    `request_units` is what the stores charged for the copy, where they charge request units.
    """

    read: int = 0
    written: int = 0
    unchanged: int = 0
    filtered: int = 0
    quarantined: int = 0
    bytes: int = 0
    request_units: float = 0.0

    @property
    def balanced(self) -> bool:
        """Whether every document that was read is accounted for."""
        return self.read == self.written + self.unchanged + self.filtered + self.quarantined

    def add(self, result: Result) -> None:
        """Count what a slice did."""
        self.read += result.read
        self.written += result.written
        self.unchanged += result.unchanged
        self.filtered += result.filtered
        self.quarantined += len(result.refused)
        self.bytes += result.bytes
        self.request_units += result.request_units

    def retried(self, count: int, result: Result) -> None:
        """Count what became of so many documents that were in quarantine before.

        Those that the source does not have any more do not count as read.
        """
        self.read -= count
        self.quarantined -= count
        self.add(result)


class PartitionState(msgspec.Struct):
    """How far a partition was copied: the token to go on after, and whether it is done."""

    after: Any = None
    done: bool = False


class ModelState:
    """How far a model is."""

    def __init__(self, partitions: int) -> None:
        self.totals = Totals()
        self.partitions = [PartitionState() for _ in range(partitions)]
        self.cleared = False
        self.refused: list[Refused] = []
        self.chunks: list[Chunk] = []
        self.blobs = BlobCounts()


class RunState:
    """How far a run is.

    Attributes:
        models: each model's state, by its name in the source.
        seconds: how long the sessions before this one were at work; of one that was killed,
            how long it copied.
        sessions: how often it was started or resumed.
        exit_code: how its last session ended; ``None`` if that was killed or still runs.
        move: of a run beside an application that writes, how far it is since the copy.
    """

    def __init__(self, plan: Plan) -> None:
        self.models = {model.source: ModelState(len(model.partitions)) for model in plan.models}
        self.seconds = 0.0
        self.sessions = 0
        self.exit_code: int | None = None
        self.move = MoveState()
        self._copied_before = self._copied = 0.0

    @classmethod
    def of(cls, plan: Plan, entries: Iterable[dict[str, Any]]) -> RunState:
        """The state after these entries."""
        state = cls(plan)
        for entry in entries:
            state.apply(entry)
        return state

    def apply(self, entry: dict[str, Any]) -> None:
        """Go on by one entry."""
        match entry["event"]:
            case "begun":
                if self.sessions and self.exit_code is None:  # the one before was killed
                    self.seconds += self._copied
                self.sessions += 1
                self._copied_before += self._copied
                self._copied, self.exit_code = 0.0, None
            case "cleared":
                self.models[entry["model"]].cleared = True
            case "slice":
                self._slice(entry)
                self._copied = entry["seconds"]
            case "ended":
                self.exit_code = entry["exit_code"]
                self.seconds += entry["seconds"]
            case "retried":
                self._retried(entry)
            case "blobs":
                ids = entry["ids"]
                self.models[entry["model"]].blobs.mended(
                    None if ids is None else set(ids), msgspec.convert(entry["counts"], BlobCounts)
                )
            case "verified":
                self.move.verified(entry["ok"])
            case step if step in STEPS:
                self.move.apply(entry)
            case _:  # what later versions add
                pass

    def _slice(self, entry: dict[str, Any]) -> None:
        model = self.models[entry["model"]]
        result = msgspec.convert(entry["result"], Result)
        partition = model.partitions[entry["partition"]]
        partition.after, partition.done = result.after, result.done
        model.totals.add(result)
        model.refused.extend(result.refused)
        if result.chunk is not None:
            model.chunks.append(result.chunk)
        if result.blobs is not None:
            model.blobs.add(result.blobs)

    def _retried(self, entry: dict[str, Any]) -> None:
        model, ids = self.models[entry["model"]], set(entry["ids"])
        result = msgspec.convert(entry["result"], Result)
        model.refused = [item for item in model.refused if item.id not in ids] + result.refused
        model.totals.retried(len(ids), result)
        if result.blobs is not None:
            model.blobs.forget(ids)
            model.blobs.add(result.blobs)

    @property
    def copy_seconds(self) -> float:
        """How long the run was copying, in all its sessions."""
        return self._copied_before + self._copied

    @property
    def read(self) -> int:
        """Documents read, in all models."""
        return sum(model.totals.read for model in self.models.values())

    @property
    def refused(self) -> int:
        """Documents that the target did not take, in all models."""
        return sum(model.totals.quarantined for model in self.models.values())

    @property
    def copied(self) -> bool:
        """Whether every partition was copied to its end."""
        return all(
            partition.done for model in self.models.values() for partition in model.partitions
        )


def new_run() -> str:
    """A name for a new run; later names sort later."""
    text = new_id()
    return f"{text[:8]}{text[9:13]}-{text[-6:]}"


def save_plan(folder: Path, plan: Plan) -> None:
    """Write the plan of a run, whose folder is made if it is new.

    Raises:
        UnavailableError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"cannot make {folder}: {error.strerror}") from error
    text = msgspec.json.format(msgspec.json.encode(plan), indent=2)
    write_atomically(folder / "plan.json", text + b"\n")


def load_plan(state: Path, run: str) -> Plan:
    """The plan of a run.

    Raises:
        ConfigurationError: there is no such run.
        CorruptionError: the plan cannot be read.
    """
    path = state / run / "plan.json"
    if "/" in run or run in {"", ".", ".."} or not path.is_file():
        known = sorted(found.parent.name for found in state.glob("*/plan.json"))
        raise ConfigurationError(
            f"there is no run {run!r} in {state}; "
            + (f"there are {', '.join(known[-5:])}" if known else "there are none")
        )
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except msgspec.MsgspecError as error:
        raise CorruptionError(f"{path} is damaged: {error}", file=str(path)) from None
