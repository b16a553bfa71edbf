"""One connection for a burst: that it is one, that it comes back, and when it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

import pytest

from interstore._async.store import AsyncStore
from interstore._sync.store import Store
from interstore.bridge import to_async, to_sync
from interstore.errors import OperationTimeoutError, UnavailableError
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from tests.databases import postgresql, postgresql_async
from tests.engines.postgresql.support import Open, run
from tests.engines.postgresql.test_concurrency import at_once
from tests.patience import eventually

PID = "SELECT pg_backend_pid()"
END_ALL = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def store_of(database: PostgreSQLDatabase) -> Store:
    store = Store(database)
    store.connect()
    return store


def pid(database: Any) -> int:
    """The server's process that answers."""
    [[found]] = database._connections.read(PID)
    return int(found)


def free(database: PostgreSQLDatabase) -> int:
    """How many connections lie in the pool."""
    return int(database.native.get_stats()["pool_available"])


def test_all_on_one_connection(opened: Open) -> None:
    database = opened(pool_size=3)
    with database.session() as session, database.session() as other:
        assert len({pid(session) for _ in range(5)}) == 1
        assert pid(session) != pid(other)
        assert set(at_once([lambda: pid(session)] * 8)) == {pid(session)}
        with session.session() as inner:
            assert inner is session
        assert free(database) == 0
    assert free(database) == 2


def test_a_model_is_made_within(opened: Open) -> None:
    """With one connection there is none for anything beside it."""
    store = store_of(opened(pool_size=1))
    with store.session() as session:
        session.create("m", {"id": "a"})
        assert session.models() == ["m"]
        stats = session.stats()
        assert stats.documents == 1
        assert int((stats.version or "").partition(".")[0]) >= 14
        assert session.drop("m")
        session.put_many("m", [{"id": "b", "n": 1}])
        index = session.ensure_index("m", "n", type="number")
        assert session.find_one("m", {"n": {"$gte": 1}}) is not None
        assert session.indexes("m") == [index]
        assert session.drop_index("m", index)
    assert store.count("m") == 1


def test_a_pool_exhausted_by_sessions(opened: Open) -> None:
    store = store_of(opened(pool_size=2, timeout=0.5))
    store.create("m", {"id": "a"})
    with store.session() as session, store.session():
        for call in (lambda: store.get("m", "a"), lambda: store.session().__enter__()):
            with pytest.raises(OperationTimeoutError, match="all 2 connections") as caught:
                call()
            assert caught.value.backend == "postgresql"
        assert session.get("m", "a").version == 1
    assert store.get("m", "a").version == 1


def test_a_session_whose_connection_is_busy(opened: Open) -> None:
    database = opened(pool_size=1, timeout=0.5)
    with database.session() as session:
        connection = session._connections.take(monotonic() + 60)
        with pytest.raises(OperationTimeoutError, match="session's one connection"):
            pid(session)
        session._connections.give_back(connection)
        assert pid(session)


async def test_a_session_whose_connection_is_busy_from_asyncio(postgresql_url: str) -> None:
    database = postgresql_async(postgresql_url, pool_size=1, timeout=0.5)
    async with AsyncStore(database) as store, store.session() as session:
        own: Any = session.database.database
        connection = await own._connections.take(monotonic() + 60)
        waiting = [asyncio.create_task(session.count("m")) for _ in range(3)]
        for task in waiting:
            with pytest.raises(OperationTimeoutError, match="session's one connection"):
                await task
        again = asyncio.create_task(session.count("m"))
        await own._connections.give_back(connection)
        assert await again == 0
        assert await session.count("m") == 0


def test_a_slow_statement_ends_in_time(opened: Open) -> None:
    database = opened(timeout=0.5)
    with database.session() as session:
        with pytest.raises(OperationTimeoutError), session._translated():
            session._connections.read("SELECT pg_sleep(5)")
        assert pid(session)


