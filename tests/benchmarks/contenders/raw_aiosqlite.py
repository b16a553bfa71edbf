"""aiosqlite, used with care and by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiosqlite

from tests.benchmarks.contenders import Durability, statements
from tests.benchmarks.contenders.statements import Found, new_row, read
from tests.benchmarks.data import Document

__all__ = ["RawAiosqlite", "open_aiosqlite"]


async def open_aiosqlite(folder: Path, durability: Durability) -> RawAiosqlite:
    connection = await aiosqlite.connect(folder / "raw.db", isolation_level=None)
    for statement in (*statements.pragmas(durability), statements.SET_UP):
        await connection.execute(statement)
    return RawAiosqlite(connection)


class RawAiosqlite:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection
        self.execute = connection.execute

    async def _rows(self, statement: str, parameters: Iterable[Any]) -> list[Any]:
        # One hop to the thread and back; with a cursor there would be two or three.
        return list(await self.connection.execute_fetchall(statement, parameters))

    async def create(self, document: Document) -> None:
        cursor = await self.execute(statements.CREATE, new_row(document))
        if cursor.rowcount != 1:
            raise KeyError(document["id"])

    async def put(self, document: Document) -> tuple[int, str]:
        [(version, created)] = await self._rows(statements.PUT, new_row(document))
        return version, created

    async def update(self, id: str, changes: Document) -> Found:
        rows = await self._rows(*statements.set_fields(id, changes))
        if not rows:
            raise KeyError(id)
        return read(rows[0])

    async def delete(self, id: str) -> bool:
        return (await self.execute(statements.DELETE, (id,))).rowcount == 1

    async def create_many(self, documents: list[Document]) -> None:
        rows = list(map(new_row, documents))
        await self.execute("BEGIN IMMEDIATE")
        cursor = await self.connection.executemany(statements.CREATE, rows)
        await self.connection.commit()
        if cursor.rowcount != len(rows):
            raise KeyError("some exist")

    async def put_many(self, documents: list[Document]) -> None:
        await self.execute("BEGIN IMMEDIATE")
        await self.connection.executemany(statements.PUT_OVER, list(map(new_row, documents)))
        await self.connection.commit()

    async def find_by_id(self, id: str) -> Found | None:
        rows = await self._rows(statements.GET, (id,))
        return read(rows[0]) if rows else None

    async def find_by_ids(self, ids: list[str]) -> list[Found | None]:
        rows = map(read, await self._rows(statements.by_ids(ids), ids))
        found = {each[0]["id"]: each for each in rows}
        return [found.get(id) for id in ids]

    async def find_range(self, first: str, before: str) -> list[Found]:
        return list(map(read, await self._rows(statements.RANGE, (first, before))))

    async def find(self, country: str) -> list[Found]:
        return list(map(read, await self._rows(statements.FIND, (country,))))

    async def count(self, country: str) -> int:
        [(number,)] = await self._rows(statements.COUNT, (country,))
        return int(number)

    async def scan(self) -> None:
        after = ""
        while rows := await self._rows(statements.PAGE, (after, 1000)):
            for row in rows:
                after = read(row)[0]["id"]

    async def read_all(self) -> list[Found]:
        return list(map(read, await self._rows(statements.ALL, ())))

    async def pages(self, size: int, number: int) -> None:
        after = ""
        for _ in range(number):
            rows = await self._rows(statements.PAGE, (after, size + 1))
            page = list(map(read, rows[:size]))
            if len(rows) <= size:
                return
            after = page[-1][0]["id"]

    async def close(self) -> None:
        await self.connection.close()
