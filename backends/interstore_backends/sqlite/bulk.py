"""Bulk writes, each within a transaction that the caller has begun.

A batch is first written as a whole. If an index refuses one of its documents, SQLite does not
say which: the caller rolls back and does it again with an `explain`, document by document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from interstore.bulk import BulkResult, Outcome, WriteOutcome
from interstore.changes import Changes
from interstore.document import Document
from interstore.errors import DuplicateError, InterstoreError, InvalidDocumentError
from interstore.prepared import Write, WriteMode
from interstore_backends.sqlite.compile import Compiled
from interstore_backends.sqlite.rows import Row, read_document, row_of
from interstore_backends.sqlite.schema import Table

__all__ = [
    "Explain",
    "create_many",
    "duplicate",
    "put_many",
    "replace",
    "update_many",
    "write_page",
]

_PAGE: Final = 500
_encode: Final = msgspec.json.Encoder().encode

Explain: TypeAlias = Callable[[Write, Exception], InterstoreError | None]
"""Why an index refused a document; ``None`` if the error is about no index."""


def duplicate(model: str, id: str) -> DuplicateError:
    """The error for a document that exists already."""
    return DuplicateError(
        f"{model} has a document {id!r} already", backend="sqlite", model=model, id=id
    )


def create_many(
    cursor: Any, table: Table, model: str, writes: Sequence[Write], explain: Explain | None = None
) -> list[WriteOutcome]:
    """Create each; the outcome of each, in order. The ids are distinct."""
    batch = _Batch(cursor, writes, explain)
    created = batch.insert(table)
    if created is not None:
        batch.judge(lambda write: write.id in created, lambda write: duplicate(model, write.id))
    return batch.outcomes


def put_many(
    cursor: Any, table: Table, writes: Sequence[Write], explain: Explain | None = None
) -> list[WriteOutcome]:
    """Put each; the outcome of each, in order. The ids are distinct."""
    versions = versions_of(cursor, table, [write.id for write in writes])
    batch = _Batch(cursor, writes, explain)
    batch.execute(table.put_over)
    if versions:
        batch.judge(lambda write: write.id not in versions, lambda write: versions[write.id] + 1)
    return batch.outcomes


def write_page(
    cursor: Any,
    table: Table,
    writes: Sequence[Write],
    mode: WriteMode,
    explain: Explain | None = None,
) -> list[WriteOutcome]:
    """Write documents as they are; 0 for each that the mode leaves as it was."""
    batch = _Batch(cursor, writes, explain)
    if mode == "upsert":
        batch.execute(table.copy_over)
    elif mode == "insert_if_absent":
        created = batch.insert(table)
        if created is not None:
            batch.judge(lambda write: write.id in created, lambda _: 0)
    else:
        versions = versions_of(cursor, table, [write.id for write in writes])
        batch.execute(table.copy_newer)
        batch.judge(lambda write: versions.get(write.id, 0) < write.version, lambda _: 0)
    return batch.outcomes


class _Batch:
    """Documents that one call writes, and what became of each.

    Attributes:
        outcomes: of each, in order: its version until something else is known.
    """

    def __init__(self, cursor: Any, writes: Sequence[Write], explain: Explain | None) -> None:
        self._cursor = cursor
        self._writes = writes
        self._explain = explain
        self.outcomes, self._rows = _rows(writes)

    def execute(self, statement: str) -> int:
        """Execute the statement for every row that can be stored; how many rows it changed."""
        if self._explain is None:
            changed: int = self._cursor.executemany(statement, self._rows).rowcount
            return changed
        return sum(
            self._execute_one(statement, index, self._explain)
            for index, outcome in enumerate(self.outcomes)
            if not isinstance(outcome, InterstoreError)
        )

    def _execute_one(self, statement: str, index: int, explain: Explain) -> int:
        write = self._writes[index]
        try:
            changed: int = self._cursor.execute(statement, row_of(write)).rowcount
        except Exception as error:
            found = explain(write, error)
            if found is None:
                raise
            found.__cause__ = error
            self.outcomes[index] = found
            return 0
        return changed

    def insert(self, table: Table) -> set[str] | None:
        """Insert the rows whose id is new. Their ids; ``None`` if that is all of them."""
        # A new row gets a rowid above all others, which tells afterwards which rows are new.
        [(last,)] = self._cursor.execute(f"SELECT max(rowid) FROM {table.name}").fetchall()
        if self.execute(table.create) == len(self._rows):
            return None
        new = f"SELECT id FROM {table.name} WHERE rowid > ?"
        return {id for (id,) in self._cursor.execute(new, (last or 0,)).fetchall()}

    def judge(
        self, written: Callable[[Write], bool], otherwise: Callable[[Write], WriteOutcome]
    ) -> None:
        """Give those that no error kept out, and that were not `written` so, another outcome."""
        for index, write in enumerate(self._writes):
            if not isinstance(self.outcomes[index], InterstoreError) and not written(write):
                self.outcomes[index] = otherwise(write)


def _rows(writes: Iterable[Write]) -> tuple[list[WriteOutcome], list[Row]]:
    """The outcomes if all goes well, and the rows of those documents that can be stored."""
    outcomes: list[WriteOutcome] = []
    rows: list[Row] = []
    for write in writes:
        try:
            rows.append(row_of(write))
            outcomes.append(write.version)
        except InvalidDocumentError as error:
            outcomes.append(error)
    return outcomes, rows


def versions_of(cursor: Any, table: Table, ids: list[str]) -> dict[str, int]:
    """The versions of the documents that exist among `ids`."""
    query = f"SELECT id, version FROM {table.name} WHERE id IN (SELECT value FROM json_each(?))"
    return dict(cursor.execute(query, (_encode(ids).decode(),)).fetchall())


def replace(cursor: Any, table: Table, write: Write, explain: Explain) -> None:
    """Write over a document that exists.

    Raises:
        InvalidDocumentError, DuplicateError: an index refuses it.
    """
    id, version, _, updated, expires, text = row_of(write)
    try:
        cursor.execute(table.replace, (version, updated, expires, text, id))
    except Exception as error:
        found = explain(write, error)
        if found is None:
            raise
        raise found from error


def update_many(
    cursor: Any,
    table: Table,
    model: str,
    condition: Compiled,
    changes: Changes,
    explain: Explain,
) -> BulkResult:
    """Update every document that matches; one that the changes do not fit is reported."""
    result = BulkResult()
    query = f"{table.select} WHERE {condition.sql} AND id > ? ORDER BY id LIMIT {_PAGE}"
    after = ""
    while True:
        page = cursor.execute(query, (*condition.parameters, after)).fetchall()
        for row in page:
            current = read_document(row)
            error = _update_one(cursor, table, model, current, changes, explain)
            if error is None:
                result.updated += 1
            else:
                error.backend = "sqlite"
                result.failed += 1
                result.outcomes.append(Outcome(current.id, "failed", error=error))
        if len(page) < _PAGE:
            return result
        after = page[-1][0]


def _update_one(
    cursor: Any,
    table: Table,
    model: str,
    current: Document,
    changes: Changes,
    explain: Explain,
) -> InterstoreError | None:
    try:
        write = changes.apply(model, current.id, current)
        if not changes.is_empty:
            replace(cursor, table, write, explain)
    except (InvalidDocumentError, DuplicateError) as error:
        return error
    return None
