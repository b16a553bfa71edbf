"""What the tests of this folder share: prepared objects without a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from interstore.changes import Changes
from interstore.changes_parse import parse_changes
from interstore.filters.arguments import parse_sort
from interstore.filters.parse import parse_filter
from interstore.filters.tree import Node
from interstore.indexes import Index, parse_index
from interstore.prepared import Query, Write
from interstore.times import now
from interstore.values import canonical_fields
from interstore_backends.mongodb._sync.database import MongoDBDatabase

Open: TypeAlias = Callable[..., MongoDBDatabase]
"""Opens a database with the settings given, closed at the test's end."""


def write(id: str, fields: Mapping[str, Any] | None = None, version: int = 1) -> Write:
    at = now()
    return Write(id, canonical_fields(fields or {}), version=version, created=at, updated=at)


def changes(what: Mapping[str, Any]) -> Changes:
    return parse_changes(None, what, now())


def tree(filter: Any) -> Node:
    return parse_filter(filter)


def query(filter: Any = None, sort: Any = None, **more: Any) -> Query:
    return Query(parse_filter(filter), parse_sort(sort), **more)


def ids(database: MongoDBDatabase, filter: Any, sort: Any = None) -> list[str]:
    """The ids of what a filter finds."""
    return [document.id for document in database.find("m", query(filter, sort))]


def declared(*paths: str, unique: bool = False, list: bool = False) -> Index:
    """The index on the paths; the last may be the type of them all."""
    kinds = ("number", "string", "bool")
    kind = paths[-1] if paths[-1] in kinds else None
    return parse_index(paths[:-1] if kind else paths, kind, unique, list)


def fill(database: MongoDBDatabase, **documents: Mapping[str, Any]) -> None:
    """Create documents in the model `m`."""
    outcomes = database.create_many("m", [write(id, each) for id, each in documents.items()])
    assert outcomes == [1] * len(documents)
