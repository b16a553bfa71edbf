"""The servers start, are what they should be, and come back with their data after a kill."""

from __future__ import annotations

import psycopg
import pytest
from pymongo import MongoClient

from tests.servers.databases import LeakedConnections, PostgreSQL
from tests.servers.mongodb import MongoDB
from tests.servers.process import ServerProcess


class TestPostgreSQL:
    def test_database_is_hostile(self, postgresql_server: PostgreSQL, postgresql_url: str) -> None:
        if postgresql_server.notice:
            pytest.skip(postgresql_server.notice)
        with psycopg.connect(postgresql_url) as connection:
            found = connection.execute("SELECT 'aa' > 'z', lower('I') = 'i', 'b' < 'C'")
            assert found.fetchall() == [(True, False, True)]

    def test_durability_is_real(self, postgresql_url: str) -> None:
        with psycopg.connect(postgresql_url) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert connection.execute(f"SHOW {setting}".encode()).fetchall() == [("on",)]

    @pytest.mark.parametrize("time", [1, 2])
    def test_database_is_empty(self, postgresql_url: str, time: int) -> None:
        with psycopg.connect(postgresql_url) as connection:
            found = connection.execute(
                "SELECT nspname, relname FROM pg_namespace LEFT JOIN pg_class ON "
                "relnamespace = pg_namespace.oid WHERE nspname !~ '^pg_|^information_schema$'"
            )
            assert found.fetchall() == [("public", None)]
            connection.execute("CREATE TABLE one (value int)")
            connection.execute("CREATE SCHEMA two CREATE TABLE three (value int)")

    def test_data_outlives_a_kill(
        self, postgresql_url: str, postgresql_process: ServerProcess
    ) -> None:
        with psycopg.connect(postgresql_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
        postgresql_process.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(postgresql_url)
        postgresql_process.start()
        with psycopg.connect(postgresql_url) as connection:
            assert connection.execute("SELECT value FROM kept").fetchall() == [(42,)]

    def test_open_connections_are_found(self, postgresql_server: PostgreSQL) -> None:
        left_open: list[psycopg.Connection] = []

        def leave_open() -> None:
            with postgresql_server.database() as url:
                left_open.append(psycopg.connect(url))
                left_open[0].execute("SELECT 'mine'")

        with pytest.raises(LeakedConnections, match="SELECT 'mine'"):
            leave_open()
        left_open[0].close()

    def test_one_user_has_a_password(self, postgresql_server: PostgreSQL) -> None:
        if postgresql_server.process is None:
            pytest.skip("a server of your own has users of its own")
        with postgresql_server.database() as url:
            name = url.rpartition("/")[2]
            psycopg.connect(postgresql_server.url(name, user="guarded:correct%20horse")).close()
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(postgresql_server.url(name, user="guarded:wrong"))


class TestMongoDB:
    def test_is_a_replica_set(self, mongodb_url: str) -> None:
        with MongoClient[dict[str, object]](mongodb_url) as client:
            assert client.admin.command("hello")["setName"]

    def test_data_outlives_a_kill(self, mongodb_url: str, mongodb_process: ServerProcess) -> None:
        with MongoClient[dict[str, object]](mongodb_url) as client:
            client.get_default_database().kept.insert_one({"_id": 1, "value": 42})
        mongodb_process.kill()
        mongodb_process.start()
        with MongoClient[dict[str, object]](mongodb_url) as client:
            kept = client.get_default_database().kept.find_one()
            assert kept == {"_id": 1, "value": 42}

    @pytest.mark.parametrize("time", [1, 2])
    def test_database_is_empty(self, mongodb_url: str, time: int) -> None:
        with MongoClient[dict[str, object]](mongodb_url) as client:
            database = client.get_default_database()
            assert database.list_collection_names() == []
            database.one.insert_one({"value": 1})

    def test_single_server(self, mongodb_standalone: MongoDB, mongodb_standalone_url: str) -> None:
        with MongoClient[dict[str, object]](mongodb_standalone_url) as client:
            assert "setName" not in client.admin.command("hello")
            client.get_default_database().one.insert_one({"value": 1})
