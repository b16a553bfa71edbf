"""SQLAlchemy Core: a table with a JSON column."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders import Durability, statements
from tests.benchmarks.data import Document

__all__ = ["SQLAlchemyCore", "airport_table", "open_engine"]


def open_engine(folder: Path, durability: Durability) -> Any:
    sqlalchemy: Any = import_module("sqlalchemy")
    engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'sqlalchemy.db'}")

    def prepare(connection: Any, _: object) -> None:
        for pragma in statements.pragmas(durability):
            connection.execute(pragma)

    sqlalchemy.event.listen(engine, "connect", prepare)
    return engine


def airport_table(metadata: Any, document: Any = None, time: Any = None) -> Any:
    """The table, with the types of its documents and times; text by default."""
    sqlalchemy: Any = import_module("sqlalchemy")
    column = sqlalchemy.Column
    return sqlalchemy.Table(
        "airport",
        metadata,
        column("id", sqlalchemy.String, primary_key=True),
        column("version", sqlalchemy.Integer, nullable=False),
        column("created_at", time or sqlalchemy.String, nullable=False),
        column("updated_at", time or sqlalchemy.String, nullable=False),
        column("doc", document or sqlalchemy.JSON, nullable=False),
    )


class SQLAlchemyCore:
    def __init__(self, folder: Path, durability: Durability) -> None:
        self.sql: Any = import_module("sqlalchemy")
        self.insert_sqlite = import_module("sqlalchemy.dialects.sqlite").insert
        self.engine = open_engine(folder, durability)
        metadata = self.sql.MetaData()
        self.table = airport_table(metadata)
        metadata.create_all(self.engine)

    def create(self, document: Document) -> None:
        with self.engine.begin() as connection:
            connection.execute(self.sql.insert(self.table), new_row(document))

    def create_many(self, documents: list[Document]) -> None:
        with self.engine.begin() as connection:
            connection.execute(self.sql.insert(self.table), list(map(new_row, documents)))

    def _upsert(self) -> Any:
        insert = self.insert_sqlite(self.table)
        return insert.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "version": self.table.c.version + 1,
                "updated_at": insert.excluded.updated_at,
                "doc": insert.excluded.doc,
            },
        )

    def put(self, document: Document) -> Any:
        columns = self.table.c.version, self.table.c.created_at
        with self.engine.begin() as connection:
            return connection.execute(self._upsert().returning(*columns), new_row(document)).one()

    def put_many(self, documents: list[Document]) -> None:
        with self.engine.begin() as connection:
            connection.execute(self._upsert(), list(map(new_row, documents)))

    def update(self, id: str, changes: Document) -> Document:
        table, which = self.table, self.table.c.id == id
        with self.engine.begin() as connection:
            row = connection.execute(self.sql.select(table).where(which)).one()
            document = {**row.doc, **changes}
            values = {"doc": document, "version": row.version + 1, "updated_at": _now()}
            connection.execute(self.sql.update(table).where(which).values(values))
        return document

    def delete(self, id: str) -> bool:
        with self.engine.begin() as connection:
            statement = self.sql.delete(self.table).where(self.table.c.id == id)
            return bool(connection.execute(statement).rowcount)

    def find_by_id(self, id: str) -> Any:
        return self._rows(self.sql.select(self.table).where(self.table.c.id == id))[0]

    def find_by_ids(self, ids: list[str]) -> list[Any]:
        rows = self._rows(self.sql.select(self.table).where(self.table.c.id.in_(ids)))
        found = {row.id: row for row in rows}
        return [found.get(id) for id in ids]

    def find_range(self, first: str, before: str) -> list[Any]:
        id = self.table.c.id
        return self._rows(self.sql.select(self.table).where(id >= first, id < before).order_by(id))

    def find(self, country: str) -> list[Any]:
        of_country = self.table.c.doc["country"].as_string() == country
        return self._rows(self.sql.select(self.table).where(of_country).order_by(self.table.c.id))

    def count(self, country: str) -> int:
        of_country = self.table.c.doc["country"].as_string() == country
        count = self.sql.select(self.sql.func.count()).select_from(self.table)
        with self.engine.connect() as connection:
            return int(connection.execute(count.where(of_country)).scalar_one())

    def scan(self) -> None:
        with self.engine.connect() as connection:
            result = connection.execute(self.sql.select(self.table).order_by(self.table.c.id))
            for _ in result.yield_per(1000):
                pass

    def read_all(self) -> list[Any]:
        return self._rows(self.sql.select(self.table).order_by(self.table.c.id))

    def pages(self, size: int, number: int) -> None:
        after, id = "", self.table.c.id
        for _ in range(number):
            query = self.sql.select(self.table).where(id > after).order_by(id)
            rows = self._rows(query.limit(size + 1))
            if len(rows) <= size:
                return
            after = rows[size - 1].id

    def _rows(self, query: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(query).all())

    def close(self) -> None:
        self.engine.dispose()


def new_row(document: Document) -> Document:
    time = _now()
    return {
        "id": document["id"],
        "version": 1,
        "created_at": time,
        "updated_at": time,
        "doc": document,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
