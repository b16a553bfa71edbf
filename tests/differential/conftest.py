import pytest

from tests.differential import counts
from tests.differential.fixtures import place, subject, subjects

__all__ = ["place", "subject", "subjects"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in counts.lines():
        terminalreporter.write_line(f"one meaning: {line}")
