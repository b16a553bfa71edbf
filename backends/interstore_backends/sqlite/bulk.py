"""Bulk writes, each within a transaction that the caller has begun."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from interstore.bulk import BulkResult, Outcome, WriteOutcome
from interstore.changes import Changes
from interstore.document import Document
from interstore.errors import DuplicateError, InvalidDocumentError
from interstore.prepared import Write, WriteMode
from interstore_backends.sqlite.compile import Compiled
from interstore_backends.sqlite.rows import Row, read_document, row_of
from interstore_backends.sqlite.schema import Table

__all__ = ["create_many", "duplicate", "put_many", "replace", "update_many", "write_page"]

_PAGE: Final = 500
_encode: Final = msgspec.json.Encoder().encode

Outcomes = list[WriteOutcome]


def duplicate(model: str, id: str) -> DuplicateError:
    """The error for a document that exists already."""
    return DuplicateError(
        f"{model} has a document {id!r} already", backend="sqlite", model=model, id=id
    )


def create_many(
    cursor: Any, table: Table, model: str, writes: Sequence[Write]
) -> list[WriteOutcome]:
    """Create each; the outcome of each, in order. The ids are distinct."""
    outcomes, rows = _rows(writes)
    created = _insert(cursor, table, rows)
    if created is not None:
        for index, write in enumerate(writes):
            if outcomes[index] == 1 and write.id not in created:
                outcomes[index] = duplicate(model, write.id)
    return outcomes


def _insert(cursor: Any, table: Table, rows: list[Row]) -> set[str] | None:
    """Insert the rows whose id is new. Their ids; ``None`` if that is all of them."""
    # A new row gets a rowid above all others, which tells afterwards which rows are new.
    [(last,)] = cursor.execute(f"SELECT max(rowid) FROM {table.name}").fetchall()
    if cursor.executemany(table.create, rows).rowcount == len(rows):
        return None
    new = f"SELECT id FROM {table.name} WHERE rowid > ?"
    return {id for (id,) in cursor.execute(new, (last or 0,)).fetchall()}


def put_many(cursor: Any, table: Table, writes: Sequence[Write]) -> list[WriteOutcome]:
    """Put each; the outcome of each, in order. The ids are distinct."""
    versions = versions_of(cursor, table, [write.id for write in writes])
    outcomes, rows = _rows(writes)
    if versions:
        for index, write in enumerate(writes):
            if write.id in versions and outcomes[index] == 1:
                outcomes[index] = versions[write.id] + 1
    cursor.executemany(table.put_over, rows)
    return outcomes


def write_page(
    cursor: Any, table: Table, writes: Sequence[Write], mode: WriteMode
) -> list[WriteOutcome]:
    """Write documents as they are; 0 for each that the mode leaves as it was."""
    outcomes, rows = _rows(writes)
    kept: Callable[[Write], bool]
    if mode == "upsert":
        cursor.executemany(table.copy_over, rows)
        return outcomes
    if mode == "insert_if_absent":
        created = _insert(cursor, table, rows)
        if created is None:
            return outcomes
        kept = lambda write: write.id not in created  # noqa: E731
    else:
        versions = versions_of(cursor, table, [write.id for write in writes])
        cursor.executemany(table.copy_newer, rows)
        kept = lambda write: versions.get(write.id, 0) >= write.version  # noqa: E731
    for index, write in enumerate(writes):
        if kept(write) and not isinstance(outcomes[index], InvalidDocumentError):
            outcomes[index] = 0
    return outcomes


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


def replace(cursor: Any, table: Table, write: Write) -> None:
    """Write over a document that exists."""
    id, version, _, updated, expires, text = row_of(write)
    cursor.execute(table.replace, (version, updated, expires, text, id))


def update_many(
    cursor: Any, table: Table, model: str, condition: Compiled, changes: Changes
) -> BulkResult:
    """Update every document that matches; one that the changes do not fit is reported."""
    result = BulkResult()
    query = f"{table.select} WHERE {condition.sql} AND id > ? ORDER BY id LIMIT {_PAGE}"
    after = ""
    while True:
        page = cursor.execute(query, (*condition.parameters, after)).fetchall()
        for row in page:
            _update_one(cursor, table, model, read_document(row), changes, result)
        if len(page) < _PAGE:
            return result
        after = page[-1][0]


def _update_one(
    cursor: Any,
    table: Table,
    model: str,
    current: Document,
    changes: Changes,
    result: BulkResult,
) -> None:
    try:
        write = changes.apply(model, current.id, current)
        if not changes.is_empty:
            replace(cursor, table, write)
    except InvalidDocumentError as error:
        error.backend = "sqlite"
        result.failed += 1
        result.outcomes.append(Outcome(current.id, "failed", error=error))
    else:
        result.updated += 1
