# Generated from core/interstore/testing/_async/crud.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: f8629ee732e0cf1aeab7ea8e

"""One document at a time: create, read, update, put, delete."""

from __future__ import annotations

from interstore._sync.store import Store
from interstore.errors import DuplicateError, InvalidDocumentError, NotFoundError
from interstore.testing._sync.suite import Suite, fill
from interstore.testing.checks import exact, exact_all, ids, refuses

__all__ = ["CrudSuite"]


class CrudSuite(Suite):
    """What each operation returns, and what it leaves behind."""

    def test_create_returns_what_is_stored(self, store: Store, model: str) -> None:
        created = store.create(model, {"id": "ada", "name": "Ada", "tags": ["x"]})
        assert exact(created) == exact({"id": "ada", "name": "Ada", "tags": ["x"]})
        assert created.id == "ada"
        assert created.version == 1
        assert not created.partial
        read = store.get(model, "ada")
        assert exact_all([read]) == exact_all([created])

    def test_create_gives_an_id(self, store: Store, model: str) -> None:
        first = store.create(model, {"n": 1})
        second = store.create(model, {"n": 2})
        assert len(first.id) == 36
        assert first.id < second.id, "ids that are made later sort later"
        assert store.get(model, first.id)["n"] == 1

    def test_create_of_an_empty_document(self, store: Store, model: str) -> None:
        created = store.create(model, {"id": "empty"})
        assert exact(created) == {"id": "empty"}
        assert exact(store.get(model, "empty")) == {"id": "empty"}

    def test_create_refuses_an_id_that_exists(self, store: Store, model: str) -> None:
        store.create(model, {"id": "ada", "n": 1})
        with refuses(DuplicateError, "a second create with the same id"):
            store.create(model, {"id": "ada", "n": 2})
        document = store.get(model, "ada")
        assert (document["n"], document.version) == (1, 1), "the first document was changed"

    def test_errors_say_where(self, store: Store, model: str) -> None:
        store.create(model, {"id": "ada"})
        with refuses(DuplicateError, "a second create with the same id") as duplicate:
            store.create(model, {"id": "ada"})
        assert duplicate.error.index is None, "`index` is set only where it was not the id"
        with refuses(NotFoundError, "get of an id that does not exist") as missing:
            store.get(model, "bob")
        for error, id in ((duplicate.error, "ada"), (missing.error, "bob")):
            assert (error.model, error.id) == (model, id)
            assert error.backend, "the error's `backend` is not set"
            assert id in str(error)

    def test_find_by_id(self, store: Store, model: str) -> None:
        assert store.find_by_id(model, "ada") is None, "the model does not exist yet"
        store.create(model, {"id": "ada", "n": 1})
        found = store.find_by_id(model, "ada")
        assert found is not None
        assert exact(found) == exact({"id": "ada", "n": 1})
        assert store.find_by_id(model, "bob") is None
        with refuses(NotFoundError, "get of an id that does not exist"):
            store.get(model, "bob")

    def test_find_by_ids_keeps_the_order_asked(self, store: Store, model: str) -> None:
        assert store.find_by_ids(model, ["a"]) == [None], "the model does not exist yet"
        fill(store, model, [{"id": id} for id in "abcde"])
        found = store.find_by_ids(model, ["d", "missing", "a", "d", "c"])
        assert [d and d.id for d in found] == ["d", None, "a", "d", "c"]
        assert store.find_by_ids(model, []) == []

    def test_many_ids(self, store: Store, model: str) -> None:
        wanted = [f"id{n:04}" for n in range(2_500)]
        fill(store, model, [{"id": id} for id in wanted])
        found = store.find_by_ids(model, wanted[::-1])
        assert [d and d.id for d in found] == wanted[::-1]

    def test_update_replaces_fields_whole(self, store: Store, model: str) -> None:
        store.create(model, {"id": "ada", "a": {"x": 1, "y": 2}, "b": 1})
        updated = store.update(model, "ada", {"a": {"z": 3}, "c": None})
        expected = {"id": "ada", "a": {"z": 3}, "b": 1, "c": None}
        assert exact(updated) == exact(expected)
        assert updated.version == 2
        assert exact_all([store.get(model, "ada")]) == exact_all([updated])

    def test_update_of_what_does_not_exist(self, store: Store, model: str) -> None:
        for changes in ({"n": 1}, {}, {"$unset": ["n"]}):
            with refuses(NotFoundError, f"update of an unknown id with {changes}"):
                store.update(model, "ada", changes)
        store.create(model, {"id": "bob"})
        with refuses(NotFoundError, "update of an unknown id"):
            store.update(model, "ada", {"n": 1})
        assert store.count(model) == 1, "update has created a document"

    def test_put_creates_and_replaces(self, store: Store, model: str) -> None:
        created = store.put(model, {"id": "ada", "a": 1, "b": 2})
        assert (exact(created), created.version) == (exact({"id": "ada", "a": 1, "b": 2}), 1)
        replaced = store.put(model, {"id": "ada", "c": 3})
        assert (exact(replaced), replaced.version) == (exact({"id": "ada", "c": 3}), 2)
        assert replaced.created == created.created, "put over a document keeps `created_at`"
        assert exact_all([store.get(model, "ada")]) == exact_all([replaced])
        assert store.count(model) == 1

    def test_put_refuses_a_partial_document(self, store: Store, model: str) -> None:
        store.create(model, {"id": "ada", "a": 1, "b": 2})
        partial = store.find_one(model, {"id": "ada"}, fields=["a"])
        assert partial is not None
        assert partial.partial
        with refuses(InvalidDocumentError, "put of a document that was read with fields="):
            store.put(model, partial)
        assert exact(store.get(model, "ada")) == exact({"id": "ada", "a": 1, "b": 2})

    def test_put_does_not_use_the_documents_version(self, store: Store, model: str) -> None:
        stale = store.create(model, {"id": "ada", "n": 1})
        store.update(model, "ada", {"n": 2})
        assert store.put(model, stale).version == 3

    def test_delete(self, store: Store, model: str) -> None:
        assert store.delete(model, "ada") is False, "the model does not exist yet"
        store.create(model, {"id": "ada"})
        assert store.delete(model, "bob") is False
        assert store.delete(model, "ada") is True
        assert store.delete(model, "ada") is False
        assert store.find_by_id(model, "ada") is None
        assert store.count(model) == 0

    def test_an_id_can_be_used_again(self, store: Store, model: str) -> None:
        store.create(model, {"id": "ada", "n": 1})
        store.update(model, "ada", {"n": 2})
        store.delete(model, "ada")
        again = store.create(model, {"id": "ada", "n": 3})
        assert again.version == 1
        assert exact_all([store.get(model, "ada")]) == exact_all([again])

    def test_find_one_count_and_exists(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": str(n), "n": n} for n in range(5)])
        assert store.count(model) == 5
        assert store.count(model, {"n": {"$gte": 3}}) == 2
        assert store.exists(model, {"n": 3}) is True
        assert store.exists(model, {"n": 9}) is False
        one = store.find_one(model, {"n": {"$gte": 1}}, sort="-n", skip=1)
        assert one is not None
        assert one.id == "3"
        assert store.find_one(model, {"n": 9}) is None

    def test_a_cursor(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": str(n)} for n in range(5)])
        seen = [document.id for document in store.find(model)]
        assert seen == ["0", "1", "2", "3", "4"], "without a sort, documents come in id order"
        assert ids(store.find(model, limit=2).to_list()) == ["0", "1"]
        first = store.find(model, sort="-id").first()
        assert first is not None
        assert first.id == "4"
        assert store.find(model, {"id": "9"}).first() is None

    def test_fields(self, store: Store, model: str) -> None:
        store.create(model, {"id": "ada", "a": {"x": 1, "y": [2]}, "b": None, "c": 3})
        found = store.find(model, fields=["a.y", "b", "nothing"]).to_list()
        assert exact(found[0]) == exact({"id": "ada", "a": {"y": [2]}, "b": None})
        assert found[0].partial
        assert found[0].version == 1
        whole = store.find(model).to_list()
        assert not whole[0].partial

    def test_find_one_and_update(self, store: Store, model: str) -> None:
        changes = {"$set": {"taken": True}}
        assert store.find_one_and_update(model, {"taken": None}, changes) is None
        fill(store, model, [{"id": str(n), "n": n} for n in range(3)])
        taken = []
        for _ in range(4):
            job = store.find_one_and_update(model, {"taken": None}, changes, sort="-n")
            taken.append(job and (job.id, job["taken"], job.version))
        assert taken == [("2", True, 2), ("1", True, 2), ("0", True, 2), None]

    def test_find_one_and_delete(self, store: Store, model: str) -> None:
        assert store.find_one_and_delete(model) is None
        fill(store, model, [{"id": str(n), "n": n, "o": {"p": [n]}} for n in range(4)])
        store.update(model, "2", {"$inc": {"n": 10}})
        first = store.get(model, "2")
        deleted = store.find_one_and_delete(model, {"n": {"$gt": 0}}, sort="-n")
        assert exact_all([deleted]) == exact_all([first]), "the document as it was"
        rest = [store.find_one_and_delete(model, {"o.p": {"$has": 1}}) for _ in range(2)]
        assert [each and each.id for each in rest] == ["1", None]
        last = [store.find_one_and_delete(model, sort="-@created_at") for _ in range(3)]
        assert sorted(each.id for each in last if each) == ["0", "3"]
        assert store.count(model) == 0

    def test_models_are_apart(self, store: Store, model: str, other_model: str) -> None:
        store.create(model, {"id": "ada", "n": 1})
        store.create(other_model, {"id": "ada", "n": 2})
        store.update(model, "ada", {"n": 3})
        assert store.get(other_model, "ada")["n"] == 2
        store.delete(model, "ada")
        assert store.count(other_model) == 1
