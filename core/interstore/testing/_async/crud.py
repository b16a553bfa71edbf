"""One document at a time: create, read, update, put, delete."""

from __future__ import annotations

from interstore._async.store import AsyncStore
from interstore.errors import DuplicateError, InvalidDocumentError, NotFoundError
from interstore.testing._async.suite import AsyncSuite, fill
from interstore.testing.checks import exact, exact_all, ids, refuses

__all__ = ["AsyncCrudSuite"]


class AsyncCrudSuite(AsyncSuite):
    """What each operation returns, and what it leaves behind."""

    async def test_create_returns_what_is_stored(self, store: AsyncStore, model: str) -> None:
        created = await store.create(model, {"id": "ada", "name": "Ada", "tags": ["x"]})
        assert exact(created) == exact({"id": "ada", "name": "Ada", "tags": ["x"]})
        assert created.id == "ada"
        assert created.version == 1
        assert not created.partial
        read = await store.get(model, "ada")
        assert exact_all([read]) == exact_all([created])

    async def test_create_gives_an_id(self, store: AsyncStore, model: str) -> None:
        first = await store.create(model, {"n": 1})
        second = await store.create(model, {"n": 2})
        assert len(first.id) == 36
        assert first.id < second.id, "ids that are made later sort later"
        assert (await store.get(model, first.id))["n"] == 1

    async def test_create_of_an_empty_document(self, store: AsyncStore, model: str) -> None:
        created = await store.create(model, {"id": "empty"})
        assert exact(created) == {"id": "empty"}
        assert exact(await store.get(model, "empty")) == {"id": "empty"}

    async def test_create_refuses_an_id_that_exists(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "ada", "n": 1})
        with refuses(DuplicateError, "a second create with the same id"):
            await store.create(model, {"id": "ada", "n": 2})
        document = await store.get(model, "ada")
        assert (document["n"], document.version) == (1, 1), "the first document was changed"

    async def test_errors_say_where(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "ada"})
        with refuses(DuplicateError, "a second create with the same id") as duplicate:
            await store.create(model, {"id": "ada"})
        assert duplicate.error.index is None, "`index` is set only where it was not the id"
        with refuses(NotFoundError, "get of an id that does not exist") as missing:
            await store.get(model, "bob")
        for error, id in ((duplicate.error, "ada"), (missing.error, "bob")):
            assert (error.model, error.id) == (model, id)
            assert error.backend, "the error's `backend` is not set"
            assert id in str(error)

    async def test_find_by_id(self, store: AsyncStore, model: str) -> None:
        assert await store.find_by_id(model, "ada") is None, "the model does not exist yet"
        await store.create(model, {"id": "ada", "n": 1})
        found = await store.find_by_id(model, "ada")
        assert found is not None
        assert exact(found) == exact({"id": "ada", "n": 1})
        assert await store.find_by_id(model, "bob") is None
        with refuses(NotFoundError, "get of an id that does not exist"):
            await store.get(model, "bob")

    async def test_find_by_ids_keeps_the_order_asked(self, store: AsyncStore, model: str) -> None:
        assert await store.find_by_ids(model, ["a"]) == [None], "the model does not exist yet"
        await fill(store, model, [{"id": id} for id in "abcde"])
        found = await store.find_by_ids(model, ["d", "missing", "a", "d", "c"])
        assert [d and d.id for d in found] == ["d", None, "a", "d", "c"]
        assert await store.find_by_ids(model, []) == []

    async def test_many_ids(self, store: AsyncStore, model: str) -> None:
        wanted = [f"id{n:04}" for n in range(2_500)]
        await fill(store, model, [{"id": id} for id in wanted])
        found = await store.find_by_ids(model, wanted[::-1])
        assert [d and d.id for d in found] == wanted[::-1]

    async def test_update_replaces_fields_whole(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "ada", "a": {"x": 1, "y": 2}, "b": 1})
        updated = await store.update(model, "ada", {"a": {"z": 3}, "c": None})
        expected = {"id": "ada", "a": {"z": 3}, "b": 1, "c": None}
        assert exact(updated) == exact(expected)
        assert updated.version == 2
        assert exact_all([await store.get(model, "ada")]) == exact_all([updated])

    async def test_update_of_what_does_not_exist(self, store: AsyncStore, model: str) -> None:
        for changes in ({"n": 1}, {}, {"$unset": ["n"]}):
            with refuses(NotFoundError, f"update of an unknown id with {changes}"):
                await store.update(model, "ada", changes)
        await store.create(model, {"id": "bob"})
        with refuses(NotFoundError, "update of an unknown id"):
            await store.update(model, "ada", {"n": 1})
        assert await store.count(model) == 1, "update has created a document"

    async def test_put_creates_and_replaces(self, store: AsyncStore, model: str) -> None:
        created = await store.put(model, {"id": "ada", "a": 1, "b": 2})
        assert (exact(created), created.version) == (exact({"id": "ada", "a": 1, "b": 2}), 1)
        replaced = await store.put(model, {"id": "ada", "c": 3})
        assert (exact(replaced), replaced.version) == (exact({"id": "ada", "c": 3}), 2)
        assert replaced.created == created.created, "put over a document keeps `created_at`"
        assert exact_all([await store.get(model, "ada")]) == exact_all([replaced])
        assert await store.count(model) == 1

    async def test_put_refuses_a_partial_document(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "ada", "a": 1, "b": 2})
        partial = await store.find_one(model, {"id": "ada"}, fields=["a"])
        assert partial is not None
        assert partial.partial
        with refuses(InvalidDocumentError, "put of a document that was read with fields="):
            await store.put(model, partial)
        assert exact(await store.get(model, "ada")) == exact({"id": "ada", "a": 1, "b": 2})

    async def test_put_does_not_use_the_documents_version(
        self, store: AsyncStore, model: str
    ) -> None:
        stale = await store.create(model, {"id": "ada", "n": 1})
        await store.update(model, "ada", {"n": 2})
        assert (await store.put(model, stale)).version == 3

    async def test_delete(self, store: AsyncStore, model: str) -> None:
        assert await store.delete(model, "ada") is False, "the model does not exist yet"
        await store.create(model, {"id": "ada"})
        assert await store.delete(model, "bob") is False
        assert await store.delete(model, "ada") is True
        assert await store.delete(model, "ada") is False
        assert await store.find_by_id(model, "ada") is None
        assert await store.count(model) == 0

    async def test_an_id_can_be_used_again(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "ada", "n": 1})
        await store.update(model, "ada", {"n": 2})
        await store.delete(model, "ada")
        again = await store.create(model, {"id": "ada", "n": 3})
        assert again.version == 1
        assert exact_all([await store.get(model, "ada")]) == exact_all([again])

    async def test_find_one_count_and_exists(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": str(n), "n": n} for n in range(5)])
        assert await store.count(model) == 5
        assert await store.count(model, {"n": {"$gte": 3}}) == 2
        assert await store.exists(model, {"n": 3}) is True
        assert await store.exists(model, {"n": 9}) is False
        one = await store.find_one(model, {"n": {"$gte": 1}}, sort="-n", skip=1)
        assert one is not None
        assert one.id == "3"
        assert await store.find_one(model, {"n": 9}) is None

    async def test_a_cursor(self, store: AsyncStore, model: str) -> None:
        await fill(store, model, [{"id": str(n)} for n in range(5)])
        seen = [document.id async for document in store.find(model)]
        assert seen == ["0", "1", "2", "3", "4"], "without a sort, documents come in id order"
        assert ids(await store.find(model, limit=2).to_list()) == ["0", "1"]
        first = await store.find(model, sort="-id").first()
        assert first is not None
        assert first.id == "4"
        assert await store.find(model, {"id": "9"}).first() is None

    async def test_fields(self, store: AsyncStore, model: str) -> None:
        await store.create(model, {"id": "ada", "a": {"x": 1, "y": [2]}, "b": None, "c": 3})
        found = await store.find(model, fields=["a.y", "b", "nothing"]).to_list()
        assert exact(found[0]) == exact({"id": "ada", "a": {"y": [2]}, "b": None})
        assert found[0].partial
        assert found[0].version == 1
        whole = await store.find(model).to_list()
        assert not whole[0].partial

    async def test_find_one_and_update(self, store: AsyncStore, model: str) -> None:
        changes = {"$set": {"taken": True}}
        assert await store.find_one_and_update(model, {"taken": None}, changes) is None
        await fill(store, model, [{"id": str(n), "n": n} for n in range(3)])
        taken = []
        for _ in range(4):
            job = await store.find_one_and_update(model, {"taken": None}, changes, sort="-n")
            taken.append(job and (job.id, job["taken"], job.version))
        assert taken == [("2", True, 2), ("1", True, 2), ("0", True, 2), None]

    async def test_find_one_and_delete(self, store: AsyncStore, model: str) -> None:
        assert await store.find_one_and_delete(model) is None
        await fill(store, model, [{"id": str(n), "n": n, "o": {"p": [n]}} for n in range(4)])
        await store.update(model, "2", {"$inc": {"n": 10}})
        first = await store.get(model, "2")
        deleted = await store.find_one_and_delete(model, {"n": {"$gt": 0}}, sort="-n")
        assert exact_all([deleted]) == exact_all([first]), "the document as it was"
        rest = [await store.find_one_and_delete(model, {"o.p": {"$has": 1}}) for _ in range(2)]
        assert [each and each.id for each in rest] == ["1", None]
        last = [await store.find_one_and_delete(model, sort="-@created_at") for _ in range(3)]
        assert sorted(each.id for each in last if each) == ["0", "3"]
        assert await store.count(model) == 0

    async def test_models_are_apart(self, store: AsyncStore, model: str, other_model: str) -> None:
        await store.create(model, {"id": "ada", "n": 1})
        await store.create(other_model, {"id": "ada", "n": 2})
        await store.update(model, "ada", {"n": 3})
        assert (await store.get(other_model, "ada"))["n"] == 2
        await store.delete(model, "ada")
        assert await store.count(other_model) == 1
