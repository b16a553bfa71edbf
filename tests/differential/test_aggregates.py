"""Aggregations on every engine at once, over a corpus: each gives the rows of the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore._sync.operations import Operations
from interstore.aggregation import distinct_values
from interstore.document import Document
from interstore.errors import InvalidQueryError
from interstore.filters.parse import parse_filter
from interstore.filters.references import parse_path
from interstore.filters.select import select
from interstore.prepared import Query
from interstore.testing._sync.differential import compared
from interstore.testing.aggregations import aggregated, aggregations
from interstore.testing.checks import exact
from interstore.testing.strategies import filters, paths
from tests.differential.corpus import corpus, stored, written
from tests.differential.counts import count
from tests.differential.engines import Subject

NUMBERS: list[Any] = [
    *(n / 7 for n in range(-40, 40)), *(round(n * 0.37, 2) for n in range(60)), *range(-20, 40),
    0.1, 0.2, 0.3, 1e-15, 2.5e-9, 1 / 3, 4503599627370497.5, 2**53 - 1, -(2**53) + 1, None, "1",
    True, False, [1.5], {"n": 2.5},
]  # fmt: skip
"""Such as every engine adds up by itself."""

_long = [pytest.param(number, marks=pytest.mark.long) for number in range(1, 3)]


@pytest.fixture(scope="module", params=[0, *_long])
def documents(request: pytest.FixtureRequest, subjects: list[Subject]) -> Iterator[list[Document]]:
    """What the model `sums` of every engine holds: odd documents, and many numbers."""
    data = corpus(request.param)
    numbers = [
        {"id": f"n{n:03}", "n": value, "g": n % 5, "o": {"n": value}}
        for n, value in enumerate(NUMBERS)
    ]
    writes = written([*data, *numbers])
    for subject in subjects:
        subject.store.database.write_page("sums", writes, "upsert")
    yield stored([*data, *numbers])
    for subject in subjects:
        subject.store.delete_many("sums", {})


def _answer(call: Any) -> Any:
    try:
        return call()
    except InvalidQueryError as error:
        return type(error)


@compared
@given(asked=st.lists(aggregations(), min_size=1, max_size=3))
def test_aggregates(subjects: list[Subject], documents: list[Document], asked: list[Any]) -> None:
    for arguments in asked:
        expected = _answer(lambda arguments=arguments: aggregated(documents, arguments))
        for subject in subjects:
            if not subject.is_asked(arguments, often=2):
                continue
            store = subject.store
            found = _answer(lambda store=store, each=arguments: store.aggregate("sums", **each))
            assert exact(found) == exact(expected), f"{subject.name}: {arguments!r}"
            count(subject.name, "aggregates")


@compared
@given(path=paths, filter=st.none() | filters())
def test_distinct_values(
    subjects: list[Subject], documents: list[Document], path: Any, filter: Any
) -> None:
    expected = distinct_values(select(documents, Query(parse_filter(filter))), parse_path(path))
    for subject in subjects:
        if not subject.is_asked((path, filter), often=2):
            continue
        found = subject.store.distinct("sums", path, filter)
        assert exact(found) == exact(expected), f"{subject.name}: {path!r} where {filter!r}"


FIGURES: dict[str, Any] = {
    f"{kind}_{path}": (kind, path)
    for kind in ("count", "sum", "avg", "min", "max")
    for path in ("n", "o.n", "@version", "id")
}


def test_numbers_are_added_up_where_they_lie(
    subjects: list[Subject], documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No engine that adds up hands such sums to core, which would read every document."""

    def refuse(*_: Any) -> Any:
        raise AssertionError("every document is read")

    monkeypatch.setattr(Operations, "_streamed", refuse)
    for group_by in (None, "g", ["g", "o"], {"x": "n"}):
        asked = {
            "filter": {"id": {"$startsWith": "n"}}, "group_by": group_by, "having": None,
            "sort": None, "limit": None, **FIGURES,
        }  # fmt: skip
        expected = aggregated(documents, asked)
        for subject in subjects:
            # Azure Cosmos DB adds up fewer of them: tests/engines/cosmosdb/test_aggregates.py
            if subject.name == "cosmosdb" or not hasattr(subject.place.database(), "aggregate"):
                continue
            found = subject.store.aggregate("sums", **asked)
            assert exact(found) == exact(expected), f"{subject.name}: {group_by!r}"
