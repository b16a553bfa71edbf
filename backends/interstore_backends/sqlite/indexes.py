"""Indexes: their declarations, what SQLite builds for them, and what it then refuses.

A declaration is a row of ``interstore_indexes``. For each there is an index on the keys that
filters and sorts compare, the id last; if it is unique, a second one over the rows in which
no key is null. For an index of lists there is a table of keys and ids instead, which triggers
keep equal to the documents. Where an index demands anything of values, two more triggers
do: whatever process writes, of whatever version or language, SQLite itself refuses what does
not fit.
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
    objection,
    taken,
    unfit,
)
from interstore.paths import Reference
from interstore.prepared import Write
from interstore_backends.sqlite.compile import compile_filter, inlined
from interstore_backends.sqlite.errors import code_of
from interstore_backends.sqlite.keys import quote_name, quote_path, quote_text
from interstore_backends.sqlite.schema import INDEXES, Table
from interstore_backends.sqlite.values import LOWEST, Value, order_expression

__all__ = [
    "drop_index",
    "drop_lists",
    "ensure_index",
    "indexes",
    "lists",
    "is_refusal",
    "raise_refusal",
    "refusal",
]

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
    if index.unique:
        _check_unique(cursor, model, table, index, _keys(index))
    build = _list_statements if index.list else _statements
    for statement in (*_triggers(table, index), *build(table, index)):
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

_PARTS: Final = (
    ("INDEX", ""), ("INDEX", "unique"), ("TRIGGER", "insert"), ("TRIGGER", "update"),
    ("TRIGGER", "listing"), ("TRIGGER", "relisting"), ("TRIGGER", "unlisting"), ("TABLE", "list"),
)  # fmt: skip


def _part(table: Table, index: Index, part: str) -> str:
    # Indexes and tables of a file share one room for names; no model's name has a colon.
    return quote_name(f"{table.plain_name}:{index.name}" + (f":{part}" if part else ""))


def _keys(index: Index) -> list[str]:
    """The expressions that are indexed: the very text that filters are compiled to."""
    return [order_expression(reference) for reference in index.references]


def _statements(table: Table, index: Index) -> list[str]:
    """What builds the index, and what keeps values apart if it is unique."""
    keys = _keys(index)
    listed = ", ".join(keys)
    made = [f"CREATE INDEX {_part(table, index, '')} ON {table.name} ({listed}, id)"]
    if index.unique:
        name = _part(table, index, "unique")
        given = _given(index, keys)
        made.append(f"CREATE UNIQUE INDEX {name} ON {table.name} ({listed}) WHERE {given}")
    return made


def _given(index: Index, keys: Sequence[str]) -> str:
    """Which rows a unique index looks at: nothing is null there, and they are meant."""
    terms = [f"{key} <> {LOWEST}" for key in keys]
    if index.where:
        terms.append(inlined(compile_filter(index.condition)))
    return " AND ".join(terms)


def _list_statements(table: Table, index: Index) -> list[str]:
    """What builds the table of the elements, and keeps it equal to the documents."""
    listed = _part(table, index, "list")
    [(path, _)] = index.user_paths
    literal = quote_path(path)
    element = Value.element("e").key
    made = [f"CREATE TABLE {listed} (key, id TEXT, PRIMARY KEY (key, id)) WITHOUT ROWID"]
    made.append(
        f"INSERT INTO {listed} SELECT DISTINCT {element}, t.id FROM {table.name} t, "
        f"json_each(t.doc,{literal}) e WHERE json_type(t.doc,{literal}) = 'array'"
    )
    add = (
        f"INSERT INTO {listed} SELECT DISTINCT {element}, NEW.id "
        f"FROM json_each(NEW.doc,{literal}) e WHERE json_type(NEW.doc,{literal}) = 'array'; "
    )
    # A table without rowids has its rows by key, so the former keys say where they are.
    remove = (
        f"DELETE FROM {listed} WHERE id = OLD.id AND key IN (SELECT {element} "
        f"FROM json_each(OLD.doc,{literal}) e WHERE json_type(OLD.doc,{literal}) = 'array'); "
    )
    changed = f"json_extract(OLD.doc,{literal}) IS NOT json_extract(NEW.doc,{literal})"
    for part, event, when, work in (
        ("listing", "INSERT", "1", add),
        ("relisting", "UPDATE OF doc", changed, remove + add),
        ("unlisting", "DELETE", "1", remove),
    ):
        made.append(
            f"CREATE TRIGGER {_part(table, index, part)} AFTER {event} ON {table.name} "
            f"WHEN {when} BEGIN {work}END"
        )
    return made


def _triggers(table: Table, index: Index) -> list[str]:
    """What refuses documents that the index does not allow."""
    violation = _violation(index, "NEW.doc")
    if not violation:
        return []
    refuse = f"BEGIN SELECT RAISE(ABORT, {quote_text(_MARK + index.name)}); END"
    return [
        f"CREATE TRIGGER {_part(table, index, part)} AFTER {event} ON {table.name} "
        f"WHEN {violation} {refuse}"
        for part, event in (("insert", "INSERT"), ("update", "UPDATE OF doc"))
    ]


def _violation(index: Index, document: str) -> str:
    """The condition that a row breaks what `compile_check` checks; empty if none can."""
    terms: list[str] = []
    for path, needed in index.demands:
        value = Value.at(document, path)
        if index.list:
            wrong = " OR ".join(_terms(index, Value.element("e"), needed))
            terms.append(f"coalesce({value.type},'null') NOT IN ('null','array')")
            terms.append(f"EXISTS (SELECT 1 FROM json_each({value.inside}) e WHERE {wrong})")
        else:
            terms += _terms(index, value, needed)
            if needed is not None:
                ways = [Value.at(document, path[:depth]) for depth in range(1, len(path))]
                terms += [f"coalesce({way.type},'null') = 'array'" for way in ways]
    return f"({' OR '.join(terms)})" if terms else ""


def _terms(index: Index, value: Value, needed: str | None) -> list[str]:
    terms: list[str] = []
    if _TYPES[needed]:
        terms.append(f"coalesce({value.type},'null') NOT IN ({_TYPES[needed]})")
    if needed in (None, "scalar", "string"):
        size = f"length(CAST({value.scalar} AS BLOB)) > {index.text_bytes}"
        terms.append(f"CASE {value.type} WHEN 'text' THEN {size} ELSE 0 END")
    return terms


# Lists.


def lists(cursor: Any, model: str, table: Table) -> dict[Reference, str]:
    """The table of the elements at each path that has an index of lists."""
    return {
        index.references[0]: _part(table, index, "list")
        for index in indexes(cursor, model)
        if index.list
    }


def drop_lists(cursor: Any, model: str, table: Table) -> None:
    """Remove the tables that a model's own does not take with it."""
    for name in lists(cursor, model, table).values():
        cursor.execute(f"DROP TABLE {name}")


# What stands in the way.


def _check_rows(cursor: Any, model: str, table: Table, index: Index, violation: str) -> None:
    source = f"FROM {table.name} WHERE {violation}"
    [(count,)] = cursor.execute(f"SELECT count(*) {source}").fetchall()
    if count:
        query = f"SELECT id {source} ORDER BY id LIMIT {SHOWN_IDS}"
        raise unfit(model, index, count, [id for (id,) in cursor.execute(query).fetchall()])


def _check_unique(cursor: Any, model: str, table: Table, index: Index, keys: Sequence[str]) -> None:
    given = _given(index, keys)
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
    named = (index for index in indexes(cursor, model) if index.name == name)
    found = objection(named, write.fields)
    if found is not None:
        found.backend, found.model, found.id = "sqlite", model, write.id
        return found
    return InvalidDocumentError(  # the index was dropped since
        f"{model} {write.id!r} did not fit the index {name}, which is gone; try again",
        backend="sqlite",
        model=model,
        id=write.id,
    )
