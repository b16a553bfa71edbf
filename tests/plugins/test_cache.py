"""The plugin cache: what is kept, what is forgotten, and what happens without its server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import interstore
from interstore import InterstoreError, Store, connect
from interstore.connection import plugins_in_force
from interstore.errors import ConfigurationError
from interstore.migration import migrate
from interstore.prepare import prepare_write
from interstore.times import now
from interstore_plugins.cache import CacheSettings, warm_up
from interstore_plugins.cache.entry import Entry
from interstore_plugins.cache.local import LocalCache
from tests.plugins.faulty import Faulty
from tests.servers.process import ServerProcess


@pytest.fixture
def engine() -> Faulty:
    return Faulty()


@pytest.fixture
def store(engine: Faulty) -> Iterator[Store]:
    with connect(database=engine, plugins=["cache"]) as store:
        store.create_many("m", [{"id": f"{n}", "n": n, "tags": ["x"]} for n in range(5)])
        engine.calls.clear()
        yield store


def test_what_was_read_is_not_asked_again(store: Store, engine: Faulty) -> None:
    first = store.get("m", "1")
    first["n"] = "mine"
    second = store.get("m", "1")
    assert second == {"id": "1", "n": 1, "tags": ["x"]}
    assert (second.version, second.created, second.partial) == (1, first.created, False)
    assert store.find_by_id("m", "nobody") is None
    assert store.find_by_id("m", "nobody") is None
    assert engine.calls == ["find_by_id", "find_by_id"]
    found = store.find_by_ids("m", ["1", "2", "nobody"])
    assert [each and each["n"] for each in found] == [1, 2, None]
    assert [each and each["n"] for each in store.find_by_ids("m", ["2", "1"])] == [2, 1]
    assert engine.calls[2:] == ["find_by_ids"]


QUESTIONS: dict[str, Callable[[Store], Any]] = {
    "find": lambda store: store.find("m", {"n": {"$lt": 3}}, sort="-n", limit=2).to_list(),
    "fields": lambda store: store.find("m", fields=["n"], limit=2).to_list(),
    "page": lambda store: store.page("m", limit=2).documents,
    "count": lambda store: store.count("m", {"n": {"$gt": 1}}),
    "exists": lambda store: store.exists("m", {"n": 4}),
    "aggregate": lambda store: store.aggregate("m", total=("sum", "n")),
    "distinct": lambda store: store.distinct("m", "n"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_to_filters_are_kept_until_the_model_is_written(
    question: str, store: Store, engine: Faulty
) -> None:
    ask = QUESTIONS[question]
    first = ask(store)
    asked = len(engine.calls)
    assert ask(store) == first
    assert len(engine.calls) == asked
    store.create("other", {"id": "a"})
    assert ask(store) == first
    store.update("m", "2", {"n": 20})
    engine.calls.clear()
    changed = ask(store)
    assert engine.calls
    with connect(database=engine) as bare:
        assert changed == ask(bare)


WRITES: dict[str, Callable[[Store], Any]] = {
    "update": lambda store: store.update("m", "1", {"n": 100}),
    "put": lambda store: store.put("m", {"id": "1", "n": 100}),
    "put_many": lambda store: store.put_many("m", [{"id": "1", "n": 100}]),
    "delete": lambda store: store.delete("m", "1"),
    "create": lambda store: (store.delete("m", "1"), store.create("m", {"id": "1", "n": 100})),
    "create_many": lambda store: (
        store.delete("m", "1"),
        store.find_by_id("m", "1"),
        store.create_many("m", [{"id": "1", "n": 100}]),
    ),
    "update_many": lambda store: store.update_many("m", {"n": 1}, {"n": 100}),
    "delete_many": lambda store: store.delete_many("m", {"n": 1}),
    "find_one_and_update": lambda store: store.find_one_and_update("m", {"n": 1}, {"n": 100}),
    "find_one_and_delete": lambda store: store.find_one_and_delete("m", {"n": 1}),
    "drop": lambda store: store.drop("m"),
    "write_page": lambda store: store.database.write_page(
        "m", [prepare_write("m", {"id": "1", "n": 100}, now())], "upsert"
    ),
    "transaction": lambda store: store.run_in_transaction(lambda t: t.update("m", "1", {"n": 100})),
    "repository": lambda store: store.update("m", "1", {"$inc": {"n": 99}}),
}
FORGET_ALL = {"update_many", "delete_many", "drop"}


@pytest.mark.parametrize("write", WRITES)
def test_every_write_is_seen_at_once(write: str, store: Store, engine: Faulty) -> None:
    store.find_by_ids("m", ["0", "1", "2"])
    total = store.count("m", {"n": 1})
    assert total == 1
    WRITES[write](store)
    engine.calls.clear()
    found = store.find_by_id("m", "1")
    assert found is None or found["n"] == 100
    assert engine.calls == ["find_by_id"]
    assert store.count("m", {"n": 1}) == 0
    engine.calls.clear()
    store.find_by_id("m", "2")
    assert bool(engine.calls) == (write in FORGET_ALL)  # no more than it must


def test_a_write_that_may_have_been_applied_is_forgotten_too(store: Store, engine: Faulty) -> None:
    store.get("m", "1")
    engine.faults = [(interstore.OperationTimeoutError("no answer"), "after")]
    with pytest.raises(interstore.OperationTimeoutError):
        store.update("m", "1", {"n": 100})
    assert store.get("m", "1")["n"] == 100


def test_a_migration_into_a_cached_store(store: Store) -> None:
    with connect("memory://") as source:
        source.create("m", {"id": "1", "n": "moved"})
        assert store.get("m", "1")["n"] == 1
        migrate(source, store, into="merge")
    assert store.get("m", "1")["n"] == "moved"


def test_a_transaction_reads_its_own_writes_and_keeps_nothing(store: Store) -> None:
    assert store.get("m", "1")["n"] == 1
    with suppress(InterstoreError), store.transaction() as inside:
        inside.update("m", "1", {"n": 50})
        assert inside.get("m", "1")["n"] == 50
        assert inside.count("m", {"n": 50}) == 1
        raise InterstoreError("undo")
    assert store.get("m", "1")["n"] == 1
    with store.transaction() as inside:
        inside.update("m", "1", {"n": 50})
        assert store.get("m", "2")["n"] == 2
    assert store.get("m", "1")["n"] == 50
    assert store.count("m", {"n": 50}) == 1


def test_what_has_expired_is_not_shown(store: Store) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    store.create("m", {"id": "short", "n": 9}, expires_at=soon)
    assert store.get("m", "short")["n"] == 9
    assert store.find("m", {"n": 9}, limit=5).to_list()
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()) + 0.01)
    assert store.find_by_id("m", "short") is None
    assert store.find("m", {"n": 9}, limit=5).to_list() == []


def test_times_run_out(engine: Faulty) -> None:
    settings = {"ttl": 0.05, "negative_ttl": 0.0}
    with connect(database=engine, plugins={"cache": settings}) as store:
        store.create("m", {"id": "1"})
        store.get("m", "1")
        store.find_by_id("m", "none")
        engine.calls.clear()
        store.find_by_id("m", "none")
        assert engine.calls == ["find_by_id"]
        time.sleep(0.06)
        store.get("m", "1")
        assert engine.calls == ["find_by_id"] * 2


def test_only_some_models_and_no_queries(engine: Faulty) -> None:
    settings = {"models": "m, n", "queries": False}
    with connect(database=engine, plugins={"cache": settings}) as store:
        for _ in range(2):
            store.find_by_id("n", "1")
            store.find_by_id("other", "1")
            store.count("m")
        assert engine.calls.count("count") == 2
        assert engine.calls.count("find_by_id") == 3
        assert store.metrics()["cache"]["bypassed"] == 2


@pytest.mark.parametrize(("strategy", "gone"), [("lru", "b"), ("lfu", "b"), ("fifo", "a")])
def test_what_goes_first(strategy: Any, gone: str) -> None:
    cache = LocalCache(strategy, max_size=3, max_bytes=1_000_000)
    later = time.monotonic() + 100
    for key in "abc":
        cache.put(key, Entry(key.encode(), ("s",), later))
    for key in "aacc":
        assert cache.get(key) is not None
    cache.put("d", Entry(b"d", ("s",), later))
    assert {key for key in "abcd" if cache.get(key) is None} == {gone}
    assert cache.figures()["evictions"] == 1
    cache.invalidate([], ["s"], [])
    assert cache.figures()["entries"] == 0


def test_bytes_are_bounded() -> None:
    cache = LocalCache("lru", max_size=1_000, max_bytes=20_000)
    later = time.monotonic() + 100
    for number in range(100):
        cache.put(f"{number}", Entry(b"x" * 500, (), later))
        assert cache.figures()["bytes"] <= 20_000
    assert cache.figures()["entries"] == 25
    cache.put("large", Entry(b"x" * 2_000, (), later))
    assert cache.get("large") is None


class Slow(Faulty):
    """Reads wait until they may go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        super().__init__()

    def intercept(self, operation: str, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if operation == "find_by_id":
            self.begun.set()
            assert self.go_on.wait(10)
        return super().intercept(operation, call, args, kwargs)


def test_many_who_ask_at_once_ask_once() -> None:
    engine = Slow()
    with connect(database=engine, plugins=["cache"]) as store:
        store.create("m", {"id": "1", "n": 1})
        engine.calls.clear()
        with ThreadPoolExecutor(20) as pool:
            waiting = [pool.submit(store.get, "m", "1") for _ in range(20)]
            assert engine.begun.wait(10)
            time.sleep(0.05)
            engine.go_on.set()
            assert {future.result().version for future in waiting} == {1}
        assert engine.calls.count("find_by_id") == 1
        assert store.metrics()["cache"]["joined"] >= 1


def test_figures(store: Store) -> None:
    store.get("m", "1")
    store.get("m", "1")
    figures = store.metrics()["cache"]
    assert (figures["hits"], figures["misses"], figures["shared"]) == (1, 1, None)
    assert figures["hit_rate"] == 0.5
    assert figures["bytes"] > 0


def test_warming_up(store: Store, engine: Faulty) -> None:
    assert warm_up(store, "m", {"n": {"$gte": 2}}) == 3
    engine.calls.clear()
    assert store.get("m", "3")["n"] == 3
    assert engine.calls == []


def test_settings_that_do_not_fit() -> None:
    with pytest.raises(ConfigurationError, match="nowhere to keep"):
        CacheSettings(local=False)
    with pytest.raises(ConfigurationError, match="strategy"):
        connect("memory://", plugins={"cache": {"strategy": "random"}})


# With a server.


@pytest.fixture
def pair(tmp_path: Path, valkey_url: str) -> Iterator[tuple[Store, Store]]:
    """Two stores of one database, as two processes have them, with caches that share a server."""
    with ExitStack() as stack:
        stores = [
            stack.enter_context(
                connect(f"sqlite:{tmp_path / 'a.db'}", plugins={"cache": {"url": valkey_url}})
            )
            for _ in range(2)
        ]
        for store in stores:
            _wait_until(partial(_hears, store))
        yield stores[0], stores[1]


def _hears(store: Store) -> bool:
    engine: Any = store.database.database
    hears: bool = engine._tiers._listener.hears
    return hears


def _wait_until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_one_process_read_another_has(pair: tuple[Store, Store]) -> None:
    one, other = pair
    one.create("m", {"id": "1", "n": 1})
    assert one.get("m", "1") == other.get("m", "1")
    assert other.metrics()["cache"]["shared_hits"] == 1
    assert one.count("m") == other.count("m") == 1
    assert other.metrics()["cache"]["misses"] == 0


def test_what_one_process_writes_the_other_sees(pair: tuple[Store, Store]) -> None:
    one, other = pair
    one.create("m", {"id": "1", "n": 0})
    for number in range(1, 20):
        assert other.get("m", "1")
        assert other.count("m", {"n": number}) == 0
        one.update("m", "1", {"n": number})
        _wait_until(lambda: other.get("m", "1")["n"] == number, 5)  # noqa: B023
        _wait_until(lambda: other.count("m", {"n": number}) == 1, 5)  # noqa: B023


@pytest.mark.parametrize("shared", [False, True])
def test_nobody_reads_older_than_what_he_wrote(
    shared: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = {"url": request.getfixturevalue("valkey_url")} if shared else {}
    with connect(f"sqlite:{tmp_path / 'b.db'}", plugins={"cache": settings}) as store:
        store.create("m", {"id": "1", "n": 0})

        def work(_: int) -> None:
            for _ in range(40):
                written = store.update("m", "1", {"$inc": {"n": 1}}).version
                assert store.get("m", "1").version >= written
                assert store.find("m", {}, limit=1).to_list()[0].version >= written

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        assert store.get("m", "1")["n"] == 160


def test_a_server_that_is_killed_or_hangs_is_done_without(
    pair: tuple[Store, Store], valkey_process: ServerProcess, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = pair
    one.create("m", {"id": "1", "n": 0})
    assert other.get("m", "1")["n"] == 0
    valkey_process.kill()
    for number in range(1, 4):
        one.update("m", "1", {"n": number})
        assert one.get("m", "1")["n"] == number
    assert "does not answer" in caplog.text
    assert one.metrics()["cache"]["shared"] == "down"
    # Nothing is kept while nothing is heard, so the other is not behind.
    _wait_until(lambda: not _hears(other))
    assert other.get("m", "1")["n"] == 3
    valkey_process.start()
    time.sleep(1.1)
    one.update("m", "1", {"n": 4})
    _wait_until(lambda: one.metrics()["cache"]["shared"] == "up")
    assert one.get("m", "1")["n"] == 4
    _wait_until(lambda: other.get("m", "1")["n"] == 4)
    valkey_process.pause()
    started = time.monotonic()
    one.update("m", "1", {"n": 5})
    assert one.get("m", "1")["n"] == 5
    assert time.monotonic() - started < 30
    valkey_process.resume()


def test_what_could_not_be_told_is_told_before_anything_is_read(
    pair: tuple[Store, Store], valkey_process: ServerProcess
) -> None:
    one, _ = pair
    one.create("m", {"id": "1", "n": 0})
    assert one.get("m", "1")["n"] == 0  # now the server has it
    valkey_process.pause()
    one.update("m", "1", {"n": 1})
    valkey_process.resume()
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        assert one.get("m", "1")["n"] == 1
        time.sleep(0.05)
    assert one.metrics()["cache"]["shared"] == "up"


def test_no_server_at_all(tmp_path: Path) -> None:
    settings = {"url": "redis://:canary@127.0.0.1:9/0"}
    with connect(f"sqlite:{tmp_path / 'c.db'}", plugins={"cache": settings}) as store:
        store.create("m", {"id": "1"})
        assert store.get("m", "1").version == 1
        assert "canary" not in repr(store.metrics())
    assert "canary" not in repr(CacheSettings(url=interstore.settings.Secret("redis://canary")))


def test_two_databases_do_not_answer_for_each_other(tmp_path: Path, valkey_url: str) -> None:
    for name in ("x", "y"):
        settings = {"url": valkey_url}
        with connect(f"sqlite:{tmp_path / name}.db", plugins={"cache": settings}) as store:
            store.create("m", {"id": "1", "name": name})
            assert store.get("m", "1")["name"] == name
            assert store.get("m", "1")["name"] == name


@pytest.mark.parametrize(("value", "named"), [("true", True), ("false", False)])
def test_by_a_variable_of_its_own(value: str, named: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_ENABLE_CACHE", value)
    monkeypatch.setenv("DATABASE_MAX_CACHE_SIZE", "7")
    assert [active.name for active in plugins_in_force()] == ["cache"][: int(named)]
    monkeypatch.setenv("INTERSTORE_PLUGINS", "cache, retry")
    assert [active.name for active in plugins_in_force()] == ["cache", "retry"]
    assert plugins_in_force()[0].settings.max_size == 7  # type: ignore[attr-defined]
