"""Relations that hold without any reference: between what one engine says and says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interstore import connect
from interstore._sync.store import Store
from interstore.migration import migrate, verify
from interstore.testing._sync.differential import compared
from interstore.testing.checks import exact_all, ids
from interstore.testing.strategies import COMMON, NUMBERS, TEXTS, filters, sorts
from tests.differential.corpus import corpus, drawn, written
from tests.differential.counts import count
from tests.differential.engines import Subject

MODEL = "metamorphic"

fewer = settings(compared, max_examples=settings().max_examples // 5)
"""Each of the engines runs these by itself."""


@pytest.fixture(scope="module")
def full(subject: Subject) -> Iterator[Subject]:
    """The engine with a corpus in it."""
    subject.store.database.write_page(MODEL, written(corpus(3)), "upsert")
    yield subject
    subject.store.delete_many(MODEL, {})


def found(store: Store, filter: Any, **more: Any) -> list[str]:
    return ids(store.find(MODEL, filter, **more))


@fewer
@given(one=filters(), other=filters())
def test_filters_are_sets(full: Subject, one: Any, other: Any) -> None:
    store = full.store
    everything = found(store, {})
    some, others = set(found(store, one)), set(found(store, other))

    def assert_set(filter: Any, expected: set[str]) -> None:
        assert found(store, filter) == [id for id in everything if id in expected], filter

    assert_set({"$not": one}, {*everything} - some)
    assert_set({"$nor": [one, other]}, {*everything} - some - others)
    assert_set({"$and": [one, other]}, some & others)
    assert_set({"$or": [one, other]}, some | others)
    assert_set({"$and": [one, {"$not": one}]}, set())
    assert store.count(MODEL, one) + store.count(MODEL, {"$not": one}) == len(everything)
    count(full.name, "metamorphic checks", 6)


@fewer
@given(filter=filters(), sort=sorts(), sizes=st.lists(st.integers(9, 90), min_size=2, max_size=2))
def test_an_order_does_not_depend_on_pages(
    full: Subject, filter: Any, sort: Any, sizes: list[int]
) -> None:
    if not full.is_asked((filter, sort), often=4):
        return
    store, order = full.store, full.sort_of(sort)
    whole = found(store, filter, sort=order)
    for size in sizes:
        walked: list[str] = []
        token: str | None = None
        while True:
            page = store.page(MODEL, filter, sort=order, limit=size, after=token)
            walked += ids(page.documents)
            token = page.next
            if token is None or len(walked) > len(whole):
                break
        assert walked == whole, (filter, order, size)
        count(full.name, "metamorphic checks")
    step = sizes[0]
    parts = [found(store, filter, sort=order, skip=n, limit=step) for n in range(0, 201, step)]
    assert [id for part in parts for id in part] == whole, (filter, order, step)


# An index changes nothing.

TYPES: dict[str, list[Any]] = {
    "number": [value for value in (*COMMON, *NUMBERS) if type(value) in (int, float)],
    "string": [*TEXTS, "z" * 300],
    "bool": [True, False],
}


def declared(kind: str) -> st.SearchStrategy[Any]:
    """Documents that an index of `a` with that type allows; in `b` there is anything."""
    values = st.sampled_from([*TYPES[kind] * 2, None])
    one = st.fixed_dictionaries(
        {"b": st.sampled_from([*COMMON, [1], ["a", None], {"a": 1}])}, optional={"a": values}
    )
    return st.lists(one, min_size=40, max_size=40)


def about_a(kind: str) -> st.SearchStrategy[Any]:
    """Filters that an index of `a` may serve."""
    value = st.sampled_from([*TYPES[kind], *COMMON])
    ordered = st.sampled_from(TYPES["string" if kind == "string" else "number"])
    condition = st.one_of(
        value,
        st.fixed_dictionaries({}, optional={"$gt": ordered, "$lte": ordered}).filter(bool),
        st.fixed_dictionaries({"$in": st.lists(value, max_size=3)}),
        st.fixed_dictionaries({"$ne": value}),
        st.fixed_dictionaries({"$startsWith": st.sampled_from(TEXTS)}),
        st.fixed_dictionaries({"$exists": st.booleans()}),
        st.fixed_dictionaries({"$type": st.just(kind)}),
        st.fixed_dictionaries({"$not": st.fixed_dictionaries({"$gt": ordered})}),
    )
    return st.fixed_dictionaries({"a": condition}, optional={"b": st.sampled_from(COMMON)})


ORDERS: list[list[Any]] = [
    [], [("a", 1)], [("a", -1)], [("a", 1), ("b", 1)], [("a", -1), ("b", 1)], [("b", -1), ("a", -1)]
]  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_an_index_changes_nothing(subject: Subject, kind: str) -> None:
    store = subject.store
    kinds = store.capabilities.ensure_index
    if "single" not in kinds:
        pytest.skip("indexes of kind single are not declared")
    [documents] = drawn(declared(kind), 2, 5)[-1:]
    asked = drawn(about_a(kind), 60, 5)
    bare, indexed = f"bare_{kind}", f"indexed_{kind}"
    for model in (bare, indexed):
        store.create_many(model, [{**each, "id": f"d{n}"} for n, each in enumerate(documents)])
    store.ensure_index(indexed, "a", type=kind)  # type: ignore[arg-type]
    if "compound" in kinds:
        store.ensure_index(indexed, "a", "@version", type=[kind, None])  # type: ignore[list-item]
    for number, filter in enumerate(each for each in asked if subject.is_asked(each, often=2)):
        order = subject.sort_of(ORDERS[number % len(ORDERS)])
        answers = [
            _answers(store, model, filter, order, number % 7 + 1) for model in (bare, indexed)
        ]
        assert answers[0] == answers[1], (filter, order)
        count(subject.name, "metamorphic checks")


def _answers(store: Store, model: str, filter: Any, order: list[Any], size: int) -> list[Any]:
    """All that can be asked with a filter and an order."""
    pages: list[str] = []
    token: str | None = None
    while True:
        page = store.page(model, filter, sort=order, limit=size, after=token)
        pages += ids(page.documents)
        token = page.next
        if token is None:
            break
    return [
        exact_all(store.find(model, filter, sort=order)),
        store.count(model, filter),
        store.count(model, {"$nor": [filter]}),
        pages,
    ]


def test_an_index_of_a_list_changes_nothing(subject: Subject) -> None:
    store = subject.store
    if "list" not in store.capabilities.ensure_index:
        pytest.skip("indexes of kind list are not declared")
    scalars = [*COMMON, *NUMBERS, *TEXTS]
    lists = drawn(st.lists(st.sampled_from(scalars), max_size=4), 40, 5)
    documents = [{"id": f"d{n}", "l": each} for n, each in enumerate(lists)]
    for model in ("bare_list", "indexed_list"):
        store.create_many(model, [*documents, {"id": "none"}, {"id": "null", "l": None}])
    store.ensure_index("indexed_list", "l", list=True)
    for scalar in scalars:
        for filter in ({"l": {"$has": scalar}}, {"l": {"$all": [scalar, 1]}}, {"l": [scalar]}):
            answers = [
                (ids(store.find(model, filter)), store.count(model, {"$nor": [filter]}))
                for model in ("bare_list", "indexed_list")
            ]
            assert answers[0] == answers[1], filter
            count(subject.name, "metamorphic checks")


# Moving changes nothing.


def test_migrating_there_and_back_changes_nothing(full: Subject, tmp_path: Path) -> None:
    with connect("memory:") as start, connect("memory:") as back:
        start.database.write_page("moved", written(corpus(4)), "upsert")
        full.store.delete_many("moved", {})
        for of, to in ((start, full.store), (full.store, back)):
            report = migrate(of, to, models=["moved"], state=tmp_path, into="replace")
            assert (report.status, report.ok) == ("done", True)
            assert verify(start, to, models=["moved"], level="digest").ok
        assert exact_all(back.find("moved")) == exact_all(start.find("moved"))
    count(full.name, "migrations")
