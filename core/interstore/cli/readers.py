"""Records from JSON, JSON Lines and CSV files, each with the place where it stands."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import IO, Any, Final

import click
import msgspec

from interstore.errors import InterstoreError

__all__ = ["FORMATS", "Record", "Source", "read_records"]

FORMATS: Final = ("json", "jsonl", "csv")

_ENDINGS: Final = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
_BOM: Final = b"\xef\xbb\xbf"
_LONGEST_CELL: Final = 2_000_000

_decode_object: Final = msgspec.json.Decoder(dict[str, Any]).decode
_decode_array: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read, and how.

    Attributes:
        path: the file; ``-`` for the standard input.
        given_format: the format if it was named; else the file's name tells.
        convert: CSV only: whether cells that are JSON (but no JSON texts) are read as such.
        delimiter: CSV only: what separates cells.
    """

    path: str
    given_format: str | None = None
    convert: bool = False
    delimiter: str = ","

    def __post_init__(self) -> None:
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise click.UsageError(f"--delimiter is one character, not {self.delimiter!r}")
        _ = self.format

    @property
    def format(self) -> str:
        """One of `FORMATS`."""
        if self.given_format is not None:
            return self.given_format
        for ending, name in _ENDINGS.items():
            if self.path.lower().endswith(ending):
                return name
        raise click.UsageError(
            f"what {self.path!r} holds cannot be told from its name: say --format"
        )

    @property
    def is_stream(self) -> bool:
        """Whether it can be read only once."""
        return self.path == "-"

    @property
    def name(self) -> str:
        """As messages show it."""
        return "standard input" if self.is_stream else self.path

    def open(self) -> Any:
        """The file, as bytes."""
        if self.is_stream:
            return nullcontext(sys.stdin.buffer)
        return open(self.path, "rb")

    def error(self, place: str, problem: str) -> InterstoreError:
        """The error for what stands at `place`."""
        return InterstoreError(f"{self.name}, {place}: {problem}")


@dataclass(slots=True)
class Record:
    """One document to be, and where it stands."""

    fields: dict[str, Any]
    source: Source
    place: str

    def error(self, problem: str) -> InterstoreError:
        """The error for this record."""
        return self.source.error(self.place, problem)


def read_records(source: Source) -> Iterator[Record]:
    """The records of a file. JSON Lines and CSV are read as they are asked for.

    Raises:
        InterstoreError: something in it is malformed; the message names file and place.
        OSError: it cannot be read.
    """
    with source.open() as file:
        yield from _READERS[source.format](file, source)


def _read_json(file: IO[bytes], source: Source) -> Iterator[Record]:
    data = file.read().removeprefix(_BOM)
    try:
        items = _decode_array(data)
    except (msgspec.DecodeError, UnicodeError) as error:
        cure = " (--format jsonl reads one object a line)" if source.given_format is None else ""
        raise InterstoreError(f"{source.name} is not a JSON array: {error}{cure}") from None
    for number, item in enumerate(items, 1):
        place = f"record {number}"
        yield Record(_object(bytes(item), source, place), source, place)


def _read_jsonl(file: IO[bytes], source: Source) -> Iterator[Record]:
    for number, line in enumerate(file, 1):
        if number == 1:
            line = line.removeprefix(_BOM)
        if line.strip():
            place = f"line {number}"
            yield Record(_object(line, source, place), source, place)


def _object(text: bytes, source: Source, place: str) -> dict[str, Any]:
    try:
        return _decode_object(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise source.error(place, f"it is not a JSON object: {error}") from None


def _read_csv(file: IO[bytes], source: Source) -> Iterator[Record]:
    csv.field_size_limit(_LONGEST_CELL)
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    rows = csv.reader(text, delimiter=source.delimiter, strict=True)
    try:
        header = next(rows, [])
        _check_header(header, source)
        for row in rows:
            if not row:
                continue
            place = f"line {rows.line_num}"
            if len(row) != len(header):
                raise source.error(place, f"it has {len(row)} cells, the header {len(header)}")
            yield Record(_fields(header, row, source.convert), source, place)
    except (csv.Error, UnicodeError) as error:
        raise source.error(f"line {rows.line_num + 1}", f"it is not CSV: {error}") from None
    finally:
        text.detach()


def _check_header(header: list[str], source: Source) -> None:
    if not header:
        raise source.error("line 1", "there is no header")
    for name in header:
        if not name:
            raise source.error("line 1", "a column has no name")
        if header.count(name) > 1:
            raise source.error("line 1", f"two columns are called {name!r}")


def _fields(header: list[str], row: list[str], convert: bool) -> dict[str, Any]:
    if not convert:
        return dict(zip(header, row, strict=True))
    return {name: _converted(cell) for name, cell in zip(header, row, strict=True) if cell}


def _converted(cell: str) -> Any:
    """What `cell` is as JSON, if it is JSON and no text: ``007`` and ``"x"`` stay texts."""
    try:
        value = msgspec.json.decode(cell)
    except (msgspec.DecodeError, UnicodeError):
        return cell
    return cell if isinstance(value, str) else value


_READERS: Final = {"json": _read_json, "jsonl": _read_jsonl, "csv": _read_csv}
