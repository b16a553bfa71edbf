"""What a program pays before its first document: imports, each in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Final

from tests.benchmarks.aims import Added
from tests.benchmarks.measure import Case, Prepare
from tests.benchmarks.suites import Context, Suite

__all__ = ["SUITES"]

_TITLE: Final = "Start-up, beyond the bare interpreter"
_LIMIT: Final = Added(60_000)


def _cases(context: Context) -> Iterator[Case]:
    file, folder = context.folder / "startup.db", context.folder / "startup"
    programs = {
        "import interstore": ("import interstore", _LIMIT),
        "from interstore import Store, connect": ("from interstore import Store, connect", None),
        "msgspec, which that imports": ("import msgspec", None),
        "asyncio, for the other flavour": ("import asyncio", None),
        "connect to JSON files": (_connect(f"type='json', data_dir={str(folder)!r}"), None),
        "connect to SQLite": (_connect(f"type='sqlite', path={str(file)!r}"), None),
    }
    for name, (program, aim) in programs.items():
        if context.wants(_TITLE, name):
            yield Case(
                name,
                {"Interstore": _run(program), "interpreter": _run("pass")},
                aims={"interpreter": aim} if aim else {},
                added=True,
            )


def _connect(arguments: str) -> str:
    return f"import interstore\ninterstore.connect({arguments}).close()"


def _run(program: str) -> Prepare:
    command = [sys.executable, "-c", program]

    def prepare(n: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(n):
                subprocess.run(command, check=True)

        return run

    return prepare


SUITES: Final = (Suite(lambda _: _TITLE, _cases),)
