"""Order, positions, selection and page tokens."""

from __future__ import annotations

import base64
import itertools
import json
import random
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore.document import Document
from interstore.errors import InvalidQueryError
from interstore.filters.cursor import decode_token, encode_token, fingerprint
from interstore.filters.order import is_after, order_key, position_of, sort_value
from interstore.filters.parse import parse_filter, parse_sort
from interstore.filters.select import select
from interstore.paths import MISSING
from interstore.prepared import Query, SortKey
from tests.unit.filters.strategies import collections, filters, sorts, values

ASCENDING: list[list[Any]] = [
    [MISSING, None, [], {}, [5], {"a": 1}],
    [-(2**53 - 1)],
    [-1],
    [0, 0.0],
    [0.5],
    [1, 1.0],
    [1e300],
    [""],
    ["A"],
    ["a"],
    ["a\n"],
    ["\uffff"],
    ["\U0001f600"],
    [False],
    [True],
]


def test_values_of_every_class_are_in_the_order_of_the_language() -> None:
    for group in ASCENDING:
        assert len({sort_value(value) for value in group}) == 1
    keys = [sort_value(group[0]) for group in ASCENDING]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@given(st.lists(values, min_size=3, max_size=3))
def test_the_order_of_values_is_total(found: list[Any]) -> None:
    first, second, third = sorted(sort_value(value) for value in found)
    assert first <= second <= third
    assert first <= third
    assert (first < second) == (not second <= first)


def query(sort: Any, **changes: Any) -> Query:
    return Query(sort=parse_sort(sort), **changes)


def ids(documents: list[Document]) -> list[str]:
    return [document.id for document in documents]


@given(collections(), sorts)
def test_the_order_of_documents_is_total(documents: list[Document], sort: Any) -> None:
    shuffled = documents[:]
    random.Random(5).shuffle(shuffled)
    assert ids(select(shuffled, query(sort))) == ids(select(documents, query(sort)))


@given(collections(), sorts)
def test_descending_is_the_exact_reverse(documents: list[Document], sort: Any) -> None:
    opposite = [(path, -direction) for path, direction in sort or [("id", 1)]]
    assert ids(select(documents, query(opposite))) == ids(select(documents, query(sort)))[::-1]


@given(collections(), sorts)
def test_the_key_of_an_order_is_the_order(documents: list[Document], sort: Any) -> None:
    order = query(sort).order
    assert sorted(documents, key=order_key(order)) == select(documents, query(sort))


@given(collections(), filters, sorts, st.integers(1, 4))
def test_pages_to_exhaustion_are_the_whole(
    documents: list[Document], filter: Any, sort: Any, size: int
) -> None:
    whole = query(sort, tree=parse_filter(filter))
    pages: list[Document] = []
    page = whole.only(limit=size)
    while found := select(documents, page):
        assert len(found) <= size
        pages += found
        page = page.only(after=position_of(found[-1], whole.order))
    assert ids(pages) == ids(select(documents, whole))


@given(collections(), sorts, st.integers(0, 5), st.integers(0, 5))
def test_skip_and_limit_are_a_slice(
    documents: list[Document], sort: Any, skip: int, limit: int
) -> None:
    whole = select(documents, query(sort))
    assert select(documents, query(sort, skip=skip, limit=limit)) == whole[skip : skip + limit]
    assert select(iter(documents), query(sort, skip=skip)) == whole[skip:]


def test_a_position_holds_null_for_what_sorts_as_null() -> None:
    document = Document({"a": [1], "b": {}, "c": True}, id="x", version=2, created="t", updated="t")
    order = query(["a", "b", "c", "none", "@version", "@expires_at"]).order
    assert position_of(document, order) == (None, None, True, None, 2, None, "x")


def test_after_compares_the_id_last_and_in_the_last_direction() -> None:
    first, second = (
        Document({"a": 1}, id=id, version=1, created="t", updated="t") for id in ("1", "2")
    )
    assert is_after(query("a").order, (1, "1"))(second)
    assert not is_after(query("a").order, (1, "1"))(first)
    assert is_after(query("-a").order, (1, "2"))(first)
    assert is_after(query([("b", 1), ("a", -1)]).order, (None, 1, "2"))(first)


@given(collections(3), filters, sorts)
def test_a_token_gives_its_position_back(documents: list[Document], filter: Any, sort: Any) -> None:
    order = query(sort).order
    mark = fingerprint("users", parse_filter(filter), order)
    for document in documents:
        position = position_of(document, order)
        token = encode_token(mark, position)
        assert token.isascii()
        assert "=" not in token
        assert decode_token(token, mark) == position


def test_a_token_of_another_query_is_refused() -> None:
    order = query("a").order
    marks = [
        fingerprint("users", parse_filter({"a": 1}), order),
        fingerprint("orders", parse_filter({"a": 1}), order),
        fingerprint("users", parse_filter({"a": True}), order),
        fingerprint("users", parse_filter({"a": "1"}), order),
        fingerprint("users", parse_filter({("a",): {"$ne": 1}}), order),
        fingerprint("users", parse_filter({"a": 1}), query("-a").order),
        fingerprint("users", parse_filter({"a": 1}), query(["a", "b"]).order),
    ]
    for one, other in itertools.permutations(marks, 2):
        with pytest.raises(InvalidQueryError, match="another model, filter or sort"):
            decode_token(encode_token(one, (5, "id")), other)


def damaged(mark: str) -> list[Any]:
    def token(content: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()

    return [
        "",
        "x",
        "%%%",
        "é",
        "\x00",
        "A" * 100_000,
        token({}),
        token([mark]),
        token([mark, 5]),
        token([mark, ["only"]]),
        token([mark, [1, 2, "id"]]),
        token([mark, [1, 2]]),
        token([mark, [{"$gt": 1}, "id"]]),
        token([mark, [[], "id"]]),
        token([mark, [2**60, "id"]]),
        token([mark, ["\x00", "id"]]),
        base64.urlsafe_b64encode(b"[" * 50_000).decode(),
    ]


def test_a_damaged_token_is_refused() -> None:
    mark = fingerprint("users", parse_filter(None), query("a").order)
    for token in damaged(mark):
        with pytest.raises(InvalidQueryError, match=r"damaged|another"):
            decode_token(token, mark)
    for token in (None, 5, b"x", ["x"]):
        with pytest.raises(InvalidQueryError, match=r"page\.next"):
            decode_token(token, mark)


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    program = (
        "from interstore.filters.cursor import fingerprint\n"
        "from interstore.filters.parse import parse_filter, parse_sort\n"
        "tree = parse_filter({'a': {'$type': ['null', 'bool', 'number', 'string']},"
        " 'b': {'$regex': ['x', 'i'], '$gt': 1.5}, 'id': {'$in': ['x', 'y']}})\n"
        "print(fingerprint('users', tree, parse_sort(['a', '-@version'])))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    # A token that a user holds must outlive an upgrade, so the text itself is fixed.
    assert found == {"2.6ARwySYDN01_gCgk\n"}


def test_sort_keys_after_the_id_are_not_looked_at() -> None:
    assert query(["a", "-id"]).order == (SortKey(("a",)), *parse_sort("-id"))
