"""Indexes as data: names, contradictions, and what they ask of fields."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from interstore.errors import ConfigurationError, InvalidDocumentError
from interstore.indexes import Index, check_new_index, compile_check, parse_index


def index(*paths: Any, type: Any = None, unique: bool = False, list: bool = False) -> Index:
    return parse_index(paths, type, unique, list)


SOME = [
    index("a"),
    index("a", type="number"),
    index("a", unique=True),
    index("a", list=True),
    index("a", "b"),
    index("b", "a"),
    index("a.b"),
    index(("a.b",)),
    index("@version"),
    index(("@version",)),
    index("é" * 50, "x" * 50),
    index(("", "$", "'\"%")),
]


def test_names_follow_from_the_rest() -> None:
    names = [each.name for each in SOME]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch("[a-z0-9_]{1,40}", name), name
    # Stored in databases: a change would build every index once more.
    assert index("age", type="number").name == "age_2bd0ae21eb"


@pytest.mark.parametrize("each", SOME, ids=str)
def test_stored_and_read(each: Index) -> None:
    encoded = msgspec.json.encode(each)
    assert msgspec.json.decode(encoded, type=Index) == each


def test_kinds() -> None:
    assert index("a").kinds == {"single"}
    assert index("a", "b", unique=True).kinds == {"compound", "unique"}
    assert index("a", list=True).kinds == {"list"}


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (index("a", type="number"), index("a", "b", type=["number", "bool"]), True),
        (index("a", type="number"), index("a", "b", type=["string", None]), False),
        (index("a", type="number"), index("a", unique=True), True),
        (index("a"), index("a", list=True), True),
        (index("a", unique=True), index("a", list=True), False),
        (index("a", type="string"), index("a", type="string", list=True), False),
        (index("a", list=True), index("a", type="string", list=True), True),
        (index("a", type="bool", list=True), index("a", type="string", list=True), False),
        (index("a", type="number"), index("a.b", type="string"), True),
        (index("@version"), index("@version", "a"), True),
    ],
)
def test_contradictions(one: Index, other: Index, agree: bool) -> None:
    for new, existing in ((one, other), (other, one)):
        if agree:
            check_new_index(new, [existing])
        else:
            with pytest.raises(ConfigurationError, match=existing.name):
                check_new_index(new, [existing])


@pytest.mark.parametrize(
    ("asked", "value", "fits"),
    [
        (index("a"), {"b": 1}, True),
        (index("a"), "x" * 1_025, False),
        (index("a"), "é" * 512, True),
        (index("a", "b"), "x" * 513, False),
        (index("a", type="number"), True, False),
        (index("a", type="number"), 1.5, True),
        (index("a", type="bool"), 1, False),
        (index("a", type="string"), None, True),
        (index("a", unique=True), [], False),
        (index("a", list=True), [1, "x", None, True], True),
        (index("a", list=True), [[1]], False),
        (index("a", list=True), "x", False),
        (index("a", list=True, type="string"), ["x", 1], False),
        (index("a", list=True), ["x" * 1_025], False),
    ],
)
def test_what_fits(asked: Index, value: Any, fits: bool) -> None:
    check = compile_check([asked])
    assert check is not None
    check({})
    if fits:
        check({"a": value})
        return
    with pytest.raises(InvalidDocumentError, match=asked.name) as caught:
        check({"a": value})
    assert caught.value.path == "a"


def test_nothing_to_check() -> None:
    assert compile_check([index("@version")]) is None
