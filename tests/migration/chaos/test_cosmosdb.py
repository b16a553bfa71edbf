"""A target that throttles, times out after it has written, breaks connections, fails in parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interstore import Store, connect
from interstore.migration import Limits, chain, migrate
from tests.migration.chaos.ending import check_end
from tests.migration.conftest import fill, url_of
from tests.servers.cosmosdb.faults import Faults

COUNT = 400
SMALL = Limits(page=50, bytes=10_000)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Store]:
    with connect(url_of("sqlite", tmp_path, "source")) as store:
        fill(store, "users", COUNT)
        yield store


@pytest.fixture
def target(cosmosdb_url: str, cosmosdb_faults: Faults) -> Iterator[Store]:
    del cosmosdb_faults  # cleared after the store is closed
    with connect(cosmosdb_url, auto_create=True, timeout=5.0) as store:
        yield store


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "FIRST_PAUSE", 0.01)


@pytest.mark.long
def test_it_throttles(
    source: Store, target: Store, cosmosdb_faults: Faults, tmp_path: Path
) -> None:
    soon = {"x-ms-retry-after-ms": "20"}
    cosmosdb_faults.fail(429, "Create", skip=20, times=200, headers=soon)
    cosmosdb_faults.fail(429, "Query", skip=2, times=3, headers=soon)
    report = migrate(source, target, state=tmp_path, limits=SMALL)
    assert cosmosdb_faults.usage().statuses[429] >= 200
    check_end(report, source, target)


def test_it_answers_a_timeout_after_it_has_written(
    source: Store, target: Store, cosmosdb_faults: Faults, tmp_path: Path
) -> None:
    for skip in (30, 100, 101, 102, 390):
        cosmosdb_faults.fail(408, "Create", committed=True, skip=skip, times=3)
    report = migrate(source, target, state=tmp_path, limits=SMALL)
    assert cosmosdb_faults.usage().hits >= 9
    check_end(report, source, target)


def test_it_breaks_the_connection_after_it_has_written(
    source: Store, target: Store, cosmosdb_faults: Faults, tmp_path: Path
) -> None:
    cosmosdb_faults.reset("Create", committed=True, skip=40, times=5)
    cosmosdb_faults.reset("Query", skip=3, times=2)
    report = migrate(source, target, state=tmp_path, limits=SMALL)
    assert cosmosdb_faults.usage().hits >= 5
    check_end(report, source, target)


def test_it_does_not_answer_for_some_of_a_page(
    source: Store, target: Store, cosmosdb_faults: Faults, tmp_path: Path
) -> None:
    cosmosdb_faults.hang("Create", committed=True, skip=60, times=3)
    report = migrate(source, target, state=tmp_path, limits=SMALL)
    assert cosmosdb_faults.usage().hits >= 3
    check_end(report, source, target)


def test_it_is_unavailable_for_a_part_of_a_batch(
    source: Store, target: Store, cosmosdb_faults: Faults, tmp_path: Path
) -> None:
    cosmosdb_faults.fail(503, "Create", skip=70, times=20)
    report = migrate(source, target, state=tmp_path, limits=SMALL)
    assert cosmosdb_faults.usage().hits >= 20
    check_end(report, source, target)


def test_it_refuses_some_documents_of_a_batch(
    source: Store, target: Store, cosmosdb_faults: Faults, tmp_path: Path
) -> None:
    bad = [f"users-{number:06d}" for number in (7, 123, 124, 399)]
    for id in bad:
        cosmosdb_faults.fail(413, "Create", contains=f'"{id}"', times=-1)
    report = migrate(source, target, state=tmp_path, limits=SMALL)
    cosmosdb_faults.clear()
    check_end(report, source, target, status="quarantine", without=bad)


def test_its_partitions_are_split_while_it_is_read(
    source: Store, target: Store, cosmosdb_faults: Faults, tmp_path: Path
) -> None:
    migrate(source, target, state=tmp_path / "there")
    cosmosdb_faults.split_at("Query", skip=3)
    with connect(url_of("json", tmp_path, "back")) as back:
        report = migrate(target, back, state=tmp_path / "back", limits=SMALL)
        check_end(report, source, back)


@pytest.mark.long
@pytest.mark.parametrize("rate", [200, 3_000])
def test_it_throttles_many_workers(
    source: Store, target: Store, cosmosdb_faults: Faults, tmp_path: Path, rate: float
) -> None:
    fill(source, "orders", 1_000)
    cosmosdb_faults.throttle(rate)
    cosmosdb_faults.fail(449, "Create", skip=10, times=30)
    report = migrate(
        source, target, state=tmp_path, limits=SMALL, level="count", executor="threads:8"
    )
    cosmosdb_faults.clear()
    check_end(report, source, target)
