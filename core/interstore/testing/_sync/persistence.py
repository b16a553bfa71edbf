# Generated from core/interstore/testing/_async/persistence.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 1ff929c6cbc46ad64fbe47c5

"""What is written outlives the connection, and other connections see it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from interstore._sync.database import Database
from interstore._sync.store import Store
from interstore.errors import ConflictError, DuplicateError, InvalidQueryError
from interstore.testing._sync.suite import Suite, at_once, fill, fixture
from interstore.testing.checks import envelope, exact_all, ids, refuses, require
from interstore.testing.samples import ODD_IDS, ODD_KEYS, ODD_VALUES

__all__ = ["PersistenceSuite"]


class PersistenceSuite(Suite):
    """Two connections to one place."""

    @fixture
    def second(self, store: Store, second_database: Database) -> Iterator[Store]:
        """A second store, connected to the same data at the same time."""
        with Store(second_database) as second:
            yield second

    def test_reopening(self, store: Store, second_database: Database, model: str) -> None:
        require(store, "persistent")
        documents = [{"id": id, "v": v} for id, v in zip(ODD_IDS, ODD_VALUES, strict=False)]
        fill(store, model, [*documents, {"id": "keys", **dict.fromkeys(ODD_KEYS, 1)}])
        store.update(model, "keys", {"$set": {"new": 1}})
        store.delete(model, ODD_IDS[0])
        before = store.find(model).to_list()
        store.close()
        with Store(second_database) as second:
            after = second.find(model).to_list()
            assert exact_all(after) == exact_all(before)
            assert [envelope(d) for d in after] == [envelope(d) for d in before]
            second.create(model, {"id": ODD_IDS[0]})
        store.connect()
        assert store.count(model) == len(documents) + 1

    def test_each_sees_the_writes_of_the_other(
        self, store: Store, second: Store, model: str
    ) -> None:
        require(store, "persistent")
        store.create(model, {"id": "a", "n": 0})
        for number in range(1, 6):
            writer, reader = (store, second) if number % 2 else (second, store)
            written = writer.update(model, "a", {"$inc": {"n": 1}})
            assert (written["n"], written.version) == (number, number + 1)
            read = reader.get(model, "a")
            assert (read["n"], read.version) == (number, number + 1)
            writer.create(model, {"id": f"b{number}"})
            assert reader.count(model) == number + 1
            assert reader.find_one(model, {"n": number}) is not None
        second.delete(model, "b1")
        assert store.find_by_id(model, "b1") is None
        assert ids(store.find(model).to_list()) == ["a", "b2", "b3", "b4", "b5"]

    def test_refusals_between_connections(self, store: Store, second: Store, model: str) -> None:
        require(store, "persistent")
        store.create(model, {"id": "a"})
        with refuses(DuplicateError, "create of an id that the other connection created"):
            second.create(model, {"id": "a"})
        second.update(model, "a", {"n": 1})
        with refuses(ConflictError, "update of a version that the other connection replaced"):
            store.update(model, "a", {"n": 2}, if_version=1)
        with refuses(InvalidQueryError, "a model whose name differs in case only"):
            second.create(model.upper(), {"id": "a"})

    def test_models_of_the_other(self, store: Store, second: Store, model: str) -> None:
        require(store, "persistent")
        require(store, "models")
        require(store, "drop")
        store.create(model, {"id": "a"})
        assert model in second.models()
        assert second.drop(model) is True
        assert model not in store.models()
        assert store.find_by_id(model, "a") is None
        assert store.create(model, {"id": "a"}).version == 1
        assert second.count(model) == 1

    def test_no_increment_is_lost_between_connections(
        self, store: Store, second: Store, model: str
    ) -> None:
        require(store, "persistent")
        store.create(model, {"id": "a", "n": 0})

        def work(worker: int) -> None:
            for _ in range(10):
                (store, second)[worker % 2].update(model, "a", {"$inc": {"n": 1}})

        assert at_once([partial(work, worker) for worker in range(4)]) == [None] * 4
        assert store.get(model, "a")["n"] == 40
