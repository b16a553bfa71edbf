"""The tables in a file: one for each model, one that lists them, one about the file itself.

A model's table keeps its rowid. `WITHOUT ROWID` saves an index, but keeps documents in the
inner pages of the tree: from a kilobyte on it took three times the space and the time, and
with small documents the gain was under a tenth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from interstore.errors import ConfigurationError
from interstore.names import check_new_model
from interstore.paths import Reference
from interstore_backends.sqlite.keys import quote_name

__all__ = [
    "INDEXES",
    "Format",
    "Table",
    "check_format",
    "create_table",
    "drop_table",
    "has_table",
    "load_table",
    "models",
    "set_up",
]

Format: TypeAlias = Literal["text", "jsonb"]

LAYOUT: Final = 1
JSONB_VERSION: Final = (3, 45, 0)

INDEXES: Final = "interstore_indexes"
_META: Final = "interstore_meta"
_MODELS: Final = "interstore_models"
_SET_UP: Final = (
    f"""CREATE TABLE IF NOT EXISTS {_META} (
        key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL
    ) STRICT""",
    f"""CREATE TABLE IF NOT EXISTS {_MODELS} (
        name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
        table_name TEXT NOT NULL, format TEXT NOT NULL
    ) STRICT""",
    f"""CREATE TABLE IF NOT EXISTS {INDEXES} (
        model TEXT NOT NULL, name TEXT NOT NULL, definition TEXT NOT NULL,
        PRIMARY KEY (model, name)
    ) STRICT, WITHOUT ROWID""",
    f"INSERT INTO {_META} VALUES ('layout', '{LAYOUT}') ON CONFLICT DO NOTHING",
)
_COLUMNS: Final = "id,version,created_at,updated_at,expires_at,"
_GONE: Final = "expires_at <= excluded.updated_at"
_LIVE: Final = "(expires_at IS NULL OR +expires_at > ?)"


class Table:
    """One model's table: the texts of the statements that do not depend on a filter.

    Attributes:
        name: as statements have it, quoted.
        plain_name: the same without quotes.
        lists: the quoted names of the tables that list the elements at indexed paths.
        rows: what a SELECT names, in the order of `rows.Row`.
        expiring: whether documents of the model expire, as far as it is known.
        plain_until: until when that is believed if they do not, on the monotonic clock.
    """

    __slots__ = (
        "copy_newer", "copy_over", "create", "delete", "delete_if", "expiring", "format", "get",
        "lists", "name", "plain_name", "plain_until", "put", "put_if", "put_over", "replace",
        "rows", "select",
    )  # fmt: skip

    def __init__(self, name: str, document_format: Format) -> None:
        self.plain_name = name
        self.name = quote_name(name)
        self.lists: Mapping[Reference, str] = {}
        self.format = document_format
        self.expiring = False
        self.plain_until = 0.0
        stored, read = ("jsonb(?)", "json(doc)") if document_format == "jsonb" else ("?", "doc")
        self.rows = _COLUMNS + read
        self.select = f"SELECT {self.rows} FROM {self.name}"
        self.get = f"{self.select} WHERE id = ?"
        insert = f"INSERT INTO {self.name} ({_COLUMNS}doc) VALUES (?,?,?,?,?,{stored}) "
        over = insert + "ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at, "
        over += "expires_at = excluded.expires_at, doc = excluded.doc, version = "
        self.create = insert + "ON CONFLICT (id) DO NOTHING"
        self.put_over = (
            f"{over} CASE WHEN {_GONE} THEN 1 ELSE version + 1 END, created_at = "
            f"CASE WHEN {_GONE} THEN excluded.created_at ELSE created_at END"
        )
        self.put = self.put_over + " RETURNING version, created_at"
        self.put_if = (
            f"UPDATE {self.name} SET version = version + 1, updated_at = ?, expires_at = ?, "
            f"doc = {stored} WHERE id = ? AND version = ? AND {_LIVE} "
            "RETURNING version, created_at"
        )
        self.delete = f"DELETE FROM {self.name} WHERE id = ? AND {_LIVE}"
        self.delete_if = f"{self.delete} AND version = ? AND created_at = coalesce(?, created_at)"
        self.replace = (
            f"UPDATE {self.name} SET version = ?, updated_at = ?, expires_at = ?, doc = {stored} "
            "WHERE id = ?"
        )
        self.copy_over = over + "excluded.version, created_at = excluded.created_at"
        self.copy_newer = self.copy_over + " WHERE excluded.version > version"


def set_up(cursor: Any, file: str) -> None:
    """Make the file Interstore's, if it is not yet. If this fails, close the connection.

    Raises:
        ConfigurationError: a newer Interstore wrote the file.
    """
    layout = _layout(cursor)
    if layout is None or (layout == str(LAYOUT) and not has_table(cursor, INDEXES)):
        for statement in ("BEGIN IMMEDIATE", *_SET_UP, "COMMIT"):
            cursor.execute(statement)
    layout = _layout(cursor)
    if layout != str(LAYOUT):
        raise ConfigurationError(
            f"{file} has the layout {layout} of a newer Interstore; this one knows {LAYOUT}: "
            "upgrade the package interstore",
            backend="sqlite",
        )


def _layout(cursor: Any) -> str | None:
    if not has_table(cursor, _META):
        return None
    rows = cursor.execute(f"SELECT value FROM {_META} WHERE key = 'layout'").fetchall()
    return str(rows[0][0]) if rows else None


def has_table(cursor: Any, name: str) -> bool:
    """Whether the file has a table of that name."""
    known = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
    return bool(cursor.execute(known, (name,)).fetchall())


def models(cursor: Any) -> list[str]:
    """The names of the models, sorted."""
    rows = cursor.execute(f"SELECT name FROM {_MODELS}").fetchall()
    return sorted(name for (name,) in rows)


def load_table(cursor: Any, model: str, version: tuple[int, ...]) -> Table | None:
    """The model's table; ``None`` if the model does not exist.

    Args:
        version: the library's.

    Raises:
        ConfigurationError: the library cannot read its format.
    """
    query = f"SELECT table_name, format FROM {_MODELS} WHERE name = ? COLLATE BINARY"
    rows = cursor.execute(query, (model,)).fetchall()
    if not rows:
        return None
    name, document_format = rows[0]
    check_format(document_format, version, model)
    return Table(name, document_format)


def create_table(cursor: Any, model: str, document_format: Format) -> Table:
    """Make a model that does not exist yet. To be called in a transaction that writes.

    Raises:
        InvalidQueryError: the name differs from another model's in case only.
        ConfigurationError: the file has a table of that name that is not Interstore's.
    """
    check_new_model(model, models(cursor))
    # SQLite keeps names that begin with "sqlite_" for itself.
    name = f"interstore:{model}" if model.lower().startswith("sqlite_") else model
    query = "SELECT type FROM sqlite_schema WHERE name = ? COLLATE NOCASE"
    if taken := cursor.execute(query, (name,)).fetchall():
        raise ConfigurationError(
            f"the file has a {taken[0][0]} {name!r} that Interstore did not make; use another "
            "name for the model, or open what is there with store.foreign(...)",
            backend="sqlite",
            model=model,
        )
    kind = "BLOB" if document_format == "jsonb" else "TEXT"
    cursor.execute(
        f"CREATE TABLE {quote_name(name)} (id TEXT PRIMARY KEY NOT NULL, "
        "version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, "
        f"expires_at TEXT, doc {kind} NOT NULL) STRICT"
    )
    cursor.execute(f"INSERT INTO {_MODELS} VALUES (?,?,?)", (model, name, document_format))
    return Table(name, document_format)


def drop_table(cursor: Any, model: str, table: Table) -> None:
    """Remove a model. To be called in a transaction that writes."""
    cursor.execute(f"DROP TABLE {table.name}")
    cursor.execute(f"DELETE FROM {_MODELS} WHERE name = ?", (model,))
    cursor.execute(f"DELETE FROM {INDEXES} WHERE model = ?", (model,))


def check_format(document_format: str, version: tuple[int, ...], model: str | None = None) -> None:
    """Refuse a format that the library cannot read.

    Raises:
        ConfigurationError: it cannot.
    """
    if document_format == "text" or (document_format == "jsonb" and version >= JSONB_VERSION):
        return
    where = "jsonb=True" if model is None else f"the model {model!r}, stored as {document_format},"
    need = "SQLite 3.45 or newer" if document_format == "jsonb" else "a newer Interstore"
    raise ConfigurationError(
        f"{where} needs {need}; this program has SQLite {'.'.join(map(str, version))}. Choose "
        "another library with driver=, for example driver='pysqlite3' (pip install "
        "pysqlite3-binary)",
        backend="sqlite",
        model=model,
    )
