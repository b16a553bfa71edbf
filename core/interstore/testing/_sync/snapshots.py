# Generated from core/interstore/testing/_async/snapshots.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: a4dc9b20c395094e58d2990a

"""Snapshots: reads of one state, whatever is written meanwhile."""

from __future__ import annotations

import pytest

from interstore._sync.store import Store
from interstore.errors import InvalidQueryError, UnavailableError, UnsupportedError
from interstore.prepared import Partition
from interstore.testing._sync.suite import Suite, at_once, fill
from interstore.testing.checks import exact_all, ids, require

__all__ = ["SnapshotSuite"]


class SnapshotSuite(Suite):
    """What is declared with `snapshot`; and its refusal where it is not."""

    def test_a_snapshot_does_not_change(self, store: Store, model: str, other_model: str) -> None:
        require(store, "snapshot")
        fill(store, model, [{"id": f"{n:03}", "n": n} for n in range(50)])
        store.create(other_model, {"id": "a", "n": 1})
        before = exact_all(store.find(model).to_list())
        with store.snapshot() as then:
            assert type(then) is type(store)
            store.update(model, "003", {"n": -1})
            store.delete(model, "004")
            store.create(model, {"id": "new", "n": 3})
            store.update_many(model, {"n": {"$gte": 40}}, {"$inc": {"n": 100}})
            store.put(other_model, {"id": "a", "n": 2})
            assert exact_all(then.find(model).to_list()) == before
            assert then.get(model, "003")["n"] == 3
            assert then.get(other_model, "a")["n"] == 1
            assert then.find_by_id(model, "new") is None
            assert then.find_by_ids(model, ["003", "004", "new"]).count(None) == 1
            assert then.count(model) == 50
            assert then.exists(model, {"id": "004"})
            assert ids(then.find(model, {"n": {"$lt": 3}}, sort="-n").to_list()) == [
                "002",
                "001",
                "000",
            ]
            page = then.database.scan(model, Partition(), None, 1_000)
            assert len(page.documents) == 50
            assert model in then.models()
        assert store.count(model) == 50
        assert store.get(model, "003")["n"] == -1

    def test_a_snapshot_is_of_one_moment(self, store: Store, model: str, other_model: str) -> None:
        require(store, "snapshot")
        require(store, "transaction")
        store.create(model, {"id": "a", "n": 100})
        store.create(other_model, {"id": "b", "n": 100})

        def move() -> None:
            for _ in range(10):
                with store.transaction() as tx:
                    tx.update(model, "a", {"$inc": {"n": -1}})
                    tx.update(other_model, "b", {"$inc": {"n": 1}})

        def look() -> None:
            for _ in range(10):
                with store.snapshot() as then:
                    left = then.get(model, "a")
                    right = then.get(other_model, "b")
                    assert left["n"] + right["n"] == 200

        assert at_once([move, look]) == [None, None]
        assert store.get(model, "a")["n"] == 90

    def test_a_snapshot_only_reads(self, store: Store, model: str) -> None:
        require(store, "snapshot")
        store.create(model, {"id": "a"})
        with store.snapshot() as then:
            with pytest.raises(UnsupportedError, match="for reading only"):
                then.create(model, {"id": "b"})
            with pytest.raises(UnsupportedError, match="for reading only"):
                then.delete_many(model, {})
            with pytest.raises(UnsupportedError, match="begin a snapshot"):
                with then.snapshot():
                    pass
            with pytest.raises(UnsupportedError, match="drop a model"):
                then.drop(model)
            assert then.count(model) == 1
        with pytest.raises(UnavailableError):
            then.count(model)
        with pytest.raises(InvalidQueryError, match=r"call snapshot\(\)"):
            store.transaction(isolation="reading")
        store.create(model, {"id": "b"})

    def test_snapshots_that_are_not_declared_are_refused(self, store: Store) -> None:
        if store.capabilities.snapshot:
            pytest.skip("capability snapshot is declared")
        with pytest.raises(UnsupportedError, match="snapshot"):
            store.snapshot()
