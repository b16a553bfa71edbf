"""What a filter is parsed to, and that nothing but an `InvalidQueryError` is ever raised."""

from __future__ import annotations

import copy
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore.errors import InvalidQueryError
from interstore.filters.limits import check_tree
from interstore.filters.parse import parse_fields, parse_filter, parse_path, parse_sort
from interstore.filters.regex import PortableRegex
from interstore.filters.tree import (
    ALL,
    NONE,
    And,
    Bound,
    ElemMatch,
    Eq,
    Exists,
    Has,
    In,
    Node,
    Not,
    Or,
    Range,
    Regex,
    Size,
    Text,
    Type,
)
from interstore.paths import Envelope
from tests.unit.filters.strategies import filters

A, B = ("a",), ("b",)


class Colour(Enum):
    RED = "red"


class Name(StrEnum):
    ANNA = "anna"


class Filter(Mapping[str, Any]):
    """A mapping that is no dict."""

    def __getitem__(self, key: str) -> Any:
        return {"a": 1}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __repr__(self) -> str:
        return "Filter()"

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("filter", "tree"),
    [
        (None, ALL),
        ({}, ALL),
        ({"a": 1}, Eq(A, 1)),
        (Filter(), Eq(A, 1)),
        (OrderedDict(a=1.0), Eq(A, 1)),
        ({"a": -0.0}, Eq(A, 0)),
        ({"a": 1.5}, Eq(A, 1.5)),
        ({"a": "é"}, Eq(A, "é")),
        ({"a": (1, None)}, Eq(A, (1, None))),
        ({"a": []}, Eq(A, ())),
        ({"a": {"$eq": True}}, Eq(A, True)),
        ({"a": {"$ne": 1}}, Not(Eq(A, 1))),
        ({"a": {"$in": [1, "x", None]}}, In(A, (1, "x", None))),
        ({"a": {"$in": {2, 1}}}, In(A, (1, 2))),
        ({"a": {"$nin": [1]}}, Not(In(A, (1,)))),
        ({"a": {"$in": []}}, NONE),
        ({"a": {"$nin": []}}, ALL),
        ({"a": {"$gt": 1}}, Range(A, Bound(1, False), None)),
        ({"a": {"$lte": "x"}}, Range(A, None, Bound("x", True))),
        ({"a": {"$lt": 9, "$gte": 1}}, Range(A, Bound(1, True), Bound(9, False))),
        (
            {"a": {"$gt": 1, "$lt": "b"}},
            And((Range(A, Bound(1, False), None), Range(A, None, Bound("b", False)))),
        ),
        (
            {"a": {"$gt": 1, "$gte": 2}},
            And((Range(A, Bound(1, False), None), Range(A, Bound(2, True), None))),
        ),
        ({"a": {"$exists": True}}, Exists(A)),
        ({"a": {"$exists": False}}, Not(Exists(A))),
        ({"a": {"$type": "null"}}, Type(A, frozenset(["null"]))),
        ({"a": {"$type": ["bool", "array"]}}, Type(A, frozenset(["bool", "array"]))),
        ({"a": {"$startsWith": "x"}}, Text(A, "startsWith", "x")),
        ({"a": {"$endsWith": Name.ANNA}}, Text(A, "endsWith", "anna")),
        ({"a": {"$contains": ""}}, Text(A, "contains", "")),
        ({"a": {"$regex": "x"}}, Regex(A, PortableRegex("x"))),
        ({"a": {"$regex": ["x", "i"]}}, Regex(A, PortableRegex("x", True))),
        ({"a": {"$regex": ("x", "")}}, Regex(A, PortableRegex("x"))),
        (
            {"a": {"$regex": re.compile("x", re.IGNORECASE | re.UNICODE)}},
            Regex(A, PortableRegex("x", True)),
        ),
        ({"a": {"$has": None}}, Has(A, None)),
        ({"a": {"$all": [1, 2]}}, And((Has(A, 1), Has(A, 2)))),
        ({"a": {"$all": [1]}}, Has(A, 1)),
        ({"a": {"$all": []}}, NONE),
        ({"a": {"$size": 0}}, Size(A, 0)),
        ({"a": {"$not": {"$gt": 1}}}, Not(Range(A, Bound(1, False), None))),
        ({"a": {"$not": {"$ne": 1}}}, Eq(A, 1)),
        ({"a": {"$elemMatch": {"$ne": 1}}}, ElemMatch(A, Not(Eq((), 1)), True)),
        ({"a": {"$elemMatch": {"id": 1}}}, ElemMatch(A, Eq(("id",), 1), False)),
        ({"a": {"$elemMatch": {("@version",): 1}}}, ElemMatch(A, Eq(("@version",), 1), False)),
        ({"a": {"$elemMatch": {}}}, ElemMatch(A, ALL, False)),
        ({"a": {"$elemMatch": {"$or": []}}}, ElemMatch(A, NONE, False)),
        ({"a": 1, "b": 2}, And((Eq(A, 1), Eq(B, 2)))),
        ({"a": 1, "$and": [{"b": 2}]}, And((Eq(A, 1), Eq(B, 2)))),
        ({"$or": [{"a": 1}, {"b": 2}]}, Or((Eq(A, 1), Eq(B, 2)))),
        ({"$or": [{"a": 1}, {"$or": []}]}, Eq(A, 1)),
        ({"$or": [{"a": 1}, {}]}, ALL),
        ({"$and": [{"a": 1}, {"$or": []}]}, NONE),
        ({"$nor": [{"a": 1}, {"b": 2}]}, Not(Or((Eq(A, 1), Eq(B, 2))))),
        ({"$nor": []}, ALL),
        ({"$not": {"$not": {"a": 1}}}, Eq(A, 1)),
        ({"$not": {}}, NONE),
        ({("$x",): 1}, Eq(("$x",), 1)),
        ({"id": "x"}, Eq(Envelope.ID, "x")),
        ({"id": {"$ne": Colour.RED}}, Not(Eq(Envelope.ID, "red"))),
        ({"@version": 2.0}, Eq(Envelope.VERSION, 2)),
        ({"@expires_at": None}, Eq(Envelope.EXPIRES_AT, None)),
    ],
    # A node may hold a set, whose text is another in each process.
    ids=lambda value: repr(value) if not hasattr(value, "path") else type(value).__name__,
)
def test_a_filter_is_parsed(filter: Any, tree: Node) -> None:
    assert parse_filter(filter) == tree
    assert parse_filter(tree) == tree


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00.000000Z"),
        (date(2026, 1, 31), "2026-01-31"),
        (timedelta(seconds=1), 1_000_000),
        (UUID("A" * 32), "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"),
        (Colour.RED, "red"),
        (Decimal("1.50"), "1.5"),
        (b"\x00", "AA=="),
    ],
    ids=repr,
)
def test_operands_have_the_form_that_documents_are_stored_in(value: Any, stored: Any) -> None:
    assert parse_filter({"a": value}) == Eq(A, stored)
    assert parse_filter({"a": {"$in": [value]}}) == In(A, (stored,))
    assert parse_filter({"a": {"$has": value}}) == Has(A, stored)
    if not isinstance(value, (Decimal, bytes)):
        assert parse_filter({"a": {"$gt": value}}) == Range(A, Bound(stored, False), None)


