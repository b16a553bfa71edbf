"""`interstore doctor` says what is wrong with a server, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.running import Run, run
from tests.faults.served import Served
from tests.servers.certificates import certify
from tests.servers.databases import PostgreSQL
from tests.servers.mongodb import running
from tests.servers.process import ServerUnavailable
from tests.servers.proxy import Proxy

# The driver of MongoDB leaves sockets that were not connected to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_TIMEOUT", "1")


def doctor(url: str, *expected: str, well: bool = False) -> Run:
    """Run it; each of the texts is in what it says."""
    result = run("doctor", "--url", url)
    for text in expected:
        assert text in result.out
    assert (result.code == 0) is well, result.out
    assert ("all is well" in result.out) is well
    return result


def need_driver_of_its_own(served: Served) -> None:
    if served.engine.name == "cosmosdb":
        pytest.skip("it is asked over HTTP, and says other things: its own tests have them")


def test_well(served: Served) -> None:
    assert "note" not in doctor(served.url, "round trip", well=True).out


def test_refused(served: Served) -> None:
    served.proxy.refuse()
    doctor(served.proxied_url, "FAILED", "refused", "see that the server runs")


def test_hung(served: Served) -> None:
    need_driver_of_its_own(served)
    served.proxy.blackhole()
    doctor(served.proxied_url, "FAILED", "not answer")


def test_too_old(served: Served) -> None:
    need_driver_of_its_own(served)
    if isinstance(served.server, PostgreSQL):
        truth = f"server_version\0{served.server.version[:2]}".encode()
        served.proxy.lie(truth, b"server_version\x0012")
        doctor(served.proxied_url, "is version 12, which is too old: 14 and newer")
    else:
        client: Any
        with served.server.connect() as client:
            version: int = client.admin.command("hello")["maxWireVersion"]
        name = b"maxWireVersion\0"
        served.proxy.lie(name + version.to_bytes(4, "little"), name + (5).to_bytes(4, "little"))
        doctor(served.proxied_url, "FAILED", "requires at least")


def test_tls(served: Served) -> None:
    need_driver_of_its_own(served)
    query = "?sslmode=require" if served.engine.name == "postgresql" else "&tls=true"
    doctor(served.proxied_url + query, "FAILED", "DATABASE_SSL")
    asked = served.engine.name == "postgresql"
    query = query.replace("require", "verify-full")
    with Proxy(*served.server.address, tls=certify("127.0.0.1"), asked=asked) as proxy:
        url = served.server.url(served.database_name, port=proxy.port) + query
        doctor(url, "FAILED", "ssl_root_cert", "interstore config")


class TestPostgreSQL:
    def test_credentials(self, postgresql_server: PostgreSQL, postgresql_url: str) -> None:
        if postgresql_server.process is None:
            pytest.skip("a server of your own has users of its own")
        name = postgresql_url.rpartition("/")[2]
        url = postgresql_server.url(name, user="guarded:wrong")
        doctor(url, "FAILED", "DATABASE_PASSWORD", "see to user, password")
        doctor(postgresql_server.url(name, user="guarded"), "set DATABASE_PASSWORD")
        doctor(postgresql_server.url(name, user="nosuch"), "check DATABASE_USERNAME")
        doctor(postgresql_server.url("nosuch"), "correct DATABASE_NAME", "interstore config")

    def test_rights(self, postgresql_server: PostgreSQL, postgresql_url: str) -> None:
        if postgresql_server.process is None:
            pytest.skip("a server of your own has users of its own")
        name = postgresql_url.rpartition("/")[2]
        with postgresql_server.connect() as connection:
            connection.execute("CREATE ROLE powerless LOGIN")
            try:
                url = postgresql_server.url(name, user="powerless")
                doctor(url, "ok      connect", "FAILED", "rights that the guide names")
            finally:
                connection.execute("DROP ROLE powerless")


class TestMongoDB:
    def test_credentials_and_rights(self) -> None:
        try:
            with running(replica_set=False, password="secret") as server:
                url = server.url("app")
                doctor(url, "note    a single server has no transactions", well=True)
                doctor(url.replace("secret", "wrong"), "DATABASE_PASSWORD", "see to user, password")
                nobody = url.replace("guarded:secret@", "").partition("?")[0]
                doctor(nobody, "ok      connect", "FAILED", "readWrite")
        except ServerUnavailable as error:
            pytest.skip(str(error))

    def test_another_replica_set(self, mongodb_url: str) -> None:
        url = f"{mongodb_url.partition('?')[0]}?replicaSet=other"
        doctor(url, "correct replica_set", "interstore config")
