"""What engines do natively: transactions, claims, figures, plans, beside each driver by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.benchmarks.contenders import Contender
from tests.benchmarks.contenders.by_hand import ByHand
from tests.benchmarks.contenders.native import (
    NativeJson,
    NativeMongoDB,
    NativePostgreSQL,
    NativePsycopg,
    NativePyMongo,
    NativeRawSQLite,
    NativeSQLite,
)
from tests.benchmarks.data import Dataset
from tests.benchmarks.suites import Context, Suite
from tests.benchmarks.suites.operations import Operations
from tests.benchmarks.workloads import Call, Workload

__all__ = ["SUITES"]

_TOGETHER: Final = 100


def _pairs(data: Dataset, n: int) -> list[Call]:
    return [(*data.different_ids(2), {"elevation": each}) for each in range(n)]


def _zone(data: Dataset) -> str:
    """One that few have, whichever documents there are."""
    zone: str = data.documents[len(data) // 2]["tz"]
    return zone


def _claims(data: Dataset, n: int) -> list[Call]:
    return [(_zone(data), {"elevation": each}) for each in range(n)]


def _same(*call: Any) -> Callable[[Dataset, int], list[Call]]:
    return lambda _, n: [call] * n


_WORKLOADS: Final = (
    Workload("two updates in a transaction", "transact", _pairs, "write"),
    Workload(
        f"{_TOGETHER} creates in a transaction, each",
        "create_together",
        lambda data, n: [(data.fresh(_TOGETHER),) for _ in range(n)],
        "bulk",
        _TOGETHER,
    ),
    Workload("find_one_and_update", "claim", _claims, "write"),
    Workload("aggregate, by country", "aggregate", _same(), "scan"),
    Workload("distinct countries", "distinct", _same(), "scan"),
    Workload("ping", "ping", _same(), "read"),
    Workload("explain", "explain", lambda data, n: [(_zone(data),)] * n, "read"),
)


def _suite(
    name: str, ours: Contender, *rivals: Contender, place: Callable[..., Any] = Context.new_folder
) -> Suite:
    return Operations(
        title=f"{name}, {{size}} documents, native abilities",
        ours=ours,
        rivals=rivals,
        workloads=_WORKLOADS,
        durability="fsync",
        size=lambda sizes: sizes.real,
        place=place,
    ).suite()


_SQLITE: Final = Contender("sqlite3", NativeRawSQLite)

SUITES: Final = (
    _suite(
        "JSON files",
        Contender("Interstore", NativeJson),
        Contender("files by hand", ByHand),
        _SQLITE,
    ),
    _suite(
        "SQLite",
        Contender("Interstore", NativeSQLite),
        _SQLITE,
    ),
    _suite(
        "PostgreSQL",
        Contender("Interstore", NativePostgreSQL, needs="psycopg"),
        Contender("psycopg", NativePsycopg, needs="psycopg"),
        place=Context.new_postgresql,
    ),
    _suite(
        "MongoDB",
        Contender("Interstore", NativeMongoDB, needs="pymongo"),
        Contender("PyMongo", NativePyMongo, needs="pymongo"),
        place=Context.new_mongodb,
    ),
)
