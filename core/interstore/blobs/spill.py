"""Rows in order, more of them than memory holds: sorted in parts, in temporary files."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import Any, Final, Self

import msgspec

__all__ = ["SortedRows"]

_AT_ONCE: Final = 20_000
"""Rows in memory."""
_FILES: Final = 64
"""Files at a time; so many are made one."""

Row = tuple[Any, ...]


class SortedRows:
    """Add rows of JSON values, then iterate over them, once, in order."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._at_once = at_once
        self._rows: list[Row] = []
        self._runs: list[Any] = []
        self._files = ExitStack()

    def add(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) >= self._at_once:
            self._write(sorted(self._rows))
            self._rows.clear()
            if len(self._runs) >= _FILES:
                self._merge()

    def __iter__(self) -> Iterator[Row]:
        return heapq.merge(*map(_read, self._runs), sorted(self._rows))

    def _write(self, rows: Iterable[Row]) -> None:
        run = self._files.enter_context(TemporaryFile())  # noqa: SIM115 (closed by the stack)
        encode = msgspec.json.Encoder().encode
        for row in rows:
            run.write(encode(row) + b"\n")
        self._runs.append(run)

    def _merge(self) -> None:
        runs, self._runs = self._runs, []
        self._write(heapq.merge(*map(_read, runs)))
        for run in runs:
            run.close()

    def close(self) -> None:
        """Remove the files."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _read(run: Any) -> Iterator[Row]:
    run.seek(0)
    decode = msgspec.json.Decoder(tuple).decode
    for line in run:
        yield decode(line)
