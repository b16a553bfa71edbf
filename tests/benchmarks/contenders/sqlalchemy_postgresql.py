"""SQLAlchemy's ORM on PostgreSQL: a class mapped to a table with a jsonb column."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.benchmarks.contenders import Durability
from tests.benchmarks.contenders.sqlalchemy_core import airport_table
from tests.benchmarks.contenders.sqlalchemy_orm import SQLAlchemyORM

__all__ = ["SQLAlchemyPostgreSQL"]


class SQLAlchemyPostgreSQL(SQLAlchemyORM):
    def _open(self, place: Any, durability: Durability) -> Any:
        return self.sql.create_engine(place.replace("postgresql:", "postgresql+psycopg:"))

    def _table(self, metadata: Any) -> Any:
        jsonb = import_module("sqlalchemy.dialects.postgresql").JSONB
        return airport_table(metadata, jsonb, self.sql.DateTime(timezone=True))

    def settle(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(self.sql.text("CREATE INDEX ON airport ((doc ->> 'tz'))"))
            connection.execute(self.sql.text("ANALYZE"))

    def find_indexed(self, zone: str) -> list[Any]:
        of_zone = self.airport.doc["tz"].as_string() == zone
        return self._rows(self.sql.select(self.airport).where(of_zone).order_by(self.airport.id))
