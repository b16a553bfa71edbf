"""Versions and times: what Interstore keeps beside the user's fields."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from interstore._async.store import AsyncStore
from interstore._compat_async import sleep
from interstore.document import Document
from interstore.testing._async.suite import AsyncSuite, fill
from interstore.testing.checks import envelope, exact, ids

__all__ = ["AsyncEnvelopeSuite"]

TICK = 0.001


class AsyncEnvelopeSuite(AsyncSuite):
    """The version grows by one with each write; creation stays; both times are the client's."""

    async def test_times_of_creation(self, store: AsyncStore, model: str) -> None:
        before = datetime.now(UTC)
        created = await store.create(model, {"id": "ada"})
        after = datetime.now(UTC)
        assert before <= created.created_at <= after
        assert created.created_at == created.updated_at
        assert created.created_at.utcoffset() == timedelta(0)
        assert created.expires_at is None

    async def test_every_read_gives_the_same_envelope(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "ada", "n": 1})
        await sleep(TICK)
        written = await store.update(model, "ada", {"n": 2})
        by_id = await store.get(model, "ada")
        by_ids = (await store.find_by_ids(model, ["ada"]))[0]
        found = await store.find(model).to_list()
        pruned = await store.find(model, fields=["n"]).to_list()
        page = await store.page(model)
        for read in (by_id, by_ids, found[0], pruned[0], page.documents[0]):
            assert read is not None
            assert envelope(read) == envelope(written), "a read lost precision of the envelope"

    async def test_writes_raise_the_version_and_keep_the_creation(
        self, store: AsyncStore, model: str
    ) -> None:
        document = await store.create(model, {"id": "ada", "n": 0})
        created = document.created
        writes: list[Callable[[], Awaitable[Document | None]]] = [
            lambda: store.update(model, "ada", {"n": 1}),
            lambda: store.update(model, "ada", {"$inc": {"n": 1}}),
            lambda: store.put(model, {"id": "ada", "n": 3}),
            lambda: store.find_one_and_update(model, {"id": "ada"}, {"$set": {"n": 4}}),
            lambda: store.update(model, "ada", {"n": 4}),  # the same value is a write too
        ]
        for number, write in enumerate(writes, start=2):
            earlier = document.updated
            await sleep(TICK)
            written = await write()
            assert written is not None
            document = written
            stored = await store.get(model, "ada")
            assert document.version == stored.version == number
            assert document.created == stored.created == created
            assert document.updated == stored.updated > earlier

    async def test_bulk_writes_raise_the_version(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": "a", "n": 1}, {"id": "b", "n": 1}])
        created = (await store.get(model, "a")).created
        await sleep(TICK)
        await store.put_many(model, [{"id": "a", "n": 2}, {"id": "c", "n": 2}])
        await store.update_many(model, {"n": 2}, {"$inc": {"n": 1}})
        found = await store.find(model).to_list()
        assert [(d.id, d["n"], d.version) for d in found] == [("a", 3, 3), ("b", 1, 1), ("c", 3, 2)]
        assert found[0].created == created < found[0].updated

    async def test_an_empty_update_writes_nothing(self, store: AsyncStore, model: str) -> None:
        created = await store.create(model, {"id": "ada", "n": 1})
        await sleep(TICK)
        same = await store.update(model, "ada", {})
        assert envelope(same) == envelope(created)
        assert exact(same) == exact(created)
        assert envelope(await store.get(model, "ada")) == envelope(created)
        same = await store.update(model, "ada", {"$set": {}}, if_version=1)
        assert envelope(same) == envelope(created)

    async def test_the_envelope_in_filters_and_sorts(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": id} for id in "abc"])
        await sleep(TICK)
        written = await store.update(model, "b", {"n": 1})
        await sleep(TICK)
        await store.update(model, "c", {"n": 1})
        await store.update(model, "c", {"n": 2})

        async def matching(**filter: object) -> list[str]:
            named = {f"@{name}": condition for name, condition in filter.items()}
            return ids(await store.find(model, named).to_list())

        assert await matching(version=2) == ["b"]
        assert await matching(version={"$gt": 1}) == ["b", "c"]
        assert await matching(version={"$in": [1, 3]}) == ["a", "c"]
        assert await matching(version={"$ne": 2}) == ["a", "c"]
        assert await matching(updated_at={"$gte": written.updated_at}) == ["b", "c"]
        assert await matching(updated_at={"$gt": written.updated_at}) == ["c"]
        assert await matching(updated_at=written.updated_at) == ["b"]
        assert await matching(created_at={"$lt": written.updated_at}) == ["a", "b", "c"]
        assert await matching(expires_at=None) == ["a", "b", "c"]
        assert await matching(expires_at={"$exists": True}) == []
        assert ids(await store.find(model, sort="-@version").to_list()) == ["c", "b", "a"]
        assert ids(await store.find(model, sort="@updated_at").to_list()) == ["a", "b", "c"]

    async def test_a_users_keys_never_meet_the_envelope(
        self, store: AsyncStore, model: str
    ) -> None:
        fields = {
            "@version": 70,
            "version": 71,
            "created_at": "x",
            "updated_at": None,
            "partial": [],
            "_interstore": {"version": 72},
        }
        await store.create(model, {"id": "ada", **fields})
        document = await store.get(model, "ada")
        assert exact(document.fields()) == exact(fields)
        assert document.version == 1
        assert await store.count(model, {("@version",): 70}) == 1
        assert await store.count(model, {"@version": 70}) == 0
        assert await store.count(model, {"version": 71}) == 1

    async def test_filters_on_the_id(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": id} for id in ("a", "aa", "ab", "b", "B", "é")])
        cases: list[tuple[object, list[str]]] = [
            ("aa", ["aa"]),
            ({"$ne": "aa"}, ["B", "a", "ab", "b", "é"]),
            ({"$gt": "a", "$lte": "b"}, ["aa", "ab", "b"]),
            ({"$in": ["b", "a", "nope"]}, ["a", "b"]),
            ({"$nin": ["b", "a"]}, ["B", "aa", "ab", "é"]),
            ({"$startsWith": "a"}, ["a", "aa", "ab"]),
            ({"$endsWith": "b"}, ["ab", "b"]),
            ({"$contains": "a"}, ["a", "aa", "ab"]),
            ({"$regex": "^a.$"}, ["aa", "ab"]),
            ({"$regex": ["^b", "i"]}, ["B", "b"]),
        ]
        for condition, expected in cases:
            found = ids(await store.find(model, {"id": condition}).to_list())
            assert found == expected, f"filter on id: {condition!r}"

    async def test_copies_and_pickles_keep_the_envelope(
        self, store: AsyncStore, model: str
    ) -> None:
        await store.create(model, {"id": "ada", "n": 1})
        document = await store.update(model, "ada", {"n": 2})
        for made in (
            document.copy(),
            copy.deepcopy(document),
            pickle.loads(pickle.dumps(document)),
        ):
            assert envelope(made) == envelope(document)
            assert exact(made) == exact(document)
