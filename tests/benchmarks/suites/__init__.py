"""The benchmarks, in groups that share what they set up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from re import Pattern
from typing import Final

from tests.benchmarks.measure import Case, Effort
from tests.benchmarks.servers import Servers

__all__ = ["Context", "Sizes", "Suite"]

_PLAIN: Final = {"hostile": False, "strict": False}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many documents: of the real data, of a large store, of a huge one."""

    real: int
    large: int
    huge: int


@dataclass(frozen=True, slots=True)
class Context:
    """What a run of a suite has.

    Attributes:
        folder: an empty folder of its own.
        sizes: how many documents.
        effort: how long to measure.
        wanted: matches the names of the cases to measure.
        say: prints a remark, such as that something is left out.
        closing: what is to be closed when the suite is done.
        servers: those that run for the benchmarks.
    """

    folder: Path
    sizes: Sizes
    effort: Effort
    wanted: Pattern[str]
    say: Callable[[str], None]
    closing: ExitStack
    servers: Servers

    def wants(self, title: str, name: str) -> bool:
        return self.wanted.search(f"{title}: {name}") is not None

    def new_folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True)
        return folder

    def new_postgresql(self, name: str) -> str:
        """The URL of an empty database; it is cleared when the suite is done."""
        return self.closing.enter_context(self.servers.postgresql.database(**_PLAIN))

    def new_mongodb(self, name: str) -> str:
        """The same of MongoDB."""
        return self.closing.enter_context(self.servers.mongodb.database())


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases that share what they set up.

    Attributes:
        title: what the report calls it; documents may be counted in it.
        cases: yields the cases that the context wants, set up as they are asked for.
    """

    title: Callable[[Sizes], str]
    cases: Callable[[Context], Iterator[Case]]
