"""Reads by a standby that really lags, is killed, and hangs."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest

import interstore
from interstore.errors import ConfigurationError, ConflictError, OperationTimeoutError
from interstore.migration import migrate, verify
from tests.patience import eventually, eventually_async
from tests.servers import postgresql
from tests.servers.databases import PostgreSQL
from tests.servers.process import ServerUnavailable


@pytest.fixture(scope="module")
def standby(postgresql_server: PostgreSQL) -> Iterator[PostgreSQL]:
    try:
        with postgresql.standby(postgresql_server) as server:
            yield server
    except ServerUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def urls(
    postgresql_server: PostgreSQL, standby: PostgreSQL, postgresql_url: str
) -> Iterator[tuple[str, str]]:
    """The database's URL, and that of the same on the standby, which has it by now."""
    name = postgresql_url.rpartition("/")[2]
    url = standby.url(name)

    def is_there() -> None:
        with standby.connect() as connection:
            rows = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            assert rows.fetchone()

    eventually(is_there)
    yield postgresql_url, url
    assert standby.process is not None
    standby.process.heal()
    told(standby, "SELECT pg_wal_replay_resume()")


@pytest.fixture
def store(urls: tuple[str, str]) -> Iterator[interstore.Store]:
    url, replica = urls
    with interstore.connect(url, read_urls=replica, timeout=20) as store:
        yield store


def told(server: PostgreSQL, sql: str) -> Any:
    with server.connect() as connection:
        row = connection.execute(sql.encode()).fetchone()
    return row and row[0]


@contextmanager
def paused(standby: PostgreSQL) -> Generator[None]:
    """What is written meanwhile reaches the standby, and is not to be seen there."""
    told(standby, "SELECT pg_wal_replay_pause()")

    def is_paused() -> None:
        assert told(standby, "SELECT pg_get_wal_replay_pause_state()") == "paused"

    eventually(is_paused)
    yield
    told(standby, "SELECT pg_wal_replay_resume()")


def reads(store: interstore.Store) -> list[object]:
    """What each operation that only reads says of the model."""
    return [
        store.find_by_id("m", "a"),
        store.find_by_ids("m", ["a"]),
        store.find("m").to_list(),
        store.find_one("m", {"n": {"$gte": 0}}),
        store.page("m").documents,
        store.count("m"),
        store.exists("m", {}),
        store.aggregate("m", total=("sum", "n")),
        store.distinct("m", "n"),
    ]


def catch_up(store: interstore.Store, version: int) -> None:
    def has_it() -> None:
        found = store.find_by_id("m", "a")
        assert found is not None
        assert found.version == version

    eventually(has_it)


def test_reads_are_those_of_the_standby(store: interstore.Store, standby: PostgreSQL) -> None:
    store.create("m", {"id": "a", "n": 1})
    catch_up(store, 1)
    before = reads(store)
    with paused(standby):
        store.update("m", "a", {"n": 2})
        store.create("m", {"id": "b", "n": 3})
        assert reads(store) == before, "a stale read is what a replica that lags gives"
        with store.session() as session:
            assert reads(session) != before
            assert session.get("m", "a")["n"] == 2, "a session reads what was written"
            session.update("m", "a", {"n": 4})
            assert session.get("m", "a")["n"] == 4
            assert session.count("m") == 2
        with store.transaction() as transaction:
            assert transaction.get("m", "a")["n"] == 4
            assert transaction.count("m") == 2
        [replica] = store.stats().replicas
        assert not replica.is_away
        assert replica.lag_seconds is not None
        assert replica.lag_seconds > 0
    eventually(lambda: _equal(store.count("m"), 2))
    eventually(lambda: _equal(store.stats().replicas[0].lag_seconds, 0))


def _equal(found: object, expected: object) -> None:
    assert found == expected


def test_what_belongs_to_a_write_is_read_on_the_primary(
    store: interstore.Store, standby: PostgreSQL
) -> None:
    store.create("m", {"id": "a", "n": 1})
    catch_up(store, 1)
    with paused(standby):
        store.update("m", "a", {"n": 2})
        with pytest.raises(ConflictError, match="version 2"):
            store.update("m", "a", {"n": 3}, if_version=1)
        assert store.update("m", "a", {"$push": {"l": 1}}, if_version=2).version == 3
        assert store.update("m", "a", {}).version == 3
        found = store.find_one_and_update("m", {"n": 2}, {"$inc": {"n": 1}})
        assert found is not None
        assert found["n"] == 3
        assert store.update_many("m", {"n": 3}, {"n": 5}).updated == 1
        assert store.delete_many("m", {"n": 5}).deleted == 1
        assert store.count("m") == 1, "the standby has it still"


