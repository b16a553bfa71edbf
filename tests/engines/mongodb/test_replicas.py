"""Reads by a second member of the replica set, which really lags."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest
from pymongo import MongoClient

import interstore
from interstore.errors import ConfigurationError, ConflictError
from interstore.migration import migrate, verify
from tests.patience import eventually, eventually_async
from tests.servers.mongodb import MongoDB, pair
from tests.servers.process import ServerProcess, ServerUnavailable

Pair = tuple[MongoDB, ServerProcess]


@pytest.fixture(scope="module")
def members() -> Iterator[Pair]:
    try:
        with pair() as servers:
            yield servers
    except ServerUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def url(members: Pair) -> Iterator[str]:
    server, follower = members
    with server.database() as url:
        yield url
        follower.heal()


@contextmanager
def paused(members: Pair) -> Generator[None]:
    """The second member answers, and shows nothing that is written meanwhile."""
    point = {"configureFailPoint": "rsSyncApplyStop"}
    with MongoClient[dict[str, object]](
        "127.0.0.1", members[1].port, directConnection=True
    ) as client:
        client.admin.command(point | {"mode": "alwaysOn"})
        try:
            yield
        finally:
            client.admin.command(point | {"mode": "off"})


def reads(store: interstore.Store) -> list[object]:
    return [
        store.find_by_id("m", "a"),
        store.find_by_ids("m", ["a"]),
        store.find("m").to_list(),
        store.find("m", sort="n").to_list(),
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


def test_reads_are_those_of_the_secondary(members: Pair, url: str) -> None:
    with interstore.connect(f"{url}&readPreference=secondary") as store:
        store.create("m", {"id": "a", "n": 1})
        catch_up(store, 1)
        before = reads(store)
        with paused(members):
            store.update("m", "a", {"n": 2})
            store.create("m", {"id": "b", "n": 3})
            assert reads(store) == before, "a stale read is what a member that lags gives"
            with store.session() as session:
                assert session.get("m", "a")["n"] == 2, "a session reads what was written"
                assert session.count("m") == 2
            with store.transaction() as transaction:
                assert transaction.get("m", "a")["n"] == 2
            with pytest.raises(ConflictError, match="version 2"):
                store.update("m", "a", {"n": 3}, if_version=1)
            assert store.update("m", "a", {"$push": {"l": 1}}, if_version=2).version == 3
            assert store.find_one_and_update("m", {"n": 3}, {"n": 4}) is not None
            assert store.update_many("m", {"n": 4}, {"n": 5}).updated == 1
            with interstore.connect("memory://") as target:
                assert migrate(store, target).ok
                assert target.count("m") == 2
                assert verify(store, target).ok
        eventually(lambda: _equal(store.count("m"), 2))
        assert len(store.stats().replicas) == 1


def _equal(found: object, expected: object) -> None:
    assert found == expected


@pytest.mark.long
def test_who_answers_while_a_member_is_down(members: Pair, url: str) -> None:
    _, follower = members
    preferred = interstore.connect(url, read_preference="secondaryPreferred", timeout=20)
    strict = interstore.connect(url, read_preference="secondary", timeout=2)
    with preferred, strict:
        preferred.create("m", {"id": "a", "n": 1})
        catch_up(preferred, 1)
        catch_up(strict, 1)
        follower.kill()
        preferred.update("m", "a", {"n": 2})
        assert preferred.get("m", "a")["n"] == 2, "the primary answers"
        with pytest.raises(interstore.InterstoreError) as caught:
            strict.get("m", "a")
        assert isinstance(
            caught.value, (interstore.UnavailableError, interstore.OperationTimeoutError)
        )
        follower.start()
        catch_up(strict, 2)


@pytest.mark.asyncio
async def test_async(members: Pair, url: str) -> None:
    async with interstore.connect_async(url, read_preference="secondary") as store:
        await store.create("m", {"id": "a", "n": 1})

        async def has_it() -> None:
            assert await store.find_by_id("m", "a") is not None

        await eventually_async(has_it)
        with paused(members):
            await store.update("m", "a", {"n": 2})
            assert (await store.get("m", "a"))["n"] == 1
            async with store.session() as session:
                assert (await session.get("m", "a"))["n"] == 2
            async with store.transaction() as transaction:
                assert (await transaction.get("m", "a"))["n"] == 2


def test_settings(url: str) -> None:
    with pytest.raises(ConfigurationError, match="read_preference"):
        interstore.connect(url, read_preference="anybody")
    with pytest.raises(ConfigurationError, match="would have no effect, since read_pref"):
        interstore.connect(url, options="readPreference=nearest")
