"""PostgreSQL: beside psycopg through its pool, SQLAlchemy with a jsonb column, and asyncpg."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tests.benchmarks.aims import Aim, Within
from tests.benchmarks.contenders import Contender, ours
from tests.benchmarks.contenders.raw_asyncpg import open_asyncpg
from tests.benchmarks.contenders.raw_psycopg import RawPsycopg, open_psycopg
from tests.benchmarks.contenders.sqlalchemy_postgresql import SQLAlchemyPostgreSQL
from tests.benchmarks.suites import Context, Suite
from tests.benchmarks.suites.operations import Operations
from tests.benchmarks.workloads import INDEXED, READS, WRITES, Kind, Workload

__all__ = ["RIVALS", "SUITES"]

_AIMS: Final[Mapping[Kind, Aim]] = {
    "write": Within(1.15),
    "read": Within(1.15),
    "bulk": Within(1.3),
    "scan": Within(1.2),
}
RIVALS: Final = (
    Contender("psycopg", RawPsycopg, needs="psycopg", aims=_AIMS),
    Contender("in a session", ours.InSession, needs="psycopg"),
    Contender("SQLAlchemy ORM", SQLAlchemyPostgreSQL, needs="sqlalchemy"),
)
_ASYNC_RIVALS: Final = (
    Contender("psycopg", open_psycopg, needs="psycopg", aims=_AIMS),
    Contender("asyncpg", open_asyncpg, needs="asyncpg"),
)
_TASKS: Final = 100


def _sync(title: str, workloads: Sequence[Workload]) -> Suite:
    return Operations(
        title=f"PostgreSQL, {{size}} documents, {title}",
        ours=Contender("Interstore", ours.postgresql, needs="psycopg"),
        rivals=RIVALS,
        workloads=workloads,
        durability="fsync",
        size=lambda sizes: sizes.real,
        place=Context.new_postgresql,
    ).suite()


def _async(title: str, workloads: Sequence[Workload], tasks: int = 1) -> Suite:
    return Operations(
        title=f"PostgreSQL, asyncio, {{size}} documents, {title}",
        ours=Contender("Interstore", ours.postgresql_async, needs="psycopg"),
        rivals=_ASYNC_RIVALS,
        workloads=workloads,
        durability="fsync",
        size=lambda sizes: sizes.real,
        asynchronous=True,
        tasks=tasks,
        place=Context.new_postgresql,
    ).suite()


_READS: Final = (*READS, *INDEXED)
_SINGLE: Final = tuple(each for each in (*READS, *WRITES) if each.kind in ("read", "write"))

SUITES: Final = (
    _sync("reads", _READS),
    _sync("writes, each synced", WRITES),
    _async("reads", _READS),
    _async("writes, each synced", WRITES),
    _async(f"{_TASKS} tasks at once", _SINGLE, _TASKS),
)
