"""What a step of a move did, for people and for programs."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from interstore.migration.blobs.counts import BlobReport
from interstore.migration.report import EXIT_CODES, Blocker, Status, Verification

__all__ = ["Step", "StepReport"]

Step: TypeAlias = Literal["catch-up", "cutover", "rollback", "finish"]


class StepReport(msgspec.Struct, kw_only=True):
    """What became of one step.

    Attributes:
        run: the run.
        step: what was asked for.
        status: ``"done"``; ``"mismatch"``: the stores differ; ``"stopped"``: do it again later;
            ``"blocked"``: something forbids it. In all cases but the first, the application
            reads from the store that it read from before.
        primary: the store that the application reads from now, without secrets.
        seconds: how long it took.
        held: seconds of that for which writes waited.
        pending: writes that have not reached the other store.
        equal: whether the stores were found to hold the same, or were made to; ``None`` if nobody
            looked.
        blobs: what became of the blobs, where they were looked at.
        verification: of the other store against the primary, where it was made.
        blockers: what forbids it.
        notes: what else is to be known, a sentence each.
        setting: the line of configuration that names the store that remains, once it is finished.
        error: why it stopped.
    """

    run: str
    step: Step
    status: Status = "done"
    primary: str = ""
    seconds: float = 0.0
    held: float = 0.0
    pending: int = 0
    equal: bool | None = None
    blobs: BlobReport | None = None
    verification: Verification | None = None
    blockers: list[Blocker] = []
    notes: list[str] = []
    setting: str | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """Of the command line."""
        return EXIT_CODES[self.status]

    def block(self, code: str, message: str) -> None:
        """Something forbids it."""
        self.status = "blocked"
        self.blockers.append(Blocker(code=code, message=message))

    def stop(self, message: str) -> None:
        """It cannot be done now."""
        self.status, self.error = "stopped", message

    def to_json(self) -> bytes:
        """The report as JSON."""
        plain = {"ok": self.ok, "exit_code": self.exit_code, **msgspec.to_builtins(self)}
        return msgspec.json.format(msgspec.json.encode(plain), indent=2)
