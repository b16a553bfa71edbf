# Generated from backends/interstore_backends/postgresql/_async/inspection.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: b38fe69bdc8e13dad63377e7

"""What the engine tells of itself: figures, and the plans of queries."""

from __future__ import annotations

from interstore.filters.tree import ALL
from interstore.plans import Plan
from interstore.prepared import Query
from interstore.stats import ModelStats, PoolStats, Stats
from interstore_backends.postgresql._sync.indexes import Indexes
from interstore_backends.postgresql.compile import compile_query
from interstore_backends.postgresql.plans import read_plan

__all__ = ["Inspection"]

_SIZES = "SELECT pg_total_relation_size($1::regclass), pg_indexes_size($1::regclass)"


class Inspection(Indexes):
    """The operations on the database itself that change nothing."""

    def models(self) -> list[str]:
        """The names of the models that exist, sorted."""
        with self._translated():
            return self._models.names()

    def stats(self) -> Stats:
        """Documents of each model, bytes of their tables, the server's version, the pool."""
        models = {model: self._figures(model) for model in self.models()}
        with self._translated():
            [[version]] = self._connections.read("SHOW server_version")
        return Stats(
            engine="postgresql",
            version=version.partition(" ")[0],
            models=models,
            bytes=sum(figures.bytes or 0 for figures in models.values()),
            pool=self._pool_figures(),
            details={"schema": self._settings.schema},
        )

    def _figures(self, model: str) -> ModelStats:
        table = self._table(model)
        sizes = [] if table is None else self._read(table, _SIZES, [table.name])
        whole, indexes = sizes[0] if sizes else (0, 0)
        return ModelStats(
            documents=self.count(model, ALL),
            indexes=len(self.indexes(model)),
            bytes=whole,
            index_bytes=indexes,
        )

    def _pool_figures(self) -> PoolStats:
        figures = self._connections.pool.get_stats()
        idle = figures["pool_available"]
        return PoolStats(
            size=figures["pool_max"],
            in_use=figures["pool_size"] - idle,
            idle=idle,
            waiting=figures["requests_waiting"],
            checkouts=figures.get("requests_num", 0),
            wait_seconds=figures.get("requests_wait_ms", 0) / 1000,
        )

    def explain(self, model: str, query: Query) -> Plan:
        """How the query would be answered, by ``EXPLAIN``."""
        table = self._table(model)
        if table is None:
            return Plan(engine="postgresql", access="nothing")
        tree, indexed = self._living(table, query.tree)
        rest = compile_query(query.only(tree=tree), indexed)
        sql = f"EXPLAIN (FORMAT JSON) {table.select}{rest.sql}"
        rows = self._read(table, sql, rest.values, prepare=False)
        if not rows:
            return Plan(engine="postgresql", access="nothing")
        return read_plan(rows[0][0], model, self.indexes(model))
