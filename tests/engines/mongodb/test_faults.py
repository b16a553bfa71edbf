"""What goes wrong with a server ends in a typed error, in time, and the store works again."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator

import pytest
from pymongo import errors

from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    OperationTimeoutError,
    PermissionDeniedError,
    UnavailableError,
)
from interstore_backends.mongodb._async.database import AsyncMongoDBDatabase
from interstore_backends.mongodb._sync.database import MongoDBDatabase
from interstore_backends.mongodb.errors import Translator
from tests.databases import mongodb, mongodb_async
from tests.engines.mongodb.support import Open, changes, ids, write
from tests.patience import eventually, no_hang
from tests.servers.disk import small_mongodb
from tests.servers.mongodb import MongoDB, running
from tests.servers.process import ServerProcess, ServerUnavailable, free_port

# The driver leaves sockets of connections that were not completed to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    yield
    gc.collect()


def test_a_cluster_that_dns_does_not_know() -> None:
    error = errors.ConfigurationError("The DNS query name does not exist: _mongodb._tcp.x.")
    made = Translator("MongoDB at x/app", 3.0)(error)
    assert isinstance(made, ConfigurationError)
    assert str(made).endswith("check DATABASE_HOST")


def test_a_client_that_is_closed_while_others_use_it() -> None:
    error = errors.PyMongoError("Attempted to check out a connection from closed connection pool")
    made = Translator("MongoDB at x/app", 3.0)(error)
    assert isinstance(made, UnavailableError)
    assert str(made).endswith("the database was closed meanwhile")


def test_nobody_listens() -> None:
    database = mongodb(f"mongodb://127.0.0.1:{free_port()}/x", timeout=1.0)
    with no_hang(), pytest.raises(UnavailableError, match="no server answers"):
        database.connect()


async def test_nobody_listens_async() -> None:
    database = mongodb_async(f"mongodb://127.0.0.1:{free_port()}/x", timeout=1.0)
    with no_hang(), pytest.raises(UnavailableError, match="no server answers"):
        await database.connect()


@pytest.fixture(scope="module")
def guarded() -> Iterator[MongoDB]:
    try:
        with running(replica_set=False, password="correct horse") as server:
            yield server
    except ServerUnavailable as error:
        pytest.skip(str(error))


def test_a_wrong_password(guarded: MongoDB) -> None:
    host, port = guarded.address
    url = f"mongodb://guarded:{{}}@{host}:{port}/x?authSource=admin"
    with pytest.raises(PermissionDeniedError, match="DATABASE_PASSWORD") as caught:
        mongodb(url.format("c4n%40ry-secret")).connect()
    assert "c4n" not in str(caught.value)
    assert caught.value.__cause__ is None
    nobody = mongodb(f"mongodb://{host}:{port}/x")
    nobody.connect()
    with pytest.raises(PermissionDeniedError, match="readWrite"):
        nobody.create("m", write("a"))
    nobody.disconnect()
    right = mongodb(url.format("correct%20horse"))
    right.connect()
    right.create("m", write("a"))
    right.disconnect()


def test_not_connected(mongodb_url: str) -> None:
    database = mongodb(mongodb_url)
    with pytest.raises(UnavailableError, match="not connected"):
        database.find_by_id("m", "a")
    database.connect()
    database.connect()
    database.disconnect()
    database.disconnect()
    with pytest.raises(UnavailableError, match="not connected"):
        database.create("m", write("a"))
    database.connect()
    database.create("m", write("a"))
    database.disconnect()


def test_a_pool_that_is_too_small(opened: Open) -> None:
    database = opened(pool_size=1)
    database.create_many("m", [write(str(number)) for number in range(100)])
    errors: list[Exception] = []

    def work() -> None:
        try:
            for number in range(20):
                database.update("m", str(number), changes({"$inc": {"n": 1}}))
        except InterstoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    found = database.find_by_id("m", "19")
    assert found is not None
    assert found["n"] == 10


def test_the_flavours_are_of_one_name() -> None:
    assert MongoDBDatabase.name == AsyncMongoDBDatabase.name == "mongodb"


def test_a_full_disk(opened: Open) -> None:
    """The server gives up, as MongoDB does; what it acknowledged is there when it has room."""
    with small_mongodb() as small, small.server.database() as url:
        database = opened(url, timeout=3.0, durability="majority")
        stored: list[str] = []

        def store_all() -> None:
            for number in range(500):
                database.create("m", write(str(number), {"text": os.urandom(400_000).hex()}))
                stored.append(str(number))

        with no_hang(), pytest.raises((UnavailableError, OperationTimeoutError)):
            store_all()
        small.enlarge()
        eventually(database.ping)
        assert set(stored) <= set(ids(database, {}))
        database.create("m", write("fits"))
        database.disconnect()


def test_a_write_that_may_be_repeated(
    opened: Open, mongodb_server: MongoDB, mongodb_process: ServerProcess
) -> None:
    """The server wrote, not safely yet, and says so: the driver asks again, and it writes once."""
    database = opened(durability="majority")
    database.create("m", write("a", {"n": 0}))
    with mongodb_server.connect() as client:
        client.admin.command(
            "configureFailPoint",
            "failCommand",
            mode={"times": 1},
            data={
                "failCommands": ["findAndModify"],
                "errorLabels": ["RetryableWriteError"],
                "writeConcernError": {"code": 262, "errmsg": "took too long"},
            },
        )
    assert database.update("m", "a", changes({"$inc": {"n": 1}}))["n"] == 1
    found = database.find_by_id("m", "a")
    assert found is not None
    assert (found["n"], found.version) == (1, 2)
