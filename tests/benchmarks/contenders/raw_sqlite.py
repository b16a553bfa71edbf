"""The standard library's driver, used with care and by hand."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.benchmarks.contenders import Durability, statements
from tests.benchmarks.contenders.statements import Found, new_row, read
from tests.benchmarks.data import Document

__all__ = ["RawSQLite"]


class RawSQLite:
    def __init__(self, folder: Path, durability: Durability) -> None:
        self.connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
        self.execute = self.connection.execute
        for pragma in statements.pragmas(durability):
            self.execute(pragma)
        self.execute(statements.SET_UP)

    def create(self, document: Document) -> None:
        if self.execute(statements.CREATE, new_row(document)).rowcount != 1:
            raise KeyError(document["id"])

    def put(self, document: Document) -> tuple[int, str]:
        [(version, created)] = self.execute(statements.PUT, new_row(document)).fetchall()
        return version, created

    def update(self, id: str, changes: Document) -> Found:
        rows = self.execute(*statements.set_fields(id, changes)).fetchall()
        if not rows:
            raise KeyError(id)
        return read(rows[0])

    def delete(self, id: str) -> bool:
        return self.execute(statements.DELETE, (id,)).rowcount == 1

    def create_many(self, documents: list[Document]) -> None:
        rows = list(map(new_row, documents))
        with self._transaction():
            if self.connection.executemany(statements.CREATE, rows).rowcount != len(rows):
                raise KeyError("some exist")

    def put_many(self, documents: list[Document]) -> None:
        rows = list(map(new_row, documents))
        with self._transaction():
            self.connection.executemany(statements.PUT_OVER, rows)

    def _transaction(self) -> sqlite3.Connection:
        """A context manager that commits, or rolls back."""
        self.execute("BEGIN IMMEDIATE")
        return self.connection

    def find_by_id(self, id: str) -> Found | None:
        row = self.execute(statements.GET, (id,)).fetchone()
        return None if row is None else read(row)

    def find_by_ids(self, ids: list[str]) -> list[Found | None]:
        rows = map(read, self.execute(statements.by_ids(ids), ids).fetchall())
        found = {each[0]["id"]: each for each in rows}
        return [found.get(id) for id in ids]

    def find_range(self, first: str, before: str) -> list[Found]:
        return list(map(read, self.execute(statements.RANGE, (first, before)).fetchall()))

    def find(self, country: str) -> list[Found]:
        return list(map(read, self.execute(statements.FIND, (country,)).fetchall()))

    def count(self, country: str) -> int:
        [(number,)] = self.execute(statements.COUNT, (country,)).fetchall()
        return int(number)

    def scan(self) -> None:
        after = ""
        while rows := self.execute(statements.PAGE, (after, 1000)).fetchall():
            for row in rows:
                after = read(row)[0]["id"]

    def read_all(self) -> list[Found]:
        return list(map(read, self.execute(statements.ALL).fetchall()))

    def pages(self, size: int, number: int) -> None:
        after = ""
        for _ in range(number):
            rows = self.execute(statements.PAGE, (after, size + 1)).fetchall()
            page = list(map(read, rows[:size]))
            if len(rows) <= size:
                return
            after = page[-1][0]["id"]

    def close(self) -> None:
        self.connection.close()
