"""Random documents and filters: SQLite gives what the reference in core gives."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interstore.filters.arguments import parse_sort
from interstore.filters.order import position_of
from interstore.filters.parse import parse_filter
from interstore.filters.select import select
from interstore.filters.tree import ALL
from interstore.prepared import Query, Write
from interstore.testing import strategies
from interstore.values import canonical_fields
from interstore_backends.sqlite.database import SQLiteDatabase

AT = "2026-01-31T12:00:00.000000Z"


@given(
    documents=strategies.documents(),
    filters=st.lists(strategies.filters(), min_size=3, max_size=6),
    sort=strategies.sorts(),
    limit=st.integers(1, 4),
)
def test_find_count_and_pages(
    memories: list[SQLiteDatabase],
    documents: list[dict[str, Any]],
    filters: list[Any],
    sort: list[Any],
    limit: int,
) -> None:
    writes = [_write(number, document) for number, document in enumerate(documents)]
    stored = [write.document() for write in writes]
    queries = [Query(parse_filter(filter), parse_sort(sort)) for filter in filters]
    for database in memories:
        database.delete_many("m", ALL)
        database.write_page("m", writes, "upsert")
        for query in queries:
            expected = [document.id for document in select(stored, query)]
            assert [document.id for document in database.find("m", query)] == expected
            assert database.count("m", query.tree) == len(expected)
            assert database.exists("m", query.tree) is bool(expected)
            assert _walk(database, query.only(limit=limit), limit) == expected


def _write(number: int, document: dict[str, Any]) -> Write:
    fields = canonical_fields(document)
    id = fields.pop("id")
    return Write(id, fields, version=1 + number % 3, created=AT, updated=AT)


def _walk(database: SQLiteDatabase, query: Query, limit: int) -> list[str]:
    seen: list[str] = []
    while True:
        page = list(database.find("m", query))
        seen += [document.id for document in page]
        if len(page) < limit:
            return seen
        query = query.only(after=position_of(page[-1], query.order))
