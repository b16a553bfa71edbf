"""What the filter language refuses, and that the message names place, operator and cure."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from interstore.errors import InvalidQueryError
from interstore.filters.parse import parse_filter, parse_path
from interstore.filters.references import shown
from interstore.filters.tree import And, Eq, In, Node, Not

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("filter", "parts"),
    [
        # not a filter at all
        ("abc", ["mapping", "'abc'", "field()"]),
        (5, ["mapping", "5"]),
        ([{"a": 1}], ["mapping"]),
        ({5: 1}, ["5", "path is a string or a tuple"]),
        ({None: 1}, ["None"]),
        # unknown and misplaced operators
        ({"a": {"$startswith": "x"}}, ["'a'", "'$startswith'", "did you mean $startsWith?"]),
        ({"a": {"$starts_with": "x"}}, ["did you mean $startsWith?"]),
        ({"a": {"$gtt": 1}}, ["did you mean $gt?"]),
        ({"a": {"$where": 1}}, ["'$where'", "known are $eq"]),
        ({"$ad": []}, ["did you mean $and?"]),
        ({"$where": "1"}, ["'$where'", "tuple path"]),
        ({"$gt": 5}, ["$gt needs a path", "'age'"]),
        ({"$elemMatch": {}}, ["needs a path"]),
        ({"a": {"$or": [{"$gt": 1}]}}, ["'a'", "$or joins whole filters"]),
        ({"a": {"$regex": "x", "$options": "i"}}, ["$options", '[pattern, "i"]']),
        ({"$and": {"a": 1}}, ["$and takes a list of filters", "{'a': 1}"]),
        ({"$or": [{"a": 1}, 5]}, ["5 is no filter"]),
        ({"$not": [{"a": 1}]}, ["is no filter"]),
        # objects
        ({"a": {"b": 1}}, ["'a'", "$eq", "{'b': 1}", "dotted path", "'a.b'"]),
        ({"a": {}}, ["whole object"]),
        ({"a": {"$eq": {"b": 1}}}, ["$eq", "compare fields by dotted path"]),
        ({"a": {"$gt": 1, "b": 2}}, ["do not mix"]),
        ({"a": {"b": 2, "$gt": 1}}, ["do not mix"]),
        ({"a": {5: 1}}, ["whole object"]),
        ({"a": [1, [2]]}, ["arrays of scalars only", "[2]", "$elemMatch"]),
        ({"a": [{"b": 1}]}, ["arrays of scalars only"]),
        ({"a": {"$in": [{"b": 1}]}}, ["$in", "whole object"]),
        ({"a": {"$has": {"b": 1}}}, ["$has", "whole object"]),
        ({"a": {"$all": [{"b": 1}]}}, ["$all", "whole object"]),
        # operands
        ({"a": {"$gt": None}}, ["'a'", "$gt takes a number or a string, not None", "$eq"]),
        ({"a": {"$lte": True}}, ["$lte takes a number or a string, not True"]),
        ({"a": {"$gt": [1]}}, ["$gt takes one scalar, not [1]"]),
        ({"a": {"$gt": Decimal("1.5")}}, ["$gt cannot order", "Decimal", "$eq and $in"]),
        ({"a": {"$lt": b"x"}}, ["$lt cannot order", "bytes"]),
        ({"a": {"$in": 5}}, ["$in takes a list of scalars, not 5"]),
        ({"a": {"$in": "abc"}}, ["$in takes a list of scalars, not 'abc'"]),
        ({"a": {"$nin": [[1]]}}, ["$nin takes one scalar, not [1]"]),
        ({"a": {"$exists": 1}}, ["$exists takes True or False, not 1"]),
        ({"a": {"$type": []}}, ["$type takes a type or a list", "null, bool, number"]),
        ({"a": {"$type": "int"}}, ["$type does not know the type 'int'", "number"]),
        ({"a": {"$type": [5]}}, ["does not know the type 5"]),
        ({"a": {"$startsWith": 5}}, ["$startsWith takes a string, not 5"]),
        ({"a": {"$contains": None}}, ["$contains takes a string, not None"]),
        ({"a": {"$size": -1}}, ["$size takes a length", "-1"]),
        ({"a": {"$size": True}}, ["$size takes a length"]),
        ({"a": {"$size": 1.0}}, ["$size takes a length"]),
        ({"a": {"$size": 2**53}}, ["$size takes a length"]),
        ({"a": {"$has": [1]}}, ["$has takes one scalar", "$all"]),
        ({"a": {"$all": 1}}, ["$all takes a list of scalars"]),
        ({"a": {"$not": 5}}, ["$not takes operators"]),
        ({"a": {"$not": {}}}, ["whole object"]),
        ({"a": {"$elemMatch": 5}}, ["$elemMatch takes operators on an element or a filter"]),
        ({"a": {"$elemMatch": {"$exists": True}}}, ["$exists", "an element exists"]),
        ({"a": {"$elemMatch": {"$not": {"b": 1}}}}, ["$not", '"$nor"']),
        ({"a": {"$elemMatch": {"$not": {"$gt": 1}, "$lt": 1}}}, ["$not"]),
        ({"a": {"$elemMatch": {"$gt": 1, "b": 1}}}, ["mixes", "$gt"]),
        ({"a": {"$elemMatch": {"$gt": 1, "$or": []}}}, ["mixes", "$gt"]),
        ({"a": {"$elemMatch": {"$gt": None}}}, ["'a, $elemMatch: each element'", "$gt"]),
        ({"a": {"$elemMatch": {"b": {"$gt": None}}}}, ["'a, $elemMatch: b'", "$gt"]),
        # values that cannot be stored
        ({"a": 2**53}, ["'a'", "$eq", "outside ±(2**53 - 1)"]),
        ({"a": {"$gte": -(2**53)}}, ["$gte", "outside"]),
        ({"a": 10**5000}, ["outside"]),
        ({"a": float("nan")}, ["nan"]),
        ({"a": {"$in": [float("inf")]}}, ["$in", "inf"]),
        ({"a": "\x00"}, ["NUL"]),
        ({"a": "\ud800"}, ["lone surrogate"]),
        ({"a": {"$startsWith": "x\x00"}}, ["$startsWith", "NUL"]),
        ({"a": NAIVE}, ["time zone"]),
        ({"a": ...}, ["ellipsis"]),
        ({"a": {1, 2}}, ["one scalar"]),
        ({"a": re.compile("x")}, ["Pattern"]),
        # the envelope
        ({"id": 5}, ["'id'", "$eq takes a string, not 5"]),
        ({"id": None}, ["takes a string"]),
        ({"id": ["a", "b"]}, ["takes a string", "$in"]),
        ({"id": {"$in": [5]}}, ["$in takes a string"]),
        ({"id": {"$in": "abc"}}, ["$in takes a list of scalars, not 'abc'"]),
        ({"id": {"$exists": True}}, ["$exists is not for this field", "$startsWith"]),
        ({"id": {"$elemMatch": {}}}, ["$elemMatch is not for this field"]),
        ({"id": {"$not": {"$size": 1}}}, ["$size is not for this field"]),
        ({"@version": "1"}, ["'@version'", "takes a number, not '1'"]),
        ({"@version": True}, ["takes a number"]),
        ({"@version": None}, ["takes a number"]),
        ({"@version": {"$contains": "1"}}, ["$contains is not for this field", "$gte"]),
        ({"@version": {"$gt": 2**60}}, ["outside"]),
        ({"@created_at": 5}, ["'@created_at'", "aware datetime", "5"]),
        ({"@created_at": None}, ["aware datetime"]),
        ({"@created_at": "yesterday"}, ["ISO text", "'yesterday'"]),
        ({"@created_at": "2026-01-01"}, ["time zone"]),
        ({"@created_at": date(2026, 1, 1)}, ["aware datetime"]),
        ({"@updated_at": NAIVE}, ["time zone"]),
        ({"@updated_at": {"$regex": "x"}}, ["$regex is not for this field"]),
        ({"@expires_at": {"$gt": None}}, ["$gt takes a number or a string, not None"]),
        ({"@expires_at": {"$exists": 0}}, ["True or False"]),
        # regular expressions, whose own tests are in test_regex
        ({"a": {"$regex": "("}}, ["'a'", "$regex", "not a regular expression"]),
        ({"a": {"$regex": 5}}, ["$regex takes a pattern", "5"]),
        ({"a": {"$regex": ["x", "im"]}}, ["$regex takes a pattern", '[pattern, "i"]']),
        ({"a": {"$regex": re.compile(b"x")}}, ["text, not of bytes"]),
        (
            {"a": {"$regex": re.compile("x", re.MULTILINE)}},
            ["no flag but re.IGNORECASE", "MULTILINE"],
        ),
        # paths
        ({"a..b": 1}, ["'a..b'", "empty", "tuple"]),
        ({"": 1}, ["empty", "tuple"]),
        ({(): 1}, ["path ()"]),
    ],
    ids=shown,
)
def test_a_filter_is_refused(filter: Any, parts: list[str]) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        parse_filter(filter)
    for part in parts:
        assert part in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("", "it is empty"),
        (".", "a key is empty"),
        ("a.", "a key is empty"),
        (".a", "a key is empty"),
        ("a..b", "a key is empty"),
        ("a[", "[n]"),
        ("a[]", "[n]"),
        ("a[-1]", "[n]"),
        ("a[x]", "[n]"),
        ("a[01]", "[n]"),
        ("a[0]b", "[n]"),
        ("a[0", "[n]"),
        ("a.[0]", "a key is empty"),
        ("a[\u0661]", "[n]"),
        ("[0].a", "begins with an index"),
        ((0, "a"), "begins with an index"),
        (("a", -1), "neither a key"),
        (("a", True), "neither a key"),
        (("a", None), "neither a key"),
        (("a", 1.0), "neither a key"),
        ((), "at least one key"),
        (("a", 2**31), "beyond"),
        ("a[9999999999]", "beyond"),
        ("a\x00", "NUL"),
        (("a", "\x00"), "NUL"),
        ("\ud800", "lone surrogate"),
        (".".join("a" * 65), "65 steps; the limit is 64"),
        (("a",) * 100_000, "100,000 steps; the limit is 64"),
        (None, "neither a string"),
        (b"a", "neither a string"),
        (["a"], "neither a string"),
    ],
    ids=shown,
)
def test_a_path_is_refused(path: Any, part: str) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        parse_path(path)
    assert part in str(caught.value)
    assert len(str(caught.value)) < 300


def nested(operator: str, depth: int) -> Any:
    filter: Any = {"a": 1}
    for _ in range(depth):
        filter = {operator: filter if operator == "$not" else [filter]}
    return filter


def elements(depth: int) -> Any:
    filter: Any = {"a": 1}
    for _ in range(depth):
        filter = {"a": {"$elemMatch": filter}}
    return filter


def alternating(depth: int) -> Any:
    filter: Any = {"a": 1}
    for level in range(depth):
        filter = {"x": level, "$or" if level % 2 else "$nor": [{"b": 1}, filter]}
    return filter


AT_THE_LIMIT: list[Any] = [
    {"$or": [{"a": number} for number in range(500)]},
    {"a": {"$in": list(range(10_000))}},
    {"a": {"$nin": [str(number) for number in range(10_000)]}},
    {"a": {"$all": list(range(500))}},
    {"a": list(range(500))},
    nested("$and", 16),
    nested("$or", 16),
    nested("$nor", 16),
    nested("$not", 16),
    elements(16),
    alternating(16),
]


@pytest.mark.parametrize("filter", AT_THE_LIMIT, ids=shown)
def test_what_is_at_the_limit_is_accepted_again_and_again(filter: Any) -> None:
    tree = parse_filter(filter)
    assert parse_filter(tree) == tree


@pytest.mark.timeout(30, method="signal")
@pytest.mark.parametrize(
    ("filter", "parts"),
    [
        ({"$or": [{"a": number} for number in range(10_000)]}, ["10,000 conditions", "500"]),
        ({str(number): 1 for number in range(501)}, ["501 conditions", "500"]),
        ({"a": {"$in": list(range(10_001))}}, ["'a'", "$in", "10,001 values", "10,000"]),
        ({"a": {"$nin": list(range(10_001))}}, ["$nin", "10,001 values", "10,000"]),
        ({"a": {"$all": list(range(501))}}, ["501 conditions", "500"]),
        ({"a": list(range(501))}, ["501 conditions", "500"]),
        (nested("$and", 17), ["17 levels", "16"]),
        (nested("$not", 17), ["17 levels", "16"]),
        (elements(17), ["17 levels", "16"]),
        (alternating(17), ["17 levels", "16"]),
        (nested("$or", 100_000), ["100,000 levels", "16"]),
        (nested("$not", 100_000), ["100,000 levels", "16"]),
        ({"$and": [{}] * 1_000_000}, ["at least", "500"]),
        ({"$and": [{"a": {"$in": [1] * 10}}] * 600}, ["600 conditions"]),
    ],
    ids=shown,
)
def test_what_is_beyond_a_limit_is_refused_at_once(filter: Any, parts: list[str]) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        parse_filter(filter)
    for part in parts:
        assert part in str(caught.value)


def test_a_filter_that_contains_itself_is_refused() -> None:
    filter: dict[str, Any] = {"a": 1}
    filter["$and"] = [filter]
    with pytest.raises(InvalidQueryError, match="levels deep; the limit is 16"):
        parse_filter(filter)


def test_a_tree_has_the_same_limits() -> None:
    leaf: Node = Eq(("a",), 1)
    deep: Node = leaf
    for _ in range(100_000):
        deep = Not(And((deep,)))
    for tree, part in [
        (And((leaf,) * 501), "501 conditions"),
        (deep, "100,000 levels"),
        (In(("a",), (1,) * 10_001), "10,001 values"),
    ]:
        with pytest.raises(InvalidQueryError, match=part):
            parse_filter(tree)
    while isinstance(deep, Not):  # so that nothing has to take it apart recursively
        assert isinstance(deep.node, And)
        deep = deep.node.nodes[0]
