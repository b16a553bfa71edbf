"""What the engine tells of itself: figures, and the plans of queries."""

from __future__ import annotations

from typing import Any

from interstore.filters.tree import ALL
from interstore.indexes import Index
from interstore.plans import Plan
from interstore.prepared import Query
from interstore.stats import ModelStats, Stats
from interstore_backends.sqlite import indexes, schema
from interstore_backends.sqlite.compile import Compiled, compile_query
from interstore_backends.sqlite.plans import read_plan
from interstore_backends.sqlite.reads import Reads
from interstore_backends.sqlite.schema import Table

__all__ = ["Inspection"]


class Inspection(Reads):
    """The operations on the database itself that change nothing."""

    def models(self) -> list[str]:
        """The names of the models that exist, sorted."""
        return self._read_file(schema.models)

    def indexes(self, model: str) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        return self._read_file(lambda cursor: indexes.indexes(cursor, model))

    def stats(self) -> Stats:
        """Documents of each model, bytes of the file, the library's version, the settings."""

        def size(cursor: Any) -> int:
            [(page,)] = cursor.execute("PRAGMA page_size").fetchall()
            [(pages,)] = cursor.execute("PRAGMA page_count").fetchall()
            return int(page * pages)

        return Stats(
            engine="sqlite",
            version=self._driver.version_text,
            models={model: self._figures(model) for model in self.models()},
            bytes=self._read_file(size),
            details={
                "file": self._connections.file,
                "driver": self._driver.name,
                "durability": self._settings.durability,
            },
        )

    def _figures(self, model: str) -> ModelStats:
        sizes = self._read(model, self._sizes) or {}
        index_bytes = sum(size for kind, size in sizes.items() if kind != "table")
        return ModelStats(
            documents=self.count(model, ALL),
            indexes=len(self.indexes(model)),
            bytes=sum(sizes.values()) if sizes else None,
            index_bytes=index_bytes if sizes else None,
        )

    def _sizes(self, cursor: Any, table: Table) -> dict[str, int]:
        """Bytes of a model's table, its indexes and its lists; none if the library cannot tell."""
        query = (
            "SELECT CASE WHEN name = :table THEN 'table' ELSE name END, sum(pgsize) FROM dbstat "
            "WHERE aggregate = 1 AND name IN (SELECT name FROM sqlite_schema WHERE tbl_name = "
            ":table OR substr(tbl_name, 1, length(:table) + 1) = :table || ':') GROUP BY 1"
        )
        try:
            return dict(cursor.execute(query, {"table": table.plain_name}).fetchall())
        except self._driver.Error as error:
            if "dbstat" in str(error):  # the library was built without
                return {}
            raise

    def explain(self, model: str, query: Query) -> Plan:
        """How the query would be answered, by ``EXPLAIN QUERY PLAN``."""

        def work(cursor: Any, table: Table) -> Plan:
            def run(condition: Compiled) -> list[Any]:
                rest = compile_query(query, condition)
                statement = f"EXPLAIN QUERY PLAN {table.select}{rest.sql}"
                rows: list[Any] = cursor.execute(statement, rest.parameters).fetchall()
                return rows

            return read_plan(self._filtered(cursor, table, query.tree, run), table.plain_name)

        plan = self._read(model, work)
        return plan or Plan(engine="sqlite", access="nothing")
