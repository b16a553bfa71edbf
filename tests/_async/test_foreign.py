"""Foreign data means the same on every engine: what all can hold, and every operation on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interstore._async.database import AsyncDatabase
from interstore._async.foreign import AsyncForeign
from interstore._async.store import AsyncStore
from interstore._compat_async import ASYNC
from interstore.document import Document
from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
    UnsupportedError,
)
from interstore.filters.arguments import parse_sort
from interstore.filters.parse import parse_filter
from interstore.filters.select import select
from interstore.paths import Envelope
from interstore.prepared import Query, Write
from interstore.testing._async.suite import at_once, fixture
from interstore.values import exact_integers
from tests.databases import (
    bridged_sqlite_async,
    mongodb_async,
    postgresql_async,
    sqlite_async,
)
from tests.foreign_data import Make, in_mongodb, in_postgresql, in_sqlite, presented, rows
from tests.tiny import tiny_async

if ASYNC:
    import asyncio

CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
EXPECTED = [presented(row) for row in rows(60)]


EXAMPLES: list[dict[str, Any]] = [
    {"name": "name 1"},
    {"name": None},
    {"name": {"$ne": "name 1"}},
    {"name": {"$startsWith": "name"}},
    {"name": {"$in": ["name 1", "name 3", None]}},
    {"name": {"$gt": "name 2"}, "amount": {"$lte": 100}},
    {"amount": {"$gt": 10.5, "$lt": 20}},
    {"amount": {"$gte": -(2**63)}},
    {"amount": {"$lt": 2**70}},
    {"amount": 2**70},
    {"price": 0.25},
    {"price": {"$lt": 2}},
    {"price": 2.0},
    {"paid": True},
    {"paid": 1},
    {"at": datetime(2026, 1, 31, 15, tzinfo=UTC)},
    {"at": {"$gte": datetime(2026, 2, 1, tzinfo=UTC)}},
    {"at": {"$lt": "2026-02-01"}},
    {"at": {"$startsWith": "2026-02-01"}},
    {"data.city": "c1"},
    {"data.n.v": {"$gte": 30}},
    {"data.tags": {"$size": 2}},
    {"data.tags[0]": "a"},
    {"id": "7"},
    {"id": {"$in": ["7", "8", "x"]}},
    {"id": {"$startsWith": "1"}},
    {"missing": None},
    {"missing": 1},
    {"number": 1},
    {"$or": [{"name": "name 1"}, {"amount": 1}]},
    {"$or": [{"name": "name 1"}, {"data.city": "c1"}]},
    {"$nor": [{"name": "name 1"}, {"paid": True}]},
    {"$or": []},
]


class ForeignSuite:
    """An engine defines `database` and `make`."""

    if ASYNC:
        pytestmark = pytest.mark.asyncio

    @fixture
    async def store(self, database: AsyncDatabase) -> AsyncIterator[AsyncStore]:
        async with AsyncStore(database) as store:
            yield store

    @fixture
    async def orders(self, store: AsyncStore, make: Make) -> AsyncForeign:
        make(rows(60))
        return store.foreign("orders")

    async def test_documents(self, orders: AsyncForeign) -> None:
        found = [document async for document in orders.find()]
        assert [dict(document) for document in found] == EXPECTED
        assert [each.id for each in found] == [str(n) for n in range(1, 61)], "as numbers"
        assert await orders.count() == 60

    async def test_one_document(self, orders: AsyncForeign) -> None:
        document = await orders.get(5)
        assert dict(document) == EXPECTED[4]
        assert await orders.find_by_id("5") == document
        assert await orders.find_by_id("61") is None
        with pytest.raises(NotFoundError):
            await orders.get("61")
        for bad in ("05", "x", "", "5.0", "+5"):
            with pytest.raises(InvalidQueryError, match="digits of an integer"):
                await orders.find_by_id(bad)
        for worse in (None, True, 5.0, b"5"):
            with pytest.raises(InvalidQueryError):
                await orders.find_by_id(worse)  # type: ignore[arg-type]
        huge = await orders.find_by_ids([3, "1", 10**30, -(10**30), 3])
        assert [each and each.id for each in huge] == ["3", "1", None, None, "3"]

    async def test_a_document_has_no_envelope(self, orders: AsyncForeign) -> None:
        document = await orders.get(5)
        for name in ("version", "created_at", "updated_at"):
            with pytest.raises(UnsupportedError, match="other programs write it"):
                getattr(document, name)
        assert document.expires_at is None
        assert document.copy() == document
        assert "ForeignDocument" in repr(document)
        partial = await orders.find_one({"id": "5"}, fields=["name"])
        assert partial is not None
        assert partial.partial
        assert dict(partial) == {"id": "5", "name": "name 0"}

    async def test_filters(self, orders: AsyncForeign) -> None:
        for filter in EXAMPLES:
            wanted = _select(filter)
            found = await orders.find(filter).to_list()
            assert sorted(each.id for each in found) == sorted(each["id"] for each in wanted)
            assert await orders.count(filter) == len(wanted)
            assert await orders.exists(filter) == bool(wanted)

    async def test_ranges_of_integer_ids_are_numeric(self, orders: AsyncForeign) -> None:
        assert await orders.count({"id": {"$gt": "9", "$lte": "11"}}) == 2
        assert await orders.count({"id": {"$gt": "-5"}}) == 60
        with pytest.raises(InvalidQueryError, match="ids are integers"):
            await orders.count({"id": {"$gt": "nine"}})

    async def test_sorts(self, orders: AsyncForeign) -> None:
        for sort in (
            "name",
            "-price",
            ["paid", "-at"],
            ["data.city", "-id"],
            [("-name", -1), "id"],
        ):
            await self._check_sort(orders, sort)

    async def _check_sort(self, orders: AsyncForeign, sort: Any) -> None:
        wanted = [each["id"] for each in _select({}, sort)]
        assert [each.id for each in await orders.find(sort=sort).to_list()] == wanted
        found = await orders.find({"paid": True}, sort=sort, skip=3, limit=5).to_list()
        assert [each.id for each in found] == [
            each["id"] for each in _select({"paid": True}, sort)
        ][3:8]

    async def test_sort_by_id_is_the_order_of_ids(self, orders: AsyncForeign) -> None:
        numbers = [str(n) for n in range(1, 61)]
        assert [each.id for each in await orders.find(sort="id").to_list()] == numbers
        assert [each.id for each in await orders.find(sort="-id").to_list()] == numbers[::-1]

    async def test_pages(self, orders: AsyncForeign) -> None:
        for sort in (None, "-id", "name", ["-data.city", "amount"]):
            await self._check_pages(orders, sort)

    async def _check_pages(self, orders: AsyncForeign, sort: Any) -> None:
        filter = {"amount": {"$gt": 0}}
        whole = await orders.find(filter, sort=sort).to_list()
        walked: list[Document] = []
        token = None
        while True:
            page = await orders.page(filter, sort=sort, limit=7, after=token)
            walked += page.documents
            token = page.next
            if token is None:
                break
        assert [each.id for each in walked] == [each.id for each in whole]

    async def test_iteration_reads_pages(self, store: AsyncStore, make: Make) -> None:
        make(rows(2_500))
        seen = [each.id async for each in store.foreign("orders").find({"paid": True})]
        assert seen == [str(n) for n in range(2, 2_501, 2)]

    async def test_figures(self, orders: AsyncForeign) -> None:
        assert await orders.distinct("name") == [None, *(f"name {n}" for n in range(5))]
        assert await orders.distinct("data.city", {"id": "3"}) == ["c0"]
        [row] = await orders.aggregate({"paid": True}, n="count", total=("sum", "amount"))
        paid = [each for each in EXPECTED if each["paid"]]
        assert row == {"n": 30, "total": sum(each["amount"] for each in paid)}

    async def test_scan_and_partitions(self, orders: AsyncForeign) -> None:
        partitions = await orders.database.partitions("orders", 4)
        assert 1 < len(partitions) <= 4
        assert partitions[0].after is None
        assert partitions[-1].until is None
        seen: list[str] = []
        for partition in partitions:
            token = None
            while True:
                page = await orders.database.scan("orders", partition, token, 7)
                seen += [each.id for each in page.documents]
                token = page.next
                if token is None:
                    break
        assert seen == [str(n) for n in range(1, 61)]

    # Updates.

    async def test_update(self, orders: AsyncForeign) -> None:
        at = datetime(2027, 5, 6, 7, 8, 9, tzinfo=UTC)
        updated = await orders.update(
            5,
            {
                "$set": {"name": "new", "at": at, "price": 2.5, "data.n.v": "x"},
                "$inc": {"amount": 2**52},
                "$push": {"data.tags": {"t": 1}},
                "$unset": ["data.city", "data.none"],
            },
        )
        wanted = {
            **EXPECTED[4],
            "name": "new",
            "at": "2027-05-06T07:08:09.000000Z",
            "price": 2.5,
            "amount": EXPECTED[4]["amount"] + 2**52,
            "data": {"tags": ["a", {"t": 1}], "n": {"v": "x"}},
        }
        assert dict(updated) == wanted
        assert await orders.get(5) == updated
        assert await orders.count({"at": at}) == 1, "still a point in time in the database"
        assert dict(await orders.get(6)) == EXPECTED[5]
        plain = await orders.update(5, {"id": "5", "name": None, "paid": True})
        assert dict(plain) == {**wanted, "name": None, "paid": True}
        assert await orders.update(5, {}) == plain

    async def test_inc_is_exact(self, orders: AsyncForeign) -> None:
        large = 2**60 + 1
        assert (await orders.update(5, {"amount": large}))["amount"] == large
        assert (await orders.update(5, {"$inc": {"amount": 1}}))["amount"] == large + 1
        assert await orders.count({"amount": large + 1}) == 1
        assert await orders.count({"amount": large}) == 0
        assert await orders.count({"amount": {"$gt": large, "$lt": large + 2}}) == 1
        with pytest.raises(InvalidDocumentError):
            await orders.update(5, {"amount": 2**63})
        with pytest.raises(InvalidDocumentError):
            await orders.update(5, {"$set": {"amount": 2**63 - 1, "price": 1}, "$inc": {"data": 1}})
        await orders.update(5, {"amount": 2**63 - 1})
        with pytest.raises(InvalidDocumentError):
            await orders.update(5, {"$inc": {"amount": 1}})
        assert (await orders.get(5))["amount"] == 2**63 - 1

    async def test_inc_by_many_at_once(self, orders: AsyncForeign) -> None:
        await at_once([lambda: orders.update(5, {"$inc": {"data.n.v": 1, "price": 0.5}})] * 12)
        document = await orders.get(5)
        assert document["data"]["n"]["v"] == 5 + 12
        assert document["price"] == 1.25 + 6

    async def test_refused_updates_write_nothing(self, orders: AsyncForeign) -> None:
        before = await orders.get(5)
        with pytest.raises(NotFoundError):
            await orders.update(99, {"name": "x"})
        with pytest.raises(NotFoundError):
            await orders.update(99, {})
        with pytest.raises(InvalidDocumentError, match="a number at 'name'"):
            await orders.update(5, {"$inc": {"name": 1}, "$set": {"price": 9}})
        with pytest.raises(DuplicateError) as duplicate:
            await orders.update(5, {"amount": EXPECTED[5]["amount"]})
        assert "amount" in str(duplicate.value.index)
        with pytest.raises(InvalidDocumentError, match="id of a document cannot change"):
            await orders.update(5, {"id": "6"})
        with pytest.raises(UnsupportedError, match="without versions"):
            await orders.update(5, {"name": "x"}, if_version=1)  # type: ignore[arg-type]
        assert await orders.get(5) == before

    async def test_delete(self, orders: AsyncForeign) -> None:
        assert await orders.delete(5)
        assert not await orders.delete("5")
        assert await orders.find_by_id(5) is None
        assert await orders.count() == 59
        with pytest.raises(UnsupportedError, match="without versions"):
            await orders.delete(6, if_version=1)  # type: ignore[arg-type]

    # What is not there.

    async def test_the_envelope_is_refused(self, orders: AsyncForeign) -> None:
        for filter in (
            {"@version": 1},
            {"$or": [{"a": 1}, {"@updated_at": {"$gt": "2026-01-01T00:00Z"}}]},
        ):
            with pytest.raises(UnsupportedError, match="have no @"):
                await orders.find(filter).to_list()
            with pytest.raises(UnsupportedError, match="have no @"):
                await orders.count(filter)
        with pytest.raises(UnsupportedError, match="@created_at"):
            await orders.find(sort="-@created_at").first()
        with pytest.raises(UnsupportedError, match="envelope"):
            await orders.distinct("@version")

    async def test_other_writes_are_refused(self, orders: AsyncForeign) -> None:
        for name in ("create", "put", "create_many", "update_many", "find_one_and_update"):
            assert not hasattr(orders, name)
        database, query = orders.database, Query()
        write = Write("1", {}, version=1, created="", updated="")
        for call in (
            lambda: database.create("orders", write),
            lambda: database.put("orders", write),
            lambda: database.create_many("orders", [write]),
            lambda: database.put_many("orders", [write]),
            lambda: database.delete_many("orders", query.tree),
        ):
            with pytest.raises(UnsupportedError, match="foreign data"):
                await call()

    async def test_arguments(self, store: AsyncStore, make: Make) -> None:
        make(rows(3))
        bad: dict[str, Any]
        for bad in ({"id_type": "number"}, {"id": ""}, {"rename": {"a": "id"}}, {"rename": 3}):
            with pytest.raises(InvalidQueryError):
                store.foreign("orders", **bad)
        with pytest.raises(UnsupportedError, match="partition"):
            store.foreign("orders", partition="name")
        with pytest.raises(ConfigurationError, match="orders"):
            await store.foreign("order").find().first()

    async def test_rename(self, store: AsyncStore, make: Make) -> None:
        make(rows(3))
        orders = store.foreign("orders", rename={"name": "ext_name", "data": "x.y"})
        assert await orders.find({"ext_name": "name 2"}).to_list() == [await orders.get(2)]
        assert await orders.count({"name": "name 2"}) == 0
        updated = await orders.update(2, {"$set": {"ext_name": "b", ("x.y", "city"): "c"}})
        assert updated["ext_name"] == "b"
        assert updated["x.y"]["city"] == "c"
        assert (await store.foreign("orders").get(2))["data"]["city"] == "c"
        with pytest.raises(ConfigurationError, match="price"):
            await store.foreign("orders", rename={"name": "price"}).get(2)

    async def test_an_empty_source(self, store: AsyncStore, make: Make) -> None:
        make([])
        orders = store.foreign("orders")
        assert await orders.find().to_list() == []
        assert await orders.count() == 0
        assert not await orders.delete(1)
        with pytest.raises(NotFoundError):
            await orders.update(1, {"name": "x"})
        make(rows(2))
        assert await orders.count({"name": {"$exists": True}}) == 2

    async def test_a_model_beside_it(self, store: AsyncStore, orders: AsyncForeign) -> None:
        model = f"m_{uuid4().hex[:8]}"
        await store.create(model, {"id": "a", "order": 5})
        assert await store.count(model) == 1
        assert await orders.count() == 60


class DifferentialSuite:
    """Random filters and sorts, and what the reference says of the presented documents."""

    @settings(suppress_health_check=CHECKS)
    @given(data=st.data())
    def test_differential(self, differential: Any, data: st.DataObject) -> None:
        filter, sort = data.draw(FILTERS), data.draw(SORTS)
        wanted = [each["id"] for each in _select(filter, sort)]
        assert differential(filter, sort) == (wanted, len(wanted))

    @pytest.fixture
    def differential(self, database: AsyncDatabase, make: Make) -> Any:
        make(rows(60))

        async def ask(filter: Any, sort: Any) -> tuple[list[str], int]:
            found = await view.find(filter, sort=sort).to_list()
            return [each.id for each in found], await view.count(filter)

        store = AsyncStore(database)
        if ASYNC:
            with asyncio.Runner() as runner:
                runner.run(store.connect())
                view = store.foreign("orders")
                yield lambda filter, sort: runner.run(ask(filter, sort))
                runner.run(store.close())
        else:
            with store:
                view = store.foreign("orders")
                yield ask


class OnSQLite:
    @pytest.fixture
    def database(self, tmp_path: Path) -> AsyncDatabase:
        return sqlite_async(tmp_path)

    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        return in_sqlite(str(tmp_path / "test.db"))


class OnPostgreSQL:
    @pytest.fixture
    def database(self, postgresql_url: str) -> AsyncDatabase:
        return postgresql_async(postgresql_url)

    @pytest.fixture
    def make(self, postgresql_url: str) -> Make:
        return in_postgresql(postgresql_url)


class OnMongoDB:
    @pytest.fixture
    def database(self, mongodb_url: str) -> AsyncDatabase:
        return mongodb_async(mongodb_url, durability="primary")

    @pytest.fixture
    def make(self, mongodb_url: str) -> Make:
        return in_mongodb(mongodb_url)


class OnSQLiteAcrossBridges(OnSQLite):
    """Through both bridges, which give the view the threads of the store."""

    @pytest.fixture
    def database(self, tmp_path: Path) -> AsyncDatabase:
        return bridged_sqlite_async(tmp_path)


class TestSQLite(OnSQLite, ForeignSuite): ...


class TestSQLiteDifferential(OnSQLite, DifferentialSuite): ...


class TestSQLiteAcrossBridges(OnSQLiteAcrossBridges, ForeignSuite): ...


class TestPostgreSQL(OnPostgreSQL, ForeignSuite): ...


class TestPostgreSQLDifferential(OnPostgreSQL, DifferentialSuite): ...


class TestMongoDB(OnMongoDB, ForeignSuite): ...


class TestMongoDBDifferential(OnMongoDB, DifferentialSuite): ...


def _select(filter: Any, sort: Any = None) -> list[Document]:
    """What the reference finds among the presented documents; by number, if not sorted."""
    documents = [Document(row, id=row["id"], version=1, created="", updated="") for row in EXPECTED]
    keys = parse_sort(sort)
    with exact_integers():
        tree = parse_filter(filter)
    found = select(documents, Query(tree, keys))
    if not keys or keys[0].path is Envelope.ID:
        found.sort(key=lambda each: int(each.id))
    return found


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-25, 40),
    st.sampled_from([0.25, 1.0, 2.5, 1e300]),
    st.sampled_from(["name 1", "name", "c1", "", "2026-02-01T00:00:00.000000Z", "gold", "2026"]),
    st.integers(0, 70).map(lambda n: datetime(2026, 1, 31, 12, tzinfo=UTC) + timedelta(hours=n)),
)
ORDERED = VALUES.filter(lambda value: value is not None and not isinstance(value, bool))
PATHS = st.sampled_from(
    [
        "name",
        "amount",
        "price",
        "paid",
        "at",
        "data",
        "data.city",
        "data.n.v",
        "missing",
        "data.tags",
    ]
)
CONDITIONS = st.one_of(
    VALUES,
    st.tuples(st.sampled_from(["$eq", "$ne"]), VALUES).map(lambda pair: dict([pair])),
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), ORDERED).map(
        lambda pair: dict([pair])
    ),
    st.lists(VALUES, max_size=3).map(lambda values: {"$in": values}),
    st.lists(VALUES, max_size=3).map(lambda values: {"$nin": values}),
    st.sampled_from(["", "na", "name 1", "2026-02"]).map(lambda text: {"$startsWith": text}),
    st.booleans().map(lambda flag: {"$exists": flag}),
    st.sampled_from(["a", 1]).map(lambda value: {"$has": value}),
)
LEAVES = st.one_of(
    st.tuples(PATHS, CONDITIONS).map(lambda pair: dict([pair])),
    st.sampled_from([{"id": "3"}, {"id": {"$in": ["3", "x"]}}, {"id": {"$ne": "3"}}]),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.tuples(
        st.sampled_from(["$and", "$or", "$nor"]), st.lists(inner, max_size=3)
    ).map(lambda pair: dict([pair])),
    max_leaves=6,
)
SORTS = st.one_of(st.none(), st.lists(PATHS, min_size=1, max_size=2, unique=True))


class TestUndeclared:
    if ASYNC:
        pytestmark = pytest.mark.asyncio

    async def test_an_engine_without(self) -> None:
        async with AsyncStore(tiny_async()) as store:
            with pytest.raises(UnsupportedError, match="foreign"):
                store.foreign("orders")
