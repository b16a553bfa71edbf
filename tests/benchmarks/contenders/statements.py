"""The statements of whoever writes documents to SQLite with care and by hand.

One table, the documents as JSON text beside a version and two times; conflicts are found by
the database, updates are one statement, pages are read by key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tests.benchmarks.contenders import Durability
from tests.benchmarks.data import Document

__all__ = [
    "ALL", "COUNT", "CREATE", "DELETE", "FIND", "GET", "PAGE", "PUT", "PUT_OVER", "RANGE", "SET_UP",
    "Found", "by_ids", "new_row", "pragmas", "read", "set_fields",
]  # fmt: skip

Found = tuple[Document, int, str, str]
"""A document, its version, when it was created and when it was written."""

SET_UP: Final = (
    "CREATE TABLE airport (id TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL, "
    "created_at TEXT NOT NULL, updated_at TEXT NOT NULL, doc TEXT NOT NULL) STRICT"
)
_COLUMNS: Final = "version, created_at, updated_at, doc"
_INSERT: Final = "INSERT INTO airport VALUES (?, 1, ?, ?, ?) ON CONFLICT (id) DO "
_SELECT: Final = f"SELECT {_COLUMNS} FROM airport"

CREATE: Final = _INSERT + "NOTHING"
PUT_OVER: Final = _INSERT + (
    "UPDATE SET version = version + 1, updated_at = excluded.updated_at, doc = excluded.doc"
)
PUT: Final = PUT_OVER + " RETURNING version, created_at"
DELETE: Final = "DELETE FROM airport WHERE id = ?"
GET: Final = f"{_SELECT} WHERE id = ?"
ALL: Final = f"{_SELECT} ORDER BY id"
PAGE: Final = f"{_SELECT} WHERE id > ? ORDER BY id LIMIT ?"
RANGE: Final = f"{_SELECT} WHERE id >= ? AND id < ? ORDER BY id"
FIND: Final = f"{_SELECT} WHERE json_extract(doc, '$.country') = ? ORDER BY id"
COUNT: Final = "SELECT count(*) FROM airport WHERE json_extract(doc, '$.country') = ?"

_encode: Final = msgspec.json.Encoder().encode
_decode: Final[Callable[[str], Document]] = msgspec.json.Decoder(dict[str, Any]).decode


def pragmas(durability: Durability) -> list[str]:
    level = "FULL" if durability == "fsync" else "NORMAL"
    return ["PRAGMA journal_mode = WAL", f"PRAGMA synchronous = {level}"]


def new_row(document: Document) -> tuple[str, str, str, str]:
    time = datetime.now(UTC).isoformat(timespec="microseconds")
    return document["id"], time, time, _encode(document).decode()


def read(row: tuple[int, str, str, str]) -> Found:
    version, created, updated, text = row
    return _decode(text), version, created, updated


def by_ids(ids: Iterable[str]) -> str:
    return f"{_SELECT} WHERE id IN ({','.join('?' for _ in ids)})"


def set_fields(id: str, changes: Document) -> tuple[str, list[Any]]:
    """One statement that sets fields, and what it binds."""
    parameters: list[Any] = []
    for key, value in changes.items():
        parameters += [f"$.{key}", _encode(value).decode()]
    paths = ", ".join("?, json(?)" for _ in changes)
    statement = (
        f"UPDATE airport SET doc = json_set(doc, {paths}), version = version + 1, "
        f"updated_at = ? WHERE id = ? RETURNING {_COLUMNS}"
    )
    time = datetime.now(UTC).isoformat(timespec="microseconds")
    return statement, [*parameters, time, id]
