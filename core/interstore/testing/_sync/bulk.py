# Generated from core/interstore/testing/_async/bulk.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 7ebddd520434a585de04c29b

"""Many documents in one call: what becomes of each."""

from __future__ import annotations

from typing import Any

from interstore._sync.store import Store
from interstore.bulk import BulkResult
from interstore.errors import (
    BulkError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    InvalidQueryError,
)
from interstore.testing._sync.suite import Suite, fill
from interstore.testing.checks import exact, ids, refuses

__all__ = ["BulkSuite"]


class BulkSuite(Suite):
    """One outcome for each document, in the caller's order; the good ones are written."""

    def test_create_many(self, store: Store, model: str) -> None:
        result = store.create_many(model, [{"id": "b"}, {"id": "a", "n": 1}, {"n": 2}])
        assert [(o.status, o.version) for o in result.outcomes] == [("created", 1)] * 3
        assert [o.id for o in result.outcomes[:2]] == ["b", "a"]
        assert (result.ok, result.created) == (True, 3)
        third = store.get(model, result.outcomes[2].id)
        assert (third["n"], third.version) == (2, 1)

    def test_nothing_at_all(self, store: Store, model: str) -> None:
        for result in (store.create_many(model, []), store.put_many(model, [])):
            assert (result.outcomes, result.ok, result.created) == ([], True, 0)
        assert store.update_many(model, {}, {"n": 1}).updated == 0
        assert store.delete_many(model, {}).deleted == 0

    def test_create_many_reports_each(self, store: Store, model: str) -> None:
        store.create(model, {"id": "old", "n": 0})
        documents: list[Any] = [
            {"id": "a", "n": 1},
            {"id": "old", "n": 2},
            {"id": "a", "n": 3},
            {"id": "bad", "n": float("nan")},
            {"id": " ", "n": 5},
            "no document",
            {"id": "b", "n": 7},
        ]
        statuses = ["created", "duplicate", "duplicate", "failed", "failed", "failed", "created"]
        result = store.create_many(model, documents, on_error="report")
        assert [outcome.status for outcome in result.outcomes] == statuses
        assert _counts(result) == {"created": 2, "duplicates": 2, "failed": 3}
        assert not result.ok
        assert [type(outcome.error) for outcome in result.outcomes[:4]] == [
            type(None), DuplicateError, DuplicateError, InvalidDocumentError,
        ]  # fmt: skip
        stored = {document.id: document["n"] for document in store.find(model).to_list()}
        assert stored == {"old": 0, "a": 1, "b": 7}, "of equal ids the first wins"

    def test_bulk_error_carries_the_result(self, store: Store, model: str) -> None:
        store.create(model, {"id": "old"})
        with refuses(BulkError, "create_many with a duplicate") as refusal:
            store.create_many(model, [{"id": "a"}, {"id": "old"}])
        assert (refusal.error.model, bool(refusal.error.backend)) == (model, True)
        assert "old" in str(refusal.error)
        result = refusal.error.result
        assert [outcome.status for outcome in result.outcomes] == ["created", "duplicate"]
        duplicate = result.outcomes[1].error
        assert isinstance(duplicate, InterstoreError)
        assert (duplicate.model, duplicate.id) == (model, "old")
        assert ids(store.find(model).to_list()) == ["a", "old"], "the good one is written"

    def test_put_many(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": "a", "n": 1, "x": 1}])
        documents = [{"id": "b", "n": 2}, {"id": "a", "n": 3}]
        result = store.put_many(model, documents)
        found = [(o.id, o.status, o.version) for o in result.outcomes]
        assert found == [("b", "created", 1), ("a", "replaced", 2)]
        assert _counts(result) == {"created": 1, "replaced": 1}
        assert exact(store.get(model, "a")) == exact({"id": "a", "n": 3})

    def test_put_many_reports_each(self, store: Store, model: str) -> None:
        store.create(model, {"id": "old", "n": 0})
        partial = store.find_one(model, fields=["n"])
        documents: list[Any] = [{"id": "a", "n": 1}, {"id": "b", "n": {1}}, partial]
        result = store.put_many(model, documents, on_error="report")
        assert [o.status for o in result.outcomes] == ["created", "failed", "failed"]
        with refuses(BulkError, "put_many of a document that cannot be stored"):
            store.put_many(model, [{"id": "c", "n": {1}}])
        assert ids(store.find(model).to_list()) == ["a", "old"]

    def test_put_many_of_one_id_twice(self, store: Store, model: str) -> None:
        store.put_many(model, [{"id": "a", "n": 1}, {"id": "b"}, {"id": "a", "n": 2}])
        assert store.get(model, "a")["n"] == 2, "of equal ids the last wins"
        assert store.count(model) == 2

    def test_many_documents(self, store: Store, model: str) -> None:
        numbers = range(2_345)
        documents = ({"id": f"{n:05}", "n": n} for n in numbers)
        result = store.create_many(model, documents)
        assert [outcome.id for outcome in result.outcomes] == [f"{n:05}" for n in numbers]
        assert result.created == store.count(model) == len(numbers)
        again = [{"id": f"{n:05}", "n": -n} for n in range(2_000, 3_000)]
        result = store.put_many(model, again)
        assert _counts(result) == {"created": 655, "replaced": 345}
        result = store.create_many(model, again[::-1], on_error="report")
        assert _counts(result) == {"duplicates": 1000}
        assert store.update_many(model, {"n": {"$lt": 0}}, {"n": 0}).updated == 1000
        assert store.delete_many(model, {"n": {"$gt": 0}}).deleted == 1999
        assert store.count(model) == 1001

    def test_update_many(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n}", "n": n} for n in range(5)])
        result = store.update_many(model, {"n": {"$gte": 3}}, {"$inc": {"n": 1}, "$set": {"x": 1}})
        assert (result.updated, result.ok) == (2, True)
        found = [(d["n"], d.version) for d in store.find(model).to_list()]
        assert found == [(0, 1), (1, 1), (2, 1), (4, 2), (5, 2)]
        assert store.update_many(model, {}, {"$unset": ["n"]}).updated == 5
        assert store.count(model, {"n": {"$exists": True}}) == 0

    def test_update_many_changes_each_once(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n:04}", "n": n} for n in range(1_500)])
        result = store.update_many(model, {"n": {"$gte": 0}}, {"$inc": {"n": 10_000}})
        assert result.updated == 1_500
        assert store.count(model, {"n": {"$gte": 10_000, "$lt": 20_000}}) == 1_500

    def test_update_many_reports_what_does_not_fit(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": "a", "n": 1}, {"id": "b", "n": "x"}, {"id": "c"}])
        result = store.update_many(model, {}, {"$inc": {"n": 1}}, on_error="report")
        assert (result.updated, result.failed, result.ok) == (2, 1, False)
        assert [(o.id, o.status) for o in result.outcomes] == [("b", "failed")]
        assert isinstance(result.outcomes[0].error, InvalidDocumentError)
        with refuses(BulkError, "update_many with a document that the changes do not fit"):
            store.update_many(model, {}, {"$inc": {"n": 1}})
        assert [d.get("n") for d in store.find(model).to_list()] == [3, "x", 2]

    def test_delete_many(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n}", "n": n} for n in range(5)])
        assert store.delete_many(model, {"n": {"$lt": 2}}).deleted == 2
        assert ids(store.find(model).to_list()) == ["2", "3", "4"]
        assert store.delete_many(model, {"n": 9}).deleted == 0
        assert store.delete_many(model, {}).deleted == 3
        assert store.count(model) == 0

    def test_no_filter_is_no_order_to_change_all(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": "a"}])
        with refuses(InvalidQueryError, "update_many with the filter None"):
            store.update_many(model, None, {"n": 1})
        with refuses(InvalidQueryError, "delete_many with the filter None"):
            store.delete_many(model, None)
        assert store.get(model, "a").version == 1


def _counts(result: BulkResult) -> dict[str, int]:
    names = ("created", "replaced", "updated", "deleted", "duplicates", "failed")
    return {name: getattr(result, name) for name in names if getattr(result, name)}