def test_a_lost_connection_is_replaced(opened: Open) -> None:
    database, other = opened(pool_size=2), opened()
    store = store_of(database)
    store.create("m", {"id": "a", "n": 0})
    with store.session() as session:
        own: Any = session.database.database
        before = pid(own)
        run(other, END_ALL)
        assert session.get("m", "a")["n"] == 0, "a read is repeated"
        assert pid(own) != before
        run(other, END_ALL)
        assert session.update("m", "a", {"$inc": {"n": 1}})["n"] == 1, "it was not sent"
        assert len({pid(own) for _ in range(3)}) == 1
    assert store.get("m", "a").version == 2


def leave_early(store: Store) -> None:
    with store.session() as session:
        session.create("m", {"id": "a"})
        raise KeyError


def close_the_session(store: Store) -> None:
    with store.session() as session:
        session.create("m", {"id": "a"})
        session.close()
        with pytest.raises(UnavailableError):
            session.get("m", "a")
        assert store.get("m", "a").version == 1


def use_it_afterwards(store: Store) -> None:
    with store.session() as session:
        session.create("m", {"id": "a"})
    with pytest.raises(UnavailableError, match="session has ended"):
        session.get("m", "a")


@pytest.mark.parametrize("work", [leave_early, close_the_session, use_it_afterwards])
def test_the_connection_comes_back(opened: Open, work: Callable[[Store], None]) -> None:
    database = opened(pool_size=1, timeout=2)
    store = store_of(database)
    with suppress(KeyError):
        work(store)
    assert free(database) == 1
    assert store.get("m", "a").version == 1


def test_closing_the_store_closes_the_connection(opened: Open, postgresql_url: str) -> None:
    store, other = Store(postgresql(postgresql_url, pool_size=2)), opened(pool_size=1)
    store.connect()
    with store.session() as session:
        session.create("m", {"id": "a"})
        own: Any = session.database.database
        server = pid(own)
        store.close()

        def gone() -> None:
            assert not run(other, f"SELECT 1 FROM pg_stat_activity WHERE pid = {server}")

        eventually(gone)
        with pytest.raises(UnavailableError):
            session.get("m", "a")


async def test_a_cancelled_session_gives_its_connection_back(postgresql_url: str) -> None:
    database: Any = postgresql_async(postgresql_url, pool_size=1)
    async with AsyncStore(database) as store:

        async def work() -> None:
            async with store.session() as session:
                own: Any = session.database.database
                await own._connections.read("SELECT pg_sleep(30)")

        task = asyncio.create_task(work())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert database.native.get_stats()["pool_available"] == 1
        assert await store.count("m") == 0


async def test_across_the_bridge(postgresql_url: str) -> None:
    """From asyncio over the synchronous engine; the kit does it on engines without sessions."""
    database = postgresql(postgresql_url, pool_size=1)
    async with AsyncStore(to_async(database)) as store:
        async with store.session() as session:
            assert session is not store
            await session.create("m", {"id": "a"})
            assert (await session.get("m", "a")).version == 1
        with pytest.raises(UnavailableError, match="session has ended"):
            await session.get("m", "a")
        assert (await store.get("m", "a")).version == 1
        with suppress(KeyError):
            async with store.session():
                raise KeyError
        async with store.session() as session:
            await store.close()
            with pytest.raises(UnavailableError):
                await session.get("m", "a")


def test_across_the_other_bridge(postgresql_url: str) -> None:
    with Store(to_sync(postgresql_async(postgresql_url, pool_size=1))) as store:
        with store.session() as session:
            assert session is not store
            session.create("m", {"id": "a"})
        with pytest.raises(UnavailableError, match="session has ended"):
            session.get("m", "a")
        assert store.get("m", "a").version == 1
        with suppress(KeyError), store.session():
            raise KeyError
        with store.session() as session:
            store.close()
            with pytest.raises(UnavailableError):
                session.get("m", "a")
