"""The lines of a model's file. The package's docstring shows them."""

from __future__ import annotations

from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from interstore.errors import ConfigurationError, CorruptionError
from interstore_backends._table.records import decode_head
from interstore_backends.jsonfiles.errors import corrupt

__all__ = [
    "FORMAT",
    "SUFFIX",
    "Entry",
    "Header",
    "check_header",
    "header_in",
    "header_of",
    "is_line_of",
    "is_whole",
    "line_of",
    "load_lines",
    "read_line",
]

FORMAT: Final = 1
SUFFIX: Final = ".jsonl"

_CRC: Final = len(b'{"crc":"')
_BODY: Final = len(b'{"crc":"01234567",')
_ID: Final = len(b'{"crc":"01234567","id":"')
_REMOVED: Final = b'"doc":null}'
_END_OF_NULL: Final = ord("l")


class Entry(NamedTuple):
    """What a line says of a document, as far as the index needs to know."""

    id: str
    removes: bool
    expires: str | None


class Header(msgspec.Struct):
    """The first line of a model's file.

    Attributes:
        interstore: the format.
        model: the model.
        at: when it was created.
        watch: `watching.Recording.text`; empty if changes are not recorded.
    """

    interstore: int
    model: str
    at: str = ""
    watch: str = ""


_decode_header: Final = msgspec.json.Decoder(Header).decode


def line_of(body: bytes) -> bytes:
    """A line, without its newline, from what stands behind the checksum."""
    return b'{"crc":"%08x",%b' % (crc32(body), body)


def is_line_of(record: bytes, body: bytes) -> bool:
    """Whether a record that ends with `body` is its line, so that no checksum has to be computed.

    Memory has records without a checksum.
    """
    return len(record) == _BODY + len(body) and record[:_CRC] == b'{"crc":"'


def is_whole(line: bytes) -> bool:
    """Whether the line has a checksum, and the right one."""
    return line[:_BODY] == b'{"crc":"%08x",' % crc32(line[_BODY:])


def header_of(model: str, at: str, watch: str = "") -> bytes:
    """The first line of a model's file, without its newline."""
    told = b',"watch":"%b"' % watch.encode() if watch else b""
    return line_of(
        b'"interstore":%d,"model":"%b","at":"%b"%b}' % (FORMAT, model.encode(), at.encode(), told)
    )


def header_in(line: bytes, path: str) -> Header:
    """What the first line of a model's file says.

    Raises:
        CorruptionError: it is damaged.
    """
    try:
        if is_whole(line):
            return _decode_header(line)
    except msgspec.DecodeError:
        pass
    raise corrupt(path, 0, "the file does not begin with the header of a model")


def check_header(line: bytes, model: str, path: str) -> Header:
    """What the header says. Refuse a file that is damaged, of another model, or of a format not
    known here.

    Raises:
        CorruptionError, ConfigurationError.
    """
    header = header_in(line, path)
    if header.interstore != FORMAT:
        raise ConfigurationError(
            f"{path} has format {header.interstore}, and this version of Interstore knows "
            f"format {FORMAT} only: install a newer one",
            backend="json",
        )
    if header.model != model:
        raise corrupt(path, 0, f"this is the file of model {header.model!r}, not of {model!r}")
    return header


def read_line(line: bytes, path: str, offset: int) -> Entry:
    """What a line says.

    Raises:
        CorruptionError: its checksum is wrong, or it is no record.
    """
    if not is_whole(line):
        raise corrupt(path, offset, "the checksum of the line does not match its content")
    try:
        head = decode_head(line)
    except msgspec.DecodeError:
        raise corrupt(path, offset, "the line is not a record of a document") from None
    return Entry(head.id, line.endswith(_REMOVED), head.ex)


def load_lines(
    lines: list[bytes],
    records: dict[str, bytes],
    expiring: list[tuple[str, str]],
    path: str,
    offset: int,
) -> None:
    """Work complete lines into an index.

    This is what opening a large file costs: of most lines, nothing is decoded but the id,
    which stands at a known place.

    Args:
        lines: the lines, without newlines.
        records: the index, changed in place.
        expiring: gets expiry and id of each line that has one.
        path: the file, for messages.
        offset: where in the file the first line begins.

    Raises:
        CorruptionError: the checksum of a line is wrong, or it is no record.
    """
    crc = crc32
    for number, line in enumerate(lines):
        if line[:_ID] == b'{"crc":"%08x","id":"' % crc(line[_BODY:]):
            id = line[_ID : line.index(b'"', _ID)].decode()
            if "\\" not in id:
                if line[-2] == _END_OF_NULL and line.endswith(_REMOVED):
                    records.pop(id, None)
                else:
                    records[id] = line
                continue
        try:
            id, removes, expires = read_line(line, path, offset)
        except CorruptionError:
            read_line(line, path, offset + sum(map(len, lines[:number])) + number)
            raise
        if removes:
            records.pop(id, None)
            continue
        records[id] = line
        if expires is not None:
            expiring.append((expires, id))
