"""Bars that show how far long work is, to a person at a terminal and to nobody else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["progress", "reading"]


@contextmanager
def progress(
    what: str, total: int | None, *, unit: str = "bytes"
) -> Generator[Callable[[int], None]]:
    """Show a bar while the block runs; it is called with how much more is done.

    Args:
        what: stands before the bar.
        total: how much there is to do; ``None`` if that is not known.
        unit: what it counts.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with _bars(unit) as bars:
        task = bars.add_task(what, total=total)
        yield lambda number: bars.advance(task, number)


@contextmanager
def reading(source: str) -> Generator[Any]:
    """What to put for a file by its path, or for ``-``: the input."""
    if source == "-":
        yield sys.stdin.buffer
    elif not sys.stderr.isatty():
        yield Path(source)
    else:
        with _bars("bytes") as bars:
            file: BinaryIO
            size = os.path.getsize(source)
            with bars.open(source, "rb", total=size, description=os.path.basename(source)) as file:
                yield file


def _bars(unit: str) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    number = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    # Gone at the end, when one line says what came of it.
    return Progress(
        *(TextColumn("{task.description}", markup=False), BarColumn(), number),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
