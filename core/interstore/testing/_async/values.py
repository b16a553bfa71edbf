"""What is written is what is read, on every way in and every way out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from interstore._async.store import AsyncStore
from interstore.testing._async.suite import AsyncSuite, fill
from interstore.testing.checks import exact, exact_all, ids
from interstore.testing.samples import ODD_IDS, ODD_KEYS, ODD_VALUES, nested, show

__all__ = ["AsyncValueSuite"]


class Colour(Enum):
    RED = "red"


ZONE = timezone(timedelta(hours=-3, minutes=-30))

# What a caller may write, and what is stored of it.
CANONICAL: list[tuple[Any, Any]] = [
    (1.0, 1),
    (-0.0, 0),
    (1e15, 10**15),
    (9007199254740991.0, 2**53 - 1),
    ((1, (2,)), [1, [2]]),
    (datetime(2026, 1, 31, 12, 30, tzinfo=UTC), "2026-01-31T12:30:00.000000Z"),
    (datetime(2026, 1, 31, 23, 0, 0, 5, tzinfo=ZONE), "2026-02-01T02:30:00.000005Z"),
    (date(2026, 1, 31), "2026-01-31"),
    (time(12, 30), "12:30:00.000000"),
    (timedelta(seconds=1.5), 1_500_000),
    (UUID("12345678-1234-5678-1234-56781234ABCD"), "12345678-1234-5678-1234-56781234abcd"),
    (Decimal("1.500"), "1.5"),
    (Colour.RED, "red"),
    (b"\x00\xff", "AP8="),
]


class AsyncValueSuite(AsyncSuite):
    """Odd values, keys and ids, exactly as they were given."""

    async def test_odd_values(self, store: AsyncStore, model: str) -> None:
        for number, value in enumerate(ODD_VALUES):
            document = {"id": f"v{number}", "v": value, "l": [value], "o": {"k": value}}
            what = f"value {show(value)}"
            written = await store.create(model, document)
            assert exact(written) == exact(document), f"create returns another {what}"
            await _same(store, model, document, what)

    async def test_odd_keys(self, store: AsyncStore, model: str) -> None:
        for number, key in enumerate(ODD_KEYS):
            document = {"id": f"k{number}", key: 1, "o": {key: {key: [key]}}, "l": [{key: key}]}
            await store.create(model, document)
            await _same(store, model, document, f"key {show(key)}")
        everything = {"id": "all", **{key: {key: n} for n, key in enumerate(ODD_KEYS)}}
        await store.put(model, everything)
        await _same(store, model, everything, "all keys together")

    async def test_odd_ids(self, store: AsyncStore, model: str) -> None:
        for number, id in enumerate(ODD_IDS):
            what = f"id {show(id)}"
            document = {"id": id, "n": number}
            assert (await store.create(model, document)).id == id
            await _same(store, model, document, what)
            assert (await store.update(model, id, {"n": -number})).id == id
            assert (await store.put(model, document)).version == 3, what
        assert ids(await store.find(model).to_list()) == sorted(ODD_IDS), "ids by code point"
        found = await store.find_by_ids(model, ODD_IDS)
        assert [d and (d.id, d["n"]) for d in found] == list(zip(ODD_IDS, range(99), strict=False))
        for id in ODD_IDS:
            assert await store.count(model, {"id": id}) == 1
            assert await store.delete(model, id) is True, f"id {show(id)}"
        assert await store.count(model) == 0

    async def test_through_bulk_calls(self, store: AsyncStore, model: str) -> None:
        documents = [{"id": f"{n:03}", "v": value} for n, value in enumerate(ODD_VALUES)]
        await store.create_many(model, documents)
        assert exact_all(await store.find(model).to_list()) == [(exact(d), 1) for d in documents]
        await store.put_many(model, documents)
        assert exact_all(await store.find(model).to_list()) == [(exact(d), 2) for d in documents]

    async def test_through_updates(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "a", "l": []})
        for value in ODD_VALUES:
            updated = await store.update(model, "a", {"$set": {"o.v": value, "v": value}})
            stored = await store.get(model, "a")
            for document in (updated, stored):
                assert exact([document["v"], document["o"]["v"]]) == exact([value, value])
            await store.update(model, "a", {"$push": {"l": value}})
        assert exact((await store.get(model, "a"))["l"]) == exact(list(ODD_VALUES))

    async def test_canonical_values(self, store: AsyncStore, model: str) -> None:
        for number, (value, stored) in enumerate(CANONICAL):
            expected = {"id": f"{number}", "v": stored, "l": [stored]}
            created = await store.create(model, {"id": f"{number}", "v": value, "l": [value]})
            assert exact(created) == exact(expected), f"create returns {created!r} for {value!r}"
            await _same(store, model, expected, f"value {value!r}")
            if not isinstance(value, tuple):
                found = ids(await store.find(model, {"v": value}).to_list())
                assert f"{number}" in found, f"the filter with {value!r} misses the document"

    async def test_the_order_of_texts_is_that_of_times(self, store: AsyncStore, model: str) -> None:
        times = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 10)]
        await fill(store, model, [{"id": f"{n}", "at": at} for n, at in enumerate(times)])
        found = await store.find(model, {"at": {"$gt": times[2], "$lte": times[5]}}).to_list()
        assert ids(found) == ["3", "4", "5"]

    async def test_nested_to_the_limit(self, store: AsyncStore, model: str) -> None:
        document = {"id": "deep", "v": nested(63)}
        assert exact(await store.create(model, document)) == exact(document)
        await _same(store, model, document, "64 levels")

    async def test_many_fields(self, store: AsyncStore, model: str) -> None:
        document = {"id": "wide", **{f"field{n}": n for n in range(5_000)}}
        await store.create(model, document)
        await _same(store, model, document, "5,000 fields")


async def _same(store: AsyncStore, model: str, expected: dict[str, Any], what: str) -> None:
    """Compare every way of reading one document with what was written."""
    id = expected["id"]
    reads = {
        "find_by_id": await store.find_by_id(model, id),
        "find_by_ids": (await store.find_by_ids(model, [id]))[0],
        "find": await store.find_one(model, {"id": id}),
        "page": (await store.page(model, {"id": id})).documents[0],
    }
    for name, document in reads.items():
        assert document is not None, f"{what}: {name} does not find it"
        # Not the documents themselves: pytest would describe how thousands of fields differ.
        differing = [
            key
            for key in sorted({*document, *expected})
            if exact({key: document.get(key, ...)}) != exact({key: expected.get(key, ...)})
        ]
        assert not differing, f"{what}: {name} reads it otherwise at {differing[:3]}"
