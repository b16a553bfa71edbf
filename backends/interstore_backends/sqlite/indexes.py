"""Indexes: their declarations, what SQLite builds for them, and what it then refuses.

A declaration is a row of ``interstore_indexes``. For each there is an index on the keys that
filters and sorts compare, the id last; if it is unique, a second one over the rows in which
no key is null; and, where it demands anything of values, two triggers. So whatever process
writes, of whatever version or language, SQLite itself refuses what does not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from interstore.errors import InterstoreError, InvalidDocumentError
from interstore.indexes import (
    SHOWN_IDS,
    Index,
    check_new_index,
    clashing,
    compile_check,
    taken,
    unfit,
)
from interstore.prepared import Write
from interstore_backends.sqlite.errors import code_of
from interstore_backends.sqlite.keys import quote_name, quote_path, quote_text
from interstore_backends.sqlite.schema import INDEXES, Table
from interstore_backends.sqlite.values import LOWEST, order_expression

__all__ = ["drop_index", "ensure_index", "indexes", "is_refusal", "raise_refusal", "refusal"]

_CONSTRAINT: Final = 19
_MARK: Final = "interstore index "
_UNIQUE: Final = "UNIQUE constraint failed: index '"
_UNIQUE_END: Final = ":unique"
_WORTH_ANALYZING: Final = 1_000
"""Rows from which the planner is told how selective an index is. Less would mislead it later."""

_TYPES: Final = {
    None: "",
    "scalar": "'null','integer','real','text','true','false'",
    "number": "'null','integer','real'",
    "string": "'null','text'",
    "bool": "'null','true','false'",
}
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Index).decode


def indexes(cursor: Any, model: str) -> list[Index]:
    """The indexes of a model, in the order of their names."""
    query = f"SELECT definition FROM {INDEXES} WHERE model = ? ORDER BY name"
    return [_decode(definition) for (definition,) in cursor.execute(query, (model,)).fetchall()]


def ensure_index(cursor: Any, model: str, table: Table, index: Index) -> None:
    """Build an index unless it exists. To be called in a transaction that writes.

    Raises:
        ConfigurationError: it contradicts another.
        InvalidDocumentError, DuplicateError: stored documents stand in its way.
    """
    existing = indexes(cursor, model)
    if index in existing:
        return
    check_new_index(index, existing)
    demand = _violation(index, "doc")
    if demand:
        _check_rows(cursor, model, table, index, demand)
    keys = [order_expression(reference) for reference in index.references]
    if index.unique:
        _check_unique(cursor, model, table, index, keys)
    for statement in _statements(table, index, keys, _violation(index, "NEW.doc")):
        cursor.execute(statement)
    row = (model, index.name, _encode(index).decode())
    cursor.execute(f"INSERT INTO {INDEXES} VALUES (?,?,?)", row)
    [(rows,)] = cursor.execute(f"SELECT count(*) FROM {table.name}").fetchall()
    if rows >= _WORTH_ANALYZING:
        cursor.execute(f"ANALYZE {table.name}")


def drop_index(cursor: Any, model: str, table: Table, name: str) -> bool:
    """Remove an index; return whether it existed. To be called in a transaction that writes."""
    known = {index.name: index for index in indexes(cursor, model)}
    index = known.get(name)
    if index is None:
        return False
    for kind, part in _PARTS:
        cursor.execute(f"DROP {kind} IF EXISTS {_part(table, index, part)}")
    cursor.execute(f"DELETE FROM {INDEXES} WHERE model = ? AND name = ?", (model, name))
    return True


# What is built.

_PARTS: Final = (("INDEX", ""), ("INDEX", "unique"), ("TRIGGER", "insert"), ("TRIGGER", "update"))


def _part(table: Table, index: Index, part: str) -> str:
    # Indexes and tables of a file share one room for names; no model's name has a colon.
    return quote_name(f"{table.plain_name}:{index.name}" + (f":{part}" if part else ""))


def _statements(table: Table, index: Index, keys: list[str], violation: str) -> list[str]:
    """What builds the index. Its expressions are the very text that filters are compiled to."""
    listed = ", ".join(keys)
    made = [f"CREATE INDEX {_part(table, index, '')} ON {table.name} ({listed}, id)"]
    if index.unique:
        given = " AND ".join(f"{key} <> {LOWEST}" for key in keys)
        name = _part(table, index, "unique")
        made.append(f"CREATE UNIQUE INDEX {name} ON {table.name} ({listed}) WHERE {given}")
    if violation:
        refuse = f"BEGIN SELECT RAISE(ABORT, {quote_text(_MARK + index.name)}); END"
        for part, event in (("insert", "INSERT"), ("update", "UPDATE OF doc")):
            made.append(
                f"CREATE TRIGGER {_part(table, index, part)} AFTER {event} ON {table.name} "
                f"WHEN {violation} {refuse}"
            )
    return made


def _violation(index: Index, document: str) -> str:
    """The condition that a row breaks what `compile_check` checks; empty if none can."""
    terms: list[str] = []
    for path, declared in index.user_paths:
        inside = f"{document},{quote_path(path)}"
        allowed = _TYPES[declared or ("scalar" if index.unique else None)]
        if allowed:
            terms.append(f"coalesce(json_type({inside}),'null') NOT IN ({allowed})")
        if declared in (None, "string"):
            terms.append(
                f"CASE json_type({inside}) WHEN 'text' THEN "
                f"length(CAST(json_extract({inside}) AS BLOB)) > {index.text_bytes} ELSE 0 END"
            )
    return f"({' OR '.join(terms)})" if terms else ""


# What stands in the way.


def _check_rows(cursor: Any, model: str, table: Table, index: Index, violation: str) -> None:
    source = f"FROM {table.name} WHERE {violation}"
    [(count,)] = cursor.execute(f"SELECT count(*) {source}").fetchall()
    if count:
        query = f"SELECT id {source} ORDER BY id LIMIT {SHOWN_IDS}"
        raise unfit(model, index, count, [id for (id,) in cursor.execute(query).fetchall()])


def _check_unique(cursor: Any, model: str, table: Table, index: Index, keys: Sequence[str]) -> None:
    given = " AND ".join(f"{key} <> {LOWEST}" for key in keys)
    shared = (
        f"SELECT id, count(*) OVER (PARTITION BY {', '.join(keys)}) AS sharing "
        f"FROM {table.name} WHERE {given}"
    )
    source = f"FROM ({shared}) WHERE sharing > 1"
    [(count,)] = cursor.execute(f"SELECT count(*) {source}").fetchall()
    if count:
        query = f"SELECT id {source} ORDER BY id LIMIT {SHOWN_IDS}"
        raise clashing(model, index, count, [id for (id,) in cursor.execute(query).fetchall()])


# What is refused from then on.


def is_refusal(error: Exception) -> bool:
    """Whether an index refused what was to be written."""
    return code_of(error) & 0xFF == _CONSTRAINT and str(error).startswith((_MARK, _UNIQUE))


def refusal(cursor: Any, model: str, write: Write, error: Exception) -> InterstoreError | None:
    """Why an index refused to store a document; ``None`` if the error is about no index."""
    if not is_refusal(error):
        return None
    text = str(error)
    if text.startswith(_MARK):
        return _demanded(cursor, model, write, text.removeprefix(_MARK))
    if text.startswith(_UNIQUE):
        name = text.removeprefix(_UNIQUE).removesuffix("'").removesuffix(_UNIQUE_END)
        for index in indexes(cursor, model):
            if name.endswith(f":{index.name}"):
                found = taken(model, write.id, index)
                found.backend = "sqlite"
                return found
    return None


def raise_refusal(cursor: Any, model: str, write: Write, error: Exception) -> None:
    """Raise why an index refused to store a document, if that is what the error is about."""
    found = refusal(cursor, model, write, error)
    if found is not None:
        raise found from error


def _demanded(cursor: Any, model: str, write: Write, name: str) -> InterstoreError:
    check = compile_check(index for index in indexes(cursor, model) if index.name == name)
    try:
        if check is not None:
            check(write.fields)
    except InvalidDocumentError as found:
        found.backend, found.model, found.id = "sqlite", model, write.id
        return found
    return InvalidDocumentError(  # the index was dropped since
        f"{model} {write.id!r} did not fit the index {name}, which is gone; try again",
        backend="sqlite",
        model=model,
        id=write.id,
    )
