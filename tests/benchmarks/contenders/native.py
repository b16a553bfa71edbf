"""What engines do beyond single documents: by Interstore, and by each driver's own means."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import interstore
from tests.benchmarks.contenders import Durability, statements
from tests.benchmarks.contenders import statements_postgresql as sql
from tests.benchmarks.contenders.ours import MODEL, Interstore, PostgreSQL
from tests.benchmarks.contenders.ours_mongodb import MongoDB
from tests.benchmarks.contenders.raw_psycopg import RawPsycopg
from tests.benchmarks.contenders.raw_pymongo import RawPyMongo, name_of
from tests.benchmarks.contenders.raw_sqlite import RawSQLite
from tests.benchmarks.data import Document

__all__ = [
    "NativeJson", "NativeMongoDB", "NativePostgreSQL", "NativePsycopg", "NativePyMongo",
    "NativeRawSQLite", "NativeSQLite",
]  # fmt: skip


class _Native(Interstore):
    def transact(self, id: str, other: str, changes: Document) -> None:
        with self.store.transaction() as transaction:
            transaction.update(MODEL, id, changes)
            transaction.update(MODEL, other, changes)

    def create_together(self, documents: list[Document]) -> None:
        with self.store.transaction() as transaction:
            transaction.create_many(MODEL, documents)

    def claim(self, zone: str, changes: Document) -> Any:
        return self.store.find_one_and_update(MODEL, {"tz": zone}, changes)

    def aggregate(self) -> Any:
        figures: dict[str, Any] = {"number": "count", "mean": ("avg", "elevation")}
        return self.store.aggregate(MODEL, group_by="country", **figures)

    def distinct(self) -> Any:
        return self.store.distinct(MODEL, "country")

    def ping(self) -> float:
        return self.store.ping()

    def explain(self, zone: str) -> Any:
        return self.store.explain(MODEL, {"tz": zone})


class NativeJson(_Native):
    def __init__(self, folder: Path, durability: Durability) -> None:
        super().__init__(
            interstore.connect(type="json", data_dir=str(folder), durability=durability)
        )


class NativeSQLite(_Native):
    def __init__(self, folder: Path, durability: Durability) -> None:
        path = str(folder / "ours.db")
        super().__init__(interstore.connect(type="sqlite", path=path, durability=durability))


class NativePostgreSQL(_Native, PostgreSQL):
    def __init__(self, url: str, _: Durability) -> None:
        super().__init__(interstore.connect(url))


class NativeMongoDB(MongoDB, _Native):
    pass


class NativeRawSQLite(RawSQLite):
    def transact(self, id: str, other: str, changes: Document) -> None:
        with self._transaction():
            self.update(id, changes)
            self.update(other, changes)

    def create_together(self, documents: list[Document]) -> None:
        self.create_many(documents)

    def claim(self, zone: str, changes: Document) -> Any:
        with self._transaction():
            query = "SELECT id FROM airport WHERE json_extract(doc, '$.tz') = ? ORDER BY id LIMIT 1"
            [(id,)] = self.execute(query, (zone,)).fetchall()
            return self.update(id, changes)

    def aggregate(self) -> Any:
        return self.execute(
            "SELECT json_extract(doc, '$.country') AS c, count(*), "
            "avg(json_extract(doc, '$.elevation')) FROM airport GROUP BY c ORDER BY c"
        ).fetchall()

    def distinct(self) -> Any:
        query = "SELECT DISTINCT json_extract(doc, '$.country') AS c FROM airport ORDER BY c"
        return self.execute(query).fetchall()

    def ping(self) -> Any:
        return self.execute("SELECT 1").fetchall()

    def explain(self, zone: str) -> Any:
        return self.execute(f"EXPLAIN QUERY PLAN {statements.FIND}", (zone,)).fetchall()


_CLAIM: Final = (
    "WITH hit AS (SELECT id AS hit_id FROM airport WHERE doc ->> 'tz' = $1 ORDER BY id LIMIT 1 "
    "FOR UPDATE SKIP LOCKED) UPDATE airport SET doc = doc || $2::jsonb, version = version + 1, "
    "updated_at = now() FROM hit WHERE id = hit_id RETURNING doc, version, created_at, updated_at"
)


class NativePsycopg(RawPsycopg):
    def transact(self, id: str, other: str, changes: Document) -> None:
        text = sql.encode(changes).decode()
        with self.pool.connection() as connection, connection.transaction():
            for each in (id, other):
                values = each, text, datetime.now(UTC)
                if not connection.execute(sql.UPDATE.encode(), values).fetchall():
                    raise KeyError(each)

    def create_together(self, documents: list[Document]) -> None:
        self.create_many(documents)

    def claim(self, zone: str, changes: Document) -> Any:
        return self._rows(_CLAIM, zone, sql.encode(changes).decode())

    def aggregate(self) -> Any:
        return self._rows(
            "SELECT doc ->> 'country' AS c, count(*), avg((doc ->> 'elevation')::float8) "
            "FROM airport GROUP BY c ORDER BY c"
        )

    def distinct(self) -> Any:
        return self._rows("SELECT DISTINCT doc ->> 'country' AS c FROM airport ORDER BY c")

    def ping(self) -> Any:
        return self._rows("SELECT 1")

    def explain(self, zone: str) -> Any:
        return self._rows(f"EXPLAIN {sql.FIND_INDEXED}", zone)


class NativePyMongo(RawPyMongo):
    def __init__(self, url: str, durability: Durability) -> None:
        super().__init__(url, durability)
        self._database = self.client[name_of(url)]

    def transact(self, id: str, other: str, changes: Document) -> None:
        set_them = {"$set": changes, "$inc": {"meta.version": 1}}
        with self.client.start_session() as session, session.start_transaction():
            for each in (id, other):
                self.airports.find_one_and_update({"_id": each}, set_them, session=session)

    def create_together(self, documents: list[Document]) -> None:
        new = [{"_id": each["id"], **each, "meta": {"version": 1}} for each in documents]
        with self.client.start_session() as session, session.start_transaction():
            self.airports.insert_many(new, session=session)

    def claim(self, zone: str, changes: Document) -> Any:
        set_them = {"$set": changes, "$inc": {"meta.version": 1}}
        return self.airports.find_one_and_update({"tz": zone}, set_them, sort=[("_id", 1)])

    def aggregate(self) -> Any:
        group = {"_id": "$country", "number": {"$sum": 1}, "mean": {"$avg": "$elevation"}}
        return list(self.airports.aggregate([{"$group": group}, {"$sort": {"_id": 1}}]))

    def distinct(self) -> Any:
        return self.airports.distinct("country")

    def ping(self) -> Any:
        return self._database.command("ping")

    def explain(self, zone: str) -> Any:
        find = {"find": "airport", "filter": {"tz": zone}, "sort": {"_id": 1}}
        return self._database.command("explain", find, verbosity="queryPlanner")
