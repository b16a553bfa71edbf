"""Rates that are not exceeded, pages that shrink and grow, partitions enough for all workers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from interstore import connect
from interstore.cli.moving_options import limits_of
from interstore.errors import ConfigurationError, OperationTimeoutError
from interstore.migration import Limits, pacing
from interstore.migration.chain import Chain
from interstore.migration.coordinator import Coordinator
from interstore.migration.ends import open_ends
from interstore.migration.pacing import Pace
from interstore.migration.plan import DOCUMENTS_PER_PARTITION, MAX_PARTITIONS, shares_of
from interstore.migration.progress import Control
from interstore.migration.slice import Order, Result
from interstore.usage import charged
from tests.migration.conftest import Call, MakeStore, Migrate, contents, fill


class Clock:
    """A clock that stands still but for what is slept, and what is passed by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pacing, "time", clock)
    return clock


def pace(stop: Callable[[], bool] = lambda: False, **limits: Any) -> Pace:
    return Pace(Limits(**limits), 1_000, stop)


def test_pages_grow_to_what_fits(clock: Clock) -> None:
    with pace(page=500) as one:
        assert one.size == pacing.FIRST_PAGE
        one.paged(20, 20 * 100)
        assert one.size == 500
        one.paged(500, 500 * 40_000)
        assert one.size == pacing.PAGE_BYTES // 40_000
        one.paged(200, 0)
        assert one.size == 500


@pytest.mark.parametrize("trouble", ["throttled", "slow"])
def test_pages_are_halved_by_trouble_and_grow_again(clock: Clock, trouble: str) -> None:
    with pace(page=1_000) as one:
        one.paged(20, 0)
        assert one.size == 1_000
        sizes: list[int] = []
        for _ in range(3):
            if trouble == "slow":
                clock.now += pacing.SLOW + 1
            else:
                charged("write", 1.0, throttled=True)
            one.paged(one.size, 0)
            sizes.append(one.size)
        assert sizes == [500, 250, 125]
        while one.size < 1_000:
            before = one.size
            one.paged(one.size, 0)
            assert before < one.size <= before * 9 / 8 + 1


def test_a_rate_is_kept_and_nothing_is_saved_up(clock: Clock) -> None:
    with pace(rate=50) as one:
        started = clock.now
        for _ in range(10):
            assert one.size <= 50
            one.paged(one.size, 0)
        assert clock.now - started == pytest.approx((20 + 9 * 50) / 50)
        clock.now += 100  # nothing was read for a while
        started = clock.now
        one.paged(50, 0)
        one.paged(50, 0)
        assert clock.now - started == pytest.approx(1)


def test_request_units_are_kept_by_what_is_really_charged(clock: Clock) -> None:
    with pace(request_units=100) as one:
        started = clock.now
        for page in range(20):
            each = 4.0 if page < 10 else 10.0
            charged("write", one.size * each)
            one.paged(one.size, 0)
            assert one.size * each <= 100 or page == 10
        assert one.request_units / (clock.now - started) <= 100 * 1.001


def test_who_waits_hears_the_request_to_stop(clock: Clock) -> None:
    with pace(rate=1, stop=lambda: clock.now > 1_000.9) as one:
        one.paged(500, 0)
        assert 1_000.9 < clock.now < 1_001.2


@pytest.mark.parametrize("limits", [{"rate": 0}, {"request_units": -1.0}, {"rate": math.nan}])
def test_limits_that_leave_no_room(limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="must be above 0"):
        Limits(**limits)


def test_partitions_are_enough_for_the_workers_and_none_is_long() -> None:
    for workers in (1, 4, 64):
        previous = 1
        for count in (0, 1, 999, 4_000, 100_000, 3_000_000, 10**9):
            shares = shares_of(count, workers)
            assert 1 <= shares <= MAX_PARTITIONS
            assert shares >= previous
            previous = shares
            if count <= MAX_PARTITIONS * DOCUMENTS_PER_PARTITION:
                assert count / shares < 2 * DOCUMENTS_PER_PARTITION
            if count >= 4_000 * workers:
                assert shares >= min(4 * workers, MAX_PARTITIONS)


class Recorder:
    """Workers in threads that record what they were given, and finish after some slices."""

    reach = "children"

    def __init__(self, count: int) -> None:
        self.count = count
        self.held: list[float] = []
        self.most = 0
        self.firsts: list[str] = []
        self._running: dict[int, float] = {}
        self._left: dict[str, int] = {}
        self._pool = ThreadPoolExecutor(count)

    def submit(self, function: Any, order: dict[str, Any]) -> Any:
        rate = order["limits"]["rate"]
        self._running[id(order)] = rate
        self.held.append(sum(self._running.values()))
        self.most = max(self.most, len(self._running))
        self.firsts.append(order["model"])
        return self._pool.submit(self._work, order)

    def _work(self, order: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.002)
        left = self._left[order["model"]] = self._left.get(order["model"], 3) - 1
        del self._running[id(order)]
        return {"done": left == 0, "after": left}

    def renew(self) -> bool:
        return False

    def lost(self) -> str:
        return ""


