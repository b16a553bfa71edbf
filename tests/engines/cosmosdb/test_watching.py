"""The change feed: what it is resumed from, and what it does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azure.cosmos import PartitionKey

from interstore._sync.store import Store
from interstore.errors import ResumeExpiredError
from interstore.watching import PAGE, Changed
from interstore_backends.cosmosdb.keys import ENVELOPE
from tests.databases import cosmosdb


@pytest.fixture
def store(cosmosdb_url: str) -> Iterator[Store]:
    with Store(cosmosdb(cosmosdb_url)) as store:
        store.enable_watch("m")
        yield store


def test_latest_versions_and_no_deletions(store: Store) -> None:
    with store.watch("m", idle=0) as changes:
        for n in range(3):
            store.put("m", {"id": "a", "n": n})
            store.put("m", {"id": f"b{n}", "n": n})
        store.delete("m", "b1")
        seen = {each.id: each for each in changes}
        assert set(seen) == {"a", "b0", "b2"}
        last = seen["a"]
        assert isinstance(last, Changed)
        assert last.document == {"id": "a", "n": 2}
        assert last.version == 3
        assert store.disable_watch("m") is False


def test_a_container_that_was_dropped(store: Store) -> None:
    with store.watch("m", idle=0) as changes:
        store.put("m", {"id": "a"})
        [change] = changes
        store.drop("m")
        with pytest.raises(ResumeExpiredError):
            list(changes)
        store.put("m", {"id": "a"})
        with pytest.raises(ResumeExpiredError):
            list(store.watch("m", since=change.token, idle=0))


def test_what_a_transaction_of_another_program_wrote(store: Store) -> None:
    """It has one number, and comes in one page of the service: on from each, all the rest."""
    container = store.native.create_container("t", PartitionKey(path="/group"))
    envelope = {"version": 1, "created_at": _AT, "updated_at": _AT}

    def upserts(ids: list[str]) -> list[Any]:
        return [
            ("upsert", ({"id": id, "group": "g", ENVELOPE: {"id": id, **envelope}},)) for id in ids
        ]

    ids = [f"{n:03}" for n in range(PAGE - 50)]
    with store.watch("t", idle=0) as changes:
        begin = changes.token
        for batch in (ids, [f"x{n:02}" for n in range(90)][::-1], ["last"]):
            container.execute_item_batch(upserts(batch), "g")
        seen = list(changes)
    assert sorted(each.id for each in seen) == sorted(
        [*ids, *(f"x{n:02}" for n in range(90)), "last"]
    )
    assert len({each.token for each in seen}) == len(seen)
    for place in range(0, len(seen), 7):
        rest = list(store.watch("t", since=seen[place].token, idle=0))
        assert rest == seen[place + 1 :], place
    position = begin
    sizes: list[int] = []
    while not sizes or sizes[-1]:
        page = store.database.read_changes("t", str(position), 0)
        position = page.token
        sizes.append(len(page.changes))
    assert max(sizes) <= PAGE
    between = seen[9].token
    container.execute_item_batch(upserts([seen[3].id, seen[12].id]), "g")
    rest = list(store.watch("t", since=between, idle=0))
    assert sorted(each.id for each in rest) == sorted(
        [*(each.id for each in seen[10:]), seen[3].id]
    )


_AT = "2026-01-31T12:00:00.000000Z"
