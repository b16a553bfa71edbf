"""SQLite: beside the driver, and beside SQLAlchemy with a JSON column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tests.benchmarks.aims import Aim, Within
from tests.benchmarks.contenders import Contender, Durability, ours
from tests.benchmarks.contenders.raw_aiosqlite import open_aiosqlite
from tests.benchmarks.contenders.raw_sqlite import RawSQLite
from tests.benchmarks.contenders.sqlalchemy_core import SQLAlchemyCore
from tests.benchmarks.contenders.sqlalchemy_orm import SQLAlchemyORM
from tests.benchmarks.suites import Suite
from tests.benchmarks.suites.operations import Operations
from tests.benchmarks.workloads import READS, WRITES, Kind, Workload

__all__ = ["RIVALS", "SUITES"]

_AIMS: Final[Mapping[Kind, Aim]] = {
    "write": Within(1.5),
    "read": Within(1.5),
    "bulk": Within(1.3),
    "scan": Within(1.3),
}
RIVALS: Final = (
    Contender("sqlite3", RawSQLite, aims=_AIMS),
    Contender("SQLAlchemy Core", SQLAlchemyCore, needs="sqlalchemy"),
    Contender("SQLAlchemy ORM", SQLAlchemyORM, needs="sqlalchemy"),
)
_ASYNC_RIVALS: Final = (Contender("aiosqlite", open_aiosqlite, needs="aiosqlite", aims=_AIMS),)


def _sync(title: str, workloads: Sequence[Workload], durability: Durability) -> Suite:
    return Operations(
        title=f"SQLite, {{size}} documents, {title}",
        ours=Contender("Interstore", ours.sqlite),
        rivals=RIVALS,
        workloads=workloads,
        durability=durability,
        size=lambda sizes: sizes.real,
    ).suite()


def _async(title: str, workloads: Sequence[Workload], durability: Durability) -> Suite:
    return Operations(
        title=f"SQLite, asyncio, {{size}} documents, {title}",
        ours=Contender("Interstore", ours.sqlite_async),
        rivals=_ASYNC_RIVALS,
        workloads=workloads,
        durability=durability,
        size=lambda sizes: sizes.real,
        asynchronous=True,
    ).suite()


_GROUPS: Final[tuple[tuple[str, Sequence[Workload], Durability], ...]] = (
    ("reads", READS, "fsync"),
    ("writes, each synced", WRITES, "fsync"),
    ("writes, left to the system", WRITES, "os"),
)

SUITES: Final = tuple(make(*group) for make in (_sync, _async) for group in _GROUPS)
