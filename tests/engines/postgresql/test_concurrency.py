"""Several at once: models made by all of them, the same documents written by all of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from interstore.errors import (
    ConfigurationError,
    CorruptionError,
    InvalidQueryError,
    UnavailableError,
)
from interstore.filters.parse import parse_filter
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from tests.engines.postgresql.support import Open, changes, fill, query, run, write
from tests.patience import eventually


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]


def test_a_model_is_made_once(opened: Open) -> None:
    databases = [opened(schema="made by all", pool_size=2) for _ in range(4)]
    at_once([lambda d=d, n=n: d.create("m", write(f"{n}")) for n, d in enumerate(databases)])  # type: ignore[misc]
    assert databases[0].models() == ["m"]
    assert databases[0].count("m", parse_filter({})) == 4


def test_bulk_calls_in_opposite_orders(opened: Open) -> None:
    """They lock the same rows in the same order, or wait for one another for ever."""
    databases = [opened() for _ in range(4)]
    databases[0].create("m", write("first"))
    writes = [write(f"d{number:03}") for number in range(300)]

    def put(database: PostgreSQLDatabase, reverse: bool) -> None:
        for _ in range(10):
            outcomes = database.put_many("m", writes[::-1] if reverse else writes)
            assert all(type(outcome) is int for outcome in outcomes)

    at_once([lambda d=d, n=n: put(d, n % 2 == 1) for n, d in enumerate(databases)])  # type: ignore[misc]
    assert {each.version for each in databases[0].find("m", query({"id": {"$ne": "first"}}))} == {
        40
    }


def test_update_many_counts_every_increment(opened: Open) -> None:
    databases = [opened() for _ in range(3)]
    fill(databases[0], **{f"d{number}": {"n": 0} for number in range(50)})

    def work(database: PostgreSQLDatabase) -> int:
        increment, all_ = changes({"$inc": {"n": 1}}), parse_filter({})
        return sum(database.update_many("m", all_, increment).updated for _ in range(10))

    assert at_once([lambda d=d: work(d) for d in databases]) == [500] * 3  # type: ignore[misc]
    assert {each["n"] for each in databases[0].find("m", query())} == {30}


def test_find_one_and_update_gives_each_once(opened: Open) -> None:
    databases = [opened() for _ in range(4)]
    fill(databases[0], **{f"d{number}": {"free": True} for number in range(40)})

    def work(database: PostgreSQLDatabase) -> list[str]:
        taken: list[str] = []
        free = query({"free": True}, "-free")
        while found := database.find_one_and_update("m", free, changes({"free": False})):
            taken.append(found.id)
        return taken

    taken = [id for ids in at_once([lambda d=d: work(d) for d in databases]) for id in ids]  # type: ignore[misc]
    assert sorted(taken) == sorted(f"d{number}" for number in range(40))


# Models that others make and drop.


def test_a_model_dropped_by_another(opened: Open) -> None:
    one, other = opened(), opened()
    fill(one, a={})
    assert other.find_by_id("m", "a") is not None
    assert one.drop("m")
    assert other.find_by_id("m", "a") is None
    assert list(other.find("m", query())) == []
    other.create("m", write("b"))
    assert one.find_by_id("m", "b") is not None
    assert one.drop("m")
    assert other.update_many("m", parse_filter({}), changes({"n": 1})).updated == 0
    assert other.create_many("m", [write("c")]) == [1]


def test_a_table_that_was_lost(database: PostgreSQLDatabase) -> None:
    fill(database, a={})
    run(database, "DROP TABLE m")
    for _ in range(2):
        with pytest.raises(CorruptionError, match="is gone"):
            database.find_by_id("m", "a")
        with pytest.raises(CorruptionError, match="is gone"):
            database.create("m", write("b"))
    assert database.drop("m")
    database.create("m", write("b"))


def test_tables_of_others_are_left_alone(database: PostgreSQLDatabase) -> None:
    run(database, "CREATE TABLE theirs (id text)")
    run(database, "CREATE VIEW seen AS SELECT 1")
    assert database.find_by_id("theirs", "a") is None
    with pytest.raises(ConfigurationError, match="has a table 'theirs'"):
        database.create("theirs", write("a"))
    with pytest.raises(ConfigurationError, match="has a view 'seen'"):
        database.create("seen", write("a"))
    assert database.models() == []


def test_names_that_differ_in_case_only(database: PostgreSQLDatabase) -> None:
    database.create("Users", write("a"))
    with pytest.raises(InvalidQueryError, match="in case only"):
        database.create("users", write("a"))
    assert database.find_by_id("users", "a") is None


def test_creation_is_off(opened: Open) -> None:
    opened().create("there", write("a"))
    database = opened(auto_create=False)
    with pytest.raises(ConfigurationError, match="the models that exist: there"):
        database.create("m", write("a"))
    assert database.find_by_id("m", "a") is None
    database.create("there", write("b"))


def test_a_store_that_is_closed_while_others_wait(opened: Open) -> None:
    database = opened(pool_size=1, timeout=60)
    fill(database, a={"n": 1})
    pool = database.native
    connection = pool.getconn()

    def is_waiting() -> None:
        assert pool.get_stats()["requests_waiting"] == 1

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(database.find_by_id, "m", "a")
        eventually(is_waiting)
        database.disconnect()
        connection.close()
        with pytest.raises(UnavailableError, match="the store was closed meanwhile"):
            waiting.result(30)


def test_stats_of_a_pool_that_is_exhausted(opened: Open) -> None:
    """Who waits is counted, and for how long."""
    database = opened(pool_size=2)
    fill(database, a={})
    with ThreadPoolExecutor(1) as threads:
        with database.session() as session, database.session():
            waiting = threads.submit(database.find_by_id, "m", "a")

            def is_waiting() -> None:
                figures = session.stats().pool
                assert figures is not None
                assert figures.waiting == 1

            eventually(is_waiting)
            figures = session.stats().pool
            assert figures is not None
            assert (figures.size, figures.in_use, figures.idle) == (2, 2, 0)
        assert waiting.result(30) is not None
    figures = database.stats().pool
    assert figures is not None
    assert figures.wait_seconds > 0
    assert figures.waiting == 0
