"""What every run of the tests shares: `--long`, hypothesis profiles and the header."""

import platform
import sqlite3

import pytest
from hypothesis import settings

pytest_plugins = ["tests.servers.plugin", "tests.faults.plugin", "tests.side_by_side"]

settings.register_profile("few", max_examples=10, deadline=None)
settings.register_profile("quick", max_examples=25, deadline=None)
settings.register_profile("long", max_examples=1000, deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests marked `long`")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("long" if config.getoption("--long") else "quick")


def pytest_report_header(config: pytest.Config) -> str:
    return (
        f"interstore: python {platform.python_version()}, sqlite {sqlite3.sqlite_version}, "
        f"{platform.platform(terse=True)}"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        for item in items:
            item.add_marker(pytest.mark.timeout(7200))
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
