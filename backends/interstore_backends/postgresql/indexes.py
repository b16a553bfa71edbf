"""What PostgreSQL builds for an index. Pure: the same index, the same statements.

An index on paths is a B-tree on what filters and sorts compare, the id last. A unique one has
a second beside it, over the rows in which nothing is null or missing. An index of a list is a
GIN index of its elements. What an index demands of values is a CHECK constraint, so whatever
writes, of whatever version or language, the server itself refuses what does not fit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from interstore.errors import InvalidDocumentError
from interstore.indexes import SHOWN_IDS, Index, objection
from interstore.paths import Envelope, Path
from interstore.prepared import Write
from interstore_backends.postgresql.compile import inlined
from interstore_backends.postgresql.quoting import path_expression, quote_name
from interstore_backends.postgresql.schema import Table
from interstore_backends.postgresql.values import Indexed, order_expressions, rank

__all__ = [
    "IndexStatements",
    "constraint_of",
    "demanded",
    "expiry_index",
    "name_of",
    "served",
    "unique_of",
]

_CLASSES: Final = {
    "scalar": ("null", "number", "string", "boolean"),
    "number": ("null", "number"),
    "string": ("null", "string"),
    "bool": ("null", "boolean"),
}


def constraint_of(index: Index) -> str:
    """The name of the constraint with what an index demands; one among those of the table."""
    return f"interstore_{index.name}"


def unique_of(model: str, index: Index) -> str:
    """The name of what keeps values apart, one among those of the schema.

    63 bytes at most, and no model begins like this.
    """
    return f"{name_of(model, index)}_u"


def name_of(model: str, index: Index) -> str:
    """The name of what serves queries, likewise."""
    digest = hashlib.blake2b(model.encode(), digest_size=4).hexdigest()
    return f"interstore_{index.name}_{digest}"


def expiry_index(schema: str, table: Table) -> tuple[str, str]:
    """What drops the index of the documents that expire, and what builds it."""
    digest = hashlib.blake2b(table.model.encode(), digest_size=4).hexdigest()
    name = quote_name(f"interstore_@expires_at_{digest}")
    create = f"CREATE INDEX CONCURRENTLY {name} ON {table.name} (expires_at, id)"
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {quote_name(schema)}.{name}"
    return drop, f"{create} WHERE expires_at IS NOT NULL"


def served(indexes: Iterable[Index]) -> Indexed:
    """What indexes serve."""
    keys: set[Path] = set()
    lists: set[Path] = set()
    for index in indexes:
        (lists if index.list else keys).update(path for path, _ in index.user_paths)
    return Indexed(frozenset(keys), frozenset(lists))


def demanded(model: str, write: Write, index: Index) -> InvalidDocumentError:
    """The error for a document that the constraint of an index refused."""
    found = objection([index], write.fields)
    return found or InvalidDocumentError(  # what is there now fits, or it was declared anew
        f"{model} {write.id!r} did not fit {index.name}, the {index}; try again"
    )


class IndexStatements:
    """The statements that build an index, look for what stands in its way, and remove it.

    Attributes:
        demands: whether documents may not fit it.
        demand: adds the constraint, for what is written from then on.
        validate: holds the stored documents to it as well.
        build: the statements that build it beside others' writes, each outside a transaction.
        yield_demand: removes the constraint.
        remove: the statements that remove what `build` built, or what is left of it.
        count_unfit: how many documents do not fit; `first_unfit`, the first of their ids.
        count_clashing: how many share their values; `first_clashing`, the first of their ids.
    """

    def __init__(self, schema: str, table: Table, index: Index) -> None:
        model = table.model
        constraint = quote_name(constraint_of(index))
        condition = _condition(index, f"{quote_name(schema)}.interstore_longest")
        self.demands = bool(condition)
        self.demand = (
            f"ALTER TABLE {table.name} ADD CONSTRAINT {constraint} CHECK ({condition}) NOT VALID"
        )
        self.validate = f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {constraint}"
        self.yield_demand = (
            f"ALTER TABLE IF EXISTS {table.name} DROP CONSTRAINT IF EXISTS {constraint}"
        )
        unfit = f"FROM {table.name} WHERE NOT ({condition})"
        self.count_unfit = f"SELECT count(*) {unfit}"
        self.first_unfit = f"SELECT id {unfit} ORDER BY id LIMIT {SHOWN_IDS}"
        keys = ", ".join([key for path in index.references for key in order_expressions(path)])
        given = _given(index)
        clashing = (
            f"FROM (SELECT id, count(*) OVER (PARTITION BY {keys}) AS sharing "
            f"FROM {table.name}{given}) each WHERE sharing > 1"
        )
        self.count_clashing = f"SELECT count(*) {clashing}"
        self.first_clashing = f"SELECT id {clashing} ORDER BY id LIMIT {SHOWN_IDS}"
        name, unique = quote_name(name_of(model, index)), quote_name(unique_of(model, index))
        on = f"INDEX CONCURRENTLY {name} ON {table.name}"
        if index.list:
            [(path, _)] = index.user_paths
            elements = path_expression("doc", path)
            self.build = [f"CREATE {on} USING gin ({elements} jsonb_path_ops)"]
        else:
            self.build = [f"CREATE {on} ({keys}, id)"]
        names = [name]
        if index.unique:
            on = f"INDEX CONCURRENTLY {unique} ON {table.name}"
            self.build.insert(0, f"CREATE UNIQUE {on} ({keys}){given}")
            names.append(unique)
        place = quote_name(schema)
        self.remove = [f"DROP INDEX CONCURRENTLY IF EXISTS {place}.{each}" for each in names]


def _given(index: Index) -> str:
    """Which rows a unique index looks at: nothing is null or missing, and they are meant."""
    terms = [
        f"{rank(path_expression('doc', path))} <> '-Infinity'::float8"
        for path in index.references
        if not isinstance(path, Envelope)
    ]
    if index.where:
        terms.append(inlined(index.condition))
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def _condition(index: Index, longest: str) -> str:
    """What `compile_check` checks, true or false of every row; empty if nothing is demanded.

    Args:
        index: the index.
        longest: the name of the function that measures the strings of a list.
    """
    terms: list[str] = []
    for path, needed in index.demands:
        value = path_expression("doc", path)
        if index.list:
            terms.append(_list_condition(index, value, str(needed), longest))
        else:
            terms += _value_conditions(index, value, needed)
            if needed is not None:
                ways = [path_expression("doc", path[:depth]) for depth in range(1, len(path))]
                terms += [f"coalesce(jsonb_typeof({way}), 'null') <> 'array'" for way in ways]
    return " AND ".join(terms)


def _value_conditions(index: Index, value: str, needed: str | None) -> list[str]:
    terms: list[str] = []
    if needed is not None:
        classes = ",".join([f"'{name}'" for name in _CLASSES[needed]])
        terms.append(f"coalesce(jsonb_typeof({value}), 'null') IN ({classes})")
    if needed in (None, "scalar", "string"):
        size = f"octet_length({value} #>> '{{}}') <= {index.text_bytes}"
        terms.append(f"(CASE jsonb_typeof({value}) WHEN 'string' THEN {size} ELSE TRUE END)")
    return terms


def _list_condition(index: Index, value: str, needed: str, longest: str) -> str:
    allowed = " || ".join([f'@.type() == "{name}"' for name in _CLASSES[needed]])
    elements = f"NOT jsonb_path_exists({value}, 'strict $[*] ? (!({allowed}))')"
    if "string" in _CLASSES[needed]:
        # Hardly any list needs to be measured string by string.
        elements += (
            f" AND (octet_length({value}::text) <= {index.text_bytes} "
            f"OR {longest}({value}) <= {index.text_bytes})"
        )
    return (
        f"(CASE coalesce(jsonb_typeof({value}), 'null') WHEN 'null' THEN TRUE "
        f"WHEN 'array' THEN {elements} ELSE FALSE END)"
    )
