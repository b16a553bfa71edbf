"""`field` and `element`: each says what a written filter says, and reads no value as operators."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from interstore.errors import InvalidQueryError
from interstore.filters.builder import element, field
from interstore.filters.parse import parse_filter
from interstore.filters.tree import Node

age, tags, items = field("age"), field("tags"), field("items")


@pytest.mark.parametrize(
    ("built", "written"),
    [
        (age == 18, {"age": 18}),
        (age != None, {"age": {"$ne": None}}),  # noqa: E711 - the builder's own
        (age < 18, {"age": {"$lt": 18}}),
        (age <= 18, {"age": {"$lte": 18}}),
        (age > 18, {"age": {"$gt": 18}}),
        (age >= 18, {"age": {"$gte": 18}}),
        (age.in_([1, 2]), {"age": {"$in": [1, 2]}}),
        (age.in_(number for number in (1, 2)), {"age": {"$in": [1, 2]}}),
        (age.not_in({1}), {"age": {"$nin": [1]}}),
        (age.exists(), {"age": {"$exists": True}}),
        (age.exists(False), {"age": {"$exists": False}}),
        (age.type("null", "number"), {"age": {"$type": ["null", "number"]}}),
        (age.starts_with("x"), {"age": {"$startsWith": "x"}}),
        (age.ends_with("x"), {"age": {"$endsWith": "x"}}),
        (age.contains("x"), {"age": {"$contains": "x"}}),
        (age.matches("^x"), {"age": {"$regex": "^x"}}),
        (age.matches("^x", ignore_case=True), {"age": {"$regex": ["^x", "i"]}}),
        (age.matches(re.compile("^x", re.IGNORECASE)), {"age": {"$regex": ["^x", "i"]}}),
        (age.matches(re.compile("^x"), ignore_case=True), {"age": {"$regex": ["^x", "i"]}}),
        (tags == ["a", "b"], {"tags": ["a", "b"]}),
        (tags.has("a"), {"tags": {"$has": "a"}}),
        (tags.has_all(["a", "b"]), {"tags": {"$all": ["a", "b"]}}),
        (tags.size(2), {"tags": {"$size": 2}}),
        (tags.elem_match(element() > 1), {"tags": {"$elemMatch": {"$gt": 1}}}),
        (
            tags.elem_match((element() > 1) & (element() < 5)),
            {"tags": {"$elemMatch": {"$gt": 1, "$lt": 5}}},
        ),
        (
            items.elem_match((field("id") == 5) & (field("@version") == "x")),
            {"items": {"$elemMatch": {"id": 5, "@version": "x"}}},
        ),
        (items.elem_match(~(field("a") == 5)), {"items": {"$elemMatch": {"$nor": [{"a": 5}]}}}),
        (field("a.b[0]") == 1, {"a.b[0]": 1}),
        (field("a", "b.c", 0) == 1, {("a", "b.c", 0): 1}),
        (field(("a", "b.c", 0)) == 1, {("a", "b.c", 0): 1}),
        (field("$a") == 1, {("$a",): 1}),
        (field("id") == "x", {"id": "x"}),
        (field("@version") > 1, {"@version": {"$gt": 1}}),
        (field(("@version",)) == "x", {("@version",): "x"}),
        ((age == 1) & (tags == 2), {"age": 1, "tags": 2}),
        ((age == 1) | (tags == 2), {"$or": [{"age": 1}, {"tags": 2}]}),
        (~(age == 1), {"age": {"$ne": 1}}),
        (~~(age == 1), {"age": 1}),
        (
            (age == 1) & ((tags == 2) | ~(items == 3)),
            {"age": 1, "$or": [{"tags": 2}, {"items": {"$ne": 3}}]},
        ),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_is_built_means_what_is_written(built: Any, written: dict[Any, Any]) -> None:
    tree: Node = parse_filter(written)
    assert parse_filter(built) == tree
    assert built.node == tree
    assert parse_filter({"$and": [built, {}]}) == tree


@pytest.mark.parametrize("hostile", [{"$gt": ""}, {"$ne": None}, {"$regex": ".*"}, {"a": 1}, {}])
def test_a_value_is_never_read_as_operators(hostile: Any) -> None:
    for build in (
        lambda: age == hostile,
        lambda: age != hostile,
        lambda: age > hostile,
        lambda: age.in_([hostile]),
        lambda: age.in_(hostile),
        lambda: age.has(hostile),
        lambda: age.has_all([hostile]),
        lambda: age.starts_with(hostile),
        lambda: age.matches(hostile),
        lambda: age.size(hostile),
        lambda: age == [hostile],
        lambda: element() == hostile,
        lambda: (field("id") == hostile).node,
        lambda: tags.elem_match(hostile),
    ):
        with pytest.raises(InvalidQueryError):
            build()


def test_what_is_wrong_is_said_where_it_is_built() -> None:
    with pytest.raises(InvalidQueryError, match=r"'age': \$gt takes a number or a string"):
        _ = age > None
    with pytest.raises(InvalidQueryError, match=r"'age': \$in takes a list"):
        age.in_("abc")
    with pytest.raises(InvalidQueryError, match="malformed"):
        field("a..b")
    with pytest.raises(InvalidQueryError, match="neither a key"):
        field("a", -1)
    with pytest.raises(InvalidQueryError, match="neither a string"):
        field(5)  # type: ignore[arg-type]
    with pytest.raises(InvalidQueryError, match=r"\$ne can stand only once"):
        _ = (element() != 1) & (element() != 2)
    with pytest.raises(InvalidQueryError, match="elem_match takes an expression"):
        items.elem_match(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "use",
    [
        lambda: (age == 1) and (age == 2),
        lambda: (age == 1) or (age == 2),
        lambda: 1 < age < 5,
        lambda: bool(age == 1),
        lambda: bool(element() == 1),
    ],
)
def test_an_expression_is_neither_true_nor_false(use: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match=r"join with & \| ~"):
        use()


def test_an_expression_joins_only_with_its_like() -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = (age == 1) & {"a": 1}
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = (element() == 1) & (age == 1)


def test_chains_are_one_level_and_limits_hold() -> None:
    chain = age == 0
    for number in range(1, 500):
        chain |= age == number
    assert len(chain.filter["$or"]) == 500
    parse_filter(chain)
    with pytest.raises(InvalidQueryError, match="501 conditions; the limit is 500"):
        parse_filter(chain | (age == 500))
    deep = age == 0
    for _ in range(5_000):
        deep = ~(deep & (age == 1))
    with pytest.raises(InvalidQueryError, match="levels deep; the limit is 16"):
        parse_filter(deep)


def test_a_list_given_is_copied() -> None:
    values = [1, 2]
    built = age.in_(values)
    values.append({})  # type: ignore[arg-type]
    assert parse_filter(built) == parse_filter({"age": {"$in": [1, 2]}})


def test_how_it_looks() -> None:
    assert repr(field("a.b")) == "field('a.b')"
    assert repr(element()) == "element()"
    assert repr(age == 1) == "Expression({('age',): {'$eq': 1}})"
    assert repr(element() == 1) == "ElementCondition({'$eq': 1})"
