# Generated from core/interstore/testing/_async/models.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 680b4c8325fc9e59a6892b49

"""Models: which exist, how they come and go."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from interstore._sync.store import Store
from interstore.errors import InvalidQueryError
from interstore.testing._sync.suite import Suite, at_once, fill
from interstore.testing.checks import refuses, require

__all__ = ["ModelSuite"]


class ModelSuite(Suite):
    """The first write creates a model; reading creates nothing."""

    def test_reading_an_unknown_model(self, store: Store, model: str) -> None:
        assert store.find_by_id(model, "a") is None
        assert store.find_by_ids(model, ["a", "b"]) == [None, None]
        assert store.find(model, {"n": 1}, sort="-n").to_list() == []
        assert [document for document in store.find(model)] == []
        assert store.find_one(model) is None
        assert store.page(model).documents == []
        assert store.count(model) == 0
        assert store.exists(model, {}) is False
        assert store.aggregate(model, n="count") == [{"n": 0}]
        assert store.distinct(model, "n") == []
        assert store.delete(model, "a") is False
        assert store.delete_many(model, {}).deleted == 0
        assert store.update_many(model, {}, {"n": 1}).updated == 0
        assert store.find_one_and_update(model, {}, {"n": 1}) is None
        assert store.find_one_and_delete(model) is None
        if store.capabilities.models:
            assert model not in store.models(), "reading has created the model"

    def test_the_first_write_creates_a_model(
        self, store: Store, model: str, other_model: str
    ) -> None:
        require(store, "models")
        store.create(model, {"id": "a"})
        store.put_many(other_model, [{"id": "a"}])
        names = store.models()
        assert {model, other_model} <= set(names)
        assert names == sorted(names)

    def test_an_empty_model_stays(self, store: Store, model: str) -> None:
        require(store, "models")
        store.create(model, {"id": "a"})
        store.delete(model, "a")
        assert model in store.models()

    def test_drop(self, store: Store, model: str, other_model: str) -> None:
        require(store, "drop")
        assert store.drop(model) is False, "it does not exist yet"
        fill(store, model, [{"id": "a"}, {"id": "b"}])
        fill(store, other_model, [{"id": "a"}])
        assert store.drop(model) is True
        assert store.count(model) == 0
        assert store.find_by_id(model, "a") is None
        assert store.count(other_model) == 1
        assert store.drop(model) is False
        again = store.create(model, {"id": "a"})
        assert again.version == 1
        assert store.count(model) == 1
        if store.capabilities.models:
            store.drop(model)
            assert model not in store.models()

    def test_names_that_differ_in_case_only(self, store: Store, model: str) -> None:
        store.create(model, {"id": "a", "n": 1})
        for other in (model.upper(), model.capitalize()):
            calls: dict[str, Callable[[str], object]] = {
                "create": lambda other: store.create(other, {"id": "a", "n": 2}),
                "put": lambda other: store.put(other, {"id": "a", "n": 2}),
                "create_many": lambda other: store.create_many(other, [{"id": "b"}]),
                "put_many": lambda other: store.put_many(other, [{"id": "b"}]),
            }
            for name, call in calls.items():
                with refuses(InvalidQueryError, f"{name} to {other!r} where {model!r} exists"):
                    call(other)
            assert store.find_by_id(other, "a") is None
            assert store.count(other) == 0
        assert store.get(model, "a")["n"] == 1
        assert store.count(model) == 1

    def test_names_of_every_form(self, store: Store, model: str) -> None:
        suffix = model[-12:]
        names = [f"{prefix}{suffix}" for prefix in ("x", "select_", "Order-", "user_2-", "m" * 36)]
        try:
            for number, name in enumerate(names):
                store.create(name, {"id": "a", "n": number})
            for number, name in enumerate(names):
                assert store.get(name, "a")["n"] == number, f"model {name!r}"
            if store.capabilities.models:
                assert set(names) <= set(store.models())
        finally:
            for name in names:
                if store.capabilities.drop:
                    store.drop(name)
                else:
                    store.delete_many(name, {})

    def test_a_model_is_created_once(self, store: Store, model: str) -> None:
        calls = [partial(store.put, model, {"id": f"{n % 3}"}) for n in range(9)]
        for outcome in at_once(calls):
            assert not isinstance(outcome, Exception), outcome
        assert store.count(model) == 3
