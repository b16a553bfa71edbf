"""Transactions on PostgreSQL: who waits, who fails, and what a lost connection leaves."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from interstore._async.store import AsyncStore
from interstore._sync.store import Store
from interstore.errors import (
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    OperationTimeoutError,
    UnavailableError,
)
from tests.databases import postgresql, postgresql_async
from tests.engines.postgresql.support import Open
from tests.engines.postgresql.test_sessions import END_ALL, store_of
from tests.patience import no_hang
from tests.servers.databases import PostgreSQL
from tests.servers.proxy import Proxy


def end_connections(url: str) -> None:
    """As a server does that stops, or an administrator."""
    with store_of_url(url) as other:
        other.database.database._connections.read(END_ALL)  # type: ignore[attr-defined]


def store_of_url(url: str, **options: Any) -> Store:
    return Store(postgresql(url, **options))


def lost_update(first: Store, second: Store) -> None:
    """Both read; the second writes before the first does."""
    seen = first.get("m", "a")
    with second.transaction() as tx:
        tx.update("m", "a", {"n": tx.get("m", "a")["n"] + 1})
    first.update("m", "a", {"n": seen["n"] + 1})


def test_the_second_to_write_fails(opened: Open) -> None:
    store = store_of(opened())
    store.create("m", {"id": "a", "n": 0})

    def both() -> None:
        with store.transaction() as tx:
            lost_update(tx, store)

    with pytest.raises(UnavailableError, match="try again") as caught:
        both()
    assert caught.value.retryable
    assert (caught.value.backend, caught.value.model) == ("postgresql", "m")
    assert store.get("m", "a")["n"] == 1


def test_a_conflict_that_was_ignored_is_not_committed(opened: Open) -> None:
    store = store_of(opened())
    store.create("m", {"id": "a", "n": 0})

    def ignore() -> None:
        with store.transaction() as tx:
            tx.create("m", {"id": "b"})
            with pytest.raises(UnavailableError):
                lost_update(tx, store)
            with pytest.raises(UnavailableError, match="the transaction is over"):
                tx.get("m", "a")

    with pytest.raises(UnavailableError, match="nothing of it is applied"):
        ignore()
    assert store.count("m") == 1


def test_a_deadlock_ends_one_of_two(opened: Open) -> None:
    store = store_of(opened())
    store.create_many("m", [{"id": id, "n": 0} for id in "ab"])

    async def work() -> tuple[BaseException | None, ...]:
        both = asyncio.Barrier(2)

        async def cross(store: AsyncStore, one: str, other: str) -> None:
            async with store.transaction() as tx:
                await tx.update("m", one, {"$inc": {"n": 1}})
                await both.wait()
                await tx.update("m", other, {"$inc": {"n": 1}})

        async with AsyncStore(to_async_twin(store)) as twin:
            return await asyncio.gather(
                cross(twin, "a", "b"), cross(twin, "b", "a"), return_exceptions=True
            )

    outcomes = asyncio.run(work())
    [error] = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(error, UnavailableError)
    assert [document["n"] for document in store.find("m")] == [1, 1]


def to_async_twin(store: Store) -> Any:
    """A database for asyncio with the settings of another."""
    from interstore_backends.postgresql._async.database import AsyncPostgreSQLDatabase

    return AsyncPostgreSQLDatabase(store.database.database._settings)  # type: ignore[attr-defined]


def test_a_model_is_made_beside_it(opened: Open) -> None:
    """With a pool of one connection, too; it stays, empty."""
    store = store_of(opened(pool_size=1))

    def fail() -> None:
        with store.transaction() as tx:
            tx.create("m", {"id": "a"})
            tx.create_many("other", [{"id": "a"}, {"id": "b"}])
            assert tx.count("other") == 2
            raise KeyError

    with no_hang(), pytest.raises(KeyError):
        fail()
    assert store.count("m") == store.count("other") == 0
    with store.transaction() as tx:
        tx.create("m", {"id": "a"})
    assert store.count("m") == 1


def test_what_an_index_refuses(opened: Open) -> None:
    store = store_of(opened())
    store.ensure_index("m", "email", type="string", unique=True)
    store.create("m", {"id": "a", "email": "a@b"})
    with store.transaction() as tx:
        tx.create("m", {"id": "b", "email": "b@b"})
        with pytest.raises(DuplicateError) as caught:
            tx.create("m", {"id": "c", "email": "a@b"})
        assert caught.value.index is not None
        with pytest.raises(InvalidDocumentError):
            tx.update("m", "b", {"email": 7})
        result = tx.put_many(
            "m", [{"id": "d", "email": "d@b"}, {"id": "e", "email": "b@b"}], on_error="report"
        )
        assert [outcome.error is None for outcome in result.outcomes] == [True, False]
    assert [document.id for document in store.find("m")] == ["a", "b", "d"]


def test_a_lost_connection_undoes_it(postgresql_url: str) -> None:
    with store_of_url(postgresql_url, timeout=5) as store:
        store.create("m", {"id": "a", "n": 0})

        def lose(when: str) -> None:
            with store.transaction() as tx:
                tx.create("m", {"id": when})
                end_connections(postgresql_url)
                if when == "within":
                    tx.get("m", "a")

        for when in ("within", "before the commit"):
            with no_hang(), pytest.raises(UnavailableError) as caught:
                lose(when)
            assert caught.value.retryable
        assert [document.id for document in store.find("m")] == ["a"]

        calls: list[int] = []

        def add(tx: Store) -> int:
            calls.append(tx.update("m", "a", {"$inc": {"n": 1}})["n"])
            if len(calls) == 1:
                end_connections(postgresql_url)
                tx.get("m", "a")
            return calls[-1]

        assert store.run_in_transaction(add) == 1
        assert calls == [1, 1]


def test_a_commit_without_an_answer(postgresql_server: PostgreSQL) -> None:
    """The commit arrives, its answer does not."""
    with (
        postgresql_server.database() as url,
        Proxy(*postgresql_server.address) as proxy,
        store_of_url(url) as direct,
    ):
        name = url.rpartition("/")[2]
        through = postgresql_server.url(name, port=proxy.port)
        direct.create("m", {"id": "a"})
        with store_of_url(through, timeout=1.0, ssl="disable") as store:

            def lose() -> None:
                with store.transaction() as tx:
                    tx.create("m", {"id": "b"})
                    proxy.blackhole()

            with no_hang(), pytest.raises(OperationTimeoutError, match="may or may not") as caught:
                lose()
            assert not caught.value.retryable
            proxy.restore()


def test_who_waits_too_long(opened: Open) -> None:
    store = store_of(opened())
    other = store_of(opened(timeout=0.5))
    store.create("m", {"id": "a", "n": 0})
    with store.transaction() as tx:
        tx.update("m", "a", {"n": 1})

        def wait() -> None:
            with other.transaction() as waiting:
                waiting.update("m", "a", {"n": 2})

        with no_hang(), pytest.raises(OperationTimeoutError):
            wait()
    assert store.get("m", "a")["n"] == 1


def test_a_cancelled_task_undoes_it(opened: Open, postgresql_url: str) -> None:
    async def work() -> None:
        async with AsyncStore(postgresql_async(postgresql_url, pool_size=1)) as store:
            await store.create("m", {"id": "a"})
            begun = asyncio.Event()

            async def endless() -> None:
                async with store.transaction() as tx:
                    await tx.create("m", {"id": "b"})
                    begun.set()
                    await asyncio.sleep(60)

            task = asyncio.create_task(endless())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await store.count("m") == 1

    asyncio.run(work())


def test_across_the_bridges(postgresql_url: str) -> None:
    from interstore.bridge import to_async, to_sync

    with Store(to_sync(to_async(postgresql(postgresql_url, pool_size=2)))) as store:
        store.create("m", {"id": "a", "n": 0})

        def fail(error: Exception) -> None:
            with store.transaction() as tx:
                tx.update("m", "a", {"n": 7})
                assert store.get("m", "a")["n"] == 0
                raise error

        with pytest.raises(KeyError):
            fail(KeyError())
        with pytest.raises(InterstoreError):
            fail(UnavailableError("of the caller"))
        assert store.get("m", "a")["n"] == 0
        assert store.run_in_transaction(partial(_add, 5)) == 5
        assert store.get("m", "a")["n"] == 5


def _add(number: int, tx: Store) -> int:
    return int(tx.update("m", "a", {"$inc": {"n": number}})["n"])
