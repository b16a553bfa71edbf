# Generated from tests/_async/test_foreign.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 6d36e78c0bfdddf25cb8a4b2

"""Foreign data means the same on every engine: what all can hold, and every operation on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interstore._sync.database import Database
from interstore._sync.foreign import Foreign
from interstore._sync.store import Store
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
from interstore.testing._sync.suite import at_once, fixture
from interstore.values import exact_integers
from tests.databases import (
    bridged_sqlite,
    mongodb,
    postgresql,
    sqlite,
)
from tests.foreign_data import Make, in_mongodb, in_postgresql, in_sqlite, presented, rows
from tests.tiny import tiny

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

    @fixture
    def store(self, database: Database) -> Iterator[Store]:
        with Store(database) as store:
            yield store

    @fixture
    def orders(self, store: Store, make: Make) -> Foreign:
        make(rows(60))
        return store.foreign("orders")

    def test_documents(self, orders: Foreign) -> None:
        found = [document for document in orders.find()]
        assert [dict(document) for document in found] == EXPECTED
        assert [each.id for each in found] == [str(n) for n in range(1, 61)], "as numbers"
        assert orders.count() == 60

    def test_one_document(self, orders: Foreign) -> None:
        document = orders.get(5)
        assert dict(document) == EXPECTED[4]
        assert orders.find_by_id("5") == document
        assert orders.find_by_id("61") is None
        with pytest.raises(NotFoundError):
            orders.get("61")
        for bad in ("05", "x", "", "5.0", "+5"):
            with pytest.raises(InvalidQueryError, match="digits of an integer"):
                orders.find_by_id(bad)
        for worse in (None, True, 5.0, b"5"):
            with pytest.raises(InvalidQueryError):
                orders.find_by_id(worse)  # type: ignore[arg-type]
        huge = orders.find_by_ids([3, "1", 10**30, -(10**30), 3])
        assert [each and each.id for each in huge] == ["3", "1", None, None, "3"]

    def test_a_document_has_no_envelope(self, orders: Foreign) -> None:
        document = orders.get(5)
        for name in ("version", "created_at", "updated_at"):
            with pytest.raises(UnsupportedError, match="other programs write it"):
                getattr(document, name)
        assert document.expires_at is None
        assert document.copy() == document
        assert "ForeignDocument" in repr(document)
        partial = orders.find_one({"id": "5"}, fields=["name"])
        assert partial is not None
        assert partial.partial
        assert dict(partial) == {"id": "5", "name": "name 0"}

    def test_filters(self, orders: Foreign) -> None:
        for filter in EXAMPLES:
            wanted = _select(filter)
            found = orders.find(filter).to_list()
            assert sorted(each.id for each in found) == sorted(each["id"] for each in wanted)
            assert orders.count(filter) == len(wanted)
            assert orders.exists(filter) == bool(wanted)

    def test_ranges_of_integer_ids_are_numeric(self, orders: Foreign) -> None:
        assert orders.count({"id": {"$gt": "9", "$lte": "11"}}) == 2
        assert orders.count({"id": {"$gt": "-5"}}) == 60
        with pytest.raises(InvalidQueryError, match="ids are integers"):
            orders.count({"id": {"$gt": "nine"}})

    def test_sorts(self, orders: Foreign) -> None:
        for sort in (
            "name",
            "-price",
            ["paid", "-at"],
            ["data.city", "-id"],
            [("-name", -1), "id"],
        ):
            self._check_sort(orders, sort)

    def _check_sort(self, orders: Foreign, sort: Any) -> None:
        wanted = [each["id"] for each in _select({}, sort)]
        assert [each.id for each in orders.find(sort=sort).to_list()] == wanted
        found = orders.find({"paid": True}, sort=sort, skip=3, limit=5).to_list()
        assert [each.id for each in found] == [
            each["id"] for each in _select({"paid": True}, sort)
        ][3:8]

    def test_sort_by_id_is_the_order_of_ids(self, orders: Foreign) -> None:
        numbers = [str(n) for n in range(1, 61)]
        assert [each.id for each in orders.find(sort="id").to_list()] == numbers
        assert [each.id for each in orders.find(sort="-id").to_list()] == numbers[::-1]

    def test_pages(self, orders: Foreign) -> None:
        for sort in (None, "-id", "name", ["-data.city", "amount"]):
            self._check_pages(orders, sort)

    def _check_pages(self, orders: Foreign, sort: Any) -> None:
        filter = {"amount": {"$gt": 0}}
        whole = orders.find(filter, sort=sort).to_list()
        walked: list[Document] = []
        token = None
        while True:
            page = orders.page(filter, sort=sort, limit=7, after=token)
            walked += page.documents
            token = page.next
            if token is None:
                break
        assert [each.id for each in walked] == [each.id for each in whole]

    def test_iteration_reads_pages(self, store: Store, make: Make) -> None:
        make(rows(2_500))
        seen = [each.id for each in store.foreign("orders").find({"paid": True})]
        assert seen == [str(n) for n in range(2, 2_501, 2)]

    def test_figures(self, orders: Foreign) -> None:
        assert orders.distinct("name") == [None, *(f"name {n}" for n in range(5))]
        assert orders.distinct("data.city", {"id": "3"}) == ["c0"]
        [row] = orders.aggregate({"paid": True}, n="count", total=("sum", "amount"))
        paid = [each for each in EXPECTED if each["paid"]]
        assert row == {"n": 30, "total": sum(each["amount"] for each in paid)}

    def test_scan_and_partitions(self, orders: Foreign) -> None:
        partitions = orders.database.partitions("orders", 4)
        assert 1 < len(partitions) <= 4
        assert partitions[0].after is None
        assert partitions[-1].until is None
        seen: list[str] = []
        for partition in partitions:
            token = None
            while True:
                page = orders.database.scan("orders", partition, token, 7)
                seen += [each.id for each in page.documents]
                token = page.next
                if token is None:
                    break
        assert seen == [str(n) for n in range(1, 61)]

    # Updates.

    def test_update(self, orders: Foreign) -> None:
        at = datetime(2027, 5, 6, 7, 8, 9, tzinfo=UTC)
        updated = orders.update(
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
        assert orders.get(5) == updated
        assert orders.count({"at": at}) == 1, "still a point in time in the database"
        assert dict(orders.get(6)) == EXPECTED[5]
        plain = orders.update(5, {"id": "5", "name": None, "paid": True})
        assert dict(plain) == {**wanted, "name": None, "paid": True}
        assert orders.update(5, {}) == plain

    def test_inc_is_exact(self, orders: Foreign) -> None:
        large = 2**60 + 1
        assert orders.update(5, {"amount": large})["amount"] == large
        assert orders.update(5, {"$inc": {"amount": 1}})["amount"] == large + 1
        assert orders.count({"amount": large + 1}) == 1
        assert orders.count({"amount": large}) == 0
        assert orders.count({"amount": {"$gt": large, "$lt": large + 2}}) == 1
        with pytest.raises(InvalidDocumentError):
            orders.update(5, {"amount": 2**63})
        with pytest.raises(InvalidDocumentError):
            orders.update(5, {"$set": {"amount": 2**63 - 1, "price": 1}, "$inc": {"data": 1}})
        orders.update(5, {"amount": 2**63 - 1})
        with pytest.raises(InvalidDocumentError):
            orders.update(5, {"$inc": {"amount": 1}})
        assert orders.get(5)["amount"] == 2**63 - 1

    def test_inc_by_many_at_once(self, orders: Foreign) -> None:
        at_once([lambda: orders.update(5, {"$inc": {"data.n.v": 1, "price": 0.5}})] * 12)
        document = orders.get(5)
        assert document["data"]["n"]["v"] == 5 + 12
        assert document["price"] == 1.25 + 6

    def test_refused_updates_write_nothing(self, orders: Foreign) -> None:
        before = orders.get(5)
        with pytest.raises(NotFoundError):
            orders.update(99, {"name": "x"})
        with pytest.raises(NotFoundError):
            orders.update(99, {})
        with pytest.raises(InvalidDocumentError, match="a number at 'name'"):
            orders.update(5, {"$inc": {"name": 1}, "$set": {"price": 9}})
        with pytest.raises(DuplicateError) as duplicate:
            orders.update(5, {"amount": EXPECTED[5]["amount"]})
        assert "amount" in str(duplicate.value.index)
        with pytest.raises(InvalidDocumentError, match="id of a document cannot change"):
            orders.update(5, {"id": "6"})
        with pytest.raises(UnsupportedError, match="without versions"):
            orders.update(5, {"name": "x"}, if_version=1)  # type: ignore[arg-type]
        assert orders.get(5) == before

    def test_delete(self, orders: Foreign) -> None:
        assert orders.delete(5)
        assert not orders.delete("5")
        assert orders.find_by_id(5) is None
        assert orders.count() == 59
        with pytest.raises(UnsupportedError, match="without versions"):
            orders.delete(6, if_version=1)  # type: ignore[arg-type]

    # What is not there.

    def test_the_envelope_is_refused(self, orders: Foreign) -> None:
        for filter in (
            {"@version": 1},
            {"$or": [{"a": 1}, {"@updated_at": {"$gt": "2026-01-01T00:00Z"}}]},
        ):
            with pytest.raises(UnsupportedError, match="have no @"):
                orders.find(filter).to_list()
            with pytest.raises(UnsupportedError, match="have no @"):
                orders.count(filter)
        with pytest.raises(UnsupportedError, match="@created_at"):
            orders.find(sort="-@created_at").first()
        with pytest.raises(UnsupportedError, match="envelope"):
            orders.distinct("@version")

    def test_other_writes_are_refused(self, orders: Foreign) -> None:
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
                call()

    def test_arguments(self, store: Store, make: Make) -> None:
        make(rows(3))
        bad: dict[str, Any]
        for bad in ({"id_type": "number"}, {"id": ""}, {"rename": {"a": "id"}}, {"rename": 3}):
            with pytest.raises(InvalidQueryError):
                store.foreign("orders", **bad)
        with pytest.raises(UnsupportedError, match="partition"):
            store.foreign("orders", partition="name")
        with pytest.raises(ConfigurationError, match="orders"):
            store.foreign("order").find().first()

    def test_rename(self, store: Store, make: Make) -> None:
        make(rows(3))
        orders = store.foreign("orders", rename={"name": "ext_name", "data": "x.y"})
        assert orders.find({"ext_name": "name 2"}).to_list() == [orders.get(2)]
        assert orders.count({"name": "name 2"}) == 0
        updated = orders.update(2, {"$set": {"ext_name": "b", ("x.y", "city"): "c"}})
        assert updated["ext_name"] == "b"
        assert updated["x.y"]["city"] == "c"
        assert store.foreign("orders").get(2)["data"]["city"] == "c"
        with pytest.raises(ConfigurationError, match="price"):
            store.foreign("orders", rename={"name": "price"}).get(2)

    def test_an_empty_source(self, store: Store, make: Make) -> None:
        make([])
        orders = store.foreign("orders")
        assert orders.find().to_list() == []
        assert orders.count() == 0
        assert not orders.delete(1)
        with pytest.raises(NotFoundError):
            orders.update(1, {"name": "x"})
        make(rows(2))
        assert orders.count({"name": {"$exists": True}}) == 2

    def test_a_model_beside_it(self, store: Store, orders: Foreign) -> None:
        model = f"m_{uuid4().hex[:8]}"
        store.create(model, {"id": "a", "order": 5})
        assert store.count(model) == 1
        assert orders.count() == 60


class DifferentialSuite:
    """Random filters and sorts, and what the reference says of the presented documents."""

    @settings(suppress_health_check=CHECKS)
    @given(data=st.data())
    def test_differential(self, differential: Any, data: st.DataObject) -> None:
        filter, sort = data.draw(FILTERS), data.draw(SORTS)
        wanted = [each["id"] for each in _select(filter, sort)]
        assert differential(filter, sort) == (wanted, len(wanted))

    @pytest.fixture
    def differential(self, database: Database, make: Make) -> Any:
        make(rows(60))

        def ask(filter: Any, sort: Any) -> tuple[list[str], int]:
            found = view.find(filter, sort=sort).to_list()
            return [each.id for each in found], view.count(filter)

        store = Store(database)
        with store:
            view = store.foreign("orders")
            yield ask


class OnSQLite:
    @pytest.fixture
    def database(self, tmp_path: Path) -> Database:
        return sqlite(tmp_path)

    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        return in_sqlite(str(tmp_path / "test.db"))


class OnPostgreSQL:
    @pytest.fixture
    def database(self, postgresql_url: str) -> Database:
        return postgresql(postgresql_url)

    @pytest.fixture
    def make(self, postgresql_url: str) -> Make:
        return in_postgresql(postgresql_url)


class OnMongoDB:
    @pytest.fixture
    def database(self, mongodb_url: str) -> Database:
        return mongodb(mongodb_url, durability="primary")

    @pytest.fixture
    def make(self, mongodb_url: str) -> Make:
        return in_mongodb(mongodb_url)


class OnSQLiteAcrossBridges(OnSQLite):
    """Through both bridges, which give the view the threads of the store."""

    @pytest.fixture
    def database(self, tmp_path: Path) -> Database:
        return bridged_sqlite(tmp_path)


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
    def test_an_engine_without(self) -> None:
        with Store(tiny()) as store:
            with pytest.raises(UnsupportedError, match="foreign"):
                store.foreign("orders")
