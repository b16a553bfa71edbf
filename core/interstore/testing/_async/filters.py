"""Every operator, literally, and filters on odd keys and values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from interstore._async.store import AsyncStore
from interstore.filters.builder import field
from interstore.testing._async.suite import AsyncSuite, fill
from interstore.testing.checks import ids
from interstore.testing.samples import ODD_KEYS, ODD_VALUES, show
from interstore.testing.truth import COLUMNS, CONDITIONS, DOCUMENTS, FILTERS, ROWS

__all__ = ["AsyncFilterSuite"]


class AsyncFilterSuite(AsyncSuite):
    """Which documents a filter matches."""

    async def test_the_truth_table(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": name, **fields} for name, fields, _ in ROWS])
        for column, condition in enumerate(COLUMNS):
            truth = {name: bits.replace(" ", "")[column] == "1" for name, _, bits in ROWS}
            expected = [name for name, matches in truth.items() if matches]
            await _check(store, model, {"a": condition}, expected)

    async def test_every_condition(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": id, **fields} for id, fields in DOCUMENTS.items()])
        for condition, expected in CONDITIONS:
            await _check(store, model, {"a": condition}, expected)

    async def test_every_complement(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": id, **fields} for id, fields in DOCUMENTS.items()])
        for condition, matching in CONDITIONS:
            await _check(store, model, {"$nor": [{"a": condition}]}, set(DOCUMENTS) - matching)

    async def test_every_condition_below_an_object(self, store: AsyncStore, model: str) -> None:
        documents = [{"id": id, "o": {"p": fields}} for id, fields in DOCUMENTS.items()]
        await fill(store, model, documents)
        for condition, expected in CONDITIONS:
            await _check(store, model, {"o.p.a": condition}, expected)

    async def test_every_condition_on_an_element(self, store: AsyncStore, model: str) -> None:
        documents = [{"id": id, "l": ["x", *fields.values()]} for id, fields in DOCUMENTS.items()]
        await fill(store, model, documents)
        for condition, expected in CONDITIONS:
            await _check(store, model, {"l[1]": condition}, expected)

    async def test_whole_filters(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": id, **fields} for id, fields in DOCUMENTS.items()])
        for filter, expected in FILTERS:
            await _check(store, model, filter, expected)

    async def test_compiled_patterns_and_built_filters(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": id, **fields} for id, fields in DOCUMENTS.items()])
        await _check(store, model, {"a": {"$regex": re.compile("^b$", re.IGNORECASE)}}, {"B", "b"})
        await _check(store, model, field("a") > 1, {"1.5", "10", "big"})
        await _check(store, model, (field("a") == 1) | (field("a") == "a"), {"1", "a"})
        await _check(store, model, (field("a") > 0) & (field("a") < 10), {"1", "1.5"})

    async def test_odd_keys(self, store: AsyncStore, model: str) -> None:
        documents: list[dict[str, Any]] = [
            {"id": f"{n}", key: n, "o": {key: {key: n}}} for n, key in enumerate(ODD_KEYS)
        ]
        await fill(store, model, documents)
        for n, key in enumerate(ODD_KEYS):
            what = f"key {show(key)}"
            await _check(store, model, {(key,): n}, [f"{n}"], what)
            await _check(store, model, {("o", key, key): {"$gte": n}}, [f"{n}"], what)
            await _check(store, model, {(key,): {"$exists": True}}, [f"{n}"], what)
            await _check(store, model, {("o", key): {"$type": "object"}}, [f"{n}"], what)
            found = await store.find(model, sort=[((key,), -1)], limit=1).to_list()
            assert ids(found) == [f"{n}"], f"sort by {what}"
            found = await store.find(model, {"id": f"{n}"}, fields=[("o", key, key)]).to_list()
            assert found[0].fields() == {"o": {key: {key: n}}}, f"fields of {what}"

    async def test_odd_values(self, store: AsyncStore, model: str) -> None:
        scalars = [value for value in ODD_VALUES if not isinstance(value, (list, dict))]
        documents = [{"id": f"{n}", "a": v, "l": [v, 1]} for n, v in enumerate(scalars)]
        await fill(store, model, documents)
        everyone = {f"{n}" for n in range(len(scalars))}
        for n, value in enumerate(scalars):
            what = f"value {show(value)}"
            await _check(store, model, {"a": value}, [f"{n}"], what)
            await _check(store, model, {"a": {"$ne": value}}, everyone - {f"{n}"}, what)
            await _check(store, model, {"a": {"$in": [value, "absent"]}}, [f"{n}"], what)
            await _check(store, model, {"l": [value, 1]}, [f"{n}"], what)
            if type(value) is not int or value != 1:
                await _check(store, model, {"l": {"$has": value}}, [f"{n}"], what)
            if isinstance(value, str) and value:
                exactly = {"$startsWith": value, "$endsWith": value, "$lte": value}
                found = await store.find(model, {"a": exactly}).to_list()
                assert f"{n}" in ids(found), what
                pattern = re.escape(value)
                if len(pattern) <= 256:
                    await _check(store, model, {"a": {"$regex": f"^{pattern}$"}}, [f"{n}"], what)

    async def test_many_values(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": f"{n:03}", "n": n} for n in range(100)])
        wanted = {"$in": list(range(50, 10_050))}
        await _check(store, model, {"n": wanted}, [f"{n:03}" for n in range(50, 100)])
        await _check(store, model, {"n": {"$nin": wanted["$in"]}}, [f"{n:03}" for n in range(50)])
        terms = [{"n": n} for n in range(500)]
        await _check(store, model, {"$or": terms[90:]}, [f"{n:03}" for n in range(90, 100)])

    async def test_a_deep_filter(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": "a", "n": 1}, {"id": "b", "n": 2}])
        filter: dict[str, Any] = {"n": 1}
        for _ in range(14):
            filter = {"$nor": [filter]}
        await _check(store, model, filter, ["a"])

    async def test_deep_element_matches(self, store: AsyncStore, model: str) -> None:
        def wrapped(value: Any) -> Any:
            for _ in range(14):
                value = [value]
            return value

        def filter(value: Any) -> Any:
            condition: dict[str, Any] = {"$eq": value}
            for _ in range(14):
                condition = {"$elemMatch": condition}
            return {"v": condition}

        await fill(store, model, [{"id": "a", "v": wrapped(1)}, {"id": "b", "v": wrapped(True)}])
        await _check(store, model, filter(1), ["a"])
        await _check(store, model, filter(True), ["b"])
        await _check(store, model, {"$nor": [filter(True)]}, ["a"])

    async def test_a_long_path(self, store: AsyncStore, model: str) -> None:
        value: Any = 1
        for _ in range(60):
            value = {"k": value}
        await fill(store, model, [{"id": "a", "v": value}, {"id": "b", "v": {"k": 1}}])
        await _check(store, model, {".".join(["v"] + ["k"] * 60): 1}, ["a"])

    async def test_patterns_that_backtrack(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": "a", "s": "a" * 300}, {"id": "b", "s": "aab"}])
        await _check(store, model, {"s": {"$regex": "^a*a*a*a*b$"}}, ["b"])
        await _check(store, model, {"s": {"$regex": "^(a+)+b$"}}, ["b"])


async def _check(
    store: AsyncStore, model: str, filter: Any, expected: Iterable[str], what: str = ""
) -> None:
    """Compare what a filter finds, counts and tells to exist with what it must."""
    wanted = sorted(expected)
    found = ids(await store.find(model, filter).to_list())
    assert found == wanted, _difference(filter, found, wanted, what)
    assert await store.count(model, filter) == len(wanted), f"count of {show(filter)} {what}"
    told = await store.exists(model, filter)
    assert told is bool(wanted), f"exists {show(filter)} {what}"


def _difference(filter: Any, found: list[str], wanted: list[str], what: str) -> str:
    missing = [id for id in wanted if id not in found]
    wrong = [id for id in found if id not in wanted]
    return (
        f"filter {show(filter)} {what}: misses {missing}, finds wrongly {wrong}"
        if missing or wrong
        else f"filter {show(filter)} {what}: finds in the order {found}, which is not that of ids"
    )
