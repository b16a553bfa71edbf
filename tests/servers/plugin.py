"""The servers as fixtures, each started when the first test asks for it, once per run.

Fixtures, all of `postgresql_…`, `mongodb_…`, `cosmosdb_…`, `s3_…`, `azure_…` and `valkey_…`:

- `…_server`: the server, for the run;
- `…_url`: that of a database, bucket, container or server with nothing in it, for one test;
- `…_process`: the server's process, to be killed or stopped by one test, and healed after it.

And `mongodb_standalone`, `mongodb_standalone_url`: a server that is no replica set; and
`cosmosdb_faults`: what is to go wrong in the account during one test; and `moto_server`,
`moto_url`: S3 whose keys are what they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import TypeVar

import pytest

from tests.servers import azure, cosmosdb, mongodb, moto, postgresql, s3, valkey
from tests.servers.azure import Azure
from tests.servers.cosmosdb import CosmosDB
from tests.servers.cosmosdb.faults import Faults
from tests.servers.databases import PostgreSQL
from tests.servers.mongodb import MongoDB
from tests.servers.process import ServerProcess, ServerUnavailable
from tests.servers.s3 import S3
from tests.servers.valkey import Valkey

SERVERS = {
    "PostgreSQL": postgresql,
    "MongoDB": mongodb,
    "Cosmos DB": cosmosdb,
    "S3": s3,
    "Azure": azure,
    "Valkey": valkey,
}

S = TypeVar("S", PostgreSQL, MongoDB, CosmosDB, S3, Azure, Valkey)

report: dict[str, str] = {}
"""Of each server that was started, its version and where it came from."""


def pytest_report_header(config: pytest.Config) -> str:
    return "servers: " + ", ".join(f"{name} ({_origin(name)})" for name in SERVERS)


def _origin(name: str) -> str:
    module = SERVERS[name]
    if os.environ.get(module.URL_VARIABLE):
        return f"your own, from {module.URL_VARIABLE}"
    try:
        found = azure.VERSION if module is azure else version(module.PACKAGE)
        return f"{module.PACKAGE} {found}"
    except PackageNotFoundError:
        return f"none: no {module.PACKAGE}, no {module.URL_VARIABLE}"


def _run(name: str, running: AbstractContextManager[S]) -> Iterator[S]:
    """Its tests fail where it cannot be had in CI; elsewhere they are skipped, which is told."""
    start = perf_counter()
    try:
        server = running.__enter__()
    except ServerUnavailable as error:
        report[name] = f"NOT TESTED: {error}"
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error).splitlines()[0])
    first = name.partition(",")[0]
    source = f" ({_origin(first)})" if first in SERVERS else ""
    report[name] = f"{server.version}{source}, up in {perf_counter() - start:.1f} s"
    try:
        yield server
    finally:
        if server.notice:
            report[name] += f"; {server.notice}"
        running.__exit__(None, None, None)


def _process(
    server: PostgreSQL | MongoDB | CosmosDB | S3 | Azure | Valkey,
) -> Iterator[ServerProcess]:
    if server.process is None:
        pytest.skip("a server of your own is not killed or stopped")
    yield server.process
    server.process.heal()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    yield from _run("PostgreSQL", postgresql.running())


@pytest.fixture
def postgresql_url(postgresql_server: PostgreSQL) -> Iterator[str]:
    """A database in a hostile collation; connections left open are an error."""
    with postgresql_server.database() as url:
        yield url


@pytest.fixture
def postgresql_process(postgresql_server: PostgreSQL) -> Iterator[ServerProcess]:
    yield from _process(postgresql_server)


@pytest.fixture(scope="session")
def mongodb_server() -> Iterator[MongoDB]:
    yield from _run("MongoDB", mongodb.running())


@pytest.fixture
def mongodb_url(mongodb_server: MongoDB) -> Iterator[str]:
    with mongodb_server.database() as url:
        yield url


@pytest.fixture
def mongodb_process(mongodb_server: MongoDB) -> Iterator[ServerProcess]:
    yield from _process(mongodb_server)


@pytest.fixture(scope="session")
def mongodb_standalone() -> Iterator[MongoDB]:
    yield from _run("MongoDB, standalone", mongodb.running(replica_set=False))


@pytest.fixture
def mongodb_standalone_url(mongodb_standalone: MongoDB) -> Iterator[str]:
    with mongodb_standalone.database() as url:
        yield url


@pytest.fixture(scope="session")
def cosmosdb_server() -> Iterator[CosmosDB]:
    yield from _run("Cosmos DB", cosmosdb.running())


@pytest.fixture
def cosmosdb_url(cosmosdb_server: CosmosDB) -> Iterator[str]:
    with cosmosdb_server.database() as url:
        yield url


@pytest.fixture
def cosmosdb_process(cosmosdb_server: CosmosDB) -> Iterator[ServerProcess]:
    """What was in the account is gone once it was killed."""
    yield from _process(cosmosdb_server)


@pytest.fixture
def cosmosdb_faults(cosmosdb_server: CosmosDB) -> Iterator[Faults]:
    """Cleared at the end; operations are counted from here."""
    if cosmosdb_server.faults is None:
        pytest.skip("nothing can be made to go wrong in an account of your own")
    cosmosdb_server.faults.forget()
    yield cosmosdb_server.faults
    cosmosdb_server.faults.clear()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    yield from _run("S3", s3.running())


@pytest.fixture
def s3_url(s3_server: S3) -> Iterator[str]:
    with s3_server.bucket() as url:
        yield url


@pytest.fixture
def s3_process(s3_server: S3) -> Iterator[ServerProcess]:
    yield from _process(s3_server)


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3]:
    yield from _run("S3 with keys as they are", moto.running())


@pytest.fixture
def moto_url(moto_server: S3) -> Iterator[str]:
    with moto_server.bucket() as url:
        yield url


@pytest.fixture(scope="session")
def azure_server() -> Iterator[Azure]:
    yield from _run("Azure", azure.running())


@pytest.fixture
def azure_url(azure_server: Azure) -> Iterator[str]:
    with azure_server.container() as url:
        yield url


@pytest.fixture
def azure_process(azure_server: Azure) -> Iterator[ServerProcess]:
    """What was written in the last five seconds may be gone once it was killed."""
    yield from _process(azure_server)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    yield from _run("Valkey", valkey.running())


@pytest.fixture
def valkey_url(valkey_server: Valkey) -> Iterator[str]:
    yield valkey_server.url
    if valkey_server.process is not None:  # one's own is left as it is: keys have an end
        with valkey_server.client as client:
            client.flushdb()


@pytest.fixture
def valkey_process(valkey_server: Valkey) -> Iterator[ServerProcess]:
    yield from _process(valkey_server)
