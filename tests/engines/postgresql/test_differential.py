"""Random filters as they are written for paths with an index: the reference's answers, too."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interstore.filters.arguments import parse_sort
from interstore.filters.parse import parse_filter
from interstore.filters.select import select
from interstore.filters.tree import ALL, And, Node, Not, Or
from interstore.paths import Envelope, Path
from interstore.prepared import Query
from interstore.testing import strategies
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from interstore_backends.postgresql.compile import compile_query
from interstore_backends.postgresql.values import Indexed
from tests.differential.corpus import written
from tests.engines.postgresql.support import run


@given(
    documents=strategies.documents(),
    filters=st.lists(strategies.filters(), min_size=3, max_size=6),
    sort=strategies.sorts(),
)
def test_conditions_for_an_index(
    kept: PostgreSQLDatabase, documents: list[dict[str, Any]], filters: list[Any], sort: list[Any]
) -> None:
    """As if there was an index on every path of every filter, which no declaration allows."""
    writes = written(documents)
    stored = [write.document() for write in writes]
    kept.delete_many("m", ALL)
    kept.write_page("m", writes, "upsert")
    for filter in filters:
        query = Query(parse_filter(filter), parse_sort(sort))
        assert _by_index(kept, query) == [document.id for document in select(stored, query)]


def _by_index(database: PostgreSQLDatabase, query: Query) -> list[str]:
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
    """Otherwise, the tests of texts and their order would prove less than they seem to."""
    assert run(kept, "SELECT 'a' < 'B', '\"a\"'::jsonb < '\"B\"'::jsonb") == [(True, True)]
