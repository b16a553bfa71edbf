"""Runs the suites, one after the other, each in a folder of its own."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from re import Pattern
from typing import Final

from tests.benchmarks.measure import Effort, Row, measure
from tests.benchmarks.report import memory_line, requests_table, table
from tests.benchmarks.servers import Servers
from tests.benchmarks.suites import (
    Context,
    Sizes,
    Suite,
    blobs,
    cache,
    expiry,
    files,
    layers,
    mongodb,
    moving,
    native,
    plugins,
    postgresql,
    sqlite,
    startup,
    watching,
)
from tests.benchmarks.suites.memory import Memory, memory_of_json_files
from tests.benchmarks.suites.requests import Cost, requests_of_cosmosdb
from tests.servers.process import ServerUnavailable

__all__ = ["FULL", "QUICK", "TINY", "Measured", "Scale", "run"]

SUITES: Final[tuple[Suite, ...]] = (
    *sqlite.SUITES,
    *postgresql.SUITES,
    *mongodb.SUITES,
    *native.SUITES,
    *watching.SUITES,
    *expiry.SUITES,
    *moving.SUITES,
    *files.SUITES,
    *blobs.SUITES,
    *layers.SUITES,
    *plugins.SUITES,
    *cache.SUITES,
    *startup.SUITES,
)
MEMORY: Final = "Memory of JSON files"
REQUESTS: Final = "Azure Cosmos DB, requests"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much a run does."""

    effort: Effort
    sizes: Sizes


FULL: Final = Scale(Effort(rounds=15, seconds=0.05), Sizes(28_000, 100_000, 235_000))
QUICK: Final = Scale(Effort(rounds=5, seconds=0.01), Sizes(5_000, 10_000, 50_000))
TINY: Final = Scale(Effort(rounds=1, seconds=0), Sizes(1_500, 1_600, 1_700))
"""Enough to see that everything runs."""


@dataclass(slots=True)
class Measured:
    """What a run found: the rows of each suite, the memory, and the requests to Cosmos DB."""

    suites: dict[str, list[Row]]
    memory: Memory | None = None
    requests: list[Cost] = field(default_factory=list)


def run(
    scale: Scale, wanted: Pattern[str], say: Callable[[str], None], servers: Servers
) -> Measured:
    """Measure what is wanted, telling the results as they come."""
    measured = Measured({})
    for suite in SUITES:
        try:
            rows = _suite(suite, scale, wanted, say, servers)
        except ServerUnavailable as error:
            say(f"{suite.title(scale.sizes)} is left out: {error}")
            continue
        if rows:
            measured.suites[suite.title(scale.sizes)] = rows
    if wanted.search(MEMORY):
        measured.memory = _memory(scale, say)
    if wanted.search(REQUESTS):
        measured.requests = _requests(say, servers)
    return measured


def _suite(
    suite: Suite,
    scale: Scale,
    wanted: Pattern[str],
    say: Callable[[str], None],
    servers: Servers,
) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as closing:
        context = Context(Path(folder), scale.sizes, scale.effort, wanted, say, closing, servers)
        for case in suite.cases(context):
            gc.freeze()  # the documents to store are no burden that a program would have
            rows += measure(case, scale.effort)
    gc.unfreeze()
    if rows:
        say(f"\n## {suite.title(scale.sizes)}\n\n{table(rows)}")
    return rows


def _memory(scale: Scale, say: Callable[[str], None]) -> Memory:
    with tempfile.TemporaryDirectory() as folder:
        memory = memory_of_json_files(Path(folder), scale.sizes.huge)
    say(f"\n## {MEMORY}\n\n{memory_line(memory)}")
    return memory


def _requests(say: Callable[[str], None], servers: Servers) -> list[Cost]:
    try:
        costs = requests_of_cosmosdb(servers.cosmosdb)
    except ServerUnavailable as error:
        say(f"{REQUESTS} is left out: {error}")
        return []
    say(f"\n## {REQUESTS}\n\n{requests_table(costs)}")
    return costs
