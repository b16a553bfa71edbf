"""The records of a file, one after another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Final

import msgspec

from interstore.errors import InterstoreError
from interstore.files.arrays import split_array
from interstore.files.file import LONGEST, File
from interstore.files.tables import read_rows

__all__ = ["Record", "read_records"]

_BOM: Final = b"\xef\xbb\xbf"

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(slots=True)
class Record:
    """One document to be, and where it stands.

    Attributes:
        file: where it was read.
        place: for messages: ``"line 3"``, ``"record 2"``, or its first byte where reading began
            in the middle.
        start: the number of its first byte in the file.
        end: where reading can go on after it.
        fields: what it holds.
        problem: why it is no document; empty if it is one. What follows can be read all the same,
            and `fields` holds its text, as ``{"text": ...}``.
    """

    file: File
    place: str
    start: int
    end: int
    fields: dict[str, Any] = field(default_factory=dict)
    problem: str = ""

    def error(self, problem: str) -> InterstoreError:
        """The error for this record."""
        return self.file.error(self.place, problem)


def read_records(file: File, start: int = 0) -> Iterator[Record]:
    """The records of a file, from a record's end on.

    Raises:
        InterstoreError: it is malformed in a way that hides where the next record begins; the
            message names file and place.
        OSError: it cannot be read.
    """
    with file.open() as stream:
        if start:
            stream.seek(start)
        if file.format == "csv":
            yield from _read_csv(stream, file, start)
        elif file.format == "json":
            yield from _read_json(stream, file, start)
        else:
            yield from _read_jsonl(stream, file, start)


def _read_json(stream: IO[bytes], file: File, start: int) -> Iterator[Record]:
    try:
        for number, element in enumerate(split_array(stream, start), 1):
            place = f"byte {element.start}" if start else f"record {number}"
            yield _with_object(element.text, Record(file, place, element.start, element.end))
    except ValueError as error:
        cure = "" if file.given_format else " (format jsonl is for one object a line)"
        raise InterstoreError(f"{file.name} is not a JSON array: {error}{cure}") from None


def _read_jsonl(stream: IO[bytes], file: File, start: int) -> Iterator[Record]:
    position, number = start, 0
    while line := stream.readline(LONGEST):
        number += 1
        begin, position = position, position + len(line)
        place = f"byte {begin}" if start else f"line {number}"
        if len(line) == LONGEST:
            raise file.error(place, f"it is longer than {LONGEST:,} bytes")
        if begin == 0:
            line = line.removeprefix(_BOM)
        if line.strip():
            yield _with_object(line, Record(file, place, begin, position))


def _read_csv(stream: IO[bytes], file: File, start: int) -> Iterator[Record]:
    for row in read_rows(stream, file, start):
        record = Record(file, row.place, row.start, row.end)
        if len(row.cells) == len(row.header):
            record.fields = _fields(row.header, row.cells, file.convert)
        else:
            record.problem = f"it has {len(row.cells)} cells, the header {len(row.header)}"
            record.fields = {"text": file.delimiter.join(row.cells)}
        yield record


def _with_object(text: bytes, record: Record) -> Record:
    try:
        record.fields = _decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        fields = _lenient(text)
        if fields is None:
            record.problem = f"it is not a JSON object: {error}"
            record.fields = {"text": text.decode(errors="replace").strip()}
        else:
            record.fields = fields
    return record


def _lenient(text: bytes) -> dict[str, Any] | None:
    """What Python's own module makes of it, which takes NaN, as it also writes it.

    So the door can name what is wrong, and where.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _fields(header: list[str], row: list[str], convert: bool) -> dict[str, Any]:
    if not convert:
        return dict(zip(header, row, strict=True))
    return {name: _converted(cell) for name, cell in zip(header, row, strict=True) if cell}


def _converted(cell: str) -> Any:
    """What `cell` is as JSON, if it is JSON and no text: ``007`` and ``"x"`` stay texts."""
    try:
        value = msgspec.json.decode(cell)
    except (msgspec.MsgspecError, UnicodeError):
        return cell
    return cell if isinstance(value, str) else value
