"""Tables and collections as other programs make them, with the same content on each engine.

Both flavours of the tests use them: they are made with the drivers alone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

__all__ = [
    "Make",
    "Row",
    "in_cosmosdb",
    "in_mongodb",
    "in_postgresql",
    "in_sqlite",
    "presented",
    "rows",
]

Row: TypeAlias = dict[str, Any]
Make: TypeAlias = Callable[[Iterable[Row]], None]
"""Makes the table or collection ``orders`` with these rows."""

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def rows(count: int) -> list[Row]:
    """Rows with every kind of value that all engines have; ids are integers."""
    return [
        {
            "number": number,
            "name": None if number % 7 == 0 else f"name {number % 5}",
            "amount": number * 3 - 20,
            "price": number / 4,
            "paid": number % 2 == 0,
            "at": START + timedelta(hours=number),
            "data": {"city": f"c{number % 3}", "tags": ["a"] * (number % 4), "n": {"v": number}},
        }
        for number in range(1, count + 1)
    ]


def presented(row: Mapping[str, Any]) -> Row:
    """The document of a row, on every engine."""
    fields = {key: value for key, value in row.items() if key != "number"}
    price = row["price"]
    return {
        **fields,
        "id": str(row["number"]),
        "price": int(price) if price.is_integer() else price,
        "at": row["at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


def in_sqlite(path: str) -> Make:
    def make(wanted: Iterable[Row]) -> None:
        connection = sqlite3.connect(path)
        with connection:
            connection.execute("DROP TABLE IF EXISTS orders")
            connection.execute(
                "CREATE TABLE orders (number INTEGER PRIMARY KEY, name TEXT, amount INTEGER NOT "
                "NULL, price REAL, paid BOOLEAN, at TEXT, data JSON)"
            )
            connection.execute("CREATE INDEX orders_name ON orders (name)")
            connection.execute("CREATE UNIQUE INDEX orders_amount ON orders (amount)")
            connection.executemany(
                "INSERT INTO orders VALUES (:number,:name,:amount,:price,:paid,:at,:data)",
                [
                    {**row, "at": presented(row)["at"], "data": json.dumps(row["data"])}
                    for row in wanted
                ],
            )
        connection.close()

    return make


def in_postgresql(url: str) -> Make:
    def make(wanted: Iterable[Row]) -> None:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS orders")
            connection.execute(
                "CREATE TABLE orders (number int PRIMARY KEY, name text, amount bigint NOT NULL, "
                "price float8, paid boolean, at timestamptz, data jsonb)"
            )
            connection.execute("CREATE INDEX orders_name ON orders (name)")
            connection.execute("CREATE UNIQUE INDEX orders_amount ON orders (amount)")
            connection.cursor().executemany(
                "INSERT INTO orders VALUES (%(number)s,%(name)s,%(amount)s,%(price)s,%(paid)s,"
                "%(at)s,%(data)s)",
                [{**row, "data": json.dumps(row["data"])} for row in wanted],
            )

    return make


def in_mongodb(url: str) -> Make:
    def make(wanted: Iterable[Row]) -> None:
        from pymongo import MongoClient

        client: MongoClient[dict[str, Any]] = MongoClient(url)
        collection = client.get_default_database()["orders"]
        collection.drop()
        collection.create_index("name")
        collection.create_index("amount", unique=True)
        documents = [{**row, "_id": row["number"]} for row in wanted]
        for document in documents:
            del document["number"]
        if documents:
            collection.insert_many(documents)
        client.close()

    return make


def in_cosmosdb(url: str, *paths: str) -> Make:
    """The container is partitioned by these paths; ids are the digits of the numbers."""

    def make(wanted: Iterable[Row]) -> None:
        from azure.cosmos import CosmosClient, PartitionKey

        parts = urlsplit(url)
        endpoint = f"http://{parts.hostname}:{parts.port}/"
        with CosmosClient(endpoint, unquote(parts.password or "")) as client:
            database = client.get_database_client(parts.path.lstrip("/"))
            key = PartitionKey(paths[0]) if len(paths) == 1 else PartitionKey(list(paths))
            container = database.create_container_if_not_exists("orders", key)
            for row in wanted:
                container.upsert_item(presented(row))

    return make
