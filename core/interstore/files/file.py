"""A file to read, and how."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

from interstore.errors import ConfigurationError, InterstoreError

__all__ = ["FORMATS", "LONGEST", "File"]

FORMATS: Final = ("json", "jsonl", "csv")

LONGEST: Final = 64_000_000
"""Bytes of the longest record that is read: one without an end would fill the memory."""

_ENDINGS: Final = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}


@dataclass(frozen=True, slots=True)
class File:
    """A file to read, and how.

    Attributes:
        path: the file; ``-`` for the standard input.
        given_format: the format if it was named; else the file's name tells.
        convert: CSV only: whether cells that are JSON (but no JSON texts) are read as such.
        delimiter: CSV only: what separates cells.

    Raises:
        ConfigurationError: the format cannot be told, or the delimiter is none.
    """

    path: str
    given_format: str | None = None
    convert: bool = False
    delimiter: str = ","

    def __post_init__(self) -> None:
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise ConfigurationError(f"a delimiter is one character, not {self.delimiter!r}")
        if self.given_format not in (None, *FORMATS):
            raise ConfigurationError(
                f"the format is one of {', '.join(FORMATS)}, not {self.given_format!r}"
            )
        _ = self.format

    @staticmethod
    def ending(path: str) -> str | None:
        """What a file of this name ends with, if that tells its format."""
        name = path.lower()
        return next((ending for ending in _ENDINGS if name.endswith(ending)), None)

    @property
    def format(self) -> str:
        """One of `FORMATS`."""
        if self.given_format is not None:
            return self.given_format
        ending = self.ending(self.path)
        if ending is None:
            raise ConfigurationError(
                f"what {self.path!r} holds cannot be told from its name: say which format it is "
                f"({', '.join(FORMATS)})"
            )
        return _ENDINGS[ending]

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
