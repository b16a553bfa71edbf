"""What expiry costs where nothing expires: beside one that never asks, and one where all do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from tests.benchmarks.contenders import Contender
from tests.benchmarks.contenders.expiring import Open, expiring, never_asking
from tests.benchmarks.contenders.native import NativeMongoDB, NativePostgreSQL, NativeSQLite
from tests.benchmarks.suites import Context, Suite
from tests.benchmarks.suites.operations import Operations
from tests.benchmarks.workloads import READS, WRITES, Workload

__all__ = ["SUITES"]

_MEASURED: Final = ("find_by_id", "find_range", "find", "update")
_WORKLOADS: Final[tuple[Workload, ...]] = tuple(
    each for each in (*READS, *WRITES) if each.method in _MEASURED
)


def _suite(name: str, make: Open, needs: str, place: Callable[..., Any]) -> Suite:
    return Operations(
        title=f"{name}, {{size}} documents, none of which expires",
        ours=Contender("Interstore", make, needs),
        rivals=(
            Contender("never asking", partial(never_asking, make), needs),
            Contender("all expire", partial(expiring, make), needs),
        ),
        workloads=_WORKLOADS,
        durability="os",
        size=lambda sizes: sizes.real,
        place=place,
    ).suite()


SUITES: Final = (
    _suite("SQLite", NativeSQLite, "sqlite3", Context.new_folder),
    _suite("PostgreSQL", NativePostgreSQL, "psycopg", Context.new_postgresql),
    _suite("MongoDB", NativeMongoDB, "pymongo", Context.new_mongodb),
)
