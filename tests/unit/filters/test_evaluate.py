"""What filters mean: the truth table of the language, each operator, and the laws of logic."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given

from interstore.document import Document
from interstore.filters.evaluate import compile_filter
from interstore.filters.parse import parse_filter
from interstore.paths import Envelope, Reference
from tests.unit.filters.strategies import documents, filters

NOTHING = object()


def document(fields: dict[str, Any], **envelope: Any) -> Document:
    given: dict[str, Any] = {"id": "d1", "version": 3, "created": "2026-01-01T00:00:00.000000Z"}
    given |= {"updated": "2026-01-02T00:00:00.000000Z"} | envelope
    return Document(fields, **given)


def matches(filter: Any, fields: dict[str, Any], **envelope: Any) -> bool:
    return compile_filter(parse_filter(filter))(document(fields, **envelope))


COLUMNS: list[Any] = [
    None,
    5,
    {"$ne": 5},
    {"$gt": 3},
    {"$not": {"$gt": 3}},
    {"$lt": "b"},
    {"$in": [5, None]},
    {"$exists": True},
    {"$type": "number"},
    {"$has": 5},
    {"$size": 1},
    {"$elemMatch": {"$gt": 3}},
]
TRUTH: list[tuple[Any, str]] = [
    (NOTHING, "1 0 1 0 1 0 1 0 0 0 0 0"),
    (None, "1 0 1 0 1 0 1 1 0 0 0 0"),
    (5, "0 1 0 1 0 0 1 1 1 0 0 0"),
    (5.0, "0 1 0 1 0 0 1 1 1 0 0 0"),
    (True, "0 0 1 0 1 0 0 1 0 0 0 0"),
    ("5", "0 0 1 0 1 1 0 1 0 0 0 0"),
    ([5], "0 0 1 0 1 0 0 1 0 1 1 1"),
    ([[5]], "0 0 1 0 1 0 0 1 0 0 1 0"),
    ({"b": 5}, "0 0 1 0 1 0 0 1 0 0 0 0"),
]


@pytest.mark.parametrize(("value", "row"), TRUTH, ids=lambda value: repr(value)[:12])
def test_the_truth_table(value: Any, row: str) -> None:
    fields = {} if value is NOTHING else {"a": value}
    found = [matches({"a": condition}, fields) for condition in COLUMNS]
    assert found == [cell == "1" for cell in row.split()]


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        # equality
        (True, True, True),
        (True, 1, False),
        (1, True, False),
        (0, False, False),
        (1, 1.0, True),
        ("a", "A", False),
        ("é", "e\u0301", False),
        ([1, None], [1, None], True),
        ([1, None], [1], False),
        ([1, 2], [2, 1], False),
        ([1], [True], False),
        ([], [], True),
        ([5], [[5]], False),
        ({"$ne": [1]}, [1], False),
        # ranges
        ({"$gte": 5, "$lte": 5}, 5.0, True),
        ({"$gt": 5, "$lt": 6}, 5.5, True),
        ({"$gt": 5, "$lt": 6}, 6, False),
        ({"$gte": 0}, False, False),
        ({"$lt": "b"}, "Z", True),
        ({"$gt": "\uffff"}, "\U0001f600", True),
        ({"$lt": "a"}, 1, False),
        ({"$gt": 1, "$lt": "b"}, 2, False),
        ({"$gte": 1e16}, 1e16, True),
        # membership
        ({"$in": [True]}, 1, False),
        ({"$in": [1]}, True, False),
        ({"$in": [0, "x"]}, False, False),
        ({"$in": [1.5, "x"]}, "x", True),
        ({"$in": []}, None, False),
        ({"$nin": []}, None, True),
        ({"$nin": [None]}, None, False),
        ({"$in": [5]}, [5], False),
        # types
        ({"$type": ["null", "array"]}, None, True),
        ({"$type": "bool"}, 1, False),
        ({"$type": "object"}, {}, True),
        ({"$type": "string"}, "", True),
        # text
        ({"$startsWith": ""}, "x", True),
        ({"$startsWith": ""}, 5, False),
        ({"$startsWith": "ab"}, "abc", True),
        ({"$endsWith": "c"}, "abc", True),
        ({"$endsWith": ""}, "abc", True),
        ({"$contains": "B"}, "abc", False),
        ({"$contains": "x"}, ["x"], False),
        ({"$regex": "^b"}, "abc", False),
        ({"$regex": ["B", "i"]}, "abc", True),
        ({"$regex": re.compile("B", re.IGNORECASE)}, "abc", True),
        ({"$regex": "5"}, 5, False),
        # arrays
        ({"$has": None}, [None], True),
        ({"$has": None}, [], False),
        ({"$has": 1}, [True], False),
        ({"$has": True}, [1], False),
        ({"$has": True}, [0, True], True),
        ({"$has": "x"}, "x", False),
        ({"$has": 5}, [[5]], False),
        ({"$all": [1, "a"]}, ["a", 2, 1], True),
        ({"$all": [1, "a"]}, ["a"], False),
        ({"$all": []}, [], False),
        ({"$size": 0}, [], True),
        ({"$size": 0}, {}, False),
        ({"$elemMatch": {"$gt": 1, "$lt": 5}}, [0, 9], False),
        ({"$elemMatch": {"$gt": 1, "$lt": 5}}, [0, 3], True),
        ({"$elemMatch": {"$ne": 5}}, [5], False),
        ({"$elemMatch": {"$eq": None}}, [None], True),
        ({"$elemMatch": {"b": 5}}, [{"b": 5}], True),
        ({"$elemMatch": {"b": None}}, [5, "x", None], False),
        ({"$elemMatch": {"b": None}}, [[]], True),
        ({"$elemMatch": {"[0]": 1}}, [[1]], True),
        ({"$elemMatch": {"b": 1, "c": 2}}, [{"b": 1}, {"c": 2}], False),
        ({"$elemMatch": {"$nor": [{"b": 1}]}}, [{"b": 1}], False),
        ({"$elemMatch": {"$or": [{"b": 1}, {"b": 2}]}}, [{"b": 2}], True),
        ({"$elemMatch": {"id": 5, "@version": 1}}, [{"id": 5, "@version": 1}], True),
        ({"$elemMatch": {"$elemMatch": {"$gt": 1}}}, [[1], [2]], True),
        ({"$elemMatch": {}}, [5], False),
        ({"$elemMatch": {}}, [{}], True),
        # negation
        ({"$not": {"$gt": 3, "$lt": 9}}, 5, False),
        ({"$not": {"$gt": 3, "$lt": 9}}, "x", True),
        ({"$not": {"$not": {"$gt": 3}}}, 5, True),
        ({"$exists": False}, None, False),
    ],
)
def test_a_condition(condition: Any, value: Any, expected: bool) -> None:
    assert matches({"a": condition}, {"a": value}) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b", 1),
        ("a.list[1]", 2),
        ("a.list[2]", None),
        ("a.list.b", None),  # arrays are never entered silently
        ("a.0", "key"),
        (("a", "x.y"), "dot"),
        (("a", ""), "empty"),
        (("a", 0), None),  # an index needs an array
        (("@version",), "mine"),
        ("a.b.c", None),
    ],
)
def test_a_path(path: Any, expected: Any) -> None:
    fields = {
        "@version": "mine",
        "a": {"b": 1, "list": [{"b": 1}, 2], "0": "key", "x.y": "dot", "": "empty"},
    }
    assert matches({path: {"$eq": expected}}, fields)
    assert matches({path: {"$exists": expected is not None}}, fields)


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, True),
        (None, True),
        ({"$and": []}, True),
        ({"$or": []}, False),
        ({"$nor": []}, True),
        ({"a": 1, "b": 1}, False),
        ({"$or": [{"a": 1}, {"b": 1}]}, True),
        ({"$or": [{"a": 2}, {"b": 1}, {"c": 1}]}, False),
        ({"$nor": [{"a": 2}, {"b": 1}]}, True),
        ({"$not": {"a": 1}}, False),
        ({"$and": [{"a": 1}, {"b": 2}, {"c": None}]}, True),
        ({"$not": {}}, False),
        ({"$or": [{}, {"a": 2}]}, True),
    ],
)
def test_logic(filter: Any, expected: bool) -> None:
    assert matches(filter, {"a": 1, "b": 2}) is expected


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"id": "d1"}, True),
        ({("id",): {"$in": ["d0", "d1"]}}, True),
        ({"id": {"$startsWith": "d", "$regex": "[0-9]$", "$gte": "d1"}}, True),
        ({"@version": {"$gte": 3}}, True),
        ({"@version": {"$nin": [1, 3]}}, False),
        ({"@created_at": {"$lt": "2026-01-01T01:00:00+01:00"}}, False),
        ({"@created_at": {"$lte": "2026-01-01T01:00:00+01:00"}}, True),
        ({"@updated_at": {"$not": {"$gt": "2026-01-01T00:00Z"}}}, False),
        ({"@expires_at": None}, True),
        ({"@expires_at": {"$exists": False}}, True),
        ({"@expires_at": {"$ne": "2026-01-01T00:00Z"}}, True),
    ],
)
def test_the_envelope(filter: Any, expected: bool) -> None:
    assert matches(filter, {"version": 9}) is expected


def test_an_expiry_compares_as_the_other_times_do() -> None:
    expires = "2026-03-01T00:00:00.000000Z"
    assert matches({"@expires_at": {"$gt": "2026-02-01T00:00Z"}}, {}, expires=expires)
    assert matches({"@expires_at": {"$exists": True}}, {}, expires=expires)
    assert not matches({"@expires_at": None}, {}, expires=expires)


def test_an_engine_can_bring_its_own_way_to_values() -> None:
    def root(reference: Reference) -> Any:
        column = "id" if isinstance(reference, Envelope) else reference[0]
        return lambda row: row[column]

    test = compile_filter(parse_filter({"id": "r", "a": {"$gt": 1}}), root)
    assert test({"id": "r", "a": 2})
    assert not test({"id": "r", "a": 1})


@given(filters, documents())
def test_complements_partition_the_documents(filter: Any, document: Document) -> None:
    positive = compile_filter(parse_filter(filter))(document)
    assert type(positive) is bool
    assert compile_filter(parse_filter({"$not": filter}))(document) is not positive
    assert compile_filter(parse_filter({"$nor": [filter]}))(document) is not positive


@given(filters, filters, documents())
def test_and_and_or_are_what_they_say(one: Any, other: Any, document: Document) -> None:
    first = matches_document(one, document)
    second = matches_document(other, document)
    assert matches_document({"$and": [one, other]}, document) is (first and second)
    assert matches_document({"$or": [one, other]}, document) is (first or second)
    assert matches_document({"$nor": [one, other]}, document) is not (first or second)


def matches_document(filter: Any, document: Document) -> bool:
    return compile_filter(parse_filter(filter))(document)
