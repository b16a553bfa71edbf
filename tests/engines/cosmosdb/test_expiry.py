"""Expiry on Cosmos DB, where the service removes documents, whoever else is about to."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from azure.cosmos.exceptions import CosmosResourceNotFoundError

from interstore._sync.store import Store
from tests.databases import cosmosdb

PAST = datetime(2001, 2, 3, tzinfo=UTC)


def test_what_the_service_removed_first_makes_room(cosmosdb_url: str) -> None:
    """Else six who create a lock that has expired may all be told that it exists."""
    with Store(cosmosdb(cosmosdb_url)) as store:
        store.create("m", {"id": "gone"}, expires_at=PAST)
        store.create("m", {"id": "there"})
        container = store.native.get_container_client("m")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                container.read_item("gone", partition_key="gone")
            except CosmosResourceNotFoundError:
                break
            time.sleep(0.1)
        # This is what a creation asks that was told of a duplicate.
        assert store.database.sweep("m", 2, ["gone", "there"]) == 1
        assert store.get("m", "there") == {"id": "there"}
