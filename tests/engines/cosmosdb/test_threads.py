"""Threads that share a client, of whose last answer the driver notes something for all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from interstore._sync.store import Store
from tests.databases import cosmosdb

CALLS = 200


@pytest.fixture
def eager() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager")
def test_a_list_while_others_read(cosmosdb_url: str) -> None:
    """What one thread reads of the driver's notes, another may change: then it is asked again."""
    with Store(cosmosdb(cosmosdb_url)) as store:
        store.put("m", {"id": "a"})

        def repeat(call: Callable[[], object]) -> set[str]:
            return {repr(call()) for _ in range(CALLS)}

        calls: list[Callable[[], object]] = [store.models, lambda: store.find_by_id("m", "a")] * 4
        with ThreadPoolExecutor(len(calls)) as pool:
            told = list(pool.map(repeat, calls))
        assert told[0] == {"['m']"}
        assert all(len(each) == 1 for each in told)
