"""Random documents and queries over declared paths: the answers are those of the reference."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interstore.filters.arguments import parse_sort
from interstore.filters.order import position_of
from interstore.filters.parse import parse_filter
from interstore.filters.select import select
from interstore.filters.tree import ALL
from interstore.indexes import parse_index
from interstore.prepared import Query
from interstore_backends.mongodb._sync.database import MongoDBDatabase
from tests.differential.case import walked
from tests.engines.mongodb.support import declared, write

NUMBERS = st.sampled_from([0, -1, 1, 1.5, -1.5, 2**53 - 1, -(2**53) + 1, 1e300, 5e-324, 7])
TEXTS = st.sampled_from(["", "a", "A", "ab", "a\U0010ffff", "\uffff", "é", "e\u0301", "\x01", "b"])
VALUES: dict[str, Any] = {"n": NUMBERS, "s": TEXTS, "b": st.booleans(), "o.s": TEXTS}
PATHS = tuple(VALUES)
OPERATORS = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")


def with_nothing(values: Any) -> Any:
    return st.one_of(st.none(), values)


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for path in ("n", "s", "b"):
        if draw(st.integers(0, 5)):
            made[path] = draw(with_nothing(VALUES[path]))
    behind = draw(st.integers(0, 5))
    if behind > 2:
        made["o"] = {"s": draw(with_nothing(TEXTS))}
    elif behind:
        made["o"] = draw(st.sampled_from([None, 7, {}, {"t": [1]}]))
    if draw(st.booleans()):
        made["tags"] = draw(st.lists(with_nothing(TEXTS), max_size=3))
    made["free"] = draw(st.sampled_from([None, 1, "a", [2, 1], {"x": 1}, True]))
    return made


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    path = draw(st.sampled_from((*PATHS, "tags", "free", "id")))
    if path == "tags":
        return {path: {"$has": draw(with_nothing(TEXTS))}}
    if path == "id":
        return {path: {"$gte": draw(st.sampled_from(["d03", "d1"]))}}
    values = VALUES.get(path, st.sampled_from([1, "a"]))
    kind = draw(st.integers(0, 3))
    if kind == 0 or path == "b":
        return {path: {"$in": draw(st.lists(with_nothing(values), max_size=3))}}
    if kind == 1:
        return {path: draw(with_nothing(values))}
    return {path: {draw(st.sampled_from(OPERATORS)): draw(values)}}


FILTERS = st.one_of(
    st.just({}),
    conditions(),
    st.lists(conditions(), min_size=2, max_size=3).map(lambda every: {"$and": every}),
    st.lists(conditions(), min_size=2, max_size=3).map(lambda some: {"$or": some}),
)
SORTS = st.lists(
    st.tuples(
        st.sampled_from((*PATHS, "n", "s", "@version", "id", "free")), st.sampled_from([1, -1])
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda key: key[0],
)


@pytest.fixture(scope="module")
def indexed(kept: MongoDBDatabase) -> Iterator[MongoDBDatabase]:
    for path, kind in (("n", "number"), ("s", "string"), ("b", "bool"), ("o.s", "string")):
        kept.ensure_index("m", declared(path, kind))
    kept.ensure_index("m", parse_index(("n", "s"), ["number", "string"], False, False))
    kept.ensure_index("m", declared("tags", "string", list=True))
    yield kept
    kept.drop("m")


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    documents=st.lists(fields(), max_size=14),
    queries=st.lists(st.tuples(FILTERS, SORTS), min_size=2, max_size=4),
    limit=st.integers(1, 4),
    skip=st.integers(0, 3),
)
def test_over_declared_paths(
    indexed: MongoDBDatabase, documents: list[Any], queries: list[Any], limit: int, skip: int
) -> None:
    indexed.delete_many("m", ALL)
    writes = [write(f"d{number:02}", each) for number, each in enumerate(documents)]
    indexed.write_page("m", writes, "upsert")
    stored = [write.document() for write in writes]
    for filter, sort in queries:
        query = Query(parse_filter(filter), parse_sort(sort))
        expected = [document.id for document in select(stored, query)]
        found = [document.id for document in indexed.find("m", query)]
        assert found == expected, (filter, sort)
        assert indexed.count("m", query.tree) == len(expected)
        skipped = [document.id for document in indexed.find("m", query.only(skip=skip, limit=5))]
        assert skipped == expected[skip : skip + 5], (filter, sort, skip)
        assert walked(indexed, "m", query, limit) == expected, (filter, sort)


def test_every_page(indexed: MongoDBDatabase) -> None:
    """From each document to the next, whatever lies at the border."""
    indexed.delete_many("m", ALL)
    numbers, texts = [None, 1, 1, 2], [None, "a", "b"]
    writes = [
        write(f"d{n}{s}{again}", {"n": numbers[n], "s": texts[s], "b": [None, False, True][s]})
        for n in range(4)
        for s in range(3)
        for again in range(2)
    ]
    indexed.write_page("m", writes, "upsert")
    stored = [write.document() for write in writes]
    for sort in (["n", "s"], ["-n", "-s"], ["n", "-s"], ["b"], ["-b"], ["s", "b", "n"], ["-s"]):
        query = Query(sort=parse_sort(sort), limit=1)
        ordered = select(stored, query.only(limit=None))
        for one, following in pairwise(ordered):
            found = list(indexed.find("m", query.only(after=position_of(one, query.order))))
            assert [document.id for document in found] == [following.id], (sort, one)
