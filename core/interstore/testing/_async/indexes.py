"""Indexes: what they declare holds for every write, and they change no answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore._async.operations import AsyncOperations
from interstore._async.store import AsyncStore
from interstore.capabilities import IndexKind
from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InvalidDocumentError,
    InvalidQueryError,
    UnsupportedError,
)
from interstore.filters.arguments import parse_sort
from interstore.filters.parse import parse_filter
from interstore.filters.select import select
from interstore.indexes import Index
from interstore.prepared import Query, Write
from interstore.testing._async.differential import compared
from interstore.testing._async.suite import AsyncSuite, at_once, fill, served_sort
from interstore.testing.checks import ids, refuses, tally
from interstore.testing.strategies import documents, filters, key_paths, sorts
from interstore.times import now

__all__ = ["AsyncIndexSuite"]

KINDS: Final[tuple[tuple[IndexKind, tuple[str, ...], dict[str, Any]], ...]] = (
    ("single", ("n",), {}),
    ("compound", ("n", "s"), {}),
    ("unique", ("n",), {"unique": True}),
    ("list", ("n",), {"list": True}),
    ("partial", ("n",), {"unique": True, "where": {"gone": False}}),
)

WHERES: Final[tuple[dict[str, Any], ...]] = (
    {"w": False},
    {"w": 1},
    {"w": "it's"},
    {"w": {"$in": [0, "?", True]}},
    {"w": {"$in": ["$1", None]}},
    {"w": {"$gt": 0}},
    {"w": {"$gte": "a", "$lt": "c"}},
    {"w": {"$lte": 1}, "n": {"$gt": 1}},
    {"w": {"$exists": True}},
    {"w": {"$exists": False}},
    {"w": {"$type": ["string", "bool"]}},
    {"w": None},
    {"w": {"$ne": None}},
    {"w": {"$nin": [0, 1, "a"]}},
    {"w": {"$not": {"$gt": 0}}},
)

DOCUMENTS: Final[tuple[dict[str, Any], ...]] = (
    {"id": "01"},
    {"id": "02", "n": None},
    {"id": "03", "n": 0},
    {"id": "04", "n": -1.5},
    {"id": "05", "n": 1, "s": "a"},
    {"id": "06", "n": 2**53 - 1},
    {"id": "07", "n": True},
    {"id": "08", "n": False},
    {"id": "09", "n": ""},
    {"id": "10", "n": "a"},
    {"id": "11", "n": "ab", "s": "b"},
    {"id": "12", "n": "aé"},
    {"id": "13", "n": "a\U0010ffff"},
    {"id": "14", "n": "b"},
    {"id": "15", "n": []},
    {"id": "16", "n": [1, "a", None]},
    {"id": "17", "n": {"m": 1}},
    {"id": "18", "n": 1, "s": None},
    {"id": "19", "n": 1, "s": "c"},
)

FILTERS: Final[tuple[dict[str, Any], ...]] = (
    {"n": 1},
    {"n": None},
    {"n": True},
    {"n": "a"},
    {"n": {"$ne": 1}},
    {"n": {"$gt": 0}},
    {"n": {"$gte": 0, "$lt": 1}},
    {"n": {"$lte": "ab"}},
    {"n": {"$in": [None, 1, "b", False]}},
    {"n": {"$in": [*range(40), "a"]}},
    {"n": {"$in": []}},
    {"n": {"$startsWith": "a"}},
    {"n": {"$startsWith": ""}},
    {"n": {"$startsWith": "a\U0010ffff"}},
    {"n": {"$exists": True}},
    {"n": {"$has": None}},
    {"n": {"$has": "a"}},
    {"n": [1, "a", None]},
    {"n": 1, "s": {"$gte": "a"}},
    {"n": 1, "s": None},
    {"n": 1, "id": {"$gt": "10"}},
    {"$or": [{"n": 1}, {"n": "a"}]},
    {"$not": {"n": 1}},
)
SORTS: Final = ("n", "-n", ["n", "s"], ["-n", "-s"], ["n", "-s"], "s", ["n", "-id"])


def needs(store: AsyncStore, *kinds: IndexKind) -> None:
    """Skip the test unless the kinds are declared."""
    for kind in kinds:
        if kind not in store.capabilities.ensure_index:
            pytest.skip(f"capability ensure_index ({kind}) is not declared")


class AsyncIndexSuite(AsyncSuite):
    """The declared kinds work, the others are refused."""

    async def test_kinds_that_are_not_declared(
        self, store: AsyncStore, operations: AsyncOperations, model: str
    ) -> None:
        for kind, paths, options in KINDS:
            if kind not in store.capabilities.ensure_index:
                with refuses(UnsupportedError, f"ensure_index of kind {kind}") as refusal:
                    await store.ensure_index(model, *paths, **options)
                assert refusal.error.backend == operations.name
                assert len(str(refusal.error)) > 30, f"{kind}: say what to do instead"
        if not store.capabilities.ensure_index:
            with refuses(UnsupportedError, "indexes"):
                await store.indexes(model)
            with refuses(UnsupportedError, "drop_index"):
                await store.drop_index(model, "n_0123456789")
        with refuses(UnsupportedError, "ensure_index with expire_after"):
            await store.ensure_index(model, "n", expire_after="at")

    async def test_what_is_no_index(self, store: AsyncStore, model: str) -> None:
        needs(store, "single")
        wrong: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
            ((), {}),
            (("id",), {}),
            (("@expires_at",), {}),
            (("a[0]",), {}),
            (("a", "a"), {}),
            (tuple("abcdefghi"), {}),
            (("a",), {"type": "int"}),
            (("a",), {"type": ["number", "string"]}),
            (("a",), {"unique": 1}),
            (("a",), {"list": "yes"}),
            (("a", "b"), {"list": True}),
            (("a",), {"list": True, "unique": True}),
            (("@version",), {"list": True}),
            ((7,), {}),
        ]
        for paths, options in wrong:
            with refuses(InvalidQueryError, f"ensure_index{paths} {options}"):
                await store.ensure_index(model, *paths, **options)
        assert await store.indexes(model) == []

    async def test_declaring(self, store: AsyncStore, model: str, other_model: str) -> None:
        needs(store, "single")
        assert await store.indexes(model) == []
        made = await store.ensure_index(model, "a.b", type="number")
        again = await store.ensure_index(model, ("a", "b"), type="number")
        assert made == again == Index(paths=(("a", "b"),), types=("number",))
        other = await store.ensure_index(model, ("odd.key", "q\"u'%s"))
        times = await store.ensure_index(model, "@updated_at")
        expected = sorted([made, other, times], key=lambda index: index.name)
        assert await store.indexes(model) == expected
        assert await store.indexes(other_model) == []
        assert await store.drop_index(model, made) is True
        assert await store.drop_index(model, made.name) is False
        assert await store.drop_index(other_model, made) is False
        assert made not in await store.indexes(model)
        await store.create(model, {"a": {"b": "not a number any more"}})

    async def test_dropping_the_model(self, store: AsyncStore, model: str) -> None:
        needs(store, "single")
        if not store.capabilities.drop:
            pytest.skip("capability drop is not declared")
        await store.ensure_index(model, "n", type="number")
        assert await store.drop(model) is True
        assert await store.indexes(model) == []
        await store.create(model, {"n": "a"})

    async def test_contradictions(self, store: AsyncStore, model: str) -> None:
        needs(store, "single", "compound", "unique")
        made = await store.ensure_index(model, "n", type="number")
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: store.ensure_index(model, "n", type="string"),
            lambda: store.ensure_index(model, "s", "n", type=[None, "bool"]),
        ]
        if "list" in store.capabilities.ensure_index:
            calls.append(lambda: store.ensure_index(model, "n", list=True))
        for call in calls:
            with refuses(ConfigurationError, "a contradiction") as refusal:
                await call()
            assert made.name in str(refusal.error)
        assert await store.indexes(model) == [made]
        await store.ensure_index(model, "n", unique=True)
        await store.ensure_index(model, "n", "s", type=["number", "string"])

    async def test_types_hold_for_every_write(
        self, store: AsyncStore, operations: AsyncOperations, model: str
    ) -> None:
        needs(store, "single")
        await store.ensure_index(model, "n", type="number")
        await store.ensure_index(model, "o.s", type="string")
        await store.ensure_index(model, "b", type="bool")
        good = {"n": 1.5, "o": {"s": "x"}, "b": True}
        await fill(store, model, [{"id": "a", **good}, {"id": "b", "n": None}, {"id": "c", "o": 1}])
        wrong: list[tuple[str, Any]] = [
            ("n", "1"), ("n", True), ("n", [1]), ("n", {"m": 1}),
            ("o", {"s": 1}), ("o", {"s": ["x"]}), ("o", [{"s": "x"}]), ("o", []),
            ("b", 0), ("b", "true"),
        ]  # fmt: skip
        for key, value in wrong:
            path = "o.s" if isinstance(value, dict) and key == "o" else key
            calls: dict[str, Callable[[], Awaitable[object]]] = {
                "create": lambda: store.create(model, {"id": "new", key: value}),  # noqa: B023
                "put": lambda: store.put(model, {"id": "a", key: value}),  # noqa: B023
                "update": lambda: store.update(model, "a", {key: value}),  # noqa: B023
                "find_one_and_update": lambda: store.find_one_and_update(
                    model,
                    {"id": "a"},
                    {key: value},  # noqa: B023
                ),
            }
            for name, call in calls.items():
                with refuses(InvalidDocumentError, f"{name} with {key} = {value!r}") as refusal:
                    await call()
                error = refusal.error
                assert error.path == path
                assert error.id == ("new" if name == "create" else "a")
            many = await store.create_many(
                model, [{"id": "x", **good}, {"id": "new", key: value}], on_error="report"
            )
            assert [outcome.status for outcome in many.outcomes] == ["created", "failed"]
            many = await store.put_many(
                model, [{"id": "x", **good}, {"id": "a", key: value}], on_error="report"
            )
            assert [outcome.status for outcome in many.outcomes] == ["replaced", "failed"]
            await store.delete(model, "x")
            result = await store.update_many(model, {}, {key: value}, on_error="report")
            assert (result.updated, result.failed) == (0, 3)
            if store.capabilities.write_page:
                write = Write("new", {key: value}, version=3, created=now(), updated=now())
                [outcome] = await operations.write_page(model, [write], "upsert")
                assert isinstance(outcome, InvalidDocumentError)
        assert await store.count(model) == 3
        assert (await store.get(model, "a")).version == 1
        await store.update(model, "a", {"$inc": {"n": 1}, "$unset": ["b"]})
        await store.update(model, "a", {"n": None})

    async def test_long_strings(self, store: AsyncStore, model: str) -> None:
        needs(store, "single", "compound")
        await store.ensure_index(model, "s")
        await store.create(model, {"id": "a", "s": "é" * 512, "t": "x" * 5000})
        with refuses(InvalidDocumentError, "a string of 1,025 bytes") as refusal:
            await store.create(model, {"id": "b", "s": "é" * 512 + "x"})
        assert refusal.error.path == "s"
        with refuses(InvalidDocumentError, "a long string by update"):
            await store.update(model, "a", {"s": "x" * 1025})
        await store.put(model, {"id": "a", "s": "é" * 256})
        await store.ensure_index(model, "s", "t")
        with refuses(InvalidDocumentError, "a string of 513 bytes at one of two paths"):
            await store.update(model, "a", {"t": "x" * 513})

    async def test_stored_documents_that_do_not_fit(self, store: AsyncStore, model: str) -> None:
        needs(store, "single", "unique")
        await fill(
            store,
            model,
            [{"id": f"d{n}", "n": n // 2, "s": "x" * 2000 if n == 7 else n} for n in range(8)],
        )
        with refuses(InvalidDocumentError, "an index that 8 documents do not fit") as refusal:
            await store.ensure_index(model, "n", type="string")
        assert "8" in str(refusal.error)
        assert "'d0'" in str(refusal.error)
        with refuses(InvalidDocumentError, "an index over a long string") as refusal:
            await store.ensure_index(model, "s")
        assert "'d7'" in str(refusal.error)
        with refuses(DuplicateError, "a unique index over duplicates") as clash:
            await store.ensure_index(model, "n", unique=True)
        assert clash.error.index
        assert "'d0'" in str(clash.error)
        assert await store.indexes(model) == []
        await store.update(model, "d0", {"n": "free"})
        assert await store.count(model, {"n": "free"}) == 1

    async def test_unique(self, store: AsyncStore, operations: AsyncOperations, model: str) -> None:
        needs(store, "single", "unique")
        index = await store.ensure_index(model, "u", unique=True)
        values: list[Any] = [1, True, "1", "", 0, False, "A", "a", "é", "e\u0301", 0.5, None, None]
        await fill(store, model, [{"id": f"d{n:02}", "u": u} for n, u in enumerate(values)])
        await fill(store, model, [{"id": "m1"}, {"id": "m2"}])
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "create": lambda: store.create(model, {"id": "new", "u": 1.0}),
            "put": lambda: store.put(model, {"id": "new", "u": "é"}),
            "put over": lambda: store.put(model, {"id": "d01", "u": 1}),
            "update": lambda: store.update(model, "d01", {"u": "a"}),
            "find_one_and_update": lambda: store.find_one_and_update(
                model, {"id": "m1"}, {"u": False}
            ),
        }
        for name, call in calls.items():
            with refuses(DuplicateError, f"{name} of what exists") as refusal:
                await call()
            assert refusal.error.index == index.name
        with refuses(DuplicateError, "an id that exists") as refusal:
            await store.create(model, {"id": "m1"})
        assert refusal.error.index is None
        for container in ([1], {"v": 1}):
            with refuses(InvalidDocumentError, f"{container!r} under a unique index"):
                await store.create(model, {"u": container})
        many = await store.create_many(
            model, [{"id": "n1", "u": 7}, {"id": "n2", "u": 7}, {"id": "n3", "u": 1}],
            on_error="report",
        )  # fmt: skip
        assert [outcome.status for outcome in many.outcomes] == ["created"] + ["duplicate"] * 2
        errors = [outcome.error for outcome in many.outcomes[1:]]
        assert [isinstance(e, DuplicateError) and e.index for e in errors] == [index.name] * 2
        many = await store.put_many(
            model, [{"id": "n1", "u": 7}, {"id": "n4", "u": 7}, {"id": "m1", "u": 8}],
            on_error="report",
        )  # fmt: skip
        assert [outcome.version for outcome in many.outcomes] == [2, 0, 2]
        result = await store.update_many(
            model, {"id": {"$in": ["m1", "m2"]}}, {"u": 9}, on_error="report"
        )
        assert (result.updated, result.failed) == (1, 1)
        if store.capabilities.write_page:
            write = Write("n5", {"u": 7}, version=3, created=now(), updated=now())
            [outcome] = await operations.write_page(model, [write], "upsert")
            assert isinstance(outcome, DuplicateError)
        await store.delete(model, "n1")
        await store.create(model, {"id": "n6", "u": 7})
        await store.update(model, "n6", {"u": None})
        await store.create(model, {"id": "n7", "u": 7})
        await store.put(model, {"id": "n7", "u": 7, "more": 1})

    async def test_unique_together(self, store: AsyncStore, model: str) -> None:
        needs(store, "compound", "unique")
        await store.ensure_index(model, "a", "b", unique=True)
        await fill(
            store,
            model,
            [{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 1}, {"a": 1}, {"b": 1, "a": None}],
        )
        with refuses(DuplicateError, "the same pair"):
            await store.create(model, {"a": 1, "b": 2})

    async def test_one_winner(self, store: AsyncStore, model: str) -> None:
        needs(store, "single", "unique")
        await store.ensure_index(model, "u", unique=True)
        await fill(store, model, [{"id": f"u{n}"} for n in range(4)])
        for turn in range(3):
            calls: list[Callable[[], Awaitable[object]]] = [
                *(lambda r=turn: store.create(model, {"u": r}) for _ in range(4)),
                *(
                    lambda r=turn, n=n: store.update(model, f"u{n}", {"u": r})
                    for n in range(4)
                ),
            ]  # fmt: skip
            outcomes = await at_once(calls)
            refused = [each for each in outcomes if isinstance(each, DuplicateError)]
            assert len(refused) == len(outcomes) - 1
            assert await store.count(model, {"u": turn}) == 1

    async def test_unique_among_some(
        self, store: AsyncStore, operations: AsyncOperations, model: str
    ) -> None:
        needs(store, "single", "unique", "partial")
        index = await store.ensure_index(model, "u", unique=True, where={"gone": False})
        assert await store.indexes(model) == [index]
        await fill(
            store,
            model,
            [
                {"id": "a", "u": 1, "gone": False},
                {"id": "b", "u": 1, "gone": True},
                {"id": "c", "u": 1},
                {"id": "d", "u": 1, "gone": None},
                {"id": "e", "u": 1, "gone": "no"},
            ],
        )
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "create": lambda: store.create(model, {"id": "x", "u": 1, "gone": False}),
            "put of a new document": lambda: store.put(model, {"id": "x", "u": 1, "gone": False}),
            "put": lambda: store.put(model, {"id": "b", "u": 1, "gone": False}),
            "update": lambda: store.update(model, "b", {"gone": False}),
            "update of one that had no such field": lambda: store.update(
                model, "c", {"gone": False}
            ),
            "find_one_and_update": lambda: store.find_one_and_update(
                model, {"id": "b"}, {"gone": False}
            ),
        }
        for what, call in calls.items():
            with refuses(DuplicateError, f"{what}: a value that is taken") as refusal:
                await call()
            assert refusal.error.index == index.name, what
        result = await store.create_many(
            model,
            [{"id": f"m{n}", "u": n % 2, "gone": n > 1} for n in range(4)],
            on_error="report",
        )
        assert [each.status for each in result.outcomes] == [
            "created", "duplicate", "created", "created",
        ]  # fmt: skip
        await store.update(model, "a", {"gone": True})
        await store.update(model, "b", {"gone": False})
        with refuses(DuplicateError, "a value that was given away"):
            await store.update(model, "a", {"gone": False})
        report = await store.update_many(model, {"u": 1}, {"gone": False}, on_error="report")
        assert (report.updated, report.failed) == (1, 5)
        await store.delete(model, "b")
        await store.update(model, "c", {"gone": False})
        with refuses(InvalidDocumentError, "an array where the index compares"):
            await store.create(model, {"id": "x", "u": 5, "gone": [False]})
        now_there = ids(await store.find(model, {"u": 1, "gone": False}, sort="u").to_list())
        assert now_there == ["c"]
        assert await store.count(model, {"u": 1}) == 5
        assert await store.drop_index(model, index) is True
        await store.create(model, {"id": "y", "u": 1, "gone": False})

    async def test_one_winner_among_some(self, store: AsyncStore, model: str) -> None:
        needs(store, "single", "unique", "partial")
        await store.ensure_index(model, "u", unique=True, where={"gone": False})
        await fill(store, model, [{"id": str(n), "u": 1, "gone": True} for n in range(8)])
        await fill(store, model, [{"id": f"n{n}", "u": 1} for n in range(4)])

        async def work(worker: int) -> object:
            if worker < 4:
                return await store.update(model, str(worker), {"gone": False})
            if worker < 6:
                return await store.create(model, {"id": f"w{worker}", "u": 1, "gone": False})
            return await store.put(model, {"id": f"n{worker - 6}", "u": 1, "gone": False})

        outcomes = await at_once([partial(work, worker) for worker in range(8)])
        winners = [each for each in outcomes if not isinstance(each, DuplicateError)]
        assert len(winners) == 1, outcomes
        assert await store.count(model, {"gone": False}) == 1

    async def test_which_documents_are_meant(
        self, store: AsyncStore, model: str, other_model: str
    ) -> None:
        needs(store, "single", "unique", "partial")
        values = [None, 0, 1, 2.5, -3, True, False, "", "a", "b", "it's", "?", "$1"]
        fields: list[dict[str, Any]] = [
            {"id": f"{n:02}", "n": n, "u": 1, "w": value} for n, value in enumerate(values)
        ]
        everything = await fill(store, other_model, [*fields, {"id": "99", "u": 1}])
        served, clashed = 0, False
        for where in WHERES:
            meant = select(everything, Query(parse_filter(where)))
            others = [each for each in everything if each.id not in ids(meant)]
            await store.delete_many(model, {})
            await fill(store, model, [*others, meant[0]])
            try:
                index = await store.ensure_index(model, "u", unique=True, where=where)
            except UnsupportedError:
                continue
            served += 1
            for each in meant[1:]:
                with refuses(DuplicateError, f"{dict(each)} under where={where}"):
                    await store.create(model, each)
            await store.drop_index(model, index)
            if len(meant) > 1 and not clashed:
                clashed = True
                await fill(store, model, meant[1:2])
                with refuses(DuplicateError, f"where={where} over duplicates"):
                    await store.ensure_index(model, "u", unique=True, where=where)
        assert served > 3

    async def test_what_a_partial_index_cannot_be_about(
        self, store: AsyncStore, model: str
    ) -> None:
        for where in (
            {"a": {"$regex": "x"}}, {"$or": [{"a": 1}, {"b": 1}]}, {"a": [1]}, {"id": "x"},
            {"@version": 1}, {"a[0]": 1}, {"a": {"$has": 1}}, {"a": {"$foo": 1}}, "a", 5,
        ):  # fmt: skip
            with refuses(InvalidQueryError, f"where={where!r}"):
                await store.ensure_index(model, "n", unique=True, where=where)  # type: ignore[arg-type]
        with refuses(InvalidQueryError, "where without unique"):
            await store.ensure_index(model, "n", where={"a": 1})

    async def test_another_connection(
        self, store: AsyncStore, second_database: Any, model: str
    ) -> None:
        needs(store, "single", "unique")
        async with AsyncStore(second_database) as other:
            await other.put(model, {"id": "a", "n": 1, "u": 1})
            declared = [
                await store.ensure_index(model, "n", type="number"),
                await store.ensure_index(model, "u", unique=True),
            ]
            assert sorted(await other.indexes(model), key=lambda i: i.name) == sorted(
                declared, key=lambda i: i.name
            )
            with refuses(InvalidDocumentError, "what another connection declared"):
                await other.create(model, {"n": "1"})
            with refuses(DuplicateError, "what another connection declared unique"):
                await other.create(model, {"u": 1})
            await other.create(model, {"u": 2})
            with refuses(DuplicateError, "what another connection wrote"):
                await store.create(model, {"u": 2})
            await other.drop_index(model, declared[0])
            await store.create(model, {"n": "1"})

    async def test_list(self, store: AsyncStore, model: str) -> None:
        needs(store, "list")
        await store.ensure_index(model, "tags", type="string", list=True)
        await fill(
            store,
            model,
            [
                {"id": "a", "tags": ["x", "y", "x"]},
                {"id": "b", "tags": []},
                {"id": "c", "tags": None},
                {"id": "d"},
                {"id": "e", "tags": ["y", None]},
            ],
        )
        for value in ("x", ["x", 1], [["x"]], {"x": 1}, ["x" * 1025]):
            with refuses(InvalidDocumentError, f"{value!r:.40} as a list of strings") as refusal:
                await store.put(model, {"id": "a", "tags": value})
            assert refusal.error.path == "tags"
        with refuses(InvalidDocumentError, "a number pushed"):
            await store.update(model, "a", {"$push": {"tags": 1}})
        await store.update(model, "a", {"$push": {"tags": "z"}})
        for tag, expected in (("x", ["a"]), ("y", ["a", "e"]), ("z", ["a"]), (None, ["e"])):
            assert ids(await store.find(model, {"tags": {"$has": tag}}).to_list()) == expected
        await store.update(model, "a", {"tags": ["w"]})
        assert await store.count(model, {"tags": {"$all": ["y"]}}) == 1

    async def test_answers_stay(self, store: AsyncStore, model: str) -> None:
        needs(store, "single")
        stored = await fill(store, model, DOCUMENTS)
        served = [served_sort(store, sort) for sort in SORTS]

        async def answers() -> list[Any]:
            found: list[Any] = []
            for filter in FILTERS:
                found.append(await store.count(model, filter))
                for sort in (None, *served):
                    query = Query(parse_filter(filter), parse_sort(sort), limit=7, skip=1)
                    expected = ids(select(stored, query))
                    page = store.find(model, filter, sort=sort, limit=7, skip=1)
                    got = ids(await page.to_list())
                    assert got == expected, f"{filter!r} sorted by {sort!r}"
                    found.append(got)
            return found

        without = await answers()
        await store.ensure_index(model, "n")
        assert await answers() == without
        if "compound" in store.capabilities.ensure_index:
            await store.ensure_index(model, "n", "s")
            assert await answers() == without
        for sort in served:
            everything: list[str] = []
            token: str | None = None
            while len(everything) < 100:
                part = await store.page(model, sort=sort, limit=3, after=token)
                everything += ids(part.documents)
                token = part.next
                if token is None:
                    break
            assert everything == ids(select(stored, Query(sort=parse_sort(sort)))), sort

    async def test_answers_after_writes(self, store: AsyncStore, model: str) -> None:
        needs(store, "single")
        await store.ensure_index(model, "n")
        await fill(store, model, [{"id": f"d{n:02}", "n": n % 5} for n in range(20)])
        assert await store.count(model, {"n": 3}) == 4
        await store.update(model, "d03", {"n": 1})
        await store.delete(model, "d08")
        await store.put(model, {"id": "d13"})
        await store.create(model, {"id": "new", "n": 3})
        assert ids(await store.find(model, {"n": 3}).to_list()) == ["d18", "new"]
        assert ids(await store.find(model, {"n": 1}, sort="-n", limit=2).to_list()) == [
            "d16", "d11",
        ]  # fmt: skip
        assert await store.count(model, {"n": None}) == 1
        assert (await store.delete_many(model, {"n": {"$gte": 1}})).deleted == 15
        assert await store.count(model, {"n": {"$gte": 0}}) == 4

    @compared
    @given(
        documents=documents(),
        paths=st.lists(key_paths, min_size=1, max_size=2, unique_by=str),
        queries=st.lists(st.tuples(filters(), sorts()), min_size=4, max_size=8),
    )
    async def test_an_index_changes_no_answer(
        self,
        store: AsyncStore,
        model: str,
        documents: list[Any],
        paths: list[Any],
        queries: list[Any],
    ) -> None:
        needs(store, "single", "compound")
        for index in await store.indexes(model):
            await store.drop_index(model, index)
        await store.delete_many(model, {})
        await store.create_many(model, documents)
        stored = await store.find(model).to_list()
        try:
            await store.ensure_index(model, *paths)
        except (InvalidQueryError, InvalidDocumentError):
            return  # the id, a path twice, a string that is too long
        for filter, whole_sort in queries:
            sort = served_sort(store, whole_sort)
            query = Query(parse_filter(filter), parse_sort(sort), limit=5)
            found = ids(await store.find(model, filter, sort=sort, limit=5).to_list())
            assert found == ids(select(stored, query)), f"{filter!r} by {sort!r} with {paths!r}"
            expected = len(select(stored, Query(query.tree)))
            assert await store.count(model, filter) == expected, f"count of {filter!r}"
            tally["with an index"] += 1
