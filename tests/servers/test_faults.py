"""What can be done to the servers: hung, out of reach, full."""

from __future__ import annotations

from time import perf_counter

import psycopg
import pymongo.errors
import pytest
from pymongo import MongoClient

from tests.servers.databases import PostgreSQL
from tests.servers.disk import small_database
from tests.servers.mongodb import MongoDB
from tests.servers.process import ServerProcess
from tests.servers.proxy import Proxy


def test_paused_postgresql_hangs(postgresql_url: str, postgresql_process: ServerProcess) -> None:
    with psycopg.connect(postgresql_url, tcp_user_timeout=300) as connection:
        postgresql_process.pause()
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            psycopg.connect(postgresql_url, connect_timeout=2)
        postgresql_process.resume()
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_paused_mongodb_hangs(mongodb_url: str, mongodb_process: ServerProcess) -> None:
    with MongoClient[dict[str, object]](mongodb_url) as client:
        client.admin.command("ping")
        mongodb_process.pause()
        with pymongo.timeout(0.3), pytest.raises(pymongo.errors.PyMongoError) as raised:
            client.admin.command("ping")
        assert raised.value.timeout
        mongodb_process.resume()
        client.admin.command("ping")


def test_postgresql_behind_a_proxy(postgresql_server: PostgreSQL, postgresql_url: str) -> None:
    name = postgresql_url.rpartition("/")[2]
    with Proxy(*postgresql_server.address) as proxy:
        url = postgresql_server.url(name, port=proxy.port)
        with psycopg.connect(url, sslmode="disable") as connection:
            proxy.slow(latency=0.05)
            start = perf_counter()
            connection.execute("SELECT 1")
            assert perf_counter() - start > 0.1
            proxy.reset()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        assert proxy.accepted == 1


def test_mongodb_behind_a_proxy(mongodb_server: MongoDB, mongodb_url: str) -> None:
    with Proxy(*mongodb_server.address) as proxy:
        url = mongodb_server.url("any", port=proxy.port)
        with MongoClient[dict[str, object]](url) as client:
            client.admin.command("ping")
            proxy.refuse()
            proxy.reset()
            with pymongo.timeout(0.3), pytest.raises(pymongo.errors.PyMongoError):
                client.admin.command("ping")
            proxy.restore()
            client.admin.command("ping")


def test_mongodb_fails_on_command(mongodb_server: MongoDB, mongodb_process: ServerProcess) -> None:
    with mongodb_server.connect() as client:
        client.admin.command(
            "configureFailPoint",
            "failCommand",
            mode={"times": 1},
            data={"failCommands": ["count"], "errorCode": 50},
        )
        with pytest.raises(pymongo.errors.ExecutionTimeout):
            client.any.command("count", "any")
        client.any.command("count", "any")


def test_disk_full(postgresql_server: PostgreSQL, postgresql_process: ServerProcess) -> None:
    with small_database(postgresql_server) as url, psycopg.connect(url) as connection:
        connection.autocommit = True
        connection.execute("CREATE TABLE one (value text STORAGE EXTERNAL)")
        fill = "INSERT INTO one SELECT repeat('x', 1000000) FROM generate_series(1, 100)"
        with pytest.raises((psycopg.errors.DiskFull, psycopg.errors.InternalError_)):
            connection.execute(fill)
        connection.execute("DROP TABLE one")
        connection.execute("CREATE TABLE two AS SELECT 'fits'")


def test_limited_files(postgresql_url: str, postgresql_process: ServerProcess) -> None:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE one (value text STORAGE EXTERNAL)")
        fill = "INSERT INTO one SELECT repeat('x', 1000000) FROM generate_series(1, 20)"
        postgresql_process.limit_files(17 * 2**20)
        with pytest.raises(psycopg.errors.InternalError_, match="File too large"):
            connection.execute(fill)
        postgresql_process.limit_files(None)
        connection.execute(fill)
