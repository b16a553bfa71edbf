"""Runs of pytest and of the command, each as a process: what they tell, and what they leave."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import unquote

import pytest

from tests.servers import locales, postgresql
from tests.servers.account import Account
from tests.servers.cosmosdb import CosmosDB
from tests.servers.databases import PostgreSQL
from tests.servers.guard import ROOT
from tests.servers.mongodb import MongoDB
from tests.servers.process import free_port, listening

ONE_TEST = "tests/servers/test_servers.py::TestPostgreSQL::test_durability_is_real"


def run_pytest(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**{key: os.environ[key] for key in os.environ if key != "CI"}, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class TestUnavailable:
    NOWHERE = f"postgresql://me:secret@127.0.0.1:{free_port()}/postgres"

    def test_skips_aloud(self) -> None:
        run = run_pytest(ONE_TEST, INTERSTORE_TEST_POSTGRESQL_URL=self.NOWHERE)
        assert run.returncode == 0
        assert "1 skipped" in run.stdout
        assert "PostgreSQL (your own, from INTERSTORE_TEST_POSTGRESQL_URL)" in run.stdout
        assert "PostgreSQL NOT TESTED: INTERSTORE_TEST_POSTGRESQL_URL: no connection" in run.stdout
        assert "secret" not in run.stdout

    def test_fails_in_ci(self) -> None:
        run = run_pytest(ONE_TEST, INTERSTORE_TEST_POSTGRESQL_URL=self.NOWHERE, CI="true")
        assert run.returncode == 1
        assert "1 error" in run.stdout


@pytest.mark.long
class TestOwn:
    def test_postgresql(self, postgresql_server: PostgreSQL) -> None:
        before = databases(postgresql_server)
        url = postgresql_server.url("postgres")
        tests = "tests/servers/test_servers.py::TestPostgreSQL"
        run = run_pytest(tests, INTERSTORE_TEST_POSTGRESQL_URL=url)
        assert run.returncode == 0, run.stdout
        assert "a server of your own is not killed" in run.stdout
        assert databases(postgresql_server) == before

    def test_mongodb(self, mongodb_server: MongoDB) -> None:
        with mongodb_server.connect() as client:
            before = client.list_database_names()
            tests = "tests/servers/test_servers.py::TestMongoDB::test_database_is_empty"
            run = run_pytest(tests, INTERSTORE_TEST_MONGODB_URL=mongodb_server.url("admin"))
            assert run.returncode == 0, run.stdout
            assert client.list_database_names() == before

    def test_cosmosdb(self, cosmosdb_server: CosmosDB) -> None:
        endpoint, key = cosmosdb_server.endpoint, cosmosdb_server.key
        with cosmosdb_server.connect() as client:
            before = [one["id"] for one in client.list_databases()]
            run = run_pytest(
                "tests/servers/test_cosmosdb_items.py::TestConditions",
                "tests/servers/test_cosmosdb_faults.py::TestAnswers",
                INTERSTORE_TEST_COSMOSDB_URL=f"AccountEndpoint={endpoint};AccountKey={key};",
            )
            assert run.returncode == 0, run.stdout
            assert "nothing can be made to go wrong" in run.stdout
            assert [one["id"] for one in client.list_databases()] == before


def databases(server: PostgreSQL) -> list[tuple[object, ...]]:
    with server.connect() as connection:
        return connection.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()


class TestCommand:
    @pytest.mark.parametrize(
        ("server", "number"),
        [
            ("postgresql", signal.SIGKILL),
            ("mongodb", signal.SIGKILL),
            pytest.param("postgresql", signal.SIGINT, marks=pytest.mark.long),
            ("mongodb-standalone", signal.SIGINT),
            ("cosmosdb", signal.SIGKILL),
            ("s3", signal.SIGKILL),
            ("azure", signal.SIGKILL),
        ],
    )
    def test_leaves_nothing(self, server: str, number: signal.Signals) -> None:
        command = subprocess.Popen(
            [sys.executable, "-m", "tests.servers", server],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        with command:
            assert command.stdout is not None
            try:
                port = port_of(command.stdout.readline())
                assert listening(port)
                assert folders(port)
            finally:
                command.send_signal(number)
        deadline = monotonic() + 30
        while (listening(port) or folders(port)) and monotonic() < deadline:
            sleep(0.05)
        assert not listening(port)
        assert not folders(port)


def port_of(url: str) -> int:
    """That of the host, or of the endpoint that is named behind it."""
    found = re.search(r"127\.0\.0\.1:(\d+)", unquote(url))
    assert found, url
    return int(found[1])


def folders(port: int) -> list[Path]:
    parents = {Path(tempfile.gettempdir()), Path("/tmp")}
    return [path for parent in parents for path in parent.glob(f"interstore-*-{port}-*")]


class TestPrograms:
    def test_are_copied_to_where_the_account_can_reach_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INTERSTORE_TEST_CACHE", str(tmp_path))
        monkeypatch.setattr(postgresql, "reachable", lambda path: False)
        for _ in range(2):
            programs = postgresql.find_programs(Account(65_534, 65_534))
            assert programs.is_relative_to(tmp_path)
            found = subprocess.check_output([programs / "postgres", "--version"], text=True)
            assert found.startswith("postgres (PostgreSQL)")


class TestLocales:
    def test_without_localedef(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INTERSTORE_TEST_CACHE", str(tmp_path))
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(OSError, match="no localedef"):
            locales.search_path()

    def test_that_localedef_does_not_know(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INTERSTORE_TEST_CACHE", str(tmp_path))
        monkeypatch.setattr(locales, "CTYPE", "xx_XX.UTF-8")
        monkeypatch.setattr(locales, "COLLATE", "xx_XX.UTF-8")
        with pytest.raises(OSError, match="localedef did not make xx_XX"):
            locales.search_path()
