# Generated from core/interstore/testing/_async/transactions.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 16066e94137ee2da072e315d

"""Transactions: all of it or nothing, what was read is what was, and no update is lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypedDict

import pytest

from interstore._sync.database import Database
from interstore._sync.store import Store
from interstore.document import Document
from interstore.errors import (
    BulkError,
    ConflictError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from interstore.testing._sync.suite import Suite, at_once, fill
from interstore.testing.checks import exact_all, ids, refuses, require

__all__ = ["TransactionSuite"]

WORKERS = 4
ROUNDS = 5


class Counter(TypedDict):
    """What a repository is for."""

    id: str
    n: int


class TransactionSuite(Suite):
    """What is declared with `transaction`."""

    def test_a_transaction_is_applied_whole(
        self, store: Store, model: str, other_model: str
    ) -> None:
        require(store, "transaction")
        store.create(model, {"id": "a", "n": 1})
        with store.transaction() as tx:
            assert type(tx) is type(store)
            assert tx is not store
            tx.create(model, {"id": "b", "n": 2})
            tx.update(model, "a", {"$inc": {"n": 10}})
            tx.put(other_model, {"id": "c"})
            assert store.find_by_id(model, "b") is None, "seen before it was committed"
            assert store.get(model, "a")["n"] == 1, "seen before it was committed"
            assert store.count(other_model) == 0
        assert store.get(model, "a")["n"] == 11
        assert store.get(model, "b")["n"] == 2
        assert store.exists(other_model, {"id": "c"})

    def test_a_transaction_that_fails_leaves_nothing(
        self, store: Store, model: str, other_model: str
    ) -> None:
        require(store, "transaction")
        fill(store, model, [{"id": f"{n:03}", "n": n} for n in range(20)])
        before = exact_all(store.find(model).to_list())

        def fail(error: BaseException) -> None:
            with store.transaction() as tx:
                tx.create(model, {"id": "new"})
                tx.update(model, "003", {"n": -1})
                tx.delete(model, "004")
                tx.update_many(model, {"n": {"$gt": 10}}, {"$inc": {"n": 100}})
                tx.delete_many(model, {"n": {"$lt": 2}})
                fill(tx, other_model, [{"id": str(n)} for n in range(10)])
                raise error

        for error in (KeyError("of the caller"), KeyboardInterrupt("of the user")):
            with pytest.raises(type(error)):
                fail(error)
            assert exact_all(store.find(model).to_list()) == before
            assert store.count(other_model) == 0
        store.create(other_model, {"id": "1"})
        assert store.count(other_model) == 1

    def test_a_transaction_reads_what_it_wrote(self, store: Store, model: str) -> None:
        require(store, "transaction")
        fill(store, model, [{"id": f"{n:02}", "n": n} for n in range(10)])
        with store.transaction() as tx:
            fill(tx, model, [{"id": f"{n:02}", "n": n} for n in range(10, 20)])
            tx.update_many(model, {"n": {"$lt": 5}}, {"$set": {"low": True}})
            assert tx.delete_many(model, {"n": 19}).deleted == 1
            assert tx.count(model) == 19
            assert tx.count(model, {"low": True}) == 5
            assert tx.exists(model, {"n": 18})
            assert not tx.exists(model, {"n": 19})
            found = tx.find(model, {"n": {"$gte": 8}}, sort="-n", limit=3).to_list()
            assert ids(found) == ["18", "17", "16"]
            page = tx.page(model, sort="-n", limit=2)
            assert ids(page.documents) == ["18", "17"]
            following = tx.page(model, sort="-n", limit=2, after=page.next)
            assert ids(following.documents) == ["16", "15"]
            claimed = tx.find_one_and_update(model, {"low": True}, {"low": False}, sort="n")
            assert claimed is not None
            assert (claimed.id, claimed.version) == ("00", 3)
            assert tx.get(model, "00").version == 3
            assert tx.distinct(model, "low") == [False, True]
            [row] = tx.aggregate(model, largest=("max", "n"), all="count")
            assert row == {"largest": 18, "all": 19}
            assert len(tx.find_by_ids(model, ["01", "15", "19"])) == 3
            assert tx.delete(model, "01") is True
            assert tx.find_by_id(model, "01") is None
            assert tx.put(model, {"id": "01"}).version == 1
            assert store.count(model) == 10
        assert store.count(model) == 19
        assert store.get(model, "00")["low"] is False

    def test_a_transaction_of_many_documents(self, store: Store, model: str) -> None:
        require(store, "transaction")
        number = store.database.limits.bulk_documents + 100
        with store.transaction() as tx:
            tx.create_many(model, [{"id": f"{n:06}", "n": n} for n in range(number)])
            assert tx.count(model) == number
            tx.put_many(model, [{"id": f"{n:06}", "n": -n} for n in range(0, number, 10)])
            seen = [document.version for document in tx.find(model)]
            assert len(seen) == number
            assert seen.count(2) == len(range(0, number, 10))
            assert store.count(model) == 0
        assert store.count(model) == number

    def test_a_transaction_goes_on_after_a_refusal(self, store: Store, model: str) -> None:
        require(store, "transaction")
        fill(store, model, [{"id": "a", "n": 1}, {"id": "b", "n": "text"}])
        with store.transaction() as tx:
            tx.create(model, {"id": "c", "n": 3})
            with refuses(DuplicateError, "an id that exists"):
                tx.create(model, {"id": "a"})
            with refuses(DuplicateError, "an id that the transaction made"):
                tx.create(model, {"id": "c"})
            with refuses(ConflictError, "an old version"):
                tx.update(model, "a", {"n": 9}, if_version=7)
            with refuses(NotFoundError, "what does not exist"):
                tx.update(model, "z", {"n": 9})
            with refuses(InvalidDocumentError, "$inc of a text"):
                tx.update(model, "b", {"$inc": {"n": 1}})
            with refuses(BulkError, "some ids exist"):
                tx.create_many(model, [{"id": "a"}, {"id": "d"}])
            with refuses(BulkError, "some do not fit"):
                tx.update_many(model, {}, {"$inc": {"n": 1}})
            tx.create(model, {"id": "e"})
        assert ids(store.find(model).to_list()) == ["a", "b", "c", "d", "e"]
        assert [store.get(model, id)["n"] for id in "abc"] == [2, "text", 4]

    def test_a_transaction_is_over_with_its_block(self, store: Store, model: str) -> None:
        require(store, "transaction")
        store.create(model, {"id": "a"})
        with store.transaction() as tx:
            cursor, view = tx.find(model), tx.repository(Counter, model)
        calls: dict[str, Callable[[], object]] = {
            "a read": lambda: tx.find_by_id(model, "a"),
            "a write": lambda: tx.update(model, "a", {"n": 1}),
            "a count": lambda: tx.count(model),
            "a bulk call": lambda: tx.delete_many(model, {}),
            "a cursor": lambda: cursor.to_list(),
            "a repository": lambda: view.get("a"),
        }
        for what, call in calls.items():
            with refuses(UnavailableError, f"{what} after the transaction") as refusal:
                call()
            assert "transaction" in str(refusal.error)
        assert store.count(model) == 1

    def test_what_a_transaction_refuses(self, store: Store, model: str) -> None:
        require(store, "transaction")
        store.create(model, {"id": "a"})
        with store.transaction() as tx:

            def nested() -> None:
                with tx.transaction():
                    pass

            def nothing(_: Store) -> None:
                pass

            def native() -> object:
                return tx.native

            def foreign() -> object:
                return tx.foreign("others").find_by_id("a")

            calls: dict[str, Callable[[], object]] = {
                "a transaction within one": nested,
                "run_in_transaction within one": lambda: tx.run_in_transaction(nothing),
                "drop": lambda: tx.drop(model),
                "ensure_index": lambda: tx.ensure_index(model, "n"),
                "drop_index": lambda: tx.drop_index(model, "n"),
                "native": native,
                "foreign": foreign,
            }
            for what, call in calls.items():
                with refuses(UnsupportedError, f"{what} within a transaction"):
                    call()
            with tx.session() as session:
                session.create(model, {"id": "b"})
            assert tx.count(model) == 2
            assert store.count(model) == 1
            with refuses(UnsupportedError, "closing the store within a transaction"):
                tx.close()
        assert store.count(model) == 2
        with refuses(InvalidQueryError, "an isolation that is none"):
            store.transaction(isolation="dirty")  # type: ignore[arg-type]

    def test_a_transaction_reads_one_state(self, store: Store, model: str) -> None:
        require(store, "transaction")
        names = [f"account{n}" for n in range(6)]
        fill(store, model, [{"id": name, "balance": 100} for name in names])

        def move(worker: int) -> list[int]:
            def pay(tx: Store) -> None:
                source, target = names[worker], names[(worker + 1) % len(names)]
                tx.update(model, source, {"$inc": {"balance": -7}})
                tx.update(model, target, {"$inc": {"balance": 7}})

            for _ in range(ROUNDS):
                store.run_in_transaction(pay)
            return []

        def look(_: int) -> list[int]:
            def total(tx: Store) -> int:
                return sum([tx.get(model, name)["balance"] for name in names])

            return [store.run_in_transaction(total) for _ in range(ROUNDS)]

        works = [partial(move, worker) for worker in range(WORKERS)]
        seen = at_once([*works, partial(look, 0), partial(look, 1)])
        assert seen == [[]] * WORKERS + [[600] * ROUNDS] * 2

    def test_no_update_is_lost_by_a_transaction(self, store: Store, model: str) -> None:
        require(store, "transaction")
        store.create(model, {"id": "counter", "n": 0})

        def add(tx: Store) -> int:
            read = tx.get(model, "counter")
            written = tx.put(model, {"id": "counter", "n": read["n"] + 1})
            assert written.version == read.version + 1
            return int(read["n"])

        def work(_: int) -> list[int]:
            return [store.run_in_transaction(add) for _ in range(ROUNDS)]

        outcomes = at_once([partial(work, worker) for worker in range(WORKERS)])
        seen = [n for outcome in outcomes for n in _numbers(outcome)]
        assert sorted(seen) == list(range(WORKERS * ROUNDS)), "two have read the same"
        counter = store.get(model, "counter")
        assert (counter["n"], counter.version) == (len(seen), len(seen) + 1)

    def test_transactions_that_are_serializable(self, store: Store, model: str) -> None:
        require(store, "transaction")
        try:
            with store.transaction(isolation="serializable"):
                pass
        except UnsupportedError:
            return

        def leave(name: str, tx: Store) -> bool:
            """Go off duty, unless nobody else is on."""
            if tx.count(model, {"on": True}) < 2:
                return False
            tx.update(model, name, {"on": False})
            return True

        def work(name: str) -> bool:
            return store.run_in_transaction(partial(leave, name), isolation="serializable")

        for _ in range(ROUNDS):
            store.put(model, {"id": "ada", "on": True})
            store.put(model, {"id": "bob", "on": True})
            outcomes = at_once([partial(work, "ada"), partial(work, "bob")])
            assert sorted(outcomes, key=str) == [False, True], "nobody is on duty"

    def test_run_in_transaction(self, store: Store, model: str) -> None:
        require(store, "transaction")
        calls: list[int] = []

        def thrice(tx: Store) -> str:
            calls.append(tx.count(model))
            tx.create(model, {"id": str(len(calls))})
            if len(calls) < 3:
                raise UnavailableError("not yet")
            return "done"

        assert store.run_in_transaction(thrice) == "done"
        assert calls == [0, 0, 0]
        assert ids(store.find(model).to_list()) == ["3"]

        def fail(error: InterstoreError, tx: Store) -> None:
            calls.append(0)
            tx.create(model, {"id": "never"})
            raise error

        calls.clear()
        with refuses(NotFoundError, "an error that is not to be repeated"):
            store.run_in_transaction(partial(fail, NotFoundError("of the function")))
        assert calls == [0]
        with refuses(UnavailableError, "no time is left"):
            store.run_in_transaction(partial(fail, UnavailableError("it always is")), timeout=0)
        assert calls == [0, 0]
        assert store.find_by_id(model, "never") is None

    def test_many_callers_share_a_transaction(self, store: Store, model: str) -> None:
        require(store, "transaction")
        store.create(model, {"id": "counter", "n": 0})
        with store.transaction() as tx:
            call = partial(tx.update, model, "counter", {"$inc": {"n": 1}})
            for outcome in at_once([call] * 20):
                assert isinstance(outcome, Document), outcome
            assert store.get(model, "counter")["n"] == 0
        assert store.get(model, "counter")["n"] == 20

    def test_many_transactions_one_after_the_other(self, store: Store, model: str) -> None:
        require(store, "transaction")
        store.create(model, {"id": "a", "n": 0})
        for turn in range(50):  # more than any pool has connections
            try:
                with store.transaction() as tx:
                    tx.update(model, "a", {"$inc": {"n": 1}})
                    if turn % 2:
                        raise KeyError(turn)
            except KeyError:
                pass
        assert store.get(model, "a")["n"] == 25

    def test_closing_the_store_undoes_a_transaction(
        self, store: Store, second_database: Database, model: str
    ) -> None:
        require(store, "transaction")
        store.create(model, {"id": "a"})

        def close_within() -> None:
            with store.transaction() as tx:
                tx.create(model, {"id": "b"})
                store.close()
                with refuses(UnavailableError, "a read when the store is closed"):
                    tx.find_by_id(model, "a")

        with refuses(UnavailableError, "a commit when the store is closed"):
            close_within()
        with Store(second_database) as other:
            assert ids(other.find(model).to_list()) == ["a"]
            other.update(model, "a", {"n": 1})
        store.connect()
        with store.transaction() as tx:
            tx.update(model, "a", {"$inc": {"n": 1}})
        assert store.get(model, "a")["n"] == 2

    def test_a_transaction_is_seen_by_others_whole(
        self, store: Store, second_database: Database, model: str, other_model: str
    ) -> None:
        require(store, "transaction")
        store.create(model, {"id": "a"})
        store.create(other_model, {"id": "a"})
        with Store(second_database) as other:
            with store.transaction() as tx:
                tx.update(model, "a", {"n": 1})
                tx.update(other_model, "a", {"n": 1})
                for name in (model, other_model):
                    assert "n" not in other.get(name, "a")
            for name in (model, other_model):
                assert other.get(name, "a")["n"] == 1


def _numbers(outcome: object) -> list[int]:
    assert isinstance(outcome, list), outcome
    return [int(item) for item in outcome]
