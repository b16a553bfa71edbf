"""The statements of whoever writes documents to PostgreSQL with care and by hand.

One table, the documents as jsonb beside a version and two times; conflicts are found by the
database, updates are one statement, pages are read by key. Placeholders are the server's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tests.benchmarks.data import Document

__all__ = [
    "ALL", "COLUMNS", "COPY", "COPY_TABLE", "COUNT", "CREATE", "CREATE_COPIED", "DELETE", "FIND",
    "FIND_INDEXED", "GET", "GET_MANY", "PAGE", "PUT", "PUT_COPIED", "RANGE", "SETTLE", "SET_UP",
    "UPDATE", "Found", "decode", "encode", "found", "new_row", "sorted_rows",
]  # fmt: skip

Found = tuple[Document, int, datetime, datetime]
"""A document, its version, when it was created and when it was written."""

SET_UP: Final = (
    "CREATE TABLE airport (id text PRIMARY KEY, version bigint NOT NULL DEFAULT 1, "
    "created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, doc jsonb NOT NULL)"
)
SETTLE: Final = "CREATE INDEX ON airport ((doc ->> 'tz')); ANALYZE"
COLUMNS: Final = "id, created_at, updated_at, doc"
_RETURNED: Final = "doc, version, created_at, updated_at"
_SELECT: Final = f"SELECT {_RETURNED} FROM airport"
_OVER: Final = (
    "ON CONFLICT (id) DO UPDATE SET version = t.version + 1, updated_at = excluded.updated_at, "
    "doc = excluded.doc"
)
CREATE: Final = (
    f"INSERT INTO airport ({COLUMNS}) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING"
)
PUT: Final = (
    f"INSERT INTO airport AS t ({COLUMNS}) VALUES ($1, $2, $3, $4) {_OVER} "
    "RETURNING version, created_at"
)
UPDATE: Final = (
    "UPDATE airport SET doc = doc || $2::jsonb, version = version + 1, updated_at = $3 "
    f"WHERE id = $1 RETURNING {_RETURNED}"
)
DELETE: Final = "DELETE FROM airport WHERE id = $1"
GET: Final = f"{_SELECT} WHERE id = $1"
GET_MANY: Final = f"{_SELECT} WHERE id = ANY($1)"
ALL: Final = f"{_SELECT} ORDER BY id"
PAGE: Final = f"{_SELECT} WHERE id > $1 ORDER BY id LIMIT $2"
RANGE: Final = f"{_SELECT} WHERE id >= $1 AND id < $2 ORDER BY id"
FIND: Final = f"{_SELECT} WHERE doc ->> 'country' = $1 ORDER BY id"
FIND_INDEXED: Final = f"{_SELECT} WHERE doc ->> 'tz' = $1 ORDER BY id"
COUNT: Final = "SELECT count(*) FROM airport WHERE doc ->> 'country' = $1"

# Many at once, by COPY to a table of their own, so that conflicts are found and reported.
COPY_TABLE: Final = (
    "CREATE TEMPORARY TABLE copied (id text, created_at timestamptz, updated_at timestamptz, "
    "doc jsonb) ON COMMIT DROP"
)
COPY: Final = f"COPY copied ({COLUMNS}) FROM STDIN"
_COPIED: Final = f"INSERT INTO airport AS t ({COLUMNS}) SELECT {COLUMNS} FROM copied"
CREATE_COPIED: Final = f"{_COPIED} ON CONFLICT (id) DO NOTHING RETURNING id"
PUT_COPIED: Final = f"{_COPIED} {_OVER} RETURNING id, version"

encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


def decode(text: Any) -> Document:
    """A document, by the JSON library that Interstore uses."""
    return _decode(text)


def new_row(document: Document) -> tuple[str, datetime, datetime, str]:
    time = datetime.now(UTC)
    return document["id"], time, time, encode(document).decode()


def sorted_rows(documents: Iterable[Document]) -> list[tuple[str, datetime, datetime, str]]:
    """In the order in which all lock them."""
    return sorted(map(new_row, documents))


def found(rows: Iterable[Any], ids: list[str]) -> list[Found | None]:
    """Rows in the order of the ids."""
    by_id: dict[str, Found] = {row[0]["id"]: row for row in rows}
    return [by_id.get(id) for id in ids]
