"""Groups, figures and distinct values: what core computes, and what it refuses."""

from collections.abc import Iterator
from typing import Any

import pytest

from interstore._sync.store import Store
from interstore.errors import InvalidQueryError
from tests.tiny import TinyDatabase

DOCUMENTS: list[dict[str, Any]] = [
    {"id": "a", "city": "Bern", "price": 1, "ok": True},
    {"id": "b", "city": "Bern", "price": 0.5, "ok": 1},
    {"id": "c", "city": "Chur", "price": "free"},
    {"id": "d", "city": None, "price": [1]},
    {"id": "e", "price": 2},
]


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(TinyDatabase()) as store:
        store.create_many("sales", DOCUMENTS)
        yield store


def test_groups_and_figures(store: Store) -> None:
    rows = store.aggregate(
        "sales",
        group_by="city",
        n="count",
        priced=("count", "price"),
        total=("sum", "price"),
        mean=("avg", "price"),
        least=("min", "price"),
        most=("max", "price"),
    )
    assert rows == [
        {"city": None, "n": 2, "priced": 2, "total": 2, "mean": 2, "least": 2, "most": 2},
        {"city": "Bern", "n": 2, "priced": 2, "total": 1.5, "mean": 0.75, "least": 0.5, "most": 1},
        {
            "city": "Chur",
            "n": 1,
            "priced": 1,
            "total": 0,
            "mean": None,
            "least": "free",
            "most": "free",
        },
    ]


def test_having_sort_and_limit(store: Store) -> None:
    rows = store.aggregate(
        "sales", group_by={"where": "city"}, having={"n": {"$gte": 2}}, sort="-where", n="count"
    )
    assert rows == [{"where": "Bern", "n": 2}, {"where": None, "n": 2}]
    assert store.aggregate("sales", group_by="city", sort="-n", limit=1, n="count")[0]["n"] == 2


def test_one_row_about_all_even_of_nothing(store: Store) -> None:
    assert store.aggregate("sales", n="count", total=("sum", "price")) == [{"n": 5, "total": 3.5}]
    assert store.aggregate("none", n="count", most=("max", "price")) == [{"n": 0, "most": None}]
    assert store.aggregate("none", group_by="city", n="count") == []


def test_true_and_one_are_two_groups(store: Store) -> None:
    rows = store.aggregate("sales", {"ok": {"$exists": True}}, group_by="ok", n="count")
    assert [(row["ok"], type(row["ok"]), row["n"]) for row in rows] == [
        (1, int, 1),
        (True, bool, 1),
    ]
    assert store.distinct("sales", "ok") == [1, True]


def test_distinct_values_are_sorted_scalars(store: Store) -> None:
    assert store.distinct("sales", "price") == [0.5, 1, 2, "free"]
    assert store.distinct("sales", "city") == [None, "Bern", "Chur"]
    assert store.distinct("sales", "id", {"city": "Bern"}) == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "group_by or a figure"),
        ({"n": "sum"}, "n='sum' is neither"),
        ({"n": ("median", "price")}, "one of count, sum"),
        ({"group_by": 5, "n": "count"}, "group_by is a path"),
        ({"group_by": "city", "city": "count"}, "names a group and a figure"),
        ({"n": "count", "limit": -1}, "limit"),
    ],
)
def test_what_is_refused(store: Store, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidQueryError, match=words):
        store.aggregate("sales", **arguments)
