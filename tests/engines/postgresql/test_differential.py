"""Random documents, filters and changes: PostgreSQL gives what the reference in core gives."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore.changes_parse import parse_changes
from interstore.document import Document
from interstore.errors import InvalidDocumentError
from interstore.filters.arguments import parse_sort
from interstore.filters.order import position_of
from interstore.filters.parse import parse_filter
from interstore.filters.select import select
from interstore.filters.tree import ALL, And, Node, Not, Or
from interstore.paths import Envelope, Path
from interstore.prepared import Query, Write
from interstore.testing import strategies
from interstore.values import canonical_fields
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from interstore_backends.postgresql.compile import compile_query
from interstore_backends.postgresql.values import Indexed
from tests.engines.postgresql.support import run

AT = "2026-01-31T12:00:00.000000Z"


@given(
    documents=strategies.documents(),
    filters=st.lists(strategies.filters(), min_size=3, max_size=6),
    sort=strategies.sorts(),
    limit=st.integers(1, 4),
)
def test_find_count_and_pages(
    kept: PostgreSQLDatabase,
    documents: list[dict[str, Any]],
    filters: list[Any],
    sort: list[Any],
    limit: int,
) -> None:
    stored = _store(kept, documents)
    for filter in filters:
        query = Query(parse_filter(filter), parse_sort(sort))
        expected = [document.id for document in select(stored, query)]
        assert [document.id for document in kept.find("m", query)] == expected
        assert kept.count("m", query.tree) == len(expected)
        assert kept.exists("m", query.tree) is bool(expected)
        assert _walk(kept, query.only(limit=limit), limit) == expected
        assert _by_index(kept, query) == expected


@given(documents=strategies.documents(), changes=strategies.changes())
def test_updates(
    kept: PostgreSQLDatabase, documents: list[dict[str, Any]], changes: dict[str, Any]
) -> None:
    parsed = parse_changes(None, changes, AT)
    for document in _store(kept, documents):
        try:
            expected = parsed.apply("m", document.id, document).document()
        except InvalidDocumentError as error:
            with pytest.raises(InvalidDocumentError, match=re.escape(str(error))):
                kept.update("m", document.id, parsed)
            continue
        updated = kept.update("m", document.id, parsed)
        assert updated == expected == kept.find_by_id("m", document.id)
        assert updated.version == expected.version


def _store(database: PostgreSQLDatabase, documents: list[dict[str, Any]]) -> list[Document]:
    writes = [_write(number, document) for number, document in enumerate(documents)]
    database.delete_many("m", ALL)
    database.write_page("m", writes, "upsert")
    return [write.document() for write in writes]


def _write(number: int, document: dict[str, Any]) -> Write:
    fields = canonical_fields(document)
    id = fields.pop("id", str(number))
    return Write(id, fields, version=1 + number % 3, created=AT, updated=AT)


def _walk(database: PostgreSQLDatabase, query: Query, limit: int) -> list[str]:
    seen: list[str] = []
    while True:
        page = list(database.find("m", query))
        seen += [document.id for document in page]
        if len(page) < limit:
            return seen
        query = query.only(after=position_of(page[-1], query.order))


def _by_index(database: PostgreSQLDatabase, query: Query) -> list[str]:
    """What is found with the conditions that are written for paths with an index."""
    rest = compile_query(query, Indexed(_paths(query.tree), _paths(query.tree)))
    with database._connections.transaction() as transaction:
        rows = transaction.run(f"SELECT id FROM m{rest.sql}", rest.values)
    return [id for (id,) in rows]


def _paths(tree: Node) -> frozenset[Path]:
    if isinstance(tree, (And, Or)):
        return frozenset({path for node in tree.nodes for path in _paths(node)})
    if isinstance(tree, Not):
        return _paths(tree.node)
    return frozenset(() if isinstance(tree.path, Envelope) else [tree.path])


def test_the_collation_is_hostile(kept: PostgreSQLDatabase) -> None:
    """Otherwise, these tests would prove less than they seem to."""
    assert run(kept, "SELECT 'a' < 'B', '\"a\"'::jsonb < '\"B\"'::jsonb") == [(True, True)]