def test_slices_share_a_rate_and_never_exceed_it(make_store: MakeStore) -> None:
    recorder = Recorder(4)
    limits = Limits(rate=120.0)
    ends = make_store("memory", "a"), make_store("memory", "b")
    with open_ends(*ends, reach="threads", create=True) as resolver:
        orders = [
            (index, Order(kind="copy", source="s", model=f"m{index}", limits=limits))
            for index in range(9)
        ]
        results: list[Result] = []
        workers: Any = recorder
        assert Coordinator(workers, resolver, Control()).run(orders, lambda _, r: results.append(r))
    assert len(results) == 27
    assert recorder.most <= 4
    assert max(recorder.held) <= 120.001
    assert recorder.held[-1] >= 120 / 4


def test_the_longest_partitions_are_begun_first(make_store: MakeStore, run: Migrate) -> None:
    source, target = make_store("memory", "source"), make_store("memory", "target")
    for model, count in (("a", 10), ("b", 300), ("c", 100)):
        fill(source, model, count)
    seen: list[str] = []
    engine: Any = target.database.database
    write_page = engine.write_page

    def spy(model: str, writes: Any, mode: Any) -> Any:
        seen.append(model)
        return write_page(model, writes, mode)

    engine.write_page = spy
    with connect(database=engine) as spied:
        assert run(source, spied).ok
    assert list(dict.fromkeys(seen)) == ["b", "c", "a"]


def test_a_timeout_makes_the_next_slice_small_and_later_ones_grow() -> None:
    chain = Chain("key", Order(kind="copy", source="s", model="m"))
    late = OperationTimeoutError("late")
    sizes: list[int | None] = []
    for _ in range(3):
        assert chain.failed(late, alone=False)
        sizes.append(chain.order().most)
    assert sizes == [500, 250, 125]
    for most in (250, 500, 1_000):
        chain.succeeded(Result(read=125))
        assert chain.order().most == most
    for _ in range(8):
        chain.succeeded(Result(read=125))
    assert chain.order().most is None


@pytest.mark.parametrize("executor", ["threads:1", "threads:3", "processes:2"])
def test_a_run_goes_no_faster_than_it_may(
    executor: str, make_store: MakeStore, run: Migrate, tmp_path: Any
) -> None:
    source = make_store("sqlite", "source")
    fill(source, "users", 300)
    fill(source, "orders", 100)
    started = time.monotonic()
    report = run(
        f"sqlite:{tmp_path}/source.db",
        f"sqlite:{tmp_path}/target.db",
        executor=executor,
        level="count",
        limits=Limits(rate=400),
    )
    assert report.ok
    assert time.monotonic() - started >= 1
    assert contents(make_store("sqlite", "target"), "users") == contents(source, "users")


def test_backups_and_restores_go_no_faster_than_they_may(make_store: MakeStore, call: Call) -> None:
    fill(make_store("sqlite", "source"), "users", 300)
    started = time.monotonic()
    [report] = call("backup", "sqlite:source.db", "saved", "--max-rate", "300")
    assert report["copy_seconds"] >= 0.8
    [report] = call("restore", "saved", "json:back", "--max-rate", "300", "--max-ru", "5")
    assert report["copy_seconds"] >= 0.8
    assert any("neither store charges request units" in note for note in report["notes"])
    assert time.monotonic() - started >= 2  # and the verification of the restore


def test_limits_that_are_not_set_anew_stay_when_a_run_is_resumed(
    make_store: MakeStore, run: Migrate, tmp_path: Path
) -> None:
    source, target = make_store("sqlite", "source"), make_store("sqlite", "target")
    fill(source, "users", 10)
    stop = Event()
    stop.set()
    limits = Limits(rate=400.0, page=7)
    report = run(source, target, limits=limits, stop=stop)
    assert report.status == "stopped"
    name = report.run
    state = tmp_path / "state"
    none = dict.fromkeys(("max_rate", "max_ru", "max_quarantine"))
    assert limits_of(state, name, **none) is None
    assert limits_of(state, name, **{**none, "max_quarantine": 5}) == Limits(
        rate=400.0, page=7, quarantine=5
    )
    assert limits_of(state, None, **{**none, "max_quarantine": 5}) == Limits(quarantine=5)


def test_request_units_of_cosmosdb_are_kept_and_reported(
    make_store: MakeStore, run: Migrate, cosmosdb_url: str
) -> None:
    source = make_store("memory", "source")
    fill(source, "users", 60)
    with connect(cosmosdb_url, auto_create=True) as target:
        report = run(source, target, limits=Limits(request_units=400), level="count")
        units = report.totals.request_units
        assert units > 60 * 5
        assert report.copy_seconds >= units / 400 * 0.99
        assert f"{units:,.0f} request units" in report.to_markdown()
        assert not any("charges request units" in note for note in report.notes)


def test_a_limit_of_request_units_that_limits_nothing_is_told(
    make_store: MakeStore, run: Migrate
) -> None:
    source, target = make_store("memory", "source"), make_store("memory", "target")
    fill(source, "users", 5)
    report = run(source, target, limits=Limits(request_units=5))
    assert report.ok
    assert any("neither store charges request units" in note for note in report.notes)