@pytest.mark.parametrize("field", ["@created_at", "@updated_at", "@expires_at"])
@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 31, 12, tzinfo=UTC),
        "2026-01-31T12:00:00Z",
        "2026-01-31T13:00:00.000000+01:00",
        "2026-01-31T12:00:00.000000Z",
    ],
    ids=str,
)
def test_times_of_the_envelope_become_canonical_text(field: str, value: Any) -> None:
    time = "2026-01-31T12:00:00.000000Z"
    assert parse_filter({field: {"$gte": value}}) == Range(Envelope(field), Bound(time, True), None)
    assert parse_filter({field: {"$in": [value]}}) == In(Envelope(field), (time,))


@pytest.mark.parametrize(
    ("path", "parsed"),
    [
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("a[0][12]", ("a", 0, 12)),
        ("a.0", ("a", "0")),
        ("a]", ("a]",)),
        ("$a.$b", ("$a", "$b")),
        (" a ", (" a ",)),
        ("id", Envelope.ID),
        ("id.x", ("id", "x")),
        ("@created_at", Envelope.CREATED_AT),
        ("@type", ("@type",)),
        (("id",), Envelope.ID),
        (("id", "x"), ("id", "x")),
        (("@version",), ("@version",)),
        (("a", "x.y", "", 0), ("a", "x.y", "", 0)),
        (Name.ANNA, ("anna",)),
        ("a" * 300 + "[0]", ("a" * 300, 0)),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_path_is_parsed(path: Any, parsed: Any) -> None:
    assert parse_path(path) == parsed


def test_inside_elem_match_a_path_has_no_envelope() -> None:
    assert parse_path("id", root=False) == ("id",)
    assert parse_path(("id",), root=False) == ("id",)
    assert parse_path("@version", root=False) == ("@version",)
    assert parse_path("[0].a", root=False) == (0, "a")


@given(filters)
def test_the_callers_filter_is_left_as_it_was(filter: Any) -> None:
    before = copy.deepcopy(filter)
    tree = parse_filter(filter)
    assert filter == before
    assert parse_filter(filter) == tree
    check_tree(tree)  # what was accepted is accepted again


anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=4),
        st.characters(categories=["Cs"]),
        st.binary(max_size=3),
        st.sampled_from(["id", "@version", "@created_at", "a", "[[", "(?i)", "\x00"]),
        st.dates(),
        st.datetimes(),
        st.decimals(),
        st.just(object()),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    ["$and", "$or", "$nor", "$not", "$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]
                ),
                st.sampled_from(
                    ["$in", "$nin", "$exists", "$type", "$startsWith", "$regex", "$has", "$all"]
                ),
                st.sampled_from(
                    ["$size", "$elemMatch", "$contains", "id", "@version", "@expires_at", "a"]
                ),
                st.text(max_size=3),
                st.integers(),
                st.tuples(st.one_of(st.text(max_size=2), st.integers())),
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=12,
)


@given(anything)
def test_whatever_is_given_only_an_invalid_query_error_is_raised(value: Any) -> None:
    said: list[str] = []
    for parse in (parse_filter, parse_sort, parse_fields, parse_path):
        try:
            parse(value)
        except InvalidQueryError as error:
            said.append(str(error))
    assert max(map(len, said), default=0) < 600
