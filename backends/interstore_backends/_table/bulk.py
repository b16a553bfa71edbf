"""Bulk writes: what to commit, and what became of each document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from interstore.bulk import BulkResult, Outcome, WriteOutcome
from interstore.changes import Changes
from interstore.errors import DuplicateError, InterstoreError, InvalidDocumentError
from interstore.filters.tree import Node
from interstore.prepared import Query, Write, WriteMode
from interstore.times import now
from interstore_backends._table.admission import Admission, admission_of
from interstore_backends._table.queries import matching
from interstore_backends._table.records import (
    Change,
    Head,
    change_of,
    decode_document,
    decode_head,
    removal_of,
)
from interstore_backends._table.table import Table

__all__ = ["Batch", "DeleteMany", "Judge", "UpdateMany", "judge_copy", "over"]

Judge: TypeAlias = Callable[[Table, Write], Change | WriteOutcome]
"""What to do with one document: a change, or its outcome if there is nothing to write."""


def over(write: Write, head: Head) -> Write:
    """`write` as the next version of the document with this envelope."""
    return Write(
        write.id,
        write.fields,
        version=head.v + 1,
        created=head.ct or head.at,
        updated=write.updated,
        expires=write.expires,
        json=write.json,
    )


def judge_copy(table: Table, write: Write, mode: WriteMode) -> Change | WriteOutcome:
    """What `write_page` does with one document."""
    record = table.records.get(write.id)
    if record is None:
        return change_of(write)
    if mode != "upsert" and (mode == "insert_if_absent" or write.version <= decode_head(record).v):
        return 0
    change = change_of(write)
    if record.endswith(change.body) and decode_head(record).ex == write.expires:
        return write.version  # a page written again costs nothing
    return change


class Batch:
    """The documents of one bulk write. The ids are distinct."""

    def __init__(self, model: str, writes: Sequence[Write], judge: Judge) -> None:
        self._model = model
        self._writes = writes
        self._judge = judge
        self._judged: list[Change | WriteOutcome] = []

    def decide(self, table: Table) -> Sequence[Change]:
        """The changes to commit."""
        admission = admission_of(table)
        self._judged = [self._judge_one(table, write, admission) for write in self._writes]
        return [each for each in self._judged if isinstance(each, Change)]

    def _judge_one(
        self, table: Table, write: Write, admission: Admission | None
    ) -> Change | WriteOutcome:
        try:
            judged = self._judge(table, write)
            if admission is not None and isinstance(judged, Change):
                admission.admit(self._model, write)
        except (InvalidDocumentError, DuplicateError) as error:
            return error
        return judged

    def outcomes(
        self, applied: int, error: InterstoreError | None, backend: str
    ) -> list[WriteOutcome]:
        """The outcome of each document, in order."""
        result: list[WriteOutcome] = []
        for each in self._judged:
            if isinstance(each, Change):
                outcome: WriteOutcome = each.version if applied > 0 or error is None else error
                applied -= 1
            else:
                outcome = each
                if isinstance(each, InterstoreError):
                    each.backend = backend
            result.append(outcome)
        return result


class UpdateMany:
    """The same changes to every document that matches."""

    def __init__(self, model: str, tree: Node, changes: Changes) -> None:
        self._model = model
        self._tree = tree
        self._changes = changes
        self._staged: list[Change] = []
        self._refused: list[Outcome] = []

    def decide(self, table: Table) -> Sequence[Change]:
        """The changes to commit."""
        admission = admission_of(table)
        for record in matching(table, Query(self._tree)):
            current = decode_document(record)
            try:
                write = self._changes.apply(self._model, current.id, current)
                change = change_of(write)
                if admission is not None:
                    admission.admit(self._model, write)
                self._staged.append(change)
            except (InvalidDocumentError, DuplicateError) as error:
                self._refused.append(Outcome(current.id, "failed", error=error))
        return () if self._changes.is_empty else self._staged

    def result(self, applied: int, error: InterstoreError | None, backend: str) -> BulkResult:
        """What the call did."""
        if error is None:
            applied = len(self._staged)
        failed = [Outcome(each.id, "failed", error=error) for each in self._staged[applied:]]
        for outcome in self._refused:
            if outcome.error is not None:
                outcome.error.backend = backend
        outcomes = self._refused + failed
        return BulkResult(outcomes, updated=applied, failed=len(outcomes))


class DeleteMany:
    """The removal of every document that matches."""

    def __init__(self, tree: Node) -> None:
        self._tree = tree
        self._staged: Sequence[Change] = ()

    def decide(self, table: Table) -> Sequence[Change]:
        """The changes to commit."""
        at = now()
        heads = map(decode_head, matching(table, Query(self._tree)))
        self._staged = [removal_of(head.id, head.v, at) for head in heads]
        return self._staged

    def result(self, applied: int, error: InterstoreError | None, backend: str) -> BulkResult:
        """What the call did."""
        failed = [Outcome(each.id, "failed", error=error) for each in self._staged[applied:]]
        return BulkResult(failed, deleted=applied, failed=len(failed))
