"""Moving data to, from and between servers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from interstore import connect, verify
from tests.migration.conftest import (
    ENGINES,
    INTERSTORE,
    ODD_IDS,
    SERVERS,
    MakeStore,
    Migrate,
    contents,
    fill,
    server_url,
)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("engine", ENGINES)
def test_there_and_back(
    engine: str,
    server: str,
    make_store: MakeStore,
    run: Migrate,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    source, back = make_store(engine, "source"), make_store("sqlite", "back")
    fill(source, "users", 1_234)
    source.create_many("odd", [{"id": id, "name": id, id: [id]} for id in ODD_IDS])
    with connect(server_url(server, request)) as target:
        for of, to in ((source, target), (target, back)):
            report = run(of, to)
            assert (report.status, report.exit_code, report.ok) == ("done", 0, True)
            assert report.totals.balanced
            for model in ("users", "odd"):
                assert contents(to, model) == contents(source, model)


def test_there_and_back_by_cosmosdb(make_store: MakeStore, run: Migrate, cosmosdb_url: str) -> None:
    source, back = make_store("sqlite", "source"), make_store("sqlite", "back")
    fill(source, "users", 234)
    source.create_many("odd", [{"id": id, "name": id, id: [id]} for id in ODD_IDS])
    with connect(cosmosdb_url, auto_create=True) as target:
        for of, to in ((source, target), (target, back)):
            report = run(of, to)
            assert (report.status, report.exit_code, report.ok) == ("done", 0, True)
            for model in ("users", "odd"):
                assert contents(to, model) == contents(source, model)
        assert verify(source, target).ok
        target.update("users", "users-000007", {"n": -1})
        assert not verify(source, target).ok


@pytest.mark.parametrize(("of", "to"), [SERVERS, SERVERS[::-1]])
def test_from_server_to_server(
    of: str, to: str, run: Migrate, request: pytest.FixtureRequest
) -> None:
    with (
        connect(server_url(of, request)) as source,
        connect(server_url(to, request)) as target,
    ):
        fill(source, "users", 2_345)
        assert run(source, target, executor="threads:4").ok
        assert contents(target, "users") == contents(source, "users")
        target.update("users", "users-000007", {"n": -1})
        target.delete("users", "users-000008")
        compared = verify(source, target)
        assert not compared.ok


@pytest.mark.parametrize("server", SERVERS)
def test_the_doctor_finds_a_server_well(server: str, request: pytest.FixtureRequest) -> None:
    done = subprocess.run(
        [INTERSTORE, "doctor", "--url", server_url(server, request)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all is well" in done.stdout + done.stderr


@pytest.mark.parametrize("server", SERVERS)
def test_the_command_migrates_and_verifies(
    server: str, tmp_path: Path, make_store: MakeStore, request: pytest.FixtureRequest
) -> None:
    fill(make_store("sqlite", "source"), "users", 100)
    source, target = f"sqlite:{tmp_path / 'source.db'}", server_url(server, request)
    for command in (["migrate", source, target], ["verify", source, target]):
        done = subprocess.run(
            [INTERSTORE, *command], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[-1])["ok"]
