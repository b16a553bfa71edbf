"""The sort, the fields, the limit and the skip of a query."""

from __future__ import annotations

from typing import Any

import pytest

from interstore.errors import InvalidQueryError
from interstore.filters.parse import check_limit, check_skip, parse_fields, parse_sort
from interstore.paths import Envelope
from interstore.prepared import SortKey

A, B = SortKey(("a",)), SortKey(("b",))


@pytest.mark.parametrize(
    ("sort", "keys"),
    [
        (None, ()),
        ([], ()),
        ("a", (A,)),
        ("-a", (SortKey(("a",), True),)),
        (["a", "-b"], (A, SortKey(("b",), True))),
        (("a", "b"), (A, B)),
        (("a", 1), (A,)),
        (("a", -1), (SortKey(("a",), True),)),
        ([("a", 1), ("b", -1)], (A, SortKey(("b",), True))),
        ((("a", 1), ("b", -1)), (A, SortKey(("b",), True))),
        ([(("a", 1), -1)], (SortKey(("a", 1), True),)),
        ((("a", 1), -1), (SortKey(("a", 1), True),)),
        ([(("-a",), 1)], (SortKey(("-a",)),)),
        ("a.b[0]", (SortKey(("a", "b", 0)),)),
        ("-id", (SortKey(Envelope.ID, True),)),
        (["@version", "a"], (SortKey(Envelope.VERSION), A)),
        (["a", "id", "b"], (A, SortKey(Envelope.ID))),
    ],
)
def test_a_sort_is_parsed(sort: Any, keys: tuple[SortKey, ...]) -> None:
    assert parse_sort(sort) == keys


@pytest.mark.parametrize(
    ("sort", "part"),
    [
        (5, "none of"),
        ({"a": 1}, "none of"),
        ([5], "none of"),
        ([["a", 1]], "none of"),
        ([("a",)], "none of"),
        (("a", 2), "1 or -1, not 2"),
        ([("a", 0)], "1 or -1, not 0"),
        ([("a", True)], "none of"),
        ([("a", "desc")], "none of"),
        (["a", "-a"], "'a' twice"),
        (["a", ("a", 1)], "'a' twice"),
        ("", "empty"),
        ("-", "empty"),
        ("a..b", "malformed"),
        ([str(number) for number in range(9)], "9 keys; the limit is 8"),
    ],
)
def test_a_sort_is_refused(sort: Any, part: str) -> None:
    with pytest.raises(InvalidQueryError, match=part):
        parse_sort(sort)


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        (None, None),
        ([], ()),
        (["a"], (("a",),)),
        (("b", "a"), (("a",), ("b",))),
        (["a.b", "a"], (("a",),)),
        (["a", "a.b.c", "a.b"], (("a",),)),
        (["a.b", "a.c", "ab"], (("a", "b"), ("a", "c"), ("ab",))),
        (["id", "@version", "@expires_at", "a"], (("a",),)),
        ([("x.y", "z"), ("@version",)], (("@version",), ("x.y", "z"))),
        ({"a", "b"}, (("a",), ("b",))),
    ],
)
def test_fields_are_parsed(fields: Any, paths: Any) -> None:
    assert parse_fields(fields) == paths


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ("name", "a list of paths"),
        (5, "a list of paths"),
        ({"a": 1}, "a list of paths"),
        (["a[0]"], "holds an index"),
        ([("a", 0)], "holds an index"),
        ([""], "empty"),
        ([5], "neither a string"),
    ],
)
def test_fields_are_refused(fields: Any, part: str) -> None:
    with pytest.raises(InvalidQueryError, match=part):
        parse_fields(fields)


def test_limit_and_skip() -> None:
    assert check_limit(None) is None
    assert check_limit(0) == check_skip(0) == 0
    assert check_limit(5) == check_skip(5) == 5
    values: list[Any] = [-1, True, 1.0, "5", [], 2**53, 10**5000]
    for value in values:
        with pytest.raises(InvalidQueryError, match="limit is an integer from 0, or None"):
            check_limit(value)
        with pytest.raises(InvalidQueryError, match="skip is an integer from 0"):
            check_skip(value)
    with pytest.raises(InvalidQueryError, match="skip"):
        check_skip(None)
