"""The rows of a CSV file, with the bytes at which they stand."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

from interstore.files.file import LONGEST, File

__all__ = ["Row", "read_rows"]

_BOM: Final = b"\xef\xbb\xbf"
_LONGEST_CELL: Final = 2_000_000


class Row(NamedTuple):
    """One row: its cells, those of the header, and where it stands (see `Record`)."""

    cells: list[str]
    header: list[str]
    place: str
    start: int
    end: int


def read_rows(stream: IO[bytes], file: File, start: int) -> Iterator[Row]:
    """The rows below the header, or those from a row's end on. Empty lines are passed over.

    Raises:
        InterstoreError: it is not CSV in UTF-8.
    """
    csv.field_size_limit(_LONGEST_CELL)
    if start:
        stream.seek(0)
    lines = _Lines(stream)
    rows = csv.reader(lines, delimiter=file.delimiter, strict=True)
    try:
        header = next(rows, [])
        _check_header(header, file)
        if start:
            stream.seek(start)
            lines.position = start
        begin = lines.position
        for cells in rows:
            if cells:
                place = f"byte {begin}" if start else f"line {rows.line_num}"
                yield Row(cells, header, place, begin, lines.position)
            begin = lines.position
    except (csv.Error, UnicodeError) as error:
        place = f"byte {lines.position}" if start else f"line {rows.line_num + 1}"
        cure = ": convert it to UTF-8 first" if isinstance(error, UnicodeError) else ""
        raise file.error(place, f"it is not CSV: {error}{cure}") from None


class _Lines:
    """The lines of a file, decoded; `csv` asks for no more of them than a row has.

    Attributes:
        position: the number of the byte behind the last one.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.position = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(LONGEST)
        if not line:
            raise StopIteration
        text = (line if self.position else line.removeprefix(_BOM)).decode()
        self.position += len(line)
        return text


def _check_header(header: list[str], file: File) -> None:
    if not header:
        raise file.error("line 1", "there is no header")
    for name in header:
        if not name:
            raise file.error("line 1", "a column has no name")
        if header.count(name) > 1:
            raise file.error("line 1", f"two columns are called {name!r}")
