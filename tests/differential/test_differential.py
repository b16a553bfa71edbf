"""The same random data on every engine at once: each gives what the reference in core gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore._sync.operations import Operations
from interstore.bulk import BulkResult
from interstore.changes_parse import parse_changes
from interstore.document import Document
from interstore.errors import InterstoreError, InvalidDocumentError
from interstore.filters.arguments import parse_sort
from interstore.filters.parse import parse_filter
from interstore.filters.select import select
from interstore.filters.tree import ALL
from interstore.prepared import Query, Write
from interstore.testing._sync.differential import compared
from interstore.testing.checks import exact_all, ids
from interstore.testing.strategies import changes, documents, fields, filters, sorts
from tests.differential.case import walked
from tests.differential.corpus import corpus, stored, written
from tests.differential.counts import count
from tests.differential.engines import Subject
from tests.tiny import TinyDatabase

AT = "2026-02-28T12:00:00.000000Z"


@dataclass(frozen=True)
class World:
    """Engines that all hold the same documents."""

    subjects: list[Subject]
    model: str
    documents: list[Document]

    def asked(self, question: Any) -> list[Subject]:
        """The engines that a question is for."""
        return _asked(self.subjects, question)

    def holding(self, id: str) -> Document:
        return next(document for document in self.documents if document.id == id)

    def assert_same(self, subject: Subject, what: str, found: list[str], asked: Query) -> None:
        """The ids that the reference gives, in its order."""
        expected = ids(select(self.documents, asked))
        if found == expected:
            return
        shown = [
            self.holding(id) for id in sorted({*found} ^ {*expected}, key=lambda id: (len(id), id))
        ]
        pytest.fail(
            f"{subject.name}: {what}: found {found[:9]}, the reference {expected[:9]}; "
            f"they differ about {shown[:2]}",
            pytrace=False,
        )


def _asked(subjects: list[Subject], question: Any) -> list[Subject]:
    return [subject for subject in subjects if subject.is_asked(question)]


_long = [pytest.param(number, marks=pytest.mark.long) for number in range(1, 3)]


@pytest.fixture(scope="module", params=[0, *_long])
def world(request: pytest.FixtureRequest, subjects: list[Subject]) -> Iterator[World]:
    """All of the engines, with one of the corpora."""
    model, data = f"corpus{request.param}", corpus(request.param)
    for subject in subjects:
        assert set(subject.store.database.write_page(model, written(data), "upsert")) == {1, 2, 3}
    yield World(subjects, model, stored(data))
    for subject in subjects:
        subject.store.delete_many(model, {})


@compared
@given(filters=st.lists(filters(), min_size=3, max_size=12))
def test_filters(world: World, filters: list[Any]) -> None:
    for filter in filters:
        query = Query(parse_filter(filter))
        for subject in world.asked(filter):
            database = subject.store.database
            found = ids(database.find(world.model, query))
            world.assert_same(subject, f"find {filter!r}", found, query)
            assert database.count(world.model, query.tree) == len(found), (subject.name, filter)
            assert database.exists(world.model, query.tree) is bool(found), (subject.name, filter)
            count(subject.name, "filter evaluations", len(world.documents))


@compared
@given(
    queries=st.lists(
        st.tuples(
            st.none() | filters(), sorts(), st.integers(0, 4), st.none() | st.integers(1, 20)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_sorts(world: World, queries: list[Any]) -> None:
    for filter, sort, skip, limit in queries:
        for subject in world.asked((filter, sort, skip)):
            order = parse_sort(subject.sort_of(sort))
            query = Query(parse_filter(filter), order, limit, skip)
            found = ids(subject.store.database.find(world.model, query))
            what = f"{filter!r} by {sort!r}, skip {skip}, limit {limit}"
            world.assert_same(subject, what, found, query)
            count(subject.name, "sorts")


@compared
@given(filter=filters(), sort=sorts(), limit=st.integers(1, 30))
def test_pages_to_exhaustion(world: World, filter: Any, sort: Any, limit: int) -> None:
    for subject in world.asked((filter, sort)):
        query = Query(parse_filter(filter), parse_sort(subject.sort_of(sort)))
        found = walked(subject.store.database, world.model, query, limit)
        count(subject.name, "pages", len(found) // limit + 1)
        world.assert_same(subject, f"pages of {limit}: {filter!r} by {sort!r}", found, query)


@compared
@given(fields=fields(), steps=st.lists(changes(), min_size=1, max_size=6))
def test_partial_updates(subjects: list[Subject], fields: dict[str, Any], steps: list[Any]) -> None:
    [write] = written([{**fields, "id": "a"}])
    for subject in _asked(subjects, steps):
        database = subject.store.database
        database.delete_many("updates", ALL)
        database.write_page("updates", [write], "upsert")
        document = write.document()
        for step in steps:
            parsed = parse_changes("a", step, AT)
            what = f"{subject.name}: {step!r} of {document!r}"
            expected: Document | str
            try:
                expected = document = parsed.apply("updates", "a", document).document()
            except InvalidDocumentError as error:
                expected = str(error)
            try:
                updated: Document | str = database.update("updates", "a", parsed)
            except InvalidDocumentError as error:
                updated = str(error)
            assert _shown(updated) == _shown(expected), what
            assert _shown(database.find_by_id("updates", "a")) == _shown(document), what
            count(subject.name, "updates")


def _shown(what: Document | str | None) -> Any:
    return what if isinstance(what, str) else (exact_all([what]), what and what.updated)


@compared
@given(
    before=documents(), created=documents(), put=documents(), filter=filters(), step=changes(),
    doomed=filters(),
)  # fmt: skip
def test_bulk_calls(
    subjects: list[Subject],
    before: list[Any],
    created: list[Any],
    put: list[Any],
    filter: Any,
    step: Any,
    doomed: Any,
) -> None:
    def outcomes(database: Operations) -> list[Any]:
        model = "bulk"
        database.delete_many(model, ALL)
        reports: list[Any] = [
            _outcomes(database.create_many(model, _fresh(before))),
            _outcomes(database.create_many(model, _fresh(created))),
            _outcomes(database.put_many(model, _fresh(put))),
            _result(
                database.update_many(model, parse_filter(filter), parse_changes(None, step, AT))
            ),
            exact_all(database.find(model, Query())),
            _result(database.delete_many(model, parse_filter(doomed))),
            exact_all(database.find_by_ids(model, [document["id"] for document in put])),
            exact_all(database.find(model, Query())),
        ]
        reports[-2].sort(key=str)
        return reports

    expected = outcomes(Operations(TinyDatabase()))
    for subject in _asked(subjects, before):
        found = outcomes(subject.store.database)
        for one, other in zip(found, expected, strict=True):
            assert one == other, subject.name
        count(subject.name, "bulk calls", 5)


def _fresh(documents: list[Any]) -> list[Write]:
    """The documents in their first version."""
    writes = written(documents)
    for write in writes:
        write.version = 1
    return writes


def _outcomes(reported: list[int | InterstoreError]) -> list[Any]:
    return [each if isinstance(each, int) else type(each).__name__ for each in reported]


def _result(result: BulkResult) -> Any:
    failed = sorted((outcome.id, type(outcome.error).__name__) for outcome in result.outcomes)
    return result.updated, result.deleted, result.failed, failed
