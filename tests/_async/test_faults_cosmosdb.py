"""Answers that are lost, late, or not what they seem: nothing is ever applied twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from interstore._async.operations import AsyncOperations
from interstore._async.store import AsyncStore
from interstore.errors import InterstoreError, OperationTimeoutError, UnavailableError
from interstore.testing._async.suite import at_once, fixture
from tests.databases import cosmosdb_async
from tests.patience import no_hang
from tests.servers.cosmosdb.faults import Faults


@fixture
async def store(cosmosdb_url: str) -> AsyncIterator[AsyncStore]:
    async with AsyncStore(cosmosdb_async(cosmosdb_url)) as store:
        await store.create("m", {"id": "a", "n": 1})
        yield store


def lose(faults: Faults, how: str, operation: str) -> None:
    """Carry the next operation out, and give no answer, or a wrong one."""
    if how == "reset":
        faults.reset(operation, committed=True, times=1)
    else:
        faults.fail(int(how), operation, committed=True, times=1)


SKIPS = pytest.mark.parametrize("skip", [0, 2, 5])
LOST = pytest.mark.parametrize("how", ["reset", "503", "500", "408"])


@LOST
async def test_create(store: AsyncStore, cosmosdb_faults: Faults, how: str) -> None:
    lose(cosmosdb_faults, how, "Create")
    assert (await store.create("m", {"id": "b", "n": 1})).version == 1
    assert (await store.get("m", "b")).version == 1


@LOST
async def test_increment(store: AsyncStore, cosmosdb_faults: Faults, how: str) -> None:
    lose(cosmosdb_faults, how, "Patch")
    assert (await store.update("m", "a", {"$inc": {"n": 1}}))["n"] == 2
    assert (await store.get("m", "a")).fields() == {"n": 2}


@LOST
async def test_an_increment_that_no_patch_can_do(
    store: AsyncStore, cosmosdb_faults: Faults, how: str
) -> None:
    await store.update("m", "a", {"$set": {"m-n": 1}})
    lose(cosmosdb_faults, how, "Replace")
    assert (await store.update("m", "a", {"$inc": {"m-n": 1}}))["m-n"] == 2
    found = await store.get("m", "a")
    assert (found["m-n"], found.version) == (2, 3)


@LOST
async def test_replace(store: AsyncStore, cosmosdb_faults: Faults, how: str) -> None:
    lose(cosmosdb_faults, how, "Replace")
    assert (await store.put("m", {"id": "a", "n": 5})).version == 2
    assert (await store.get("m", "a")).version == 2


@LOST
async def test_delete(store: AsyncStore, cosmosdb_faults: Faults, how: str) -> None:
    lose(cosmosdb_faults, how, "Delete")
    with pytest.raises(OperationTimeoutError, match="may or may not have been applied"):
        await store.delete("m", "a")
    assert await store.find_by_id("m", "a") is None


async def test_an_increment_that_was_lost(store: AsyncStore, cosmosdb_faults: Faults) -> None:
    cosmosdb_faults.reset("Patch", times=1)
    with pytest.raises(OperationTimeoutError):
        await store.update("m", "a", {"$inc": {"n": 1}})
    assert (await store.get("m", "a"))["n"] == 1


async def test_retry_with(store: AsyncStore, cosmosdb_faults: Faults) -> None:
    cosmosdb_faults.fail(449, "Patch", times=2)
    assert (await store.update("m", "a", {"$inc": {"n": 1}}))["n"] == 2


async def test_writes_at_once_are_throttled(store: AsyncStore, cosmosdb_faults: Faults) -> None:
    cosmosdb_faults.throttle(400)
    calls = [partial(store.create, "m", {"id": f"t{number}"}) for number in range(200)]
    with no_hang():
        done = await at_once(calls)
    cosmosdb_faults.clear()
    failed = [each for each in done if isinstance(each, InterstoreError)]
    assert {type(each) for each in failed} <= {OperationTimeoutError, UnavailableError}
    assert await store.count("m") == 1 + len(done) - len(failed)
    assert failed == [], "there was time for all of them"


async def test_a_server_that_hangs(cosmosdb_url: str, cosmosdb_faults: Faults) -> None:
    async with AsyncStore(cosmosdb_async(cosmosdb_url, timeout=1.0)) as store:
        await store.create("m", {"id": "a"})
        cosmosdb_faults.hang("Read", times=-1)
        with no_hang(), pytest.raises(InterstoreError):
            await store.find_by_id("m", "a")
        cosmosdb_faults.clear()


@fixture
async def sixty(store: AsyncStore) -> set[str]:
    await store.create_many("m", [{"id": f"s{number:03}", "n": number % 3} for number in range(60)])
    return {"a", *(f"s{number:03}" for number in range(60))}


@SKIPS
@pytest.mark.parametrize("sort", ["id", "n", "-n", "@created_at"])
async def test_a_split_while_sorting(
    store: AsyncStore, cosmosdb_faults: Faults, sixty: set[str], sort: str, skip: int
) -> None:
    expected = [document.id async for document in store.find("m", sort=sort, limit=40)]
    cosmosdb_faults.split_at("Query", skip=skip, times=1)
    assert [document.id async for document in store.find("m", sort=sort, limit=40)] == expected
    assert {document.id async for document in store.find("m", sort=sort)} == sixty


@SKIPS
async def test_a_split_while_counting(
    store: AsyncStore, cosmosdb_faults: Faults, sixty: set[str], skip: int
) -> None:
    cosmosdb_faults.split_at("Query", skip=skip, times=1)
    assert await store.count("m") == 61
    assert await store.count("m", {"n": 1}) == 21


@SKIPS
@pytest.mark.parametrize("n", [1, 3, 9])
async def test_a_split_while_scanning(
    cosmosdb_url: str,
    store: AsyncStore,
    cosmosdb_faults: Faults,
    sixty: set[str],
    skip: int,
    n: int,
) -> None:
    # Which knows the partitions as they are now.
    async with AsyncStore(cosmosdb_async(cosmosdb_url)) as other:
        operations = AsyncOperations(other.database)
        partitions = await operations.partitions("m", n)
        assert len(partitions) == {1: 1, 3: 2, 9: 8}[n]
        cosmosdb_faults.split_at("Query", skip=skip, times=1)
        found: list[str] = []
        for partition in partitions:
            token: Any = None
            while True:
                page = await operations.scan("m", partition, token, 7)
                found += [document.id for document in page.documents]
                token = page.next
                if token is None:
                    break
    assert len(found) == 61
    assert set(found) == sixty
