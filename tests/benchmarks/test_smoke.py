"""Every benchmark runs, on few documents and once, so that none rots."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.benchmarks.aims import Added, AtMost, Faster, Within
from tests.benchmarks.contenders import Contender
from tests.benchmarks.measure import Case, Effort, measure
from tests.benchmarks.page import BEGIN, END, PAGE, with_results
from tests.benchmarks.report import table
from tests.benchmarks.run import SUITES, TINY, run
from tests.benchmarks.servers import Servers
from tests.benchmarks.suites import Suite, files, mongodb, postgresql, sqlite

TITLES = [suite.title(TINY.sizes) for suite in SUITES]


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Servers() as running:
        yield running


def marks(title: str) -> list[pytest.MarkDecorator]:
    """Servers for blobs take seconds to start, and every run starts its own; so do migrations."""
    slow = ("Blobs in S3", "Blobs in Azure", "Moving")
    return [pytest.mark.long] if title.startswith(slow) else []


@pytest.mark.parametrize(
    "suite",
    [
        pytest.param(suite, id=title, marks=marks(title))
        for suite, title in zip(SUITES, TITLES, strict=True)
    ],
)
def test_suite(suite: Suite, servers: Servers) -> None:
    title = suite.title(TINY.sizes)
    said: list[str] = []
    measured = run(TINY, re.compile("^" + re.escape(title) + ":"), said.append, servers)
    if not measured.suites:
        pytest.skip(said[-1])
    [rows] = measured.suites.values()
    assert rows
    assert all(row.ours > 0 for row in rows)
    assert f"## {title}" in said[-1]


RIVALS = [
    *(("SQLite", rival) for rival in sqlite.RIVALS),
    *(("JSON files", rival) for rival in files.RIVALS),
    *(("PostgreSQL", rival) for rival in postgresql.RIVALS),
    *(("MongoDB", rival) for rival in mongodb.RIVALS),
]


@pytest.mark.parametrize(
    "rival", [each for _, each in RIVALS], ids=[f"{name}-{each.name}" for name, each in RIVALS]
)
def test_rival(rival: Contender) -> None:
    """So that a run says which of them it left out."""
    if not rival.is_installed:
        pytest.skip(f"{rival.name} is not compared with: uv run --group bench installs it")


def test_requests(servers: Servers) -> None:
    """As many as by hand, and for as many request units, but where a reason is told."""
    said: list[str] = []
    costs = run(TINY, re.compile("^Azure Cosmos DB, requests"), said.append, servers).requests
    if not costs:
        pytest.skip(said[-1])
    for cost in costs:
        more = cost.ours.requests > cost.theirs.requests
        assert more is bool(cost.why), cost
        assert more or cost.ours.units == pytest.approx(cost.theirs.units, rel=0.05), cost
    assert "| put, existing " in said[-1]


def test_memory() -> None:
    memory = run(TINY, re.compile("^Memory"), lambda _: None, Servers()).memory
    assert memory is not None
    assert memory.stored > 100


def test_page() -> None:
    page = f"# Speed\n\n{BEGIN}\nold\n{END}\n\n## More\n"
    written = with_results(page, ["Today.", "\n## Title\n\n| a |"])
    assert written == f"# Speed\n\n{BEGIN}\n\nToday.\n\n### Title\n\n| a |\n\n{END}\n\n## More\n"
    assert with_results(written, ["Today.", "\n## Title\n\n| a |"]) == written
    assert BEGIN in PAGE.read_text(encoding="utf-8")


def test_page_after_a_run_of_a_part() -> None:
    page = with_results(f"{BEGIN}{END}", ["Monday.", "\n## A\n\n| a |", "\n## B\n\n| b |"])
    later = with_results(page, ["Tuesday.", "\n## B\n\n| b2 |", "\n## C\n\n| c |"])
    assert later == (
        f"{BEGIN}\n\nMonday.\n\n### A\n\n| a |\n\n### B\n\nTuesday.\n\n| b2 |\n\n### C\n\n"
        f"Tuesday.\n\n| c |\n\n{END}"
    )


def test_titles_are_distinct() -> None:
    assert len(set(TITLES)) == len(TITLES)


def test_what_is_measured() -> None:
    case = Case(
        "sum",
        {
            "ours": lambda n: lambda: [sum(range(100)) for _ in range(n)],
            "theirs": lambda n: lambda: [sum(range(10_000)) for _ in range(n)],
        },
        aims={"theirs": Faster(2)},
    )
    [row] = measure(case, Effort(rounds=3, seconds=0.001))
    assert row.met
    assert row.ours < row.theirs
    assert row.low <= row.ratio <= row.high < 0.5
    assert "| ≥ 2 times faster | met |" in table([row])


@pytest.mark.parametrize(
    ("aim", "ours", "ratio", "met"),
    [
        (Within(1.5), 9, 1.5, True),
        (Within(1.5), 9, 1.6, False),
        (Faster(100), 9, 0.01, True),
        (Faster(100), 9, 0.02, False),
        (AtMost(5), 5, 9, True),
        (AtMost(5), 6, 0, False),
        (Added(2), 9, 2, True),
        (Added(2), 0, 3, False),
    ],
)
def test_aims(aim: Within | Faster | AtMost, ours: float, ratio: float, met: bool) -> None:
    assert aim.is_met(ours=ours, ratio=ratio) is met
