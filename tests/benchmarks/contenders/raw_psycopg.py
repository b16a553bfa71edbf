"""psycopg through its pool, used with care and by hand: a connection for each call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from tests.benchmarks.contenders import Durability
from tests.benchmarks.contenders import statements_postgresql as sql
from tests.benchmarks.contenders.statements_postgresql import Found, found, new_row, sorted_rows
from tests.benchmarks.data import Document

__all__ = ["RawAsyncPsycopg", "RawPsycopg", "open_psycopg"]

SIZE = 10


def _configure(connection: psycopg.Connection[Any]) -> None:
    set_json_loads(sql.decode, connection)


async def _configure_async(connection: psycopg.AsyncConnection[Any]) -> None:
    set_json_loads(sql.decode, connection)


class RawPsycopg:
    def __init__(self, url: str, _: Durability) -> None:
        arguments = {"autocommit": True, "cursor_factory": psycopg.RawCursor}
        self.pool = ConnectionPool[Any](
            url, kwargs=arguments, configure=_configure, min_size=1, max_size=SIZE, open=True
        )
        self._execute(sql.SET_UP)

    def _execute(self, statement: str, *values: Any) -> int:
        with self.pool.connection() as connection:
            return int(connection.execute(statement.encode(), values).rowcount)

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        with self.pool.connection() as connection:
            return list(connection.execute(statement.encode(), values).fetchall())

    def settle(self) -> None:
        self._execute(sql.SETTLE)

    def create(self, document: Document) -> None:
        if self._execute(sql.CREATE, *new_row(document)) != 1:
            raise KeyError(document["id"])

    def put(self, document: Document) -> Any:
        return self._rows(sql.PUT, *new_row(document))[0]

    def update(self, id: str, changes: Document) -> Found:
        values = id, sql.encode(changes).decode(), datetime.now(UTC)
        rows: list[Found] = self._rows(sql.UPDATE, *values)
        if not rows:
            raise KeyError(id)
        return rows[0]

    def delete(self, id: str) -> bool:
        return self._execute(sql.DELETE, id) == 1

    def create_many(self, documents: list[Document]) -> None:
        if len(self._copied(sql.CREATE_COPIED, documents)) != len(documents):
            raise KeyError("some exist")

    def put_many(self, documents: list[Document]) -> Any:
        return dict(self._copied(sql.PUT_COPIED, documents))

    def _copied(self, statement: str, documents: list[Document]) -> list[Any]:
        with self.pool.connection() as connection, connection.transaction():
            connection.execute(sql.COPY_TABLE.encode())
            with connection.cursor().copy(sql.COPY.encode()) as copy:
                for row in sorted_rows(documents):
                    copy.write_row(row)
            return list(connection.execute(statement.encode()).fetchall())

    def find_by_id(self, id: str) -> Found | None:
        rows = self._rows(sql.GET, id)
        return rows[0] if rows else None

    def find_by_ids(self, ids: list[str]) -> list[Found | None]:
        return found(self._rows(sql.GET_MANY, ids), ids)

    def find_range(self, first: str, before: str) -> list[Found]:
        return self._rows(sql.RANGE, first, before)

    def find(self, country: str) -> list[Found]:
        return self._rows(sql.FIND, country)

    def find_indexed(self, zone: str) -> list[Found]:
        return self._rows(sql.FIND_INDEXED, zone)

    def count(self, country: str) -> int:
        return int(self._rows(sql.COUNT, country)[0][0])

    def scan(self) -> None:
        after = ""
        while rows := self._rows(sql.PAGE, after, 1000):
            for row in rows:
                after = row[0]["id"]

    def read_all(self) -> list[Found]:
        return self._rows(sql.ALL)

    def pages(self, size: int, number: int) -> None:
        after = ""
        for _ in range(number):
            rows = self._rows(sql.PAGE, after, size + 1)
            if len(rows) <= size:
                return
            after = rows[size - 1][0]["id"]

    def close(self) -> None:
        self.pool.close()


async def open_psycopg(url: str, _: Durability) -> RawAsyncPsycopg:
    arguments = {"autocommit": True, "cursor_factory": psycopg.AsyncRawCursor}
    pool = AsyncConnectionPool[Any](
        url, kwargs=arguments, configure=_configure_async, min_size=1, max_size=SIZE, open=False
    )
    await pool.open()
    raw = RawAsyncPsycopg(pool)
    await raw._execute(sql.SET_UP)
    return raw


class RawAsyncPsycopg:
    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self.pool = pool

    async def _execute(self, statement: str, *values: Any) -> int:
        async with self.pool.connection() as connection:
            return int((await connection.execute(statement.encode(), values)).rowcount)

    async def _rows(self, statement: str, *values: Any) -> list[Any]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return list(await cursor.fetchall())

    async def settle(self) -> None:
        await self._execute(sql.SETTLE)

    async def create(self, document: Document) -> None:
        if await self._execute(sql.CREATE, *new_row(document)) != 1:
            raise KeyError(document["id"])

    async def put(self, document: Document) -> Any:
        return (await self._rows(sql.PUT, *new_row(document)))[0]

    async def update(self, id: str, changes: Document) -> Found:
        values = id, sql.encode(changes).decode(), datetime.now(UTC)
        rows: list[Found] = await self._rows(sql.UPDATE, *values)
        if not rows:
            raise KeyError(id)
        return rows[0]

    async def delete(self, id: str) -> bool:
        return await self._execute(sql.DELETE, id) == 1

    async def create_many(self, documents: list[Document]) -> None:
        if len(await self._copied(sql.CREATE_COPIED, documents)) != len(documents):
            raise KeyError("some exist")

    async def put_many(self, documents: list[Document]) -> Any:
        return dict(await self._copied(sql.PUT_COPIED, documents))

    async def _copied(self, statement: str, documents: list[Document]) -> list[Any]:
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute(sql.COPY_TABLE.encode())
            async with connection.cursor().copy(sql.COPY.encode()) as copy:
                for row in sorted_rows(documents):
                    await copy.write_row(row)
            return list(await (await connection.execute(statement.encode())).fetchall())

    async def find_by_id(self, id: str) -> Found | None:
        rows = await self._rows(sql.GET, id)
        return rows[0] if rows else None

    async def find_by_ids(self, ids: list[str]) -> list[Found | None]:
        return found(await self._rows(sql.GET_MANY, ids), ids)

    async def find_range(self, first: str, before: str) -> list[Found]:
        return await self._rows(sql.RANGE, first, before)

    async def find(self, country: str) -> list[Found]:
        return await self._rows(sql.FIND, country)

    async def find_indexed(self, zone: str) -> list[Found]:
        return await self._rows(sql.FIND_INDEXED, zone)

    async def count(self, country: str) -> int:
        return int((await self._rows(sql.COUNT, country))[0][0])

    async def scan(self) -> None:
        after = ""
        while rows := await self._rows(sql.PAGE, after, 1000):
            for row in rows:
                after = row[0]["id"]

    async def read_all(self) -> list[Found]:
        return await self._rows(sql.ALL)

    async def pages(self, size: int, number: int) -> None:
        after = ""
        for _ in range(number):
            rows = await self._rows(sql.PAGE, after, size + 1)
            if len(rows) <= size:
                return
            after = rows[size - 1][0]["id"]

    async def close(self) -> None:
        await self.pool.close()
