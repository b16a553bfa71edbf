"""What the tests of this folder share: prepared objects without a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from interstore.changes import Changes
from interstore.changes_parse import parse_changes
from interstore.filters.arguments import parse_sort
from interstore.filters.parse import parse_filter
from interstore.filters.tree import Node
from interstore.prepared import Query, Write
from interstore.times import now
from interstore.values import canonical_fields
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase

Open: TypeAlias = Callable[..., PostgreSQLDatabase]
"""Opens the test's database with the settings given, closed at the test's end."""


def write(id: str, fields: Mapping[str, Any] | None = None, version: int = 1) -> Write:
    at = now()
    return Write(id, canonical_fields(fields or {}), version=version, created=at, updated=at)


def changes(what: Mapping[str, Any]) -> Changes:
    return parse_changes(None, what, now())


def query(filter: Any = None, sort: Any = None, **more: Any) -> Query:
    return Query(parse_filter(filter), parse_sort(sort), **more)


def tree(filter: Any) -> Node:
    return parse_filter(filter)


def ids(database: PostgreSQLDatabase, filter: Any, sort: Any = None) -> list[str]:
    """The ids of what a filter finds."""
    return [document.id for document in database.find("m", query(filter, sort))]


def fill(database: PostgreSQLDatabase, **documents: Mapping[str, Any]) -> None:
    """Create documents in the model `m`."""
    outcomes = database.create_many("m", [write(id, each) for id, each in documents.items()])
    assert outcomes == [1] * len(documents)


def run(database: PostgreSQLDatabase, sql: str, *values: Any) -> list[Any]:
    """The rows of a statement of the test's own."""
    with database.native.connection() as connection:
        cursor = connection.execute(sql.encode(), values)
        return cursor.fetchall() if cursor.description is not None else []
