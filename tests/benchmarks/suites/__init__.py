"""The benchmarks, in groups that share what they set up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from re import Pattern

from tests.benchmarks.measure import Case, Effort

__all__ = ["Context", "Sizes", "Suite"]


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
    """

    folder: Path
    sizes: Sizes
    effort: Effort
    wanted: Pattern[str]
    say: Callable[[str], None]
    closing: ExitStack

    def wants(self, title: str, name: str) -> bool:
        return self.wanted.search(f"{title}: {name}") is not None

    def new_folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True)
        return folder


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases that share what they set up.

    Attributes:
        title: what the report calls it; documents may be counted in it.
        cases: yields the cases that the context wants, set up as they are asked for.
    """

    title: Callable[[Sizes], str]
    cases: Callable[[Context], Iterator[Case]]
