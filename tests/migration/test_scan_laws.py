"""What migration relies on: partitions and scans lose nothing and repeat nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from interstore import Store, connect
from interstore.filters.tree import ALL
from interstore.prepared import Partition
from interstore_backends.postgresql._sync import reads
from tests.migration.conftest import ENGINES, ODD_IDS, SERVERS, MakeStore, server_url


@pytest.fixture(params=[*ENGINES, *SERVERS])
def store(request: pytest.FixtureRequest, make_store: MakeStore) -> Iterator[Store]:
    if request.param in SERVERS:
        with connect(server_url(request.param, request)) as store:
            yield filled(store)
    else:
        yield filled(make_store(request.param, "laws"))


def filled(store: Store) -> Store:
    store.create_many("odd", [{"id": id, "n": index} for index, id in enumerate(ODD_IDS)])
    store.create_many("many", [{"id": f"k{index * 7919 % 2500:04d}"} for index in range(2_500)])
    return store


def scan(
    store: Store, model: str, partition: Partition, limit: int, after: Any = None
) -> list[str]:
    return [id for page in pages(store, model, partition, limit, after) for id in page]


def pages(
    store: Store, model: str, partition: Partition, limit: int, after: Any = None
) -> Iterator[list[str]]:
    while True:
        page = store.database.scan(model, partition, after, limit)
        assert len(page.documents) <= limit
        yield [document.id for document in page.documents]
        if (after := as_data(page.next)) is None:
            return


def as_data(value: Any) -> Any:
    """A token or a partition after a trip through an order or a journal."""
    if isinstance(value, Partition):
        return msgspec.json.decode(msgspec.json.encode(value), type=Partition)
    again = msgspec.json.decode(msgspec.json.encode(value))
    assert again == value
    assert type(again) is type(value)
    return again


@pytest.mark.parametrize("model", ["odd", "many", "missing"])
@pytest.mark.parametrize("shares", [1, 2, 3, 7, 50])
def test_the_scans_of_all_partitions_are_the_whole_model(
    store: Store, model: str, shares: int
) -> None:
    expected = sorted(document.id for document in store.find(model))
    partitions = [as_data(partition) for partition in store.database.partitions(model, shares)]
    assert 1 <= len(partitions) <= shares
    found = [id for partition in partitions for id in scan(store, model, partition, 100)]
    assert sorted(found) == expected


@pytest.mark.parametrize("limit", [1, 2, 5, 1000])
def test_a_scan_goes_on_after_every_token(store: Store, limit: int) -> None:
    for partition in store.database.partitions("odd", 3):
        whole = scan(store, "odd", partition, 1000)
        seen = 0
        after: Any = None
        while True:
            page = store.database.scan("odd", partition, after, limit)
            seen += len(page.documents)
            assert scan(store, "odd", partition, 3, after) == whole[seen - len(page.documents) :]
            if (after := page.next) is None:
                break
        assert seen == len(whole)


def test_partitions_stay_valid_while_data_moves(store: Store) -> None:
    partitions = store.database.partitions("many", 5)
    store.create_many("many", [{"id": id} for id in [*ODD_IDS, "a-first", "zzzz-last"]])
    for index in range(0, 2_500, 3):
        store.delete("many", f"k{index:04d}")
    found = [id for partition in partitions for id in scan(store, "many", partition, 100)]
    assert sorted(found) == sorted(document.id for document in store.find("many"))
    assert len(found) == store.database.count("many", ALL)


def test_writing_between_pages_loses_and_repeats_nothing(store: Store) -> None:
    kept = {f"k{index:04d}" for index in range(1, 2_500, 2)}
    found: list[str] = []
    for number, page in enumerate(pages(store, "many", Partition(), 100)):
        found += page
        store.delete("many", f"k{number * 20:04d}")
        store.create("many", {"id": f"k{number * 90:04d}-new"})
        store.update("many", f"k{number * 20 + 1:04d}", {"touched": True})
    assert len(found) == len(set(found))
    assert kept <= set(found)


def test_write_page_keeps_the_envelope_and_is_repeatable(store: Store) -> None:
    from interstore.migration.references import OpenStores
    from interstore.migration.slice import Order, run_slice

    store.update("odd", "a", {"n": 99})
    resolver = OpenStores({"store:source": store, "store:target": store})
    order = Order(
        kind="copy", source="store:source", model="odd", target="store:target", into="copy"
    )
    for _ in range(2):
        result = run_slice(order, resolver)
        assert result.done
        assert result.read == len(ODD_IDS) == result.written + result.unchanged
        for document in store.find("odd"):
            copy = store.get("copy", document.id)
            assert dict(copy) == dict(document)
            assert (copy.version, copy.created, copy.updated) == (
                document.version,
                document.created,
                document.updated,
            )


@pytest.mark.long
@pytest.mark.parametrize("engine", SERVERS)
@pytest.mark.parametrize("shares", [8, 64])
def test_no_share_is_much_longer_than_the_others(
    engine: str, shares: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an engine that judges by a sample, where most ids begin with the same."""
    monkeypatch.setattr(reads, "_SAMPLED_PAGES", 200)
    ids = sorted(f"{f't{n % 977}' if n % 10 == 0 else 'big'}/{n:08}" for n in range(30_000))
    with connect(server_url(engine, request)) as store:
        for start in range(0, len(ids), 1_000):
            page = [{"id": id, "text": "x" * 200} for id in ids[start : start + 1_000]]
            store.create_many("skewed", page)
        parts = store.database.partitions("skewed", shares)
        ends = [len(ids) if p.until is None else bisect_right(ids, p.until) for p in parts]
        assert max(b - a for a, b in pairwise([0, *ends])) < 6 * len(ids) / shares
