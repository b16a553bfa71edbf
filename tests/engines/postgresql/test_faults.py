"""What goes wrong with a server ends in a typed error, in time, and the store works again."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings

import pytest

import interstore
from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    OperationTimeoutError,
    PermissionDeniedError,
    UnavailableError,
)
from interstore_backends.postgresql._async.database import AsyncPostgreSQLDatabase
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from tests.databases import postgresql, postgresql_async
from tests.engines.postgresql.support import Open, changes, fill, ids, run, write
from tests.patience import eventually, no_hang
from tests.servers.databases import PostgreSQL
from tests.servers.disk import small_database
from tests.servers.process import ServerProcess, free_port
from tests.servers.proxy import Proxy

# Connecting.


def test_a_wrong_password(postgresql_server: PostgreSQL) -> None:
    if postgresql_server.process is None:
        pytest.skip("a server of your own has no user for this")
    with postgresql_server.database() as url:
        name = url.rpartition("/")[2]
        wrong = postgresql_server.url(name, user="guarded:c4n%40ry-secret")
        with pytest.raises(PermissionDeniedError, match="password authentication failed") as caught:
            postgresql(wrong).connect()
        assert "c4n" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        right = postgresql(postgresql_server.url(name, user="guarded:correct%20horse"))
        right.connect()
        right.disconnect()


def test_nobody_listens() -> None:
    with no_hang(), pytest.raises(UnavailableError, match="is the server running"):
        postgresql(f"postgresql://x@127.0.0.1:{free_port()}/x").connect()


def test_there_is_no_such_database(postgresql_server: PostgreSQL) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_NAME"):
        postgresql(postgresql_server.url("there_is_none")).connect()


def test_not_connected() -> None:
    with pytest.raises(UnavailableError, match="not connected"):
        postgresql("postgresql://x@127.0.0.1/x").find_by_id("m", "a")


def test_tls_that_the_server_does_not_have(postgresql_url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_SSL"):
        postgresql(postgresql_url, ssl="verify").connect()


# The pool.


def test_an_exhausted_pool(opened: Open) -> None:
    database = opened(pool_size=2, timeout=0.5)
    fill(database, a={})
    pool = database.native
    taken = [pool.getconn(), pool.getconn()]
    with no_hang(), pytest.raises(OperationTimeoutError, match="all 2 connections"):
        database.find_by_id("m", "a")
    for connection in taken:
        pool.putconn(connection)
    assert database.find_by_id("m", "a") == {"id": "a"}


def test_many_threads_share_a_small_pool(opened: Open) -> None:
    database = opened(pool_size=3)
    fill(database, a={"n": 0})

    def work() -> None:
        for _ in range(20):
            database.update("m", "a", changes({"$inc": {"n": 1}}))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = database.find_by_id("m", "a")
    assert found is not None
    assert (found["n"], found.version) == (160, 161)


def test_a_forked_process_is_told_to_connect_anew(database: PostgreSQLDatabase) -> None:
    fill(database, a={})
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
        child = os.fork()
    if not child:
        try:
            database.find_by_id("m", "a")
        except UnavailableError as error:
            os.write(writing, repr(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert b"forked" in os.read(reading, 1000)
    os.close(reading)
    os.close(writing)
    assert database.find_by_id("m", "a") is not None


# Statements.


def test_a_statement_that_takes_too_long(opened: Open) -> None:
    database = opened(timeout=0.5)
    with no_hang(), pytest.raises(OperationTimeoutError, match=r"0\.5 seconds"):  # noqa: SIM117
        with database._translated():
            database._connections.read("SELECT pg_sleep(30)")
    database.ping()


def test_a_lock_that_another_holds(opened: Open) -> None:
    database = opened(timeout=0.5)
    fill(database, a={"n": 0})
    with database.native.connection() as connection, connection.transaction():
        connection.execute("SELECT 1 FROM m FOR UPDATE")
        with no_hang(), pytest.raises(OperationTimeoutError):
            database.update("m", "a", changes({"$inc": {"n": 1}}))
    assert database.update("m", "a", changes({"$inc": {"n": 1}}))["n"] == 1


def test_a_role_without_rights(database: PostgreSQLDatabase, opened: Open) -> None:
    fill(database, a={})
    if not run(database, "SELECT 1 FROM pg_roles WHERE rolname = 'nobody_in_particular'"):
        run(database, "CREATE ROLE nobody_in_particular LOGIN")
    other = opened(username="nobody_in_particular")
    with pytest.raises(PermissionDeniedError, match=r"permission denied for .*: give the role"):
        other.create("m", write("b"))
    other.disconnect()
    run(database, "DROP ROLE nobody_in_particular")


def test_connections_that_the_server_ended(database: PostgreSQLDatabase) -> None:
    """Reads go to another; of writes, none is sent to one that is known to be gone."""
    fill(database, a={"n": 0})
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
    for number in range(1, 6):
        with database.native.connection() as connection:
            own = "interstore other"
            connection.execute(b"SELECT set_config('application_name', %s, false)", [own])
            connection.execute(ended.encode(), ["interstore"])
        if number % 2:
            assert database.find_by_id("m", "a") is not None
        assert database.update("m", "a", changes({"$inc": {"n": 1}}))["n"] == number


# The server.


def test_a_restart(opened: Open, postgresql_process: ServerProcess) -> None:
    database = opened(timeout=10)
    fill(database, a={"n": 0})
    with database.native.connection(), database.native.connection():
        pass  # so that there are several to be lost
    postgresql_process.restart()
    assert database.find_by_id("m", "a") == {"id": "a", "n": 0}
    assert database.update("m", "a", changes({"$inc": {"n": 1}}))["n"] == 1


async def test_a_cancelled_call_leaves_its_connection_usable(postgresql_url: str) -> None:
    database = postgresql_async(postgresql_url, pool_size=1)
    assert isinstance(database, AsyncPostgreSQLDatabase)
    await database.connect()
    task = asyncio.ensure_future(database._connections.read("SELECT pg_sleep(30)"))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(2):
        await database.ping()
    await database.disconnect()


# The way there.


def test_no_secret_is_shown(postgresql_server: PostgreSQL) -> None:
    secret = "c4nary p@ss/w:rd"
    with pytest.raises(InterstoreError) as caught:
        interstore.connect(
            type="postgresql", host="127.0.0.1", port=free_port(), password=secret, timeout=1
        )
    assert "c4nary" not in repr(caught.value) + str(caught.value.__dict__)


def test_a_write_that_is_lost(postgresql_server: PostgreSQL, opened: Open) -> None:
    """Nobody can tell whether it was applied, and an error that says "repeat it" would lie."""
    with postgresql_server.database() as url, Proxy(*postgresql_server.address) as proxy:
        name = url.rpartition("/")[2]
        database = opened(postgresql_server.url(name, port=proxy.port))
        database.create("m", write("a", {"n": 0}))
        for call in (
            lambda: database.update("m", "a", changes({"$inc": {"n": 1}})),
            lambda: database.create("m", write("b")),
            lambda: database.delete("m", "c"),
            lambda: database.put_many("m", [write("d"), write("e")]),
        ):
            proxy.cut(after=0, direction="to_client")
            with pytest.raises(OperationTimeoutError, match="may or may not") as caught:
                call()
            assert not caught.value.retryable
            proxy.restore()
            eventually(database.ping)
        database.disconnect()


def test_a_full_disk(
    postgresql_server: PostgreSQL, postgresql_process: ServerProcess, opened: Open
) -> None:
    """What does not fit is told, one by one and in bulk; the rest is there, and room helps."""
    with small_database(postgresql_server) as url:
        database = opened(url)
        texts = [os.urandom(30_000).hex() for _ in range(1200)]
        stored: list[str] = []

        def store_all() -> None:
            for number, text in enumerate(texts):
                database.create("m", write(str(number), {"text": text}))
                stored.append(str(number))

        with pytest.raises(UnavailableError):
            store_all()
        many = [write(f"x{number}", {"text": text}) for number, text in enumerate(texts)]
        with pytest.raises(UnavailableError):
            database.create_many("m", many)
        assert set(ids(database, {})) == set(stored)
        assert database.drop("m")
        database.create("m", write("fits"))
        database.disconnect()
