"""Transactions on MongoDB: where there are none, who fails, and what no answer leaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from interstore._sync.store import Store
from interstore.errors import (
    DuplicateError,
    OperationTimeoutError,
    UnavailableError,
    UnsupportedError,
)
from tests.databases import mongodb
from tests.patience import no_hang
from tests.servers.mongodb import MongoDB
from tests.servers.proxy import Proxy


@pytest.fixture
def store(mongodb_url: str) -> Iterator[Store]:
    with Store(mongodb(mongodb_url)) as store:
        yield store


def test_a_single_server_has_none(mongodb_standalone_url: str) -> None:
    with (
        Store(mongodb(mongodb_standalone_url)) as store,
        pytest.raises(UnsupportedError, match="replica set"),
        store.transaction(),
    ):
        pytest.fail("was begun")


def test_an_isolation_that_there_is_not(store: Store) -> None:
    with (
        pytest.raises(UnsupportedError, match="only 'snapshot'"),
        store.transaction(isolation="serializable"),
    ):
        pytest.fail("was begun")


def test_the_second_to_write_fails(store: Store) -> None:
    store.create("m", {"id": "a", "n": 0})

    def both() -> None:
        with store.transaction() as tx:
            seen = tx.get("m", "a")["n"]
            store.update("m", "a", {"n": 10})
            with pytest.raises(UnavailableError, match="try again") as caught:
                tx.update("m", "a", {"n": seen + 1})
            assert caught.value.retryable
            with pytest.raises(UnavailableError, match="the transaction is over"):
                tx.get("m", "a")

    with pytest.raises(UnavailableError, match="nothing of it is applied"):
        both()
    assert store.get("m", "a")["n"] == 10


def test_a_new_model_is_part_of_it(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as tx:
            tx.create("m", {"id": "a"})
            tx.put_many("other", [{"id": "a"}])
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.models() == []
    store.create("m", {"id": "b"})
    with store.transaction() as tx:
        tx.create("m", {"id": "a"})
        tx.put("other", {"id": "a"})
    assert (store.count("m"), store.count("other")) == (2, 1)


def test_what_a_unique_index_refuses_ends_it(store: Store) -> None:
    store.ensure_index("m", "email", type="string", unique=True)
    store.create("m", {"id": "a", "email": "a@b"})

    def one() -> None:
        with store.transaction() as tx:
            tx.create("m", {"id": "b", "email": "b@b"})
            with pytest.raises(DuplicateError) as caught:
                tx.create("m", {"id": "c", "email": "a@b"})
            assert caught.value.index is not None

    def many() -> None:
        with store.transaction() as tx:
            result = tx.create_many(
                "m",
                [{"id": "b", "email": "b@b"}, {"id": "c", "email": "a@b"}],
                on_error="report",
            )
            assert not result.ok

    for ended in (one, many):
        with pytest.raises(UnavailableError, match="nothing of it is applied"):
            ended()
        assert store.count("m") == 1


def test_a_commit_without_an_answer(mongodb_server: MongoDB) -> None:
    with mongodb_server.database() as url, Proxy(*mongodb_server.address) as proxy:
        name = url.rpartition("/")[2].partition("?")[0]
        with Store(mongodb(mongodb_server.url(name, port=proxy.port), timeout=2.0)) as store:
            store.create("m", {"id": "a"})

            def lose() -> None:
                with store.transaction() as tx:
                    tx.create("m", {"id": "b"})
                    proxy.blackhole()

            with no_hang(), pytest.raises(OperationTimeoutError, match="may or") as caught:
                lose()
            assert not caught.value.retryable
            proxy.restore()
