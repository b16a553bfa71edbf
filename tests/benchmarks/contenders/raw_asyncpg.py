"""asyncpg with its pool, used with care and by hand. For information: Interstore uses psycopg."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from tests.benchmarks.contenders import Durability
from tests.benchmarks.contenders import statements_postgresql as sql
from tests.benchmarks.contenders.statements_postgresql import found, new_row, sorted_rows
from tests.benchmarks.data import Document

__all__ = ["RawAsyncpg", "open_asyncpg"]


async def open_asyncpg(url: str, _: Durability) -> RawAsyncpg:
    asyncpg: Any = import_module("asyncpg")
    pool = await asyncpg.create_pool(url, min_size=1, max_size=10, init=_configure)
    await pool.execute(sql.SET_UP)
    return RawAsyncpg(pool)


async def _configure(connection: Any) -> None:
    same: Callable[[str], str] = str
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=same, decoder=sql.decode)


class RawAsyncpg:
    def __init__(self, pool: Any) -> None:
        self.pool = pool

    async def settle(self) -> None:
        await self.pool.execute(sql.SETTLE)

    async def create(self, document: Document) -> None:
        if await self.pool.execute(sql.CREATE, *new_row(document)) != "INSERT 0 1":
            raise KeyError(document["id"])

    async def put(self, document: Document) -> Any:
        return await self.pool.fetchrow(sql.PUT, *new_row(document))

    async def update(self, id: str, changes: Document) -> Any:
        values = id, sql.encode(changes).decode(), datetime.now(UTC)
        return await self.pool.fetchrow(sql.UPDATE, *values)

    async def delete(self, id: str) -> bool:
        return bool(await self.pool.execute(sql.DELETE, id) == "DELETE 1")

    async def create_many(self, documents: list[Document]) -> None:
        if len(await self._copied(sql.CREATE_COPIED, documents)) != len(documents):
            raise KeyError("some exist")

    async def put_many(self, documents: list[Document]) -> Any:
        return dict(await self._copied(sql.PUT_COPIED, documents))

    async def _copied(self, statement: str, documents: list[Document]) -> list[Any]:
        rows = [(*row[:3], row[3].encode()) for row in sorted_rows(documents)]
        async with self.pool.acquire() as connection, connection.transaction():
            # Its COPY is binary, and takes no codec for jsonb that is text.
            await connection.execute(sql.COPY_TABLE.replace("jsonb", "bytea"))
            await connection.copy_records_to_table(
                "copied", records=rows, columns=sql.COLUMNS.split(", ")
            )
            decoded = "SELECT id, created_at, updated_at, convert_from(doc, 'UTF8')::jsonb FROM"
            return list(
                await connection.fetch(statement.replace(f"SELECT {sql.COLUMNS} FROM", decoded))
            )

    async def find_by_id(self, id: str) -> Any:
        return await self.pool.fetchrow(sql.GET, id)

    async def find_by_ids(self, ids: list[str]) -> list[Any]:
        return found(await self.pool.fetch(sql.GET_MANY, ids), ids)

    async def find_range(self, first: str, before: str) -> Any:
        return await self.pool.fetch(sql.RANGE, first, before)

    async def find(self, country: str) -> Any:
        return await self.pool.fetch(sql.FIND, country)

    async def find_indexed(self, zone: str) -> Any:
        return await self.pool.fetch(sql.FIND_INDEXED, zone)

    async def count(self, country: str) -> int:
        return int(await self.pool.fetchval(sql.COUNT, country))

    async def scan(self) -> None:
        after = ""
        while rows := await self.pool.fetch(sql.PAGE, after, 1000):
            for row in rows:
                after = row[0]["id"]

    async def read_all(self) -> Any:
        return await self.pool.fetch(sql.ALL)

    async def pages(self, size: int, number: int) -> None:
        after = ""
        for _ in range(number):
            rows = await self.pool.fetch(sql.PAGE, after, size + 1)
            if len(rows) <= size:
                return
            after = rows[size - 1][0]["id"]

    async def close(self) -> None:
        await self.pool.close()
