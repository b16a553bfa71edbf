"""Nothing is shared: not with the caller's arguments, nor between documents returned."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from interstore._async.store import AsyncStore
from interstore.document import Document
from interstore.testing._async.suite import AsyncSuite, fill
from interstore.testing.checks import exact

__all__ = ["AsyncIsolationSuite"]

DATA: dict[str, Any] = {"id": "a", "o": {"p": [1]}, "l": [{"k": [2]}]}


class AsyncIsolationSuite(AsyncSuite):
    """Arguments stay as they were, and results are the caller's own."""

    async def test_arguments_are_not_changed(self, store: AsyncStore, model: str) -> None:
        data, changes = deepcopy(DATA), {"$set": {"o.q": {"r": [1]}}, "$push": {"l": {"z": 1}}}
        filter = {"$or": [{"id": {"$in": ["a", "b"]}}, {"o.p": [1, 2]}]}
        fields, sort = ["o.p", "l"], ["-o.p", ("id", 1)]
        kept = deepcopy((data, changes, filter, fields, sort))
        await store.create(model, data)
        await store.put(model, data)
        await store.update(model, "a", changes)
        await store.find(model, filter, sort=sort, fields=fields).to_list()
        await store.update_many(model, filter, changes)
        await store.find_one_and_update(model, filter, changes, sort=sort)
        await store.put_many(model, [data])
        await store.create_many(model, [data], on_error="report")
        await store.delete_many(model, filter)
        assert (data, changes, filter, fields, sort) == kept, "an argument was changed"

    async def test_arguments_are_not_kept(self, store: AsyncStore, model: str) -> None:
        data = deepcopy(DATA)
        await store.create(model, data)
        _spoil(data)
        await _intact(store, model, "the data given to create")
        data = deepcopy(DATA)
        await store.put(model, data)
        _spoil(data)
        await _intact(store, model, "the data given to put")
        changes = {"o": {"p": [1]}, "l": [{"k": [2]}]}
        await store.update(model, "a", changes)
        _spoil(changes)
        await _intact(store, model, "the changes given to update")
        change: dict[str, Any] = {"$set": {"o.p": [1]}}
        await store.update(model, "a", change)
        change["$set"]["o.p"].append("spoiled")
        await _intact(store, model, "the value given to $set")
        many = [deepcopy(DATA)]
        await store.put_many(model, many)
        _spoil(many[0])
        await _intact(store, model, "the data given to put_many")

    async def test_results_are_not_shared(self, store: AsyncStore, model: str) -> None:
        _spoil(await store.create(model, DATA))
        await _intact(store, model, "the result of create")
        _spoil(await store.put(model, DATA))
        await _intact(store, model, "the result of put")
        _spoil(await store.update(model, "a", {"$set": {"o.p": [1]}}))
        await _intact(store, model, "the result of update")
        _spoil(await store.update(model, "a", {}))
        await _intact(store, model, "the result of an empty update")
        taken = await store.find_one_and_update(model, {}, {"$set": {"o.p": [1]}})
        assert taken is not None
        _spoil(taken)
        await _intact(store, model, "the result of find_one_and_update")

    async def test_reads_are_not_shared(self, store: AsyncStore, model: str) -> None:
        await store.create(model, DATA)
        for _ in range(2):
            _spoil(await store.get(model, "a"))
            _spoil((await store.find_by_ids(model, ["a"]))[0])
            _spoil((await store.find(model).to_list())[0])
            _spoil((await store.find(model, fields=["o", "l"]).to_list())[0])
            _spoil((await store.page(model)).documents[0])
            async for document in store.find(model, sort="-id"):
                _spoil(document)
            await _intact(store, model, "a document that was read")

    async def test_documents_do_not_share_values(self, store: AsyncStore, model: str) -> None:
        shared = {"k": [2]}
        await fill(store, model, [{"id": id, "x": shared, "y": [shared, shared]} for id in "ab"])
        found = await store.find(model).to_list()
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


async def _intact(store: AsyncStore, model: str, what: str) -> None:
    for document in (await store.get(model, "a"), (await store.find(model).to_list())[0]):
        assert exact(document) == exact(DATA), f"{what} is shared with what is stored"
