"""What a database says of a table that others made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from interstore.errors import ConfigurationError
from interstore.foreign import ForeignSource, IdType, Renaming
from interstore_backends.postgresql.foreign_columns import Column, ForeignTable, Row
from interstore_backends.postgresql.foreign_types import kind_of
from interstore_backends.postgresql.quoting import quote_name

__all__ = ["COLUMNS", "KEYS", "NAMES", "RELATION", "candidates", "make_table", "wrong"]

RELATION: Final = (
    "SELECT c.oid::text, c.relkind::text FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r','p','v','m','f')"
)
"""Of a schema and a name: number and kind."""

NAMES: Final = (
    "SELECT CASE WHEN n.nspname = $1 THEN '' ELSE n.nspname || '.' END || c.relname "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r','p','v','m','f') AND n.nspname !~ '^(pg_|information_schema$)' "
    "AND c.relname !~ '^interstore' ORDER BY n.nspname <> $1, 1 LIMIT 1000"
)
"""What there is, that of the schema first."""

COLUMNS: Final = """
SELECT a.attname::text, a.attnotnull, a.attnum::int,
    format_type(a.atttypid, -1), format_type(a.atttypid, a.atttypmod),
    CASE WHEN n.nspname = 'pg_catalog' THEN b.typname::text ELSE '' END,
    b.typcategory::text, coalesce(e.typname::text, ''),
    b.typname <> 'citext' AND coalesce(l.collisdeterministic, true),
    a.attgenerated <> '' OR a.attidentity = 'a'
FROM pg_catalog.pg_attribute a
JOIN LATERAL (
    WITH RECURSIVE d AS (
        SELECT t.oid, t.typtype, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
        UNION ALL
        SELECT t.oid, t.typtype, t.typbasetype FROM pg_catalog.pg_type t
        JOIN d ON t.oid = d.typbasetype WHERE d.typtype = 'd'
    ) SELECT d.oid FROM d WHERE d.typtype <> 'd'
) r ON true
JOIN pg_catalog.pg_type b ON b.oid = r.oid
JOIN pg_catalog.pg_namespace n ON n.oid = b.typnamespace
LEFT JOIN pg_catalog.pg_type e ON b.typcategory = 'A' AND e.oid = b.typelem
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
"""Name, whether NOT NULL, number, type without and with modifiers, the short name of the type
that it rests on if it is PostgreSQL's own, its category, that of its elements, exactness,
whether the database alone writes it."""

KEYS: Final = (
    "SELECT i.indisprimary, i.indkey::text FROM pg_catalog.pg_index i WHERE i.indrelid = $1::oid "
    "AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL "
    "AND i.indnkeyatts = i.indnatts"
)
"""Of each unique index: whether it is the primary key's, and the numbers of its columns."""

_STRINGS: Final = "S"


def candidates(source: ForeignSource, schema: str) -> list[tuple[str, str]]:
    """The schema and the name that a source may mean."""
    found = [(schema, source.name)]
    head, dot, tail = source.name.partition(".")
    if dot and head and tail:
        found.append((head, tail))
    return found


def make_table(
    source: ForeignSource,
    place: tuple[str, str],
    relation: Sequence[str],
    columns: list[Row],
    keys: list[Row],
) -> ForeignTable:
    """The table, from the rows of the queries above.

    Raises:
        ConfigurationError: it cannot be presented as the source says.
    """
    names = {str(row[2]): str(row[0]) for row in columns}
    id = source.id or _primary_key(source, names, keys)
    renaming = Renaming(source, id)
    renaming.check(names.values())
    made = [_column(row, renaming) for row in columns]
    id_column = next(column for column in made if column.name == id)
    return ForeignTable(
        source=source,
        oid=relation[0],
        kind=relation[1],
        quoted=".".join(map(quote_name, place)),
        id=id_column,
        id_type=_id_type(source, id_column, columns),
        columns={column.shown: column for column in made if column is not id_column},
        unique=any(names.get(key) == id for _, key in keys),
    )


def _column(row: Row, renaming: Renaming) -> Column:
    name, required, _, type, declared, base, category, element, exact, computed = row
    is_array = category == "A"
    return Column(
        name=name,
        shown="id" if name == renaming.id else renaming.presented(name),
        kind=kind_of(element if is_array else base),
        is_array=is_array,
        type=type,
        base=base,
        declared=declared,
        nullable=not required,
        exact=exact,
        computed=computed,
    )


def _primary_key(source: ForeignSource, names: dict[str, str], keys: Iterable[Row]) -> str:
    for primary, numbers in keys:
        key = [names[number] for number in str(numbers).split()]
        if primary and len(key) == 1:
            return key[0]
        if primary:
            why = f"its primary key is {' and '.join(map(repr, key))}"
            break
    else:
        why = "it has no primary key"
    listed = ", ".join(map(repr, names.values()))
    raise wrong(source, f"{why}; name one column with id=: {listed}")


def _id_type(source: ForeignSource, id: Column, columns: Iterable[Row]) -> IdType:
    category = next(row[6] for row in columns if row[0] == id.name)
    found: IdType | None = None
    if id.kind == "int":
        found = "int"
    elif id.kind == "uuid":
        found = "uuid"
    elif category == _STRINGS:
        found = "string"
    if found is None or id.is_array:
        raise wrong(
            source,
            f"the id column {id.name!r} is of type {id.declared}, which is no id; choose another "
            "column with id=, or open a view that casts it to bigint, uuid or text",
        )
    if source.id_type not in (None, found):
        raise wrong(
            source,
            f"the id column {id.name!r} is of type {id.declared}: id_type is {found!r}, not "
            f"{source.id_type!r}; leave it out",
        )
    return found


def wrong(source: ForeignSource, problem: str) -> ConfigurationError:
    """The error for a source that cannot be opened."""
    return ConfigurationError(
        f"foreign {source.name!r}: {problem}", backend="postgresql", model=source.name
    )
