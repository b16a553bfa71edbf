"""SQLAlchemy's ORM: a class mapped to a table with a JSON column, a session for each call."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.benchmarks.contenders import Durability
from tests.benchmarks.contenders.sqlalchemy_core import airport_table, new_row, open_engine
from tests.benchmarks.data import Document

__all__ = ["SQLAlchemyORM"]


class SQLAlchemyORM:
    def __init__(self, place: Any, durability: Durability) -> None:
        self.sql: Any = import_module("sqlalchemy")
        orm: Any = import_module("sqlalchemy.orm")
        self.engine = self._open(place, durability)
        registry = orm.registry()
        table = self._table(registry.metadata)
        self.registry = registry

        class Airport:
            pass

        # The version column makes every update check the version that was read.
        registry.map_imperatively(Airport, table, version_id_col=table.c.version)
        self.airport: Any = Airport
        registry.metadata.create_all(self.engine)
        self.session: Any = orm.sessionmaker(self.engine)

    def _open(self, place: Any, durability: Durability) -> Any:
        return open_engine(place, durability)

    def _table(self, metadata: Any) -> Any:
        return airport_table(metadata)

    def _new(self, document: Document) -> Any:
        airport = self.airport()
        for name, value in new_row(document).items():
            if name != "version":
                setattr(airport, name, value)
        return airport

    def create(self, document: Document) -> None:
        with self.session.begin() as session:
            session.add(self._new(document))

    def create_many(self, documents: list[Document]) -> None:
        with self.session.begin() as session:
            session.add_all(map(self._new, documents))

    def put(self, document: Document) -> Any:
        with self.session.begin() as session:
            return session.merge(self._new(document))

    def put_many(self, documents: list[Document]) -> None:
        with self.session.begin() as session:
            for document in documents:
                session.merge(self._new(document))

    def update(self, id: str, changes: Document) -> Document:
        with self.session.begin() as session:
            airport = session.get(self.airport, id)
            airport.doc = document = {**airport.doc, **changes}
            airport.updated_at = new_row(document)["updated_at"]
        return document

    def delete(self, id: str) -> bool:
        with self.session.begin() as session:
            airport = session.get(self.airport, id)
            if airport is not None:
                session.delete(airport)
        return airport is not None

    def find_by_id(self, id: str) -> Any:
        with self.session() as session:
            return session.get(self.airport, id)

    def find_by_ids(self, ids: list[str]) -> list[Any]:
        rows = self._rows(self.sql.select(self.airport).where(self.airport.id.in_(ids)))
        found = {row.id: row for row in rows}
        return [found.get(id) for id in ids]

    def find_range(self, first: str, before: str) -> list[Any]:
        id = self.airport.id
        return self._rows(
            self.sql.select(self.airport).where(id >= first, id < before).order_by(id)
        )

    def find(self, country: str) -> list[Any]:
        of_country = self.airport.doc["country"].as_string() == country
        return self._rows(self.sql.select(self.airport).where(of_country).order_by(self.airport.id))

    def count(self, country: str) -> int:
        of_country = self.airport.doc["country"].as_string() == country
        count = self.sql.select(self.sql.func.count()).select_from(self.airport)
        with self.session() as session:
            return int(session.execute(count.where(of_country)).scalar_one())

    def scan(self) -> None:
        with self.session() as session:
            query = self.sql.select(self.airport).order_by(self.airport.id)
            for _ in session.scalars(query.execution_options(yield_per=1000)):
                pass

    def read_all(self) -> list[Any]:
        return self._rows(self.sql.select(self.airport).order_by(self.airport.id))

    def pages(self, size: int, number: int) -> None:
        after, id = "", self.airport.id
        for _ in range(number):
            query = self.sql.select(self.airport).where(id > after).order_by(id)
            rows = self._rows(query.limit(size + 1))
            if len(rows) <= size:
                return
            after = rows[size - 1].id

    def _rows(self, query: Any) -> list[Any]:
        with self.session() as session:
            return list(session.scalars(query).all())

    def close(self) -> None:
        self.registry.dispose()
        self.engine.dispose()
