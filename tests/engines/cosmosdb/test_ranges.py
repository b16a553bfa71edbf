"""Physical partitions that are shared out to many readers, also where one holds everything."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from interstore import connect
from interstore.migration import Limits, migrate
from interstore.migration import plan as plan_module
from interstore.prepared import Partition
from interstore_backends.cosmosdb.ranges import shared_out
from tests.migration.conftest import creating
from tests.servers.cosmosdb.faults import Faults


def feed_range(low: str, high: str) -> dict[str, Any]:
    bounds = {"min": low, "max": high, "isMinInclusive": True, "isMaxInclusive": False}
    return {"Range": bounds}


WHOLE = [feed_range("", "FF")]
CUTS = ["", "0F" * 16, "1F" * 16, "2F" * 16, "FF"]
FOUR = [feed_range(low, high) for low, high in pairwise(CUTS)]


@pytest.mark.parametrize("ranges", [WHOLE, FOUR])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 11, 512])
def test_shares_are_disjoint_and_hold_every_hash(ranges: list[dict[str, Any]], n: int) -> None:
    shares = shared_out(ranges, n)
    assert max(n // 2, 1) <= len(shares) <= n
    bounds = [(each["Range"]["min"], each["Range"]["max"]) for share in shares for each in share]
    assert (bounds[0][0], bounds[-1][1]) == ("", "FF")
    assert [high for _, high in bounds[:-1]] == [low for low, _ in bounds[1:]]
    assert all(low < high for low, high in bounds)


def test_a_range_that_cannot_be_divided_stays_whole() -> None:
    narrow = [feed_range("0" * 31 + "1", "0" * 31 + "2")]
    assert shared_out(narrow, 5) == [narrow]


def test_parts_of_partitions_hold_about_as_many_documents(cosmosdb_url: str) -> None:
    """However skewed the ids are; and each is read on after any of its documents."""
    with connect(creating(cosmosdb_url)) as store:
        ids = [f"{'a' * (number % 50)}{number:04}" for number in range(600)]
        store.create_many("many", [{"id": id} for id in ids])
        parts = store.database.partitions("many", 12)
        assert len(parts) == 12
        found = [scanned(store.database, part) for part in parts]
        assert sorted(id for part in found for id in part) == sorted(ids)
        assert max(map(len, found)) < 120


def scanned(database: Any, part: Partition) -> list[str]:
    ids: list[str] = []
    after = None
    while True:
        page = database.scan("many", part, after, 7)
        ids += [document.id for document in page.documents]
        if (after := page.next) is None:
            return ids


def test_partitions_are_split_while_their_parts_are_read(
    cosmosdb_url: str, cosmosdb_faults: Faults, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_module, "LEAST_PER_PARTITION", 25)
    with connect(creating(cosmosdb_url)) as source, connect("memory:") as target:
        source.create_many("many", [{"id": f"{number:04}"} for number in range(400)])
        cosmosdb_faults.split_at("Query", skip=25)
        report = migrate(
            source, target, executor="threads:2", limits=Limits(page=10), state=tmp_path
        )  # fmt: skip
        assert (report.status, report.totals.read, report.totals.written) == ("done", 400, 400)
