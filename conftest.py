"""What every run of the tests shares: `--long`, hypothesis profiles, header and counts."""

import platform
import sqlite3
import sys

import pytest
from hypothesis import settings

pytest_plugins = ["tests.servers.plugin", "tests.faults.plugin"]

settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("long", max_examples=1000, deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests marked `long`")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("long" if config.getoption("--long") else "quick")


def pytest_report_header(config: pytest.Config) -> str:
    return (
        f"interstore: python {platform.python_version()}, sqlite {sqlite3.sqlite_version}, "
        f"{platform.platform(terse=True)}"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    checks = sys.modules.get("interstore.testing.checks")
    if checks is not None and checks.tally:
        counts = ", ".join(f"{count:,} {what}" for what, count in sorted(checks.tally.items()))
        terminalreporter.write_line(f"compared with the reference: {counts}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        for item in items:
            item.add_marker(pytest.mark.timeout(7200))
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
