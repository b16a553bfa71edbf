"""What became of each document of a bulk call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

from interstore.errors import DuplicateError, InterstoreError

__all__ = ["BulkResult", "Outcome", "WriteOutcome"]

WriteOutcome: TypeAlias = int | InterstoreError
"""What an engine reports for one document of a bulk write: its version now, or the error.
From `write_page` also 0: the stored document was left as it was."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of one document.

    Attributes:
        id: the document's id; empty where the document was refused before it had one.
        status: what happened.
        version: the document's version after the call; 0 where it was not written.
        error: why it was not written.
    """

    id: str
    status: Literal["created", "replaced", "duplicate", "failed"]
    version: int = 0
    error: InterstoreError | None = None

    @classmethod
    def of(cls, id: str, outcome: WriteOutcome) -> Outcome:
        """What the engine reported, as the caller sees it."""
        if isinstance(outcome, int):  # almost always
            return cls(id, "created" if outcome == 1 else "replaced", outcome)
        if isinstance(outcome, DuplicateError):
            return cls(id, "duplicate", error=outcome)
        return cls(id, "failed", error=outcome)


@dataclass(slots=True)
class BulkResult:
    """What a bulk call did.

    Attributes:
        outcomes: for `create_many` and `put_many` one for each document, in the caller's
            order; for `update_many` and `delete_many` only the documents that failed.
        created: documents that did not exist before.
        replaced: documents that `put_many` wrote over an older version.
        updated: documents that `update_many` changed.
        deleted: documents that `delete_many` removed.
        duplicates: documents that `create_many` found to exist already.
        failed: documents that were refused or could not be written.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    created: int = 0
    replaced: int = 0
    updated: int = 0
    deleted: int = 0
    duplicates: int = 0
    failed: int = 0

    @property
    def ok(self) -> bool:
        """Whether every document was written."""
        return not (self.duplicates or self.failed)

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> BulkResult:
        """The result whose counts follow from one outcome for each document."""
        result = cls(list(outcomes))
        for outcome in outcomes:
            match outcome.status:
                case "created":
                    result.created += 1
                case "replaced":
                    result.replaced += 1
                case "duplicate":
                    result.duplicates += 1
                case "failed":
                    result.failed += 1
        return result
