"""MongoDB: beside PyMongo, and beside MongoEngine and Beanie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tests.benchmarks.aims import Aim, Within
from tests.benchmarks.contenders import Contender, Durability
from tests.benchmarks.contenders.beanie_odm import open_beanie
from tests.benchmarks.contenders.mongo_engine import MongoEngine
from tests.benchmarks.contenders.ours_mongodb import MongoDB, open_mongodb
from tests.benchmarks.contenders.raw_pymongo import RawPyMongo, open_pymongo
from tests.benchmarks.suites import Context, Suite
from tests.benchmarks.suites.operations import Operations
from tests.benchmarks.workloads import INDEXED, READS, WRITES, Kind, Workload

__all__ = ["RIVALS", "SUITES"]

_AIMS: Final[Mapping[Kind, Aim]] = {
    "write": Within(1.15),
    "read": Within(1.15),
    "bulk": Within(1.5),
    "scan": Within(1.2),
}
_ENGINE: Final = Contender("MongoEngine", MongoEngine, needs="mongoengine")
_BEANIE: Final = Contender("Beanie", open_beanie, needs="beanie")
_SYNC_RIVALS: Final = (Contender("PyMongo", RawPyMongo, needs="pymongo", aims=_AIMS), _ENGINE)
_ASYNC_RIVALS: Final = (Contender("PyMongo", open_pymongo, needs="pymongo", aims=_AIMS), _BEANIE)
RIVALS: Final = (*_SYNC_RIVALS, _BEANIE)
_TASKS: Final = 100


def _sync(title: str, workloads: Sequence[Workload], durability: Durability) -> Suite:
    return Operations(
        title=f"MongoDB, {{size}} documents, {title}",
        ours=Contender("Interstore", MongoDB, needs="pymongo"),
        rivals=_SYNC_RIVALS,
        workloads=workloads,
        durability=durability,
        size=lambda sizes: sizes.real,
        place=Context.new_mongodb,
    ).suite()


def _async(
    title: str, workloads: Sequence[Workload], durability: Durability, tasks: int = 1
) -> Suite:
    return Operations(
        title=f"MongoDB, asyncio, {{size}} documents, {title}",
        ours=Contender("Interstore", open_mongodb, needs="pymongo"),
        rivals=_ASYNC_RIVALS,
        workloads=workloads,
        durability=durability,
        size=lambda sizes: sizes.real,
        asynchronous=True,
        tasks=tasks,
        place=Context.new_mongodb,
    ).suite()


_READS: Final = (*READS, *INDEXED)
_SINGLE: Final = tuple(each for each in (*READS, *WRITES) if each.kind in ("read", "write"))

SUITES: Final = (
    _sync("reads", _READS, "fsync"),
    _sync("writes, each in the journals of a majority", WRITES, "fsync"),
    _sync("writes, each in the primary's memory", WRITES, "os"),
    _async("reads", _READS, "fsync"),
    _async("writes, each in the primary's memory", WRITES, "os"),
    _async(f"{_TASKS} tasks at once", _SINGLE, "os", _TASKS),
)
