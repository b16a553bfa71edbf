"""Documents that expire: the index that says that a model has such, and what removes them.

The index over ``expires_at`` is made with the first document of the model that expires. Where it is
not, no document can have expired, and no statement asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from interstore.times import now
from interstore_backends.sqlite.keys import quote_name
from interstore_backends.sqlite.schema import Table

__all__ = ["BELIEVED_SECONDS", "begin", "is_used", "remove_all", "sweep"]

BELIEVED_SECONDS: Final = 0.05
"""So long, a process takes it for granted that the documents of a model do not expire. Whoever
stores the first one that does waits for it, if that expires sooner."""

_encode: Final = msgspec.json.Encoder().encode


def _name(table: Table) -> str:
    # No name of an index that is declared begins like this.
    return f"{table.plain_name}:@expires_at"


def is_used(cursor: Any, table: Table) -> bool:
    """Whether documents of the model expire."""
    known = "SELECT 1 FROM sqlite_schema WHERE name = ?"
    return cursor.execute(known, (_name(table),)).fetchone() is not None


def begin(cursor: Any, table: Table) -> None:
    """Let documents of the model expire."""
    cursor.execute(
        f"CREATE INDEX IF NOT EXISTS {quote_name(_name(table))} ON {table.name} (expires_at) "
        "WHERE expires_at IS NOT NULL"
    )


def sweep(cursor: Any, table: Table, limit: int, ids: Sequence[str] | None = None) -> int:
    """Remove documents that have expired, of some ids or all; return how many."""
    within, parameters = "", [now()]
    if ids is not None:
        within = " AND +id IN (SELECT value FROM json_each(?))"
        parameters.append(_encode(list(ids)).decode())
    some = f"SELECT rowid FROM {table.name} WHERE expires_at <= ?{within} LIMIT ?"
    removed: int = cursor.execute(
        f"DELETE FROM {table.name} WHERE rowid IN ({some})", (*parameters, limit)
    ).rowcount
    return removed


def remove_all(cursor: Any, table: Table) -> None:
    """Remove every document that has expired."""
    cursor.execute(f"DELETE FROM {table.name} WHERE expires_at <= ?", (now(),))
