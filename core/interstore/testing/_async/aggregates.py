"""Groups, figures and distinct values."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from interstore._async.store import AsyncStore
from interstore.errors import InvalidQueryError
from interstore.testing._async.suite import AsyncSuite, fill
from interstore.testing.checks import exact, refuses

__all__ = ["AsyncAggregateSuite"]

SALES: list[dict[str, Any]] = [
    {"id": "1", "city": "Rome", "price": 10, "o": {"n": 1}},
    {"id": "2", "city": "Rome", "price": 2.5, "o": {"n": 2}},
    {"id": "3", "city": "Oslo", "price": "free"},
    {"id": "4", "city": "Oslo", "price": None},
    {"id": "5", "city": "Oslo", "price": 4},
    {"id": "6", "price": 1},
    {"id": "7", "city": None, "price": [5]},
    {"id": "8", "city": ["Rome"], "price": True},
]


class AsyncAggregateSuite(AsyncSuite):
    """What `aggregate` and `distinct` make of mixed values."""

    async def test_one_row_about_all(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, SALES)
        rows = await store.aggregate(
            model,
            n="count",
            prices=("count", "price"),
            total=("sum", "price"),
            mean=("avg", "price"),
            least=("min", "price"),
            most=("max", "price"),
        )
        expected = {"n": 8, "prices": 7, "total": 17.5, "mean": 4.375, "least": 1, "most": True}
        assert exact(rows) == exact([expected])

    async def test_figures_of_nothing(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, SALES)
        rows = await store.aggregate(
            model, {"id": "x"}, n="count", s=("sum", "price"), a=("avg", "price"), m=("min", "id")
        )
        assert exact(rows) == exact([{"n": 0, "s": 0, "a": None, "m": None}])

    async def test_groups(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, SALES)
        rows = await store.aggregate(model, group_by="city", n="count", total=("sum", "price"))
        expected = [
            {"city": None, "n": 3, "total": 1},
            {"city": "Oslo", "n": 3, "total": 4},
            {"city": "Rome", "n": 2, "total": 12.5},
        ]
        assert exact(rows) == exact(expected), "missing, null and containers are one group"

    async def test_having_sort_and_limit(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, SALES)
        rows = await store.aggregate(
            model,
            {"city": {"$type": "string"}},
            group_by={"place": "city"},
            total=("sum", "price"),
            sort="-total",
        )
        assert exact(rows) == exact(
            [{"place": "Rome", "total": 12.5}, {"place": "Oslo", "total": 4}]
        )
        rows = await store.aggregate(
            model, group_by="city", n="count", having={"n": {"$gte": 3}}, sort="-city", limit=1
        )
        assert exact(rows) == exact([{"city": "Oslo", "n": 3}])

    async def test_groups_by_several_paths(self, store: AsyncStore, model: str) -> None:
        documents = [{"id": f"{n}", "a": n % 2 == 0, "b": n % 3, "n": n} for n in range(12)]
        await fill(store, model, documents)
        rows = await store.aggregate(model, group_by=["a", "b"], s=("sum", "n"))
        expected = [
            {"a": a, "b": b, "s": sum(n for n in range(12) if (n % 2 == 0) is a and n % 3 == b)}
            for a in (False, True)
            for b in range(3)
        ]
        assert exact(rows) == exact(expected)

    async def test_one_and_true_are_two_groups(self, store: AsyncStore, model: str) -> None:
        await fill(
            store, model, [{"id": "a", "v": 1}, {"id": "b", "v": True}, {"id": "c", "v": "1"}]
        )
        rows = await store.aggregate(model, group_by="v", n="count")
        assert exact(rows) == exact([{"v": v, "n": 1} for v in (1, "1", True)])

    async def test_sums_do_not_depend_on_the_order(self, store: AsyncStore, model: str) -> None:
        numbers = [1e16, 1, -1e16, 0.1, 0.2, 0.3, 1e-7, -0.1, 2.5, 1e100, 5e-324, -1e100]
        await fill(store, model, [{"id": f"{n:02}", "v": v} for n, v in enumerate(numbers)])
        rows = await store.aggregate(model, s=("sum", "v"), a=("avg", "v"))
        exactly = sum(map(Fraction, numbers))
        assert exact(rows) == exact([{"s": float(exactly), "a": float(exactly / len(numbers))}])
        rows = await store.aggregate(model, {"id": {"$in": ["03", "04", "05"]}}, s=("sum", "v"))
        assert rows == [{"s": 0.6}], "rounded once; to add them one by one gives 0.6000000000000001"

    async def test_large_sums(self, store: AsyncStore, model: str) -> None:
        largest = 2**53 - 1
        await fill(store, model, [{"id": f"{n}", "v": largest} for n in range(5)])
        rows = await store.aggregate(model, s=("sum", "v"), a=("avg", "v"), m=("max", "v"))
        expected = {"s": float(5 * largest), "a": largest, "m": largest}
        assert exact(rows) == exact([expected]), "beyond 2**53 - 1 a sum is a float"
        await fill(store, model, [{"id": f"f{n}", "v": 1.7e308} for n in range(2)])
        rows = await store.aggregate(model, {"v": {"$gt": 1e300}}, a=("avg", "v"), m=("min", "v"))
        assert rows == [{"a": 1.7e308, "m": 1.7e308}]
        with refuses(InvalidQueryError, "a sum beyond the largest number"):
            await store.aggregate(model, s=("sum", "v"))

    async def test_figures_by_the_envelope(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, SALES)
        await store.update(model, "2", {"$inc": {"o.n": 1}})
        rows = await store.aggregate(
            model,
            group_by="@version",
            first=("min", "id"),
            last=("max", "@updated_at"),
            expiring=("count", "@expires_at"),
            versions=("sum", "@version"),
            texts=("sum", "@created_at"),
        )
        texts = {document.id: document.updated for document in await store.find(model).to_list()}
        latest = max(text for id, text in texts.items() if id != "2")
        none = {"expiring": 0, "texts": 0}
        expected = [
            {"@version": 1, "first": "1", "last": latest, "versions": 7, **none},
            {"@version": 2, "first": "2", "last": texts["2"], "versions": 2, **none},
        ]
        assert exact(rows) == exact(expected)
        assert exact(await store.distinct(model, "@version")) == exact([1, 2])
        assert await store.distinct(model, "@expires_at") == []

    async def test_paths_do_not_enter_arrays(self, store: AsyncStore, model: str) -> None:
        documents: list[dict[str, Any]] = [
            {"id": "1", "a": [{"b": 1}, {"b": 2}]},
            {"id": "2", "a": {"b": 3, "0": 7}},
            {"id": "3", "a": {"b": [4]}},
            {"id": "4", "a": 5},
        ]
        await fill(store, model, documents)
        figures: dict[str, Any] = {"n": ("count", "a.b"), "s": ("sum", "a.b"), "m": ("max", "a.b")}
        assert exact(await store.aggregate(model, **figures)) == exact([{"n": 2, "s": 3, "m": 3}])
        rows = await store.aggregate(model, group_by={"x": "a[0].b"}, n="count")
        assert exact(rows) == exact([{"x": None, "n": 3}, {"x": 1, "n": 1}])
        assert exact(await store.distinct(model, "a.b")) == exact([3])
        assert exact(await store.distinct(model, "a[1].b")) == exact([2])
        assert exact(await store.distinct(model, ("a", "0"))) == exact([7])

    async def test_distinct(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, SALES)
        assert exact(await store.distinct(model, "city")) == exact([None, "Oslo", "Rome"])
        prices = [None, 1, 2.5, 4, 10, "free", True]
        assert exact(await store.distinct(model, "price")) == exact(prices)
        assert exact(await store.distinct(model, "o.n", {"city": "Rome"})) == exact([1, 2])
        assert await store.distinct(model, "nothing") == []
        assert await store.distinct(model, "id", {"price": {"$gt": 3}}) == ["1", "5"]
