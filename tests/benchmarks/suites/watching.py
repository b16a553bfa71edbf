"""What watching costs who writes, and how fast changes are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.benchmarks.contenders import Contender
from tests.benchmarks.contenders.watching import (
    CHANGES,
    LoggedPsycopg,
    LoggedSQLite,
    StreamedPyMongo,
    UnwatchedPostgreSQL,
    WatchedMongoDB,
    WatchedPostgreSQL,
    WatchedSQLite,
    unwatched_mongodb,
    unwatched_sqlite,
)
from tests.benchmarks.suites import Context, Suite
from tests.benchmarks.suites.operations import Operations
from tests.benchmarks.workloads import WRITES, Workload

__all__ = ["SUITES"]

_WORKLOADS: Final = (
    # Before there are many more of them.
    Workload("a change that is read", "changes", lambda _, n: [()] * n, "scan", CHANGES),
    *(each for each in WRITES if each.method in ("create", "update", "create_many")),
)


def _suite(
    name: str, ours: Any, plain: Any, by_hand: Contender, place: Callable[..., Any]
) -> Suite:
    needs = by_hand.needs
    return Operations(
        title=f"{name}, {{size}} documents, watched",
        ours=Contender("Interstore", ours, needs=needs),
        rivals=(Contender("not watched", plain, needs=needs), by_hand),
        workloads=_WORKLOADS,
        durability="fsync",
        size=lambda sizes: sizes.real,
        place=place,
    ).suite()


SUITES: Final = (
    _suite(
        "SQLite",
        WatchedSQLite,
        unwatched_sqlite,
        Contender("sqlite3", LoggedSQLite),
        Context.new_folder,
    ),
    _suite(
        "PostgreSQL",
        WatchedPostgreSQL,
        UnwatchedPostgreSQL,
        Contender("psycopg", LoggedPsycopg, needs="psycopg"),
        Context.new_postgresql,
    ),
    _suite(
        "MongoDB",
        WatchedMongoDB,
        unwatched_mongodb,
        Contender("PyMongo", StreamedPyMongo, needs="pymongo"),
        Context.new_mongodb,
    ),
)
