# Generated from core/interstore/testing/_async/isolation.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 78f364e62f3b2c8e95a9f154

"""Nothing is shared: not with the caller's arguments, nor between documents returned."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from interstore._sync.store import Store
from interstore.document import Document
from interstore.testing._sync.suite import Suite, fill
from interstore.testing.checks import exact

__all__ = ["IsolationSuite"]

DATA: dict[str, Any] = {"id": "a", "o": {"p": [1]}, "l": [{"k": [2]}]}


class IsolationSuite(Suite):
    """Arguments stay as they were, and results are the caller's own."""

    def test_arguments_are_not_changed(self, store: Store, model: str) -> None:
        data, changes = deepcopy(DATA), {"$set": {"o.q": {"r": [1]}}, "$push": {"l": {"z": 1}}}
        filter = {"$or": [{"id": {"$in": ["a", "b"]}}, {"o.p": [1, 2]}]}
        fields, sort = ["o.p", "l"], ["-o.p", ("id", 1)]
        kept = deepcopy((data, changes, filter, fields, sort))
        store.create(model, data)
        store.put(model, data)
        store.update(model, "a", changes)
        store.find(model, filter, sort=sort, fields=fields).to_list()
        store.update_many(model, filter, changes)
        store.find_one_and_update(model, filter, changes, sort=sort)
        store.put_many(model, [data])
        store.create_many(model, [data], on_error="report")
        store.delete_many(model, filter)
        assert (data, changes, filter, fields, sort) == kept, "an argument was changed"

    def test_arguments_are_not_kept(self, store: Store, model: str) -> None:
        data = deepcopy(DATA)
        store.create(model, data)
        _spoil(data)
        _intact(store, model, "the data given to create")
        data = deepcopy(DATA)
        store.put(model, data)
        _spoil(data)
        _intact(store, model, "the data given to put")
        changes = {"o": {"p": [1]}, "l": [{"k": [2]}]}
        store.update(model, "a", changes)
        _spoil(changes)
        _intact(store, model, "the changes given to update")
        change: dict[str, Any] = {"$set": {"o.p": [1]}}
        store.update(model, "a", change)
        change["$set"]["o.p"].append("spoiled")
        _intact(store, model, "the value given to $set")
        many = [deepcopy(DATA)]
        store.put_many(model, many)
        _spoil(many[0])
        _intact(store, model, "the data given to put_many")

    def test_results_are_not_shared(self, store: Store, model: str) -> None:
        _spoil(store.create(model, DATA))
        _intact(store, model, "the result of create")
        _spoil(store.put(model, DATA))
        _intact(store, model, "the result of put")
        _spoil(store.update(model, "a", {"$set": {"o.p": [1]}}))
        _intact(store, model, "the result of update")
        _spoil(store.update(model, "a", {}))
        _intact(store, model, "the result of an empty update")
        taken = store.find_one_and_update(model, {}, {"$set": {"o.p": [1]}})
        assert taken is not None
        _spoil(taken)
        _intact(store, model, "the result of find_one_and_update")

    def test_reads_are_not_shared(self, store: Store, model: str) -> None:
        store.create(model, DATA)
        for _ in range(2):
            _spoil(store.get(model, "a"))
            _spoil(store.find_by_ids(model, ["a"])[0])
            _spoil(store.find(model).to_list()[0])
            _spoil(store.find(model, fields=["o", "l"]).to_list()[0])
            _spoil(store.page(model).documents[0])
            for document in store.find(model, sort="-id"):
                _spoil(document)
            _intact(store, model, "a document that was read")

    def test_documents_do_not_share_values(self, store: Store, model: str) -> None:
        shared = {"k": [2]}
        fill(store, model, [{"id": id, "x": shared, "y": [shared, shared]} for id in "ab"])
        found = store.find(model).to_list()
        found[0]["x"]["k"].append("spoiled")
        found[0]["y"][0]["k"].append("spoiled")
        assert found[0]["y"][1] == shared, "two values of one document are one object"
        assert found[1].fields() == {"x": {"k": [2]}, "y": [{"k": [2]}] * 2}


def _spoil(document: Document | dict[str, Any] | None) -> None:
    assert document is not None
    assert "new" not in document, "what was returned before is shared with this"
    document["o"]["p"].append("spoiled")
    document["l"][0]["k"].clear()
    document["new"] = "spoiled"
    del document["l"]


def _intact(store: Store, model: str, what: str) -> None:
    for document in (store.get(model, "a"), store.find(model).to_list()[0]):
        assert exact(document) == exact(DATA), f"{what} is shared with what is stored"
