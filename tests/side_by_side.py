"""A whole run, shared among processes: how many, and what each of them has to tell at the end.

Tests wait for servers a third of their time, so there is one process more than there are cores, at
most three. Each starts the servers that it needs. A run of some tests only is one process: `-n 2`
asks for more, `-n 0` for one.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any, Final

import pytest

from tests.differential.counts import counts
from tests.servers.plugin import report

_KEY: Final = "interstore"


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For ``-n auto``, which is how pytest is called here."""
    some = config.option.file_or_dir or config.option.keyword or config.option.markexpr
    return 0 if some else min(3, (os.cpu_count() or 1) + 1)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_KEY] = {
            "servers": report,
            "compared": dict(_compared()),
            "counts": {engine: dict(found) for engine, found in counts.items()},
        }


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """In the process that the others report to."""
    told = getattr(node, "workeroutput", {}).get(_KEY)
    if told is not None:
        for name, outcome in told["servers"].items():
            report.setdefault(name, outcome)
        _compared().update(told["compared"])
        for engine, found in told["counts"].items():
            counts[engine].update(found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, outcome in report.items():
        terminalreporter.write_line(f"{name} {outcome}")
    if compared := _compared():
        listed = ", ".join(f"{count:,} {what}" for what, count in sorted(compared.items()))
        terminalreporter.write_line(f"compared with the reference: {listed}")
    width = max(map(len, counts), default=0)
    for engine, found in counts.items():
        listed = ", ".join(f"{number:,} {what}" for what, number in found.items())
        terminalreporter.write_line(f"one meaning: {engine:{width}}  {listed}")


def _compared() -> Counter[str]:
    # The kit is imported after Hypothesis was told how much to do.
    from interstore.testing.checks import tally

    return tally
