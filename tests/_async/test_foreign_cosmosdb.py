"""Containers of others on Cosmos DB, by whatever partition key: read, updated, deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interstore._async.foreign import AsyncForeign
from interstore._async.store import AsyncStore
from interstore._compat_async import ASYNC
from interstore.document import Document
from interstore.errors import (
    ConfigurationError,
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
    OperationTimeoutError,
    UnsupportedError,
)
from interstore.filters.arguments import parse_sort
from interstore.filters.parse import parse_filter
from interstore.filters.select import select
from interstore.prepared import Partition, Query
from interstore.testing._async.suite import at_once, fixture
from interstore.values import exact_integers
from interstore_backends.cosmosdb.usage import request_units
from tests._async.test_foreign import CHECKS, EXAMPLES, FILTERS, SORTS
from tests.databases import cosmosdb_async
from tests.foreign_data import in_cosmosdb, presented, rows
from tests.servers.cosmosdb import CosmosDB
from tests.servers.cosmosdb.faults import Faults

if ASYNC:
    import asyncio

COUNT = 30
DOCUMENTS = {row["id"]: row for row in map(presented, rows(COUNT))}


@pytest.fixture
def url(cosmosdb_server: CosmosDB) -> Iterator[str]:
    if cosmosdb_server.process is None:
        pytest.skip("containers of others are made without TLS")
    with cosmosdb_server.database(partitions=2) as url:
        yield url


@fixture
async def store(url: str) -> AsyncIterator[AsyncStore]:
    async with AsyncStore(cosmosdb_async(url)) as store:
        yield store


@pytest.fixture
def orders(store: AsyncStore, url: str) -> AsyncForeign:
    """All partitions of a container by a path of two keys."""
    in_cosmosdb(url, "/data/city")(rows(COUNT))
    return store.foreign("orders", partition="data.city")


def wanted(filter: Any, sort: Any = None) -> list[str]:
    """The ids that the reference finds among the presented documents."""
    documents = [
        Document(row, id=row["id"], version=1, created="", updated="") for row in DOCUMENTS.values()
    ]
    with exact_integers():
        return [
            each.id for each in select(documents, Query(parse_filter(filter), parse_sort(sort)))
        ]


async def test_documents(orders: AsyncForeign) -> None:
    found = [document async for document in orders.find()]
    assert [dict(document) for document in found] == [DOCUMENTS[id] for id in sorted(DOCUMENTS)]
    assert await orders.count() == COUNT
    assert dict(await orders.get(5)) == DOCUMENTS["5"]
    assert [each and each.id for each in await orders.find_by_ids(["3", "x", "3"])] == [
        "3", None, "3",
    ]  # fmt: skip
    assert await orders.find_by_id("a/b") is None
    with pytest.raises(UnsupportedError, match="other programs write it"):
        _ = (await orders.get("5")).version


async def test_filters(orders: AsyncForeign) -> None:
    for filter in EXAMPLES:
        ids = [each.id for each in await orders.find(filter).to_list()]
        assert ids == wanted(filter), filter
        assert await orders.count(filter) == len(ids)
    assert [each.id for each in await orders.find(sort="-id", limit=7).to_list()] == wanted(
        {}, "-id"
    )[:7]


async def test_pages_and_scans(orders: AsyncForeign) -> None:
    walked: list[str] = []
    token: Any = None
    while True:
        page = await orders.page({"paid": True}, sort="-price", limit=4, after=token)
        walked += [each.id for each in page.documents]
        token = page.next
        if token is None:
            break
    assert walked == wanted({"paid": True}, "-price")
    partitions = await orders.database.partitions("orders", 3)
    assert 1 < len(partitions) <= 3
    seen: list[str] = []
    for partition in partitions:
        while True:
            scanned = await orders.database.scan("orders", partition, token, 4)
            seen += [each.id for each in scanned.documents]
            token = scanned.next
            if token is None:
                break
    assert seen == sorted(DOCUMENTS)


async def test_update(orders: AsyncForeign) -> None:
    at = datetime(2027, 5, 6, 7, 8, 9, tzinfo=UTC)
    updated = await orders.update(
        5,
        {
            "$set": {"name": "new", "at": at, "data.n.v": "x"},
            "$inc": {"amount": 2**40},
            "$push": {"data.tags": {"t": 1}},
            "$unset": ["price", "data.none"],
        },
    )
    expected = {
        **DOCUMENTS["5"],
        "name": "new",
        "at": "2027-05-06T07:08:09.000000Z",
        "amount": DOCUMENTS["5"]["amount"] + 2**40,
        "data": {"city": "c2", "tags": ["a", {"t": 1}], "n": {"v": "x"}},
    }
    del expected["price"]
    assert dict(updated) == expected
    assert await orders.get("5") == updated
    assert await orders.update("5", {}) == updated
    assert dict(await orders.get("6")) == DOCUMENTS["6"]
    await at_once([lambda: orders.update("6", {"$inc": {"data.n.v": 1}})] * 6)
    assert (await orders.get("6"))["data"]["n"]["v"] == 12


async def test_refused_updates_write_nothing(orders: AsyncForeign) -> None:
    with pytest.raises(InvalidDocumentError, match=r"'data\.city' is the partition key"):
        await orders.update("5", {"$set": {"data.city": "c9"}})
    with pytest.raises(InvalidDocumentError, match=r"'data\.city' is the partition key"):
        await orders.update("5", {"data": None})
    with pytest.raises(InvalidDocumentError, match="does not keep 9007199254740993"):
        await orders.update("5", {"amount": 2**53 + 1})
    with pytest.raises(InvalidDocumentError, match="a number at 'name'"):
        await orders.update("5", {"$inc": {"name": 1}})
    with pytest.raises(InvalidDocumentError, match="_ts"):
        await orders.update("5", {"_ts": 1})
    with pytest.raises(NotFoundError):
        await orders.update("99", {"name": "x"})
    with pytest.raises(UnsupportedError, match="without versions"):
        await orders.update("5", {"name": "x"}, if_version=1)  # type: ignore[arg-type]
    assert dict(await orders.get("5")) == DOCUMENTS["5"]


async def test_delete(orders: AsyncForeign) -> None:
    assert await orders.delete("5")
    assert not await orders.delete("5")
    assert await orders.find_by_id("5") is None
    assert await orders.count() == COUNT - 1


async def test_one_partition(store: AsyncStore, orders: AsyncForeign) -> None:
    part = store.foreign("orders", partition={"data.city": "c1"})
    with request_units() as used:
        ids = [each.id for each in await part.find().to_list()]
        assert used.operations.get("SqlQuery") == 1
    assert ids == wanted({"data.city": "c1"})
    assert await part.count() == len(ids)
    with request_units() as used:
        assert await part.get(ids[0]) == await orders.get(ids[0])
        assert used.operations.get("Read", 0) >= 1
    assert await part.find_by_id("2") is None, "it is in another one"
    assert not await part.delete("2")
    assert (await part.update(ids[0], {"name": "x"}))["name"] == "x"
    assert await part.delete(ids[0])
    assert await orders.count() == COUNT - 1


async def test_an_id_in_two_partitions(store: AsyncStore, orders: AsyncForeign, url: str) -> None:
    [row] = rows(1)
    in_cosmosdb(url, "/data/city")([{**row, "data": {"city": "other"}}])
    for call in (
        lambda: orders.get("1"),
        lambda: orders.update("1", {"name": "x"}),
        lambda: orders.delete("1"),
        lambda: orders.find(limit=1).to_list(),
        lambda: orders.database.scan("orders", Partition(), None, 1),
    ):
        with pytest.raises(ConfigurationError, match="more than one partition"):
            await call()
    other = store.foreign("orders", partition={"data.city": "other"})
    assert (await other.update("1", {"name": "x"}))["name"] == "x"
    assert await other.delete("1")
    assert dict(await orders.get("1")) == DOCUMENTS["1"]


@pytest.mark.parametrize("paths", [("/id",), ("/missing",), ("/name",), ("/data/city", "/paid")])
async def test_other_keys(store: AsyncStore, url: str, paths: tuple[str, ...]) -> None:
    """By the id, by what no item has, by what is null in some, and by two paths."""
    in_cosmosdb(url, *paths)(rows(14))
    orders = store.foreign("orders")
    assert await orders.count() == 14
    for id in ("3", "7"):
        assert (await orders.update(id, {"$inc": {"amount": 1}}))["amount"] == (
            DOCUMENTS[id]["amount"] + 1
        )
        assert await orders.delete(id)
    assert [each.id for each in await orders.find({"paid": True}).to_list()] == [
        "10", "12", "14", "2", "4", "6", "8",
    ]  # fmt: skip
    if len(paths) == 2:
        part = store.foreign("orders", partition={"paid": True, "data.city": "c1"})
        assert [each.id for each in await part.find().to_list()] == ["10", "4"]


async def test_rename(store: AsyncStore, orders: AsyncForeign) -> None:
    renamed = store.foreign("orders", rename={"name": "ext_name", "data": "x"})
    assert [each.id for each in await renamed.find({"ext_name": "name 2"}).to_list()] == wanted(
        {"name": "name 2"}
    )
    assert await renamed.count({"name": "name 2"}) == 0
    assert await renamed.count({"name": {"$exists": False}}) == COUNT
    updated = await renamed.update("2", {"$set": {"ext_name": "b", "x.n.v": "c"}})
    assert (updated["ext_name"], updated["x"]["n"]["v"]) == ("b", "c")
    assert (await orders.get("2"))["data"]["n"]["v"] == "c"


async def test_arguments(store: AsyncStore, orders: AsyncForeign) -> None:
    for partition in ("city", {"city": "c1"}, {"data.city": 1, "paid": True}):
        with pytest.raises(ConfigurationError, match=r"which is 'data\.city'"):
            await store.foreign("orders", partition=partition).count()
    assert await store.foreign("orders", partition="/data/city").count() == COUNT
    bad: Any
    for bad in (3, {}, "", {"a": []}):
        with pytest.raises(InvalidQueryError, match="partition"):
            store.foreign("orders", partition=bad)
    for bad in ({"id": "number"}, {"id_type": "int"}):
        with pytest.raises(ConfigurationError, match="leave id and id_type out"):
            store.foreign("orders", **bad)
    with pytest.raises(ConfigurationError, match="did you mean 'orders'"):
        await store.foreign("order").count()
    await store.create("own", {"id": "a"})
    with pytest.raises(ConfigurationError, match="Interstore's own"):
        await store.foreign("own").find().to_list()


@pytest.mark.parametrize("how", ["reset", "503"])
async def test_a_lost_answer(orders: AsyncForeign, cosmosdb_faults: Faults, how: str) -> None:
    """Nothing is applied twice, and who deleted is told that nobody knows."""

    def lose(operation: str) -> None:
        if how == "reset":
            cosmosdb_faults.reset(operation, committed=True)
        else:
            cosmosdb_faults.fail(int(how), operation, committed=True)

    lose("Replace")
    amount = DOCUMENTS["5"]["amount"]
    assert (await orders.update("5", {"$inc": {"amount": 1}}))["amount"] == amount + 1
    assert (await orders.get("5"))["amount"] == amount + 1
    lose("Delete")
    with pytest.raises(OperationTimeoutError, match="may or may not have been applied"):
        await orders.delete("5")
    assert await orders.find_by_id("5") is None


@settings(suppress_health_check=CHECKS, max_examples=settings().max_examples // 4)
@given(data=st.data())
def test_differential(ask: Any, data: st.DataObject) -> None:
    """Random filters and sorts, and what the reference says of the presented documents."""
    filter, sort = data.draw(FILTERS), data.draw(SORTS)
    expected = wanted(filter, sort)
    assert ask(filter, sort) == (expected, len(expected))


@pytest.fixture
def ask(url: str) -> Any:
    in_cosmosdb(url, "/data/city")(rows(COUNT))

    async def ask(filter: Any, sort: Any) -> tuple[list[str], int]:
        found = await view.find(filter, sort=sort).to_list()
        return [each.id for each in found], await view.count(filter)

    store = AsyncStore(cosmosdb_async(url))
    if ASYNC:
        with asyncio.Runner() as runner:
            runner.run(store.connect())
            view = store.foreign("orders")
            yield lambda filter, sort: runner.run(ask(filter, sort))
            runner.run(store.close())
    else:
        with store:
            view = store.foreign("orders")
            yield ask
