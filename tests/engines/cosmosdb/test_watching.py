"""The change feed: what it is resumed from, and what it does not have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from interstore._sync.store import Store
from interstore.errors import ResumeExpiredError
from interstore.watching import Changed
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
