"""What MongoDB itself removes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from interstore._sync.store import Store
from interstore.watching import Deleted
from interstore_backends.mongodb._sync.database import MongoDBDatabase
from tests.engines.mongodb.support import Open
from tests.patience import eventually
from tests.servers.mongodb import MongoDB

PAST = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture
def impatient(mongodb_server: MongoDB) -> Iterator[None]:
    """The server looks every second, after the minute that it is in."""
    client: MongoClient[dict[str, Any]] = MongoClient(mongodb_server.url("admin"))
    with client:
        command = {"setParameter": 1, "ttlMonitorSleepSecs": 1}
        was = client.admin.command(command)["was"]
        yield
        client.admin.command({**command, "ttlMonitorSleepSecs": was})


def removing(store: Store) -> bool:
    return any("expireAfterSeconds" in each for each in store.native["m"].list_indexes())


@pytest.mark.long
@pytest.mark.usefixtures("impatient")
def test_the_server_removes_what_has_expired(database: MongoDBDatabase) -> None:
    with Store(database) as store:
        store.create("m", {"id": "never"})
        store.enable_watch("m")
        with store.watch("m", idle=0) as changes:
            store.create("m", {"id": "gone"}, expires_at=timedelta(seconds=0.5))
            store.create("m", {"id": "moved"}, expires_at=timedelta(seconds=0.5))
            store.create("m", {"id": "later"}, expires_at=timedelta(hours=1))
            store.update("m", "moved", {}, expires_at=None)

            def removed() -> None:
                assert store.native["m"].count_documents({}) == 3

            eventually(removed, 90)
            assert store.sweep("m").removed == 0
            assert [each.id for each in store.find("m")] == ["later", "moved", "never"]
            told: list[tuple[str, int]] = []

            def heard() -> None:
                told.extend(
                    (each.id, each.version) for each in changes if isinstance(each, Deleted)
                )
                assert told

            eventually(heard)
            assert told == [("gone", 1)]


def test_who_lets_it_remove(opened: Open) -> None:
    """Whoever first writes a document that expires; after a transaction, the next to write one."""
    with Store(opened()) as store, Store(opened()) as other:
        store.create("m", {"id": "never"})
        with store.transaction() as transaction:
            transaction.create("m", {"id": "a"}, expires_at=PAST)
        assert not removing(store)
        assert other.count("m") == 1
        other.create("m", {"id": "b"}, expires_at=timedelta(hours=1))
        assert removing(store)
        store.drop("m")
        store.create("m", {"id": "b"}, expires_at=timedelta(hours=1))
        assert removing(store)
