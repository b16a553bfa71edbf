"""A second opinion on queries: that of the npm server `@vercel/cosmosdb-server`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.servers.npm import install, programs

__all__ = ["Opinion", "Refused", "running"]

HERE: Final = Path(__file__).parent / "npm"


class Refused(Exception):
    """It cannot say."""


class Opinion:
    """A process that is asked one query after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(
        self, query: str, items: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]
    ) -> list[Any]:
        """What a query gives over items; raises Refused."""
        given = [{"name": name, "value": value} for name, value in parameters.items()]
        line = json.dumps({"query": query, "items": items, "parameters": given})
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        result: list[Any] = answer["result"]
        return result


@contextmanager
def running() -> Generator[Opinion]:
    """Raises ServerUnavailable: no Node, or its packages cannot be had."""
    modules = install(HERE)
    node, _ = programs()
    process = subprocess.Popen(
        [node, str(HERE / "opinion.cjs"), str(modules)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Opinion(process)
    finally:
        process.kill()
        process.communicate()
