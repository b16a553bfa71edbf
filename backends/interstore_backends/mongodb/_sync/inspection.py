# Generated from backends/interstore_backends/mongodb/_async/inspection.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 9a73beb26758794114991c09

"""What the engine tells of itself: figures, and the plans of queries."""

from __future__ import annotations

from typing import Any, Final

from pymongo.errors import OperationFailure

from interstore.filters.tree import ALL
from interstore.plans import Plan
from interstore.prepared import Query
from interstore.stats import ModelStats, Stats
from interstore_backends.mongodb._sync.connection import translated
from interstore_backends.mongodb._sync.updates import Updates
from interstore_backends.mongodb.compile import Find, compile_query, sorts_by_fields
from interstore_backends.mongodb.errors import CAUGHT, is_index_gone
from interstore_backends.mongodb.options import SIMPLE
from interstore_backends.mongodb.plans import read_plan

__all__ = ["Inspection"]

_NOWHERE: Final = 26
_ALONE: Final = (
    "a single server has no transactions and no change streams, and a write whose answer is lost "
    "is not repeated; a replica set has them, also one of a single member"
)


class Inspection(Updates):
    """The operations on the database itself that change nothing."""

    def models(self) -> list[str]:
        """The names of the models that exist, sorted."""
        try:
            return self._model_names()
        except CAUGHT as error:
            raise self.errors(error) from error

    def stats(self) -> Stats:
        """Documents of each model, bytes, the server's version, the pool, the settings."""
        database = self._database()
        models = {model: self._figures(model) for model in self.models()}
        try:
            whole = database.command("dbStats")
            server = database.command("buildInfo")
            hello = database.command("hello")
        except CAUGHT as error:
            raise self.errors(error) from error
        alone = "setName" not in hello and hello.get("msg") != "isdbgrid"
        return Stats(
            engine="mongodb",
            version=server["version"],
            models=models,
            bytes=int(whole["storageSize"]) + int(whole["indexSize"]),
            pool=self._meter.figures(self._settings.pool_size),
            details={
                "replica_set": hello.get("setName"),
                "durability": self._settings.durability,
            },
            notes=(_ALONE,) if alone else (),
        )

    @translated
    def _figures(self, model: str) -> ModelStats:
        whole, indexes = 0, 0
        try:
            cursor = self._collection(model).aggregate([{"$collStats": {"storageStats": {}}}])
            for shard in cursor:
                figures = shard["storageStats"]
                indexes += int(figures["totalIndexSize"])
                whole += int(figures["storageSize"]) + int(figures["totalIndexSize"])
        except OperationFailure as error:
            if error.code != _NOWHERE:  # dropped meanwhile
                raise
        return ModelStats(
            documents=self.count(model, ALL),
            indexes=len(self.indexes(model)),
            bytes=whole,
            index_bytes=indexes,
        )

    @translated
    def explain(self, model: str, query: Query) -> Plan:
        """How the query would be answered, by the command `explain`."""
        query = query.only(tree=self._living(model, query.tree))
        declared = self._ready(model) if sorts_by_fields(query) else ()
        try:
            explained = self._explained(model, query, compile_query(query, declared))
        except OperationFailure as error:
            if not is_index_gone(error.code, hinted=True):
                raise
            explained = self._explained(model, query, compile_query(query))
        return read_plan(explained, self._declarations(model))

    def _explained(self, model: str, query: Query, plan: Find) -> dict[str, Any]:
        command: dict[str, Any] = {"aggregate": model, "pipeline": plan.pipeline, "cursor": {}}
        if plan.sort:
            command = {"find": model, "filter": plan.filter, "sort": dict(plan.sort)}
            given = {
                "projection": plan.projection,
                "limit": query.limit,
                "skip": query.skip,
                "hint": plan.hint,
            }
            command |= {name: value for name, value in given.items() if value}
        command |= {"collation": SIMPLE, "allowDiskUse": True}
        return self._database().command("explain", command, verbosity="queryPlanner", check=True)