def test_migration_and_verification_read_the_primary(
    store: interstore.Store, standby: PostgreSQL
) -> None:
    store.create_many("m", [{"id": f"d{n}", "n": n} for n in range(50)])
    with paused(standby), interstore.connect("memory://") as target:
        store.create_many("m", [{"id": f"e{n}", "n": n} for n in range(50)])
        report = migrate(store, target)
        assert report.ok
        assert target.count("m") == 100
        assert verify(store, target).ok


def test_a_standby_that_is_killed(store: interstore.Store, standby: PostgreSQL) -> None:
    """The primary answers, soon; the standby again, once it is there again."""
    store.create("m", {"id": "a", "n": 1})
    catch_up(store, 1)
    assert standby.process is not None
    standby.process.kill()
    store.update("m", "a", {"n": 2})
    started = monotonic()
    for _ in range(20):
        assert store.get("m", "a")["n"] == 2
    assert monotonic() - started < 15, "it is not waited for each time"
    assert store.stats().replicas[0].is_away
    standby.process.start()

    def is_back() -> None:
        assert not store.stats().replicas[0].is_away

    eventually(is_back)
    with paused(standby):
        store.update("m", "a", {"n": 3})
        eventually(lambda: _equal(store.get("m", "a")["n"], 2))


def test_a_standby_that_is_not_there_at_first(urls: tuple[str, str], standby: PostgreSQL) -> None:
    assert standby.process is not None
    standby.process.kill()
    with interstore.connect(urls[0], read_urls=urls[1], timeout=20) as store:
        store.create("m", {"id": "a", "n": 1})
        assert store.get("m", "a")["n"] == 1
        assert store.stats().replicas[0].is_away
        standby.process.start()
        eventually(lambda: _equal(store.stats().replicas[0].is_away, False))


def test_a_standby_that_hangs(urls: tuple[str, str], standby: PostgreSQL) -> None:
    """Who waits for it waits no longer than the timeout; the others do not ask it."""
    assert standby.process is not None
    with interstore.connect(urls[0], read_urls=urls[1], timeout=2) as store:
        store.create("m", {"id": "a", "n": 1})
        catch_up(store, 1)
        standby.process.pause()
        started = monotonic()
        with pytest.raises(OperationTimeoutError):
            store.get("m", "a")
        for _ in range(10):
            assert store.get("m", "a")["n"] == 1
        assert monotonic() - started < 15


def test_several_standbys(urls: tuple[str, str], standby: PostgreSQL) -> None:
    """One that is never there costs but the first who asks it."""
    nowhere = "postgresql://127.0.0.1:9"
    with interstore.connect(urls[0], read_urls=f"{nowhere} {urls[1]}", timeout=20) as store:
        store.create("m", {"id": "a", "n": 1})
        catch_up(store, 1)
        with paused(standby):
            store.update("m", "a", {"n": 2})
            assert [store.get("m", "a")["n"] for _ in range(6)] == [1] * 6
        assert [each.is_away for each in store.stats().replicas] == [True, False]


@pytest.mark.asyncio
async def test_async(urls: tuple[str, str], standby: PostgreSQL) -> None:
    async with interstore.connect_async(urls[0], read_urls=urls[1]) as store:
        await store.create("m", {"id": "a", "n": 1})

        async def has_it() -> None:
            assert await store.find_by_id("m", "a") is not None

        await eventually_async(has_it)
        with paused(standby):
            await store.update("m", "a", {"n": 2})
            assert (await store.get("m", "a"))["n"] == 1
            async with store.session() as session:
                assert (await session.get("m", "a"))["n"] == 2
            async with store.transaction() as transaction:
                assert (await transaction.get("m", "a"))["n"] == 2


@pytest.mark.parametrize(
    ("urls", "message"),
    [
        ("replica1:5432", "number 1 is not of the form postgresql://host:port"),
        ("postgresql://a mysql://b", "number 2 is not of the form"),
        ("postgresql://a?schema=x", "number 1 has schema"),
        ("postgresql://a?pool_size=3", "number 1 has pool_size"),
        ("postgresql://u:canary@a:b@c", "more than one user or password"),
    ],
)
def test_read_urls_that_are_none(urls: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        interstore.connect("postgresql://127.0.0.1:9/app", read_urls=urls)
    assert "canary" not in str(caught.value)


def test_a_password_of_a_replica_is_told_to_nobody(postgresql_url: str) -> None:
    url = "postgresql://guarded:canary@127.0.0.1:9"
    with interstore.connect(postgresql_url, read_urls=url) as store:
        store.create("m", {"id": "a"})
        shown = [repr(store.stats()), repr(store), str(store.stats().replicas[0].place)]
        assert "canary" not in "".join(shown)
