"""Documents that expire: invisible at once to reads and writes, and removed some time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from interstore._async.operations import AsyncOperations
from interstore._async.store import AsyncStore
from interstore._compat_async import sleep
from interstore.document import Document
from interstore.errors import DuplicateError, InvalidQueryError, NotFoundError
from interstore.expiry import Sweep
from interstore.prepared import Write
from interstore.testing._async.suite import AsyncSuite, at_once, fixture
from interstore.testing.checks import envelope, ids, refuses, require
from interstore.times import now

__all__ = ["AsyncExpirySuite"]

PAST: Final = datetime(2001, 2, 3, 4, 5, 6, 789_012, tzinfo=UTC)
FUTURE: Final = datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
LATER: Final = datetime(2100, 1, 1, tzinfo=UTC)
SHORTLY: Final = timedelta(seconds=0.15)
HOUR: Final = timedelta(hours=1)


class AsyncExpirySuite(AsyncSuite):
    """`expires_at`, in whatever way a document gets it, and what holds afterwards."""

    @pytest.fixture
    def expiring(self, store: AsyncStore) -> AsyncStore:
        """The store, if documents expire there."""
        require(store, "ttl")
        return store

    @fixture
    async def several(self, expiring: AsyncStore, model: str) -> AsyncStore:
        """With documents in `model`: `gone` has expired, `later` will, `never` will not."""
        await expiring.create(model, {"id": "gone", "n": 1, "s": "x"}, expires_at=PAST)
        await expiring.create(model, {"id": "later", "n": 1, "s": "y"}, expires_at=FUTURE)
        await expiring.create(model, {"id": "never", "n": 1, "s": "z"})
        return expiring

    async def test_a_document_ceases_to_exist(self, expiring: AsyncStore, model: str) -> None:
        created = await expiring.create(model, {"id": "a"}, expires_at=SHORTLY)
        assert created.expires_at == created.created_at + SHORTLY
        await sleep(SHORTLY.total_seconds() + 0.05)
        assert await expiring.find_by_id(model, "a") is None
        assert await expiring.count(model) == 0
        again = await expiring.create(model, {"id": "a"})
        assert (again.version, again.expires_at) == (1, None)
        assert again.created > created.created

    async def test_no_read_sees_it(self, several: AsyncStore, model: str) -> None:
        store, live = several, ["later", "never"]
        assert await store.find_by_id(model, "gone") is None
        with refuses(NotFoundError, "get of a document that has expired"):
            await store.get(model, "gone")
        found = await store.find_by_ids(model, ["gone", "later", "never"])
        assert [each and each.id for each in found] == [None, *live]
        for filter in ({}, {"n": 1}, {"n": {"$gte": 1}}, {"id": {"$gte": "a"}}, {"s": {"$ne": 1}}):
            assert ids(await store.find(model, filter).to_list()) == live, filter
            assert ids(await store.find(model, filter, sort="-s").to_list()) == live[::-1], filter
            assert ids(await store.find(model, filter, fields=["s"]).to_list()) == live, filter
            assert await store.count(model, filter) == 2, filter
            assert await store.exists(model, filter), filter
            [row] = await store.aggregate(model, filter, number="count", total=("sum", "n"))
            assert row == {"number": 2, "total": 2}, filter
            assert await store.distinct(model, "s", filter) == ["y", "z"], filter
        assert await store.find_one(model, {"id": "gone"}) is None
        assert not await store.exists(model, {"s": "x"})
        assert await store.count(model, {"s": "x"}) == 0
        page = await store.page(model, limit=1)
        assert ids(page.documents) == ["later"]
        rest = await store.page(model, limit=1, after=page.next)
        assert (ids(rest.documents), rest.next) == (["never"], None)
        assert [each.id async for each in store.find(model)] == live

    async def test_no_scan_sees_it(
        self, several: AsyncStore, operations: AsyncOperations, model: str
    ) -> None:
        for limit in (1, 100):
            seen: list[Document] = []
            for partition in await operations.partitions(model, 3):
                after: Any = None
                while True:
                    page = await operations.scan(model, partition, after, limit)
                    seen += page.documents
                    if (after := page.next) is None:
                        break
            by_id = {each.id: each.expires_at for each in seen}
            assert by_id == {"later": FUTURE, "never": None}, f"pages of {limit}"
            assert len(seen) == 2

    async def test_no_write_meets_it(self, several: AsyncStore, model: str) -> None:
        store = several
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: store.update(model, "gone", {"n": 2}),
            lambda: store.update(model, "gone", {}),
            lambda: store.update(model, "gone", {"$inc": {"n": 1}}, if_version=1),
            lambda: store.update(model, "gone", {}, expires_at=None),
            lambda: store.put(model, {"id": "gone"}, if_version=1),
            lambda: store.delete(model, "gone", if_version=1),
        ]
        for number, call in enumerate(calls):
            with refuses(NotFoundError, f"write number {number} of what has expired"):
                await call()
        only = {"s": "x"}
        assert await store.find_one_and_update(model, only, {"n": 2}) is None
        assert await store.find_one_and_delete(model, only) is None
        assert (await store.update_many(model, only, {"n": 2})).updated == 0
        assert (await store.delete_many(model, only)).deleted == 0
        assert (await store.update_many(model, {}, {"$inc": {"n": 1}})).updated == 2
        first = await store.find_one_and_update(model, {}, {"$inc": {"n": 1}}, sort="s")
        assert first is not None
        assert (first.id, first["n"], first.expires_at) == ("later", 3, FUTURE)
        assert not await store.delete(model, "gone")
        assert (await store.delete_many(model, {})).deleted == 2

    async def test_what_has_expired_gives_way(self, expiring: AsyncStore, model: str) -> None:
        old = await expiring.create(model, {"id": "a", "old": 1}, expires_at=PAST)
        await expiring.create_many(model, [{"id": id, "old": 1} for id in "bcd"], expires_at=PAST)
        await sleep(0.002)
        made = [
            await expiring.create(model, {"id": "a", "n": 1}),
            await expiring.put(model, {"id": "b", "n": 1}),
        ]
        result = await expiring.create_many(model, [{"id": "c", "n": 1}])
        assert (result.created, result.duplicates) == (1, 0)
        await expiring.put_many(model, [{"id": "d", "n": 1}])
        found = await expiring.find(model).to_list()
        assert [envelope(each) for each in found[:2]] == [envelope(each) for each in made]
        for document in found:
            assert document.fields() == {"n": 1}
            assert (document.version, document.expires_at) == (1, None)
            assert document.created == document.updated > old.created
        with refuses(DuplicateError, "create of a document that exists"):
            await expiring.create(model, {"id": "a"})

    async def test_one_creator_wins(self, expiring: AsyncStore, model: str) -> None:
        for number in range(3):
            id = f"lock{number}"
            await expiring.create(model, {"id": id}, expires_at=PAST)

            def creating(who: int, id: str = id) -> Callable[[], Awaitable[Document]]:
                return lambda: expiring.create(model, {"id": id, "who": who}, expires_at=HOUR)

            outcomes = await at_once([creating(who) for who in range(6)])
            won = [each for each in outcomes if isinstance(each, Document)]
            assert len(won) == 1, outcomes
            assert all(isinstance(each, (Document, DuplicateError)) for each in outcomes), outcomes
            stored = await expiring.get(model, id)
            assert (stored["who"], stored.version) == (won[0]["who"], 1)

    async def test_how_an_expiry_changes(self, expiring: AsyncStore, model: str) -> None:
        store = expiring
        await store.create(model, {"id": "a", "n": 1}, expires_at=FUTURE)

        async def is_now(version: int, expires: datetime | None) -> None:
            document = await store.get(model, "a")
            assert (document.version, document.expires_at) == (version, expires)

        assert (await store.update(model, "a", {"n": 2})).expires_at == FUTURE
        await is_now(2, FUTURE)
        moved = await store.update(model, "a", {}, expires_at=LATER, if_version=2)
        assert (moved.version, moved.expires_at, moved["n"]) == (3, LATER, 2)
        await is_now(3, LATER)
        await store.update(model, "a", {"$inc": {"n": 1}}, expires_at=FUTURE)
        await is_now(4, FUTURE)
        await store.update(model, "a", {"$unset": ["n"]}, expires_at=None)
        await is_now(5, None)
        touched = await store.update(model, "a", {"n": 1}, expires_at=HOUR)
        assert touched.expires_at == touched.updated_at + HOUR
        await is_now(6, touched.expires_at)
        assert (await store.put(model, {"id": "a"})).expires_at is None
        await is_now(7, None)
        assert (await store.put(model, {"id": "a"}, expires_at=FUTURE)).expires_at == FUTURE
        await is_now(8, FUTURE)
        await store.put(model, {"id": "a", "n": 1}, if_version=8, expires_at=LATER)
        await is_now(9, LATER)
        await store.update_many(model, {"n": 1}, {"$inc": {"n": 1}})
        await is_now(10, LATER)
        await store.update_many(model, {"n": 2}, {}, expires_at=FUTURE)
        await is_now(11, FUTURE)
        claimed = await store.find_one_and_update(model, {"n": 2}, {"n": 3}, expires_at=LATER)
        assert claimed is not None
        assert claimed.expires_at == LATER
        await is_now(12, LATER)
        await store.put_many(model, [{"id": "a", "n": 4}], expires_at=FUTURE)
        await is_now(13, FUTURE)
        await store.put_many(model, [{"id": "a", "n": 4}])
        await is_now(14, None)
        await store.update(model, "a", {}, expires_at=PAST)
        assert await store.find_by_id(model, "a") is None

    async def test_what_is_no_expiry(self, expiring: AsyncStore, model: str) -> None:
        await expiring.create(model, {"id": "a"}, expires_at=HOUR)
        created = await expiring.get(model, "a")
        wrong: list[Any] = [datetime(2099, 1, 1), 60, True, "2099-01-01", timedelta.max]  # noqa: DTZ001
        for value in wrong:
            for number, call in enumerate(_writes(expiring, model, value)):
                with refuses(InvalidQueryError, f"expires_at={value!r}, in call {number}"):
                    await call()
        assert envelope(await expiring.get(model, "a")) == envelope(created)
        assert await expiring.count(model) == 1

    async def test_expiry_in_filters_sorts_and_fields(
        self, several: AsyncStore, model: str
    ) -> None:
        store = several
        await store.create(model, {"id": "last"}, expires_at=LATER)

        async def matching(condition: object) -> list[str]:
            return ids(await store.find(model, {"@expires_at": condition}).to_list())

        assert await matching({"$exists": True}) == ["last", "later"]
        assert await matching({"$exists": False}) == ["never"]
        assert await matching(None) == ["never"]
        assert await matching(FUTURE) == ["later"]
        assert await matching({"$lt": LATER}) == ["later"]
        assert await matching({"$lte": PAST}) == []
        assert await matching({"$gt": FUTURE}) == ["last"]
        assert ids(await store.find(model, sort="@expires_at").to_list()) == [
            "never", "later", "last",
        ]  # fmt: skip
        page = await store.page(model, sort="-@expires_at", limit=2)
        assert ids(page.documents) == ["last", "later"]
        rest = await store.page(model, sort="-@expires_at", limit=2, after=page.next)
        assert ids(rest.documents) == ["never"]
        [first, *_] = await store.find(model, sort="-@expires_at", fields=["s"]).to_list()
        assert first.expires_at == LATER
        assert await store.distinct(model, "@expires_at") == [
            "2099-12-31T23:59:59.999999Z", "2100-01-01T00:00:00.000000Z",
        ]  # fmt: skip

    async def test_unique_values_are_free_again(self, expiring: AsyncStore, model: str) -> None:
        if "unique" not in expiring.capabilities.ensure_index:
            pytest.skip("capability ensure_index: unique is not declared")
        await expiring.create(model, {"id": "seed"}, expires_at=HOUR)
        await expiring.ensure_index(model, "email", unique=True)
        await expiring.create(model, {"id": "a", "email": "x"}, expires_at=PAST)
        await expiring.create(model, {"id": "b", "email": "x"}, expires_at=PAST)
        await expiring.put(model, {"id": "c", "email": "x"}, expires_at=PAST)
        await expiring.create_many(model, [{"id": "d", "email": "x"}], expires_at=PAST)
        await expiring.create(model, {"id": "e"}, expires_at=HOUR)
        await expiring.update(model, "e", {"email": "x"})
        with refuses(DuplicateError, "a value that a living document has") as refusal:
            await expiring.create(model, {"id": "f", "email": "x"})
        assert refusal.error.index is not None
        assert ids(await expiring.find(model).to_list()) == ["e", "seed"]

    async def test_a_sweep_removes_what_has_expired(self, several: AsyncStore, model: str) -> None:
        store = several
        await store.create_many(model, [{"id": f"{n}"} for n in range(7)], expires_at=PAST)
        swept = await store.sweep(model, batch=3)
        assert isinstance(swept, Sweep)
        assert swept.finished
        assert 0 <= swept.removed <= 8  # the engine itself may have been faster
        assert await store.sweep(model) == Sweep(0, finished=True)
        assert ids(await store.find(model).to_list()) == ["later", "never"]
        assert (await store.create(model, {"id": "gone"})).version == 1
        assert (await store.sweep("none_" + model)).removed == 0
        for bounds in ({"batch": 0}, {"batch": True}, {"timeout": 0}, {"timeout": "1"}):
            arguments: dict[str, Any] = dict(bounds)
            with refuses(InvalidQueryError, f"a sweep with {bounds}"):
                await store.sweep(model, **arguments)

    async def test_copies_keep_it(
        self, expiring: AsyncStore, operations: AsyncOperations, model: str
    ) -> None:
        require(expiring, "write_page")
        time = now()
        copies = [
            Write(id, {"n": 1}, version=7, created=time, updated=time, expires=expires)
            for id, expires in (
                ("a", "2001-01-01T00:00:00.000000Z"),
                ("b", "2099-12-31T23:59:59.999999Z"),
                ("c", None),
            )
        ]
        assert await operations.write_page(model, copies, "upsert") == [7, 7, 7]
        assert ids(await expiring.find(model).to_list()) == ["b", "c"]
        assert (await expiring.get(model, "b")).expires_at == FUTURE
        again = [Write(each.id, {"n": 2}, version=1, created=time, updated=time) for each in copies]
        assert await operations.write_page(model, again, "insert_if_absent") == [1, 0, 0]
        assert (await expiring.get(model, "a"))["n"] == 2

    async def test_expiry_in_a_transaction(self, expiring: AsyncStore, model: str) -> None:
        require(expiring, "transaction")
        await expiring.create(model, {"id": "gone"}, expires_at=PAST)
        async with expiring.transaction() as transaction:
            assert await transaction.count(model) == 0
            await transaction.create(model, {"id": "gone", "n": 1}, expires_at=HOUR)
            await transaction.create(model, {"id": "b"}, expires_at=PAST)
            await transaction.update(model, "gone", {"n": 2})
            assert ids(await transaction.find(model).to_list()) == ["gone"]
        stored = await expiring.get(model, "gone")
        assert (stored["n"], stored.version) == (2, 2)
        assert stored.expires_at is not None
        assert await expiring.count(model) == 1

    async def test_a_second_store_sees_it_at_once(
        self, expiring: AsyncStore, model: str, request: pytest.FixtureRequest
    ) -> None:
        """Also one that has read the model before any of its documents ever expired."""
        require(expiring, "persistent")
        await expiring.create(model, {"id": "never", "n": 1})
        async with AsyncStore(request.getfixturevalue("second_database")) as second:
            assert await second.count(model) == 1
            assert await second.count(model, {"n": 1}) == 1
            await expiring.create(model, {"id": "gone", "n": 1}, expires_at=PAST)
            assert await second.find_by_id(model, "gone") is None
            assert ids(await second.find(model).to_list()) == ["never"]
            assert await second.count(model) == 1
            assert await second.count(model, {"n": 1}) == 1
            assert (await second.update_many(model, {}, {"n": 2})).updated == 1
            assert (await second.delete_many(model, {})).deleted == 1

    async def test_expiry_that_begins_in_a_transaction(
        self, expiring: AsyncStore, model: str, request: pytest.FixtureRequest
    ) -> None:
        """Others know of it when the transaction has ended, or a moment later."""
        require(expiring, "persistent")
        require(expiring, "transaction")
        await expiring.create(model, {"id": "never"})
        async with AsyncStore(request.getfixturevalue("second_database")) as second:
            async with expiring.transaction() as transaction:
                await transaction.create(model, {"id": "gone"}, expires_at=PAST)
                assert await second.count(model) == 1
            await sleep(0.06)
            assert await second.count(model) == 1
            assert await expiring.count(model) == 1


def _writes(
    store: AsyncStore, model: str, expires_at: Any
) -> list[Callable[[], Awaitable[object]]]:
    """Every write that takes an expiry."""
    return [
        lambda: store.create(model, {"id": "b"}, expires_at=expires_at),
        lambda: store.put(model, {"id": "a"}, expires_at=expires_at),
        lambda: store.update(model, "a", {}, expires_at=expires_at),
        lambda: store.create_many(model, [{"id": "b"}], expires_at=expires_at),
        lambda: store.put_many(model, [{"id": "a"}], expires_at=expires_at),
        lambda: store.update_many(model, {}, {}, expires_at=expires_at),
        lambda: store.find_one_and_update(model, {}, {}, expires_at=expires_at),
    ]
