r"""Keys of blobs: what they may be, and how they are written where not all of it can stand.

A key is any Unicode text of 1 to 1,024 bytes of UTF-8 in which ``/`` parts segments. Refused
are NUL, lone surrogates, a ``/`` at the beginning, and segments ``.`` and ``..``.

In a folder, or in any store that has names like one, each segment becomes a name by
`Escaping`: what names cannot hold everywhere is written as ``%XX``, the bytes of its UTF-8 in
hexadecimal. That is

- ``%`` itself, ``\ : * ? " < > |``, control characters, and U+2028 and U+2029,
- a dot or a space at the end, and a dot at the beginning of ``.interstore``,
- the first letter of a name that Windows reserves (``con.txt``),
- on a disk that does not tell upper from lower case: letters in upper case,
- on a disk that does not tell composed from decomposed: all that is not ASCII.

An empty segment (``a//b``, ``a/``) becomes ``%``. A segment of more than 200 bytes continues in
another folder: each of its parts but the last ends with ``%_``. No other name has a ``%`` that is
not followed by two digits, so every name leads back to one key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from interstore.errors import InvalidQueryError

__all__ = [
    "CONTINUED",
    "EMPTY",
    "MAX_KEY_BYTES",
    "OWN_FOLDER",
    "Escaping",
    "check_key",
    "check_prefix",
]

MAX_KEY_BYTES: Final = 1024
OWN_FOLDER: Final = ".interstore"
"""The folder of what an engine keeps beside the blobs."""

EMPTY: Final = "%"
CONTINUED: Final = "%_"
_PART_BYTES: Final = 200
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_ .-]*(?<![ .])\Z")
_UNSAFE: Final = re.compile('[\x00-\x1f\x7f-\x9f%\\\\:*?"<>|\u2028\u2029]')
_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:\.|\Z)", re.IGNORECASE
)
_ESCAPE: Final = re.compile(r"%(?![0-9A-F]{2})")


def check_key(key: Any) -> str:
    """`key`, if it is valid.

    Raises:
        InvalidQueryError: it is not; the message says why.
    """
    problem = _problem(key, prefix=False)
    if problem:
        raise InvalidQueryError(f"the key {_shown(key)} {problem}")
    return str(key)


def check_prefix(prefix: Any) -> str:
    """`prefix`, if keys can begin with it. It may be empty, or end within a segment.

    Raises:
        InvalidQueryError: none can.
    """
    problem = _problem(prefix, prefix=True)
    if problem:
        raise InvalidQueryError(f"the prefix {_shown(prefix)} {problem}")
    return str(prefix)


def _problem(key: Any, *, prefix: bool) -> str | None:
    if not isinstance(key, str):
        return f"is not a text, but of type {type(key).__name__}"
    if not key:
        return None if prefix else "is empty"
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which is no character"
    if length > MAX_KEY_BYTES:
        return f"has {length:,} bytes of UTF-8, and at most {MAX_KEY_BYTES:,} are allowed"
    if "\0" in key:
        return "holds NUL"
    if key[0] == "/":
        return "begins with '/': keys are relative to their store"
    segments = key.split("/")
    if prefix:
        segments.pop()  # more may follow
    for segment in segments:
        if segment in (".", ".."):
            return f"has a segment {segment!r}"
    return None


def _shown(key: Any) -> str:
    text = repr(key)
    return text if len(text) <= 80 else text[:77] + "..."


@dataclass(frozen=True, slots=True)
class Escaping:
    """How segments of keys become names, on one kind of disk.

    Attributes:
        case: whether names that differ only in case are the same there.
        forms: whether names that differ only in Unicode's normal form are the same there.
    """

    case: bool = False
    forms: bool = False

    def names(self, key: str) -> list[str]:
        """The names of the folders to go through, and of the file at the end."""
        names: list[str] = []
        for segment in key.split("/"):
            name = self._name(segment)
            while len(name.encode()) > _PART_BYTES:
                part, name = _cut(name)
                names.append(part + CONTINUED)
            names.append(name)
        return names

    def key(self, names: Sequence[str]) -> str | None:
        """The key of a file, or ``None`` if no key leads to these names."""
        segments: list[str] = []
        begun = ""
        for name in names:
            if name.endswith(CONTINUED):
                begun += name[: -len(CONTINUED)]
                continue
            name, begun = begun + name, ""
            segment = "" if name == EMPTY else _unescaped(name)
            if segment is None:
                return None
            segments.append(segment)
        key = "/".join(segments)
        if begun or _problem(key, prefix=False) or self.names(key) != list(names):
            return None
        return key

    def _name(self, segment: str) -> str:
        if not segment:
            return EMPTY
        name = segment
        if not _PLAIN.match(name):
            name = _UNSAFE.sub(_escaped, name)
        if self.forms and not name.isascii():
            name = "".join(c if c.isascii() else _escaped(c) for c in name)
        if self.case:
            name = re.sub(r"%[0-9A-F]{2}|[^%]", _lower, name)
        if name[-1] in ". ":
            name = name[:-1] + _escaped(name[-1])
        is_reserved = _RESERVED.match(segment) or segment.lower() == OWN_FOLDER
        if is_reserved and not name.startswith("%"):
            name = _escaped(name[0]) + name[1:]
        return name


def _lower(match: re.Match[str]) -> str:
    text = match[0]
    return text if len(text) > 1 or text.lower() == text else _escaped(text)


def _escaped(found: re.Match[str] | str) -> str:
    text = found if isinstance(found, str) else found[0]
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _unescaped(name: str) -> str | None:
    if "%" not in name:
        return name
    if _ESCAPE.search(name):
        return None
    try:
        return unquote_to_bytes(name).decode()
    except UnicodeDecodeError:
        return None


def _cut(name: str) -> tuple[str, str]:
    """The first part of a long name, and its rest; no character and no escape is cut."""
    length, end = 0, 0
    while length < _PART_BYTES - 12:
        step = 3 if name[end] == "%" else 1
        length += len(name[end : end + step].encode())
        end += step
    return name[:end], name[end:]
