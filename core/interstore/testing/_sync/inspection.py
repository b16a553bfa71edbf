# Generated from core/interstore/testing/_async/inspection.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 69fb8c38c25a276320a1cd40

"""What an engine tells of itself: latency, figures, plans. The same names, the same shape."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any, Final

import pytest

from interstore._sync.store import Store
from interstore.errors import InvalidQueryError, UnavailableError
from interstore.indexes import Index
from interstore.plans import Plan
from interstore.stats import ModelStats, PoolStats, Stats
from interstore.testing._sync.suite import Suite, fill
from interstore.testing.checks import refuses, require

__all__ = ["InspectionSuite"]

_MANY: Final = 1_500
"""Of fewer, a planner may rather look at every document."""


class InspectionSuite(Suite):
    """The operations that tell how the engine is doing."""

    def test_ping(self, store: Store) -> None:
        seconds = store.ping()
        assert isinstance(seconds, float)
        assert 0 < seconds < 60
        store.close()
        with refuses(UnavailableError, "a ping after close"):
            store.ping()

    def test_stats(self, store: Store, model: str, other_model: str) -> None:
        require(store, "stats")
        before = store.stats()
        assert isinstance(before, Stats)
        assert before.engine == store.database.name
        assert model not in before.models
        fill(store, model, [{"id": f"{n}", "text": "x" * 2_000} for n in range(50)])
        fill(store, other_model, [{"id": "a"}])
        stats = store.stats()
        assert stats.models[model].documents == 50
        assert stats.models[other_model].documents == 1
        assert stats.documents == before.documents + 51
        assert all(isinstance(each, ModelStats) for each in stats.models.values())
        for size in (stats.bytes, stats.models[model].bytes):
            assert size is None or size > 1_000, "bytes of 50 documents of 2 KB"
        assert stats.version is None or stats.version[0].isdigit()
        assert stats.request_units is None or stats.request_units > 0
        with pytest.raises(FrozenInstanceError):
            stats.bytes = 0  # type: ignore[misc]

    def test_stats_of_indexes(self, store: Store, model: str) -> None:
        require(store, "stats")
        if "single" not in store.capabilities.ensure_index:
            pytest.skip("ensure_index of kind single is not declared")
        fill(store, model, [{"id": "a", "n": 1}])
        assert store.stats().models[model].indexes == 0
        store.ensure_index(model, "n", type="number")
        figures = store.stats().models[model]
        assert figures.indexes == 1
        assert figures.index_bytes is None or figures.index_bytes >= 0
        assert store.stats().indexes >= 1

    def test_stats_of_connections(self, store: Store, model: str) -> None:
        require(store, "stats")
        first = store.stats().pool
        if first is None:
            return  # nothing waits for a connection there
        assert isinstance(first, PoolStats)
        fill(store, model, [{"id": "a"}])
        with store.session() as session:
            session.get(model, "a")
            pool = store.stats().pool
        assert pool is not None
        assert pool.checkouts > first.checkouts, "how often a connection was asked for"
        assert 0 <= pool.in_use <= pool.size
        assert pool.idle >= 0
        assert pool.waiting == 0
        assert pool.wait_seconds >= 0

    # Plans.

    def test_explain(self, store: Store, model: str) -> None:
        index = self._indexed(store, model)
        plan = store.explain(model, {"n": 7})
        assert isinstance(plan, Plan)
        assert plan.engine == store.database.name
        assert (plan.access, plan.indexes) == ("index", (index.name,))
        assert plan.steps
        assert all(isinstance(step, str) for step in plan.steps)
        assert index.name in str(plan)

        plan = store.explain(model, {"n": {"$gt": 7, "$lt": 9}})
        assert (plan.access, plan.indexes) == ("index", (index.name,))
        plan = store.explain(model, {"word": "w7"})
        assert (plan.access, plan.indexes) == ("scan", ())
        plan = store.explain(model)
        assert (plan.access, plan.indexes) == ("scan", ())

    def test_explain_of_ids(self, store: Store, model: str) -> None:
        self._indexed(store, model)
        filters: list[Any] = [{"id": "d7"}, {"id": {"$in": ["d7", "d8"]}}, {"id": {"$gt": "d999"}}]
        for filter in filters:
            plan = store.explain(model, filter)
            assert (plan.access, plan.indexes) == ("ids", ()), filter

    def test_explain_of_sorts(self, store: Store, model: str) -> None:
        index = self._indexed(store, model)
        for sort in ("n", "-n"):
            plan = store.explain(model, sort=sort, limit=10)
            assert (plan.sort, plan.indexes) == ("index", (index.name,)), sort
        plan = store.explain(model, {"n": {"$gt": 490}}, sort="-n", limit=10)
        assert (plan.access, plan.sort, plan.indexes) == ("index", "index", (index.name,))
        plan = store.explain(model, sort="word")
        assert (plan.access, plan.sort, plan.indexes) == ("scan", "memory", ())
        plan = store.explain(model, {"n": 7}, sort="word")
        assert (plan.access, plan.sort, plan.indexes) == ("index", "memory", (index.name,))

    def test_explain_of_lists(self, store: Store, model: str) -> None:
        require(store, "explain")
        if "list" not in store.capabilities.ensure_index:
            pytest.skip("ensure_index of kind list is not declared")
        documents = [{"id": f"d{n}", "tags": ["all", f"t{n}"]} for n in range(_MANY)]
        store.create_many(model, documents)
        index = store.ensure_index(model, "tags", type="string", list=True)
        plan = store.explain(model, {"tags": {"$has": "t7"}})
        assert (plan.access, plan.indexes) == ("index", (index.name,))
        plan = store.explain(model, {"$or": [{"tags": {"$has": "t7"}}, {"n": 1}]})
        assert plan.access == "scan"

    def test_explain_changes_and_finds_nothing(self, store: Store, model: str) -> None:
        require(store, "explain")
        plan = store.explain(model, {"n": 1}, sort="n")
        assert (plan.access, plan.indexes) == ("nothing", ()), "there is no such model"
        if store.capabilities.models:
            assert model not in store.models()
        with refuses(InvalidQueryError, "a filter that none is"):
            store.explain(model, {"n": {"$near": 1}})
        with refuses(InvalidQueryError, "a limit that none is"):
            store.explain(model, limit=-1)

    def _indexed(self, store: Store, model: str) -> Index:
        require(store, "explain")
        if "single" not in store.capabilities.ensure_index:
            pytest.skip("ensure_index of kind single is not declared")
        documents = [{"id": f"d{n}", "n": n % 500, "word": f"w{n % 500}"} for n in range(_MANY)]
        store.create_many(model, documents)
        return store.ensure_index(model, "n", type="number")
