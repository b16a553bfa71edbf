# Generated from core/interstore/testing/_async/expiry.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 84c012740e9ed590cc60a126

"""Documents that expire: invisible at once to reads and writes, and removed some time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from interstore._compat import sleep
from interstore._sync.operations import Operations
from interstore._sync.store import Store
from interstore.document import Document
from interstore.errors import DuplicateError, InvalidQueryError, NotFoundError
from interstore.expiry import Sweep
from interstore.prepared import Write
from interstore.testing._sync.suite import Suite, at_once, fixture
from interstore.testing.checks import envelope, ids, refuses, require
from interstore.times import now

__all__ = ["ExpirySuite"]

PAST: Final = datetime(2001, 2, 3, 4, 5, 6, 789_012, tzinfo=UTC)
FUTURE: Final = datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
LATER: Final = datetime(2100, 1, 1, tzinfo=UTC)
SHORTLY: Final = timedelta(seconds=0.15)
HOUR: Final = timedelta(hours=1)


class ExpirySuite(Suite):
    """`expires_at`, in whatever way a document gets it, and what holds afterwards."""

    @pytest.fixture
    def expiring(self, store: Store) -> Store:
        """The store, if documents expire there."""
        require(store, "ttl")
        return store

    @fixture
    def several(self, expiring: Store, model: str) -> Store:
        """With documents in `model`: `gone` has expired, `later` will, `never` will not."""
        expiring.create(model, {"id": "gone", "n": 1, "s": "x"}, expires_at=PAST)
        expiring.create(model, {"id": "later", "n": 1, "s": "y"}, expires_at=FUTURE)
        expiring.create(model, {"id": "never", "n": 1, "s": "z"})
        return expiring

    def test_a_document_ceases_to_exist(self, expiring: Store, model: str) -> None:
        created = expiring.create(model, {"id": "a"}, expires_at=SHORTLY)
        assert created.expires_at == created.created_at + SHORTLY
        sleep(SHORTLY.total_seconds() + 0.05)
        assert expiring.find_by_id(model, "a") is None
        assert expiring.count(model) == 0
        again = expiring.create(model, {"id": "a"})
        assert (again.version, again.expires_at) == (1, None)
        assert again.created > created.created

    def test_no_read_sees_it(self, several: Store, model: str) -> None:
        store, live = several, ["later", "never"]
        assert store.find_by_id(model, "gone") is None
        with refuses(NotFoundError, "get of a document that has expired"):
            store.get(model, "gone")
        found = store.find_by_ids(model, ["gone", "later", "never"])
        assert [each and each.id for each in found] == [None, *live]
        for filter in ({}, {"n": 1}, {"n": {"$gte": 1}}, {"id": {"$gte": "a"}}, {"s": {"$ne": 1}}):
            assert ids(store.find(model, filter).to_list()) == live, filter
            assert ids(store.find(model, filter, sort="-s").to_list()) == live[::-1], filter
            assert ids(store.find(model, filter, fields=["s"]).to_list()) == live, filter
            assert store.count(model, filter) == 2, filter
            assert store.exists(model, filter), filter
            [row] = store.aggregate(model, filter, number="count", total=("sum", "n"))
            assert row == {"number": 2, "total": 2}, filter
            assert store.distinct(model, "s", filter) == ["y", "z"], filter
        assert store.find_one(model, {"id": "gone"}) is None
        assert not store.exists(model, {"s": "x"})
        assert store.count(model, {"s": "x"}) == 0
        page = store.page(model, limit=1)
        assert ids(page.documents) == ["later"]
        rest = store.page(model, limit=1, after=page.next)
        assert (ids(rest.documents), rest.next) == (["never"], None)
        assert [each.id for each in store.find(model)] == live

    def test_no_scan_sees_it(self, several: Store, operations: Operations, model: str) -> None:
        for limit in (1, 100):
            seen: list[Document] = []
            for partition in operations.partitions(model, 3):
                after: Any = None
                while True:
                    page = operations.scan(model, partition, after, limit)
                    seen += page.documents
                    if (after := page.next) is None:
                        break
            by_id = {each.id: each.expires_at for each in seen}
            assert by_id == {"later": FUTURE, "never": None}, f"pages of {limit}"
            assert len(seen) == 2

    def test_no_write_meets_it(self, several: Store, model: str) -> None:
        store = several
        calls: list[Callable[[], object]] = [
            lambda: store.update(model, "gone", {"n": 2}),
            lambda: store.update(model, "gone", {}),
            lambda: store.update(model, "gone", {"$inc": {"n": 1}}, if_version=1),
            lambda: store.update(model, "gone", {}, expires_at=None),
            lambda: store.put(model, {"id": "gone"}, if_version=1),
            lambda: store.delete(model, "gone", if_version=1),
        ]
        for number, call in enumerate(calls):
            with refuses(NotFoundError, f"write number {number} of what has expired"):
                call()
        only = {"s": "x"}
        assert store.find_one_and_update(model, only, {"n": 2}) is None
        assert store.find_one_and_delete(model, only) is None
        assert store.update_many(model, only, {"n": 2}).updated == 0
        assert store.delete_many(model, only).deleted == 0
        assert store.update_many(model, {}, {"$inc": {"n": 1}}).updated == 2
        first = store.find_one_and_update(model, {}, {"$inc": {"n": 1}}, sort="s")
        assert first is not None
        assert (first.id, first["n"], first.expires_at) == ("later", 3, FUTURE)
        assert not store.delete(model, "gone")
        assert store.delete_many(model, {}).deleted == 2

    def test_what_has_expired_gives_way(self, expiring: Store, model: str) -> None:
        old = expiring.create(model, {"id": "a", "old": 1}, expires_at=PAST)
        expiring.create_many(model, [{"id": id, "old": 1} for id in "bcd"], expires_at=PAST)
        sleep(0.002)
        made = [
            expiring.create(model, {"id": "a", "n": 1}),
            expiring.put(model, {"id": "b", "n": 1}),
        ]
        result = expiring.create_many(model, [{"id": "c", "n": 1}])
        assert (result.created, result.duplicates) == (1, 0)
        expiring.put_many(model, [{"id": "d", "n": 1}])
        found = expiring.find(model).to_list()
        assert [envelope(each) for each in found[:2]] == [envelope(each) for each in made]
        for document in found:
            assert document.fields() == {"n": 1}
            assert (document.version, document.expires_at) == (1, None)
            assert document.created == document.updated > old.created
        with refuses(DuplicateError, "create of a document that exists"):
            expiring.create(model, {"id": "a"})

    def test_one_creator_wins(self, expiring: Store, model: str) -> None:
        for number in range(3):
            id = f"lock{number}"
            expiring.create(model, {"id": id}, expires_at=PAST)

            def creating(who: int, id: str = id) -> Callable[[], Document]:
                return lambda: expiring.create(model, {"id": id, "who": who}, expires_at=HOUR)

            outcomes = at_once([creating(who) for who in range(6)])
            won = [each for each in outcomes if isinstance(each, Document)]
            assert len(won) == 1, outcomes
            assert all(isinstance(each, (Document, DuplicateError)) for each in outcomes), outcomes
            stored = expiring.get(model, id)
            assert (stored["who"], stored.version) == (won[0]["who"], 1)

    def test_how_an_expiry_changes(self, expiring: Store, model: str) -> None:
        store = expiring
        store.create(model, {"id": "a", "n": 1}, expires_at=FUTURE)

        def is_now(version: int, expires: datetime | None) -> None:
            document = store.get(model, "a")
            assert (document.version, document.expires_at) == (version, expires)

        assert store.update(model, "a", {"n": 2}).expires_at == FUTURE
        is_now(2, FUTURE)
        moved = store.update(model, "a", {}, expires_at=LATER, if_version=2)
        assert (moved.version, moved.expires_at, moved["n"]) == (3, LATER, 2)
        is_now(3, LATER)
        store.update(model, "a", {"$inc": {"n": 1}}, expires_at=FUTURE)
        is_now(4, FUTURE)
        store.update(model, "a", {"$unset": ["n"]}, expires_at=None)
        is_now(5, None)
        touched = store.update(model, "a", {"n": 1}, expires_at=HOUR)
        assert touched.expires_at == touched.updated_at + HOUR
        is_now(6, touched.expires_at)
        assert store.put(model, {"id": "a"}).expires_at is None
        is_now(7, None)
        assert store.put(model, {"id": "a"}, expires_at=FUTURE).expires_at == FUTURE
        is_now(8, FUTURE)
        store.put(model, {"id": "a", "n": 1}, if_version=8, expires_at=LATER)
        is_now(9, LATER)
        store.update_many(model, {"n": 1}, {"$inc": {"n": 1}})
        is_now(10, LATER)
        store.update_many(model, {"n": 2}, {}, expires_at=FUTURE)
        is_now(11, FUTURE)
        claimed = store.find_one_and_update(model, {"n": 2}, {"n": 3}, expires_at=LATER)
        assert claimed is not None
        assert claimed.expires_at == LATER
        is_now(12, LATER)
        store.put_many(model, [{"id": "a", "n": 4}], expires_at=FUTURE)
        is_now(13, FUTURE)
        store.put_many(model, [{"id": "a", "n": 4}])
        is_now(14, None)
        store.update(model, "a", {}, expires_at=PAST)
        assert store.find_by_id(model, "a") is None

    def test_what_is_no_expiry(self, expiring: Store, model: str) -> None:
        expiring.create(model, {"id": "a"}, expires_at=HOUR)
        created = expiring.get(model, "a")
        wrong: list[Any] = [datetime(2099, 1, 1), 60, True, "2099-01-01", timedelta.max]  # noqa: DTZ001
        for value in wrong:
            for number, call in enumerate(_writes(expiring, model, value)):
                with refuses(InvalidQueryError, f"expires_at={value!r}, in call {number}"):
                    call()
        assert envelope(expiring.get(model, "a")) == envelope(created)
        assert expiring.count(model) == 1

    def test_expiry_in_filters_sorts_and_fields(self, several: Store, model: str) -> None:
        store = several
        store.create(model, {"id": "last"}, expires_at=LATER)

        def matching(condition: object) -> list[str]:
            return ids(store.find(model, {"@expires_at": condition}).to_list())

        assert matching({"$exists": True}) == ["last", "later"]
        assert matching({"$exists": False}) == ["never"]
        assert matching(None) == ["never"]
        assert matching(FUTURE) == ["later"]
        assert matching({"$lt": LATER}) == ["later"]
        assert matching({"$lte": PAST}) == []
        assert matching({"$gt": FUTURE}) == ["last"]
        assert ids(store.find(model, sort="@expires_at").to_list()) == [
            "never", "later", "last",
        ]  # fmt: skip
        page = store.page(model, sort="-@expires_at", limit=2)
        assert ids(page.documents) == ["last", "later"]
        rest = store.page(model, sort="-@expires_at", limit=2, after=page.next)
        assert ids(rest.documents) == ["never"]
        [first, *_] = store.find(model, sort="-@expires_at", fields=["s"]).to_list()
        assert first.expires_at == LATER
        assert store.distinct(model, "@expires_at") == [
            "2099-12-31T23:59:59.999999Z", "2100-01-01T00:00:00.000000Z",
        ]  # fmt: skip

    def test_unique_values_are_free_again(self, expiring: Store, model: str) -> None:
        if "unique" not in expiring.capabilities.ensure_index:
            pytest.skip("capability ensure_index: unique is not declared")
        expiring.create(model, {"id": "seed"}, expires_at=HOUR)
        expiring.ensure_index(model, "email", unique=True)
        expiring.create(model, {"id": "a", "email": "x"}, expires_at=PAST)
        expiring.create(model, {"id": "b", "email": "x"}, expires_at=PAST)
        expiring.put(model, {"id": "c", "email": "x"}, expires_at=PAST)
        expiring.create_many(model, [{"id": "d", "email": "x"}], expires_at=PAST)
        expiring.create(model, {"id": "e"}, expires_at=HOUR)
        expiring.update(model, "e", {"email": "x"})
        with refuses(DuplicateError, "a value that a living document has") as refusal:
            expiring.create(model, {"id": "f", "email": "x"})
        assert refusal.error.index is not None
        assert ids(expiring.find(model).to_list()) == ["e", "seed"]

    def test_a_sweep_removes_what_has_expired(self, several: Store, model: str) -> None:
        store = several
        store.create_many(model, [{"id": f"{n}"} for n in range(7)], expires_at=PAST)
        swept = store.sweep(model, batch=3)
        assert isinstance(swept, Sweep)
        assert swept.finished
        assert 0 <= swept.removed <= 8  # the engine itself may have been faster
        assert store.sweep(model) == Sweep(0, finished=True)
        assert ids(store.find(model).to_list()) == ["later", "never"]
        assert store.create(model, {"id": "gone"}).version == 1
        assert store.sweep("none_" + model).removed == 0
        for bounds in ({"batch": 0}, {"batch": True}, {"timeout": 0}, {"timeout": "1"}):
            arguments: dict[str, Any] = dict(bounds)
            with refuses(InvalidQueryError, f"a sweep with {bounds}"):
                store.sweep(model, **arguments)

    def test_copies_keep_it(self, expiring: Store, operations: Operations, model: str) -> None:
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
        assert operations.write_page(model, copies, "upsert") == [7, 7, 7]
        assert ids(expiring.find(model).to_list()) == ["b", "c"]
        assert expiring.get(model, "b").expires_at == FUTURE
        again = [Write(each.id, {"n": 2}, version=1, created=time, updated=time) for each in copies]
        assert operations.write_page(model, again, "insert_if_absent") == [1, 0, 0]
        assert expiring.get(model, "a")["n"] == 2

    def test_expiry_in_a_transaction(self, expiring: Store, model: str) -> None:
        require(expiring, "transaction")
        expiring.create(model, {"id": "gone"}, expires_at=PAST)
        with expiring.transaction() as transaction:
            assert transaction.count(model) == 0
            transaction.create(model, {"id": "gone", "n": 1}, expires_at=HOUR)
            transaction.create(model, {"id": "b"}, expires_at=PAST)
            transaction.update(model, "gone", {"n": 2})
            assert ids(transaction.find(model).to_list()) == ["gone"]
        stored = expiring.get(model, "gone")
        assert (stored["n"], stored.version) == (2, 2)
        assert stored.expires_at is not None
        assert expiring.count(model) == 1

    def test_a_second_store_sees_it_at_once(
        self, expiring: Store, model: str, request: pytest.FixtureRequest
    ) -> None:
        """Also one that has read the model before any of its documents ever expired."""
        require(expiring, "persistent")
        expiring.create(model, {"id": "never", "n": 1})
        with Store(request.getfixturevalue("second_database")) as second:
            assert second.count(model) == 1
            assert second.count(model, {"n": 1}) == 1
            expiring.create(model, {"id": "gone", "n": 1}, expires_at=PAST)
            assert second.find_by_id(model, "gone") is None
            assert ids(second.find(model).to_list()) == ["never"]
            assert second.count(model) == 1
            assert second.count(model, {"n": 1}) == 1
            assert second.update_many(model, {}, {"n": 2}).updated == 1
            assert second.delete_many(model, {}).deleted == 1

    def test_expiry_that_begins_in_a_transaction(
        self, expiring: Store, model: str, request: pytest.FixtureRequest
    ) -> None:
        """Others know of it when the transaction has ended, or a moment later."""
        require(expiring, "persistent")
        require(expiring, "transaction")
        expiring.create(model, {"id": "never"})
        with Store(request.getfixturevalue("second_database")) as second:
            with expiring.transaction() as transaction:
                transaction.create(model, {"id": "gone"}, expires_at=PAST)
                assert second.count(model) == 1
            sleep(0.06)
            assert second.count(model) == 1
            assert expiring.count(model) == 1


def _writes(store: Store, model: str, expires_at: Any) -> list[Callable[[], object]]:
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
