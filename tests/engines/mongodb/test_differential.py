"""Random documents and filters: MongoDB gives what the reference in core gives."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interstore.filters.arguments import parse_sort
from interstore.filters.order import position_of
from interstore.filters.parse import parse_filter
from interstore.filters.select import select
from interstore.filters.tree import ALL
from interstore.prepared import Query, Write
from interstore.testing import strategies
from interstore.values import canonical_fields
from interstore_backends.mongodb._sync.database import MongoDBDatabase

AT = "2026-01-31T12:00:00.000000Z"


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    documents=strategies.documents(),
    filters=st.lists(strategies.filters(), min_size=3, max_size=6),
    sort=strategies.sorts(),
    limit=st.integers(1, 4),
)
def test_find_count_and_pages(
    kept: MongoDBDatabase,
    documents: list[dict[str, Any]],
    filters: list[Any],
    sort: list[Any],
    limit: int,
) -> None:
    writes = [_write(number, document) for number, document in enumerate(documents)]
    stored = [write.document() for write in writes]
    queries = [Query(parse_filter(filter), parse_sort(sort)) for filter in filters]
    kept.delete_many("m", ALL)
    kept.write_page("m", writes, "upsert")
    for query in queries:
        expected = [document.id for document in select(stored, query)]
        assert [document.id for document in kept.find("m", query)] == expected
        assert kept.count("m", query.tree) == len(expected)
        assert kept.exists("m", query.tree) is bool(expected)
        assert walk(kept, query.only(limit=limit), limit) == expected


def _write(number: int, document: dict[str, Any]) -> Write:
    fields = canonical_fields(document)
    id = fields.pop("id")
    return Write(id, fields, version=1 + number % 3, created=AT, updated=AT)


def walk(database: MongoDBDatabase, query: Query, limit: int) -> list[str]:
    seen: list[str] = []
    while True:
        page = list(database.find("m", query))
        seen += [document.id for document in page]
        if len(page) < limit:
            return seen
        query = query.only(after=position_of(page[-1], query.order))
