"""The elements of a JSON array in a file, without holding more than one of them.

Only the structure is looked at here: brackets, commas, and where texts begin and end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

from interstore.files.file import LONGEST

__all__ = ["Element", "split_array"]

CHUNK: Final = 1 << 18
"""Bytes read at once."""

_SPACE: Final = b" \t\r\n"
_OPENING: Final = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*\[")

# What neither nests nor ends nesting, texts as wholes: all of it, and all of it up to a comma.
_INSIDE: Final = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_BETWEEN: Final = re.compile(rb'(?:[^"\[\]{},]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)


class Element(NamedTuple):
    """One element: its bytes, the number of the first, and where to go on after it."""

    text: bytes
    start: int
    end: int


def split_array(stream: IO[bytes], start: int = 0) -> Iterator[Element]:
    """The elements of the array, or those from an element's `end` on.

    Args:
        stream: the file, at byte `start`.
        start: 0, or the `end` of an element.

    Raises:
        ValueError: it is no array, or breaks off.
    """
    window = _Window(stream, start)
    separator = b"[" if start else window.take_opening()
    while True:
        if start:  # it stands before the next element, or closes the array
            separator = window.take_separator()
        if separator == b"]":
            break
        element = window.take_element()
        if element.text or separator == b"," or window.next_byte() != b"]":
            yield element
        start = element.end
    window.check_nothing_follows()


class _Window:
    """The bytes of the file at hand, and how many of them were passed."""

    def __init__(self, stream: IO[bytes], position: int) -> None:
        self._stream = stream
        self._data = b""
        self._at = 0
        self._base = position  # of the first byte at hand, in the file

    def take_opening(self) -> bytes:
        """Step over the bracket that opens the array."""
        self._fill()
        match = _OPENING.match(self._data)
        if match is None:
            found = self._data.lstrip(_SPACE)[:20].decode(errors="replace")
            raise ValueError(f"it begins with {found!r}" if found else "it is empty")
        self._at = match.end()
        return b"["

    def take_separator(self) -> bytes:
        """Step over what stands behind an element."""
        separator = self.next_byte()
        self._at += 1
        return separator

    def next_byte(self) -> bytes:
        """What comes next; nothing at the end of the file."""
        if self._at == len(self._data):
            self._fill()
        return self._data[self._at : self._at + 1]

    def take_element(self) -> Element:
        """Step to what stands behind the next element, and return it."""
        stop = self._find_end()
        text = self._data[self._at : stop].lstrip(_SPACE)
        self._at = stop
        end = self._base + stop
        return Element(text.rstrip(_SPACE), end - len(text), end)

    def check_nothing_follows(self) -> None:
        """Return if the array is all that the file holds."""
        while not self._data[self._at :].strip(_SPACE):
            self._at = len(self._data)
            if not self._fill():
                return
        raise ValueError("something follows its end")

    def _find_end(self) -> int:
        """Where the comma or the bracket behind the next element stands in the bytes at hand."""
        depth, scanned = 0, 0  # bytes behind `_at`
        while True:
            match = (_INSIDE if depth else _BETWEEN).match(self._data, self._at + scanned)
            assert match is not None
            stop = match.end()
            scanned = stop - self._at
            byte = self._data[stop : stop + 1]
            if byte in (b"", b'"'):  # the bytes at hand break off here, or within a text
                self._more()
                continue
            if byte in b"[{":
                depth += 1
            elif depth == 0:
                return stop
            else:
                depth -= 1
            scanned += 1

    def _more(self) -> None:
        if len(self._data) - self._at > LONGEST:
            raise ValueError(
                f"the element at byte {self._base + self._at} is longer than {LONGEST:,} bytes"
            )
        if not self._fill():
            raise ValueError("it breaks off before its end")

    def _fill(self) -> bool:
        """Read on, as much again as is at hand and not passed; whether there was more."""
        rest = self._data[self._at :]
        chunk = self._stream.read(max(CHUNK, len(rest)))
        self._base += self._at
        self._data, self._at = rest + chunk, 0
        return bool(chunk)
