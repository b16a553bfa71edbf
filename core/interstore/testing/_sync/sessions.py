# Generated from core/interstore/testing/_async/sessions.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 307cea90f8ddb0d26d6092a5

"""Sessions: the same store, whatever an engine gains by them."""

from __future__ import annotations

from functools import partial

import pytest

from interstore._sync.store import Store
from interstore.errors import ConflictError, DuplicateError, UnavailableError
from interstore.testing._sync.suite import Suite, at_once, fill
from interstore.testing.checks import ids, refuses

__all__ = ["SessionSuite"]


class SessionSuite(Suite):
    """Every engine has them; none undoes anything."""

    def test_operations_mean_the_same(self, store: Store, model: str) -> None:
        store.create(model, {"id": "before", "n": 0})
        with store.session() as session:
            assert type(session) is type(store)
            assert session.capabilities == store.capabilities
            created = session.create(model, {"id": "a", "n": 1})
            assert created.version == 1
            assert session.update(model, "a", {"$inc": {"n": 1}})["n"] == 2
            assert session.put(model, {"id": "a", "n": 3}).version == 3
            assert session.get(model, "before")["n"] == 0
            fill(session, model, [{"id": f"b{n}", "n": n} for n in range(10)])
            assert ids([each for each in session.find(model, {"n": {"$gt": 7}})]) == [
                "b8",
                "b9",
            ]
            assert session.page(model, limit=2).next is not None
            assert session.count(model) == 12
            assert session.delete(model, "b0") is True
            with refuses(DuplicateError, "an id that exists"):
                session.create(model, {"id": "a"})
            with refuses(ConflictError, "an old version"):
                session.update(model, "a", {"n": 9}, if_version=1)

    def test_all_see_what_is_written(self, store: Store, model: str, other_model: str) -> None:
        with store.session() as session, store.session() as other:
            session.create(model, {"id": "a", "n": 1})
            for each in (store, session, other):
                assert each.get(model, "a")["n"] == 1
            store.update(model, "a", {"n": 2})
            other.create(other_model, {"id": "b"})
            assert session.get(model, "a")["n"] == 2
            assert session.exists(other_model, {"id": "b"})
        assert store.count(model) == 1
        assert store.count(other_model) == 1

    def test_a_block_that_fails_undoes_nothing(self, store: Store, model: str) -> None:
        def fail() -> None:
            with store.session() as session:
                session.create(model, {"id": "a"})
                raise KeyError("of the caller")

        with pytest.raises(KeyError, match="of the caller"):
            fail()
        assert store.find_by_id(model, "a") is not None
        with store.session() as session:
            assert session.find_by_id(model, "a") is not None

    def test_a_session_within_a_session(self, store: Store, model: str) -> None:
        with store.session() as outer:
            with outer.session() as inner:
                inner.create(model, {"id": "a"})
            assert outer.find_by_id(model, "a") is not None
        assert store.find_by_id(model, "a") is not None

    def test_many_callers_share_one(self, store: Store, model: str) -> None:
        store.create(model, {"id": "counter", "n": 0})
        with store.session() as session:
            call = partial(session.update, model, "counter", {"$inc": {"n": 1}})
            for outcome in at_once([call] * 20):
                assert not isinstance(outcome, Exception), outcome
            assert session.get(model, "counter")["n"] == 20

    def test_many_one_after_the_other(self, store: Store, model: str) -> None:
        store.create(model, {"id": "a", "n": 0})
        for _ in range(50):  # more than any pool has connections
            with store.session() as session:
                session.update(model, "a", {"$inc": {"n": 1}})
        assert store.get(model, "a")["n"] == 50

    def test_closing_the_store_ends_it(self, store: Store, model: str) -> None:
        store.create(model, {"id": "a"})
        with store.session() as session:
            assert session.find_by_id(model, "a") is not None
            store.close()
            with refuses(UnavailableError, "a read when the store is closed"):
                session.find_by_id(model, "a")
        with refuses(UnavailableError, "a session of a closed store"):
            with store.session():
                pass
        store.connect()
        with store.session() as session:
            found = session.find_by_id(model, "a")
            assert found is not None or not store.capabilities.persistent
