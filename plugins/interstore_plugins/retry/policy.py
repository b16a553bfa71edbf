"""What may be repeated after which failure: data and arithmetic, nothing that waits.

`UnavailableError` says that nothing was applied, `OperationTimeoutError` that a write may have
been. So single writes are repeated after the first. After the second, what only reads is, and
what has the same effect again; of other writes the document itself tells: it holds the time
that the write gave it, to the microsecond.
"""

from __future__ import annotations

from random import uniform
from typing import Any, Final, Literal, TypeAlias

from interstore.changes import Changes
from interstore.document import Document
from interstore.errors import (
    ConflictError,
    DuplicateError,
    InterstoreError,
    NotFoundError,
    OperationTimeoutError,
    UnavailableError,
)
from interstore.prepared import Write

__all__ = [
    "BULK", "FAILURES", "REFUSALS", "Step", "after_looking", "first_step", "id_of", "is_ours",
    "pause", "was_created",
]  # fmt: skip

FAILURES: Final = (UnavailableError, OperationTimeoutError)
"""The failures that may be for a moment."""

REFUSALS: Final = (ConflictError, DuplicateError, NotFoundError)
"""How a write is refused that has been applied before."""

REPEATABLE: Final = frozenset({
    "find_by_id", "find", "find_by_ids", "count", "exists", "aggregate", "distinct", "scan",
    "partitions", "ping", "models", "stats", "explain", "indexes", "start_watch", "read_changes",
    "end_watch", "enable_watch", "ensure_index", "write_page", "connect", "transaction",
})  # fmt: skip
"""What reads, or has the same effect if it is done twice. Of a transaction, its beginning."""

SINGLE: Final = frozenset({"create", "update", "put", "delete"})
"""Writes of one document, which tells afterwards what became of them."""

WHOLE: Final = frozenset({
    "find_one_and_update", "find_one_and_delete", "drop", "drop_index", "disable_watch",
})  # fmt: skip
"""Writes that are applied as a whole or not at all: repeated if they were not."""

BULK: Final = frozenset({"create_many", "put_many"})
"""Writes of many documents, each of which tells what became of it.

`update_many`, `delete_many` and `sweep` are left to the caller, whatever the failure: an engine
may have done a part of them, and nothing tells which.
"""

Step: TypeAlias = Literal["repeat", "look", "give up"]
"""Do it again; look what became of it first; or leave it to the caller."""


def first_step(operation: str, error: InterstoreError) -> Step:
    """What to do after a failure of `FAILURES`."""
    is_unsure = isinstance(error, OperationTimeoutError)
    if operation in REPEATABLE:
        return "repeat"
    if operation == "create_many" or (operation in SINGLE and is_unsure):
        return "look"
    if is_unsure:
        return "give up"
    # A part of many may have been applied although the last part was not.
    return "look" if operation in BULK else "repeat" if operation in SINGLE | WHOLE else "give up"


def after_looking(
    operation: str, found: Document | None, args: tuple[Any, ...], if_version: int | None
) -> Document | Step:
    """What became of a write of one document that may have been applied.

    Args:
        operation: one of `SINGLE`.
        found: the document, as it is now.
        args: of the operation.
        if_version: the version that the caller demanded.

    Returns:
        The document if the write was applied; ``"repeat"`` if a second time is refused should
        the first be applied after all; else ``"give up"``.
    """
    if operation == "create":
        return args[1].document() if was_created(found, args[1]) else "repeat"
    if operation != "delete" and found is not None and is_ours(found, args[-1]):
        return found
    is_guarded = found is not None and found.version == if_version
    return "repeat" if is_guarded else "give up"


def was_created(found: Document | None, write: Write) -> bool:
    """Whether a document was made by this very write, whatever others have made of it since."""
    return found is not None and found.created == write.created


def is_ours(found: Document | None, written: Write | Changes) -> bool:
    """Whether a document is what this very write has made of it."""
    if found is None or found.updated != written.updated:
        return False
    fields = written.fields if isinstance(written, Write) else written.replacement
    return fields is None or found.fields() == fields


def id_of(args: tuple[Any, ...]) -> str:
    """The document that an operation of `SINGLE` writes."""
    about = args[1]
    return about.id if isinstance(about, Write) else str(about)


def pause(attempt: int, first: float, longest: float) -> float:
    """Seconds to wait after the attempt of that number, the first being 1.

    At random, so that those who failed together do not come back together.
    """
    return uniform(0, min(longest, first * 2.0 ** min(attempt - 1, 60)))  # noqa: S311 (no secret)
