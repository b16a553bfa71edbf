# Generated from core/interstore/testing/_async/differential.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 192d3a40b354bac6ef2a0de3

"""Random documents, queries and changes: the engine against the reference in core."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interstore._sync.store import Store
from interstore.aggregation import distinct_values
from interstore.changes_parse import parse_changes
from interstore.document import Document
from interstore.errors import InvalidDocumentError, InvalidQueryError
from interstore.filters.arguments import parse_fields, parse_sort
from interstore.filters.parse import parse_filter
from interstore.filters.references import parse_path
from interstore.filters.select import select
from interstore.prepared import Query, Write, prune
from interstore.testing._sync.suite import Suite, served_sort
from interstore.testing.aggregations import aggregated, aggregations
from interstore.testing.checks import exact, exact_all, ids, tally
from interstore.testing.strategies import (
    changes,
    documents,
    fields,
    filters,
    key_paths,
    paths,
    sorts,
)
from interstore.times import now

__all__ = ["DifferentialSuite", "compared"]

compared = settings(
    deadline=None,  # a server's answers may take their time
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,  # each example clears the model
        HealthCheck.differing_executors,  # one suite serves many engines
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
"""Settings of every test below; the number of examples is the profile's."""


class DifferentialSuite(Suite):
    """Whatever core's evaluator says of a document, the engine says."""

    @compared
    @given(documents=documents(), filters=st.lists(filters(), min_size=8, max_size=16))
    def test_filters(
        self, store: Store, model: str, documents: list[Any], filters: list[Any]
    ) -> None:
        stored = _load(store, model, documents)
        for filter in filters:
            expected = ids(select(stored, Query(parse_filter(filter))))
            found = ids(store.find(model, filter).to_list())
            assert found == expected, f"find {filter!r}: {found}, the reference: {expected}"
            assert store.count(model, filter) == len(expected), f"count of {filter!r}"
            tally["filters"] += 1
            tally["documents judged"] += len(stored)

    @compared
    @given(
        documents=documents(),
        queries=st.lists(
            st.tuples(
                filters() | st.none(),
                sorts(),
                st.integers(0, 4),
                st.none() | st.integers(0, 6),
                st.none() | st.lists(key_paths, max_size=3),
            ),
            min_size=1,
            max_size=6,
        ),
    )
    def test_sorts_and_fields(
        self, store: Store, model: str, documents: list[Any], queries: list[Any]
    ) -> None:
        stored = _load(store, model, documents)
        for filter, whole_sort, skip, limit, kept_paths in queries:
            sort = served_sort(store, whole_sort)
            query = Query(parse_filter(filter), parse_sort(sort), limit, skip)
            expected = select(stored, query)
            kept = parse_fields(kept_paths)
            if kept is not None:
                expected = [prune(document, kept) for document in expected]
            found = store.find(
                model, filter, sort=sort, skip=skip, limit=limit, fields=kept_paths
            ).to_list()
            assert exact_all(found) == exact_all(expected), (filter, sort, skip, limit, kept_paths)
            tally["sorts"] += 1

    @compared
    @given(
        documents=documents(), filter=st.none() | filters(), sort=sorts(), limit=st.integers(1, 4)
    )
    def test_pages(
        self,
        store: Store,
        model: str,
        documents: list[Any],
        filter: Any,
        sort: Any,
        limit: int,
    ) -> None:
        sort = served_sort(store, sort)
        stored = _load(store, model, documents)
        expected = ids(select(stored, Query(parse_filter(filter), parse_sort(sort))))
        found: list[str] = []
        token: str | None = None
        while True:
            page = store.page(model, filter, sort=sort, limit=limit, after=token)
            found += ids(page.documents)
            assert len(found) <= len(expected), f"{filter!r} sorted by {sort!r}: {found}"
            tally["pages"] += 1
            token = page.next
            if token is None:
                break
        assert found == expected, f"{filter!r} sorted by {sort!r}"

    @compared
    @given(fields=fields(), steps=st.lists(changes(), min_size=1, max_size=8))
    def test_changes(
        self, store: Store, model: str, fields: dict[str, Any], steps: list[Any]
    ) -> None:
        document = store.put(model, {"id": "a", **fields})
        for step in steps:
            expected = _expected(document, step)
            tally["changes"] += 1
            if expected is None:
                try:
                    store.update(model, "a", step)
                except InvalidDocumentError:
                    expected = document
                else:
                    raise AssertionError(f"{step!r} does not fit {document!r}: must be refused")
            else:
                updated = store.update(model, "a", step)
                assert exact_all([updated]) == exact_all([expected]), f"returned after {step!r}"
            document = store.get(model, "a")
            assert exact_all([document]) == exact_all([expected]), f"stored after {step!r}"

    @compared
    @given(documents=documents(), filter=filters(), step=changes())
    def test_update_many_and_delete_many(
        self, store: Store, model: str, documents: list[Any], filter: Any, step: Any
    ) -> None:
        stored = _load(store, model, documents)
        matching = set(ids(select(stored, Query(parse_filter(filter)))))
        wanted = {d.id: (_expected(d, step) if d.id in matching else d) for d in stored}
        failing = sorted(id for id, document in wanted.items() if document is None)
        result = store.update_many(model, filter, step, on_error="report")
        assert sorted(outcome.id for outcome in result.outcomes) == failing
        assert (result.updated, result.failed) == (len(matching) - len(failing), len(failing))
        after = store.find(model).to_list()
        expected = [wanted[d.id] or d for d in sorted(stored, key=lambda d: d.id)]
        assert exact_all(after) == exact_all(expected), f"after {step!r} where {filter!r}"
        doomed = set(ids(select(after, Query(parse_filter(filter)))))
        assert store.delete_many(model, filter).deleted == len(doomed)
        left = ids(store.find(model).to_list())
        assert left == [d.id for d in after if d.id not in doomed], f"deleted where {filter!r}"
        tally["bulk changes"] += 1

    @compared
    @given(documents=documents(), asked=st.lists(aggregations(), min_size=2, max_size=6))
    def test_aggregates(
        self, store: Store, model: str, documents: list[Any], asked: list[dict[str, Any]]
    ) -> None:
        stored = _load(store, model, documents)
        for arguments in asked:
            expected: Any
            found: Any
            try:
                expected = aggregated(stored, arguments)
            except InvalidQueryError as error:
                expected = type(error)
            try:
                found = store.aggregate(model, **arguments)
            except InvalidQueryError as error:
                found = type(error)
            assert exact(found) == exact(expected), f"aggregate {arguments!r}"
            tally["aggregates"] += 1

    @compared
    @given(documents=documents(), filter=st.none() | filters(), path=paths)
    def test_distinct_values(
        self, store: Store, model: str, documents: list[Any], filter: Any, path: Any
    ) -> None:
        stored = _load(store, model, documents)
        matching = select(stored, Query(parse_filter(filter)))
        expected = distinct_values(matching, parse_path(path))
        found = store.distinct(model, path, filter)
        assert exact(found) == exact(expected), f"distinct {path!r} where {filter!r}"

    @compared
    @given(documents=documents(), filter=st.none() | filters(), sort=sorts())
    def test_one_after_the_other_is_deleted(
        self, store: Store, model: str, documents: list[Any], filter: Any, sort: Any
    ) -> None:
        sort = served_sort(store, sort)
        stored = _load(store, model, documents)
        expected = select(stored, Query(parse_filter(filter), parse_sort(sort)))
        found = []
        while (document := store.find_one_and_delete(model, filter, sort=sort)) is not None:
            found.append(document)
        assert exact_all(found) == exact_all(expected), f"{filter!r} by {sort!r}"
        assert store.count(model) == len(stored) - len(expected)


def _load(store: Store, model: str, documents: list[Any]) -> list[Document]:
    """Fill the model with the documents alone; some get a second version."""
    store.delete_many(model, {})
    store.create_many(model, documents)
    store.put_many(model, documents[::3])
    found = store.find_by_ids(model, [document["id"] for document in documents])
    stored = [document for document in found if document is not None]
    assert [exact(d) for d in stored] == [exact(_canonical(d)) for d in documents]
    return stored


def _canonical(value: Any) -> Any:
    """The stored form of values that the strategies make."""
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if whole else value


def _expected(document: Document, step: Any) -> Document | None:
    """The document after the changes; ``None`` if they do not fit it."""
    parsed = parse_changes(document.id, step, now())
    if parsed.is_empty:
        return document
    try:
        made = parsed.apply_to(document.fields())
    except InvalidDocumentError:
        return None
    return Write(
        document.id,
        made,
        version=document.version + 1,
        created=document.created,
        updated=parsed.updated,
    ).document()
