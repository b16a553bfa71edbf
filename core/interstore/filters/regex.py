r"""Regular expressions that mean the same on every engine.

The subset: literals, ``.`` (any character but newline), classes, ``\d \w \s`` and their
complements (ASCII), ``^`` and ``\A``, ``$`` and ``\Z`` (both the very end), groups, ``|``,
``* + ? {m,n}`` up to 255, lazy repeats (which match the same texts). Case may be ignored,
of ASCII letters only. A pattern has at most 256 characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from interstore.filters.regex_parse import parse
from interstore.filters.regex_parts import (
    MAX_CODE,
    Anchor,
    Chars,
    Choice,
    Part,
    Repeat,
    complement,
)

__all__ = ["Dialect", "PortableRegex"]

Dialect: TypeAlias = Literal["python", "re2", "postgresql", "pcre", "cosmos"]


class PortableRegex:
    """A regular expression of the portable subset.

    Equal, and of one hash, where source and case are.

    Args:
        source: the pattern, in Python's syntax.
        ignore_case: whether ASCII letters match in either case.

    Raises:
        ValueError: the pattern is not of the subset; the message says why, and reads on
            from the word "$regex".
    """

    __slots__ = ("ignore_case", "source")

    source: str
    ignore_case: bool

    def __init__(self, source: str, ignore_case: bool = False) -> None:
        _parsed(source, ignore_case)
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "ignore_case", ignore_case)

    def search(self, text: str) -> bool:
        """Whether the pattern matches anywhere in `text`, in time linear in its length."""
        return self.searcher()(text)

    def searcher(self) -> Callable[[str], bool]:
        """`search`, bound once for many texts."""
        search = _compile(self.source, self.ignore_case).search
        return lambda text: search(text.encode()) is not None

    @property
    def python(self) -> re.Pattern[str]:
        """The same for Python's own engine, which takes exponential time on some patterns."""
        return re.compile(self.emit("python"))

    def emit(self, dialect: Dialect) -> str:
        """The same in the syntax of an engine. Non-ASCII characters stand for themselves.

        ``"python"`` is `re` without flags; ``"postgresql"`` an ARE, of ``~``; ``"pcre"``
        MongoDB's; ``"cosmos"`` the common ground of PCRE and JavaScript.
        """
        return _emit(_parsed(self.source, self.ignore_case), _SYNTAX[dialect])

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a PortableRegex cannot be changed")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PortableRegex):
            return NotImplemented
        return (self.source, self.ignore_case) == (other.source, other.ignore_case)

    def __hash__(self) -> int:
        return hash((self.source, self.ignore_case))

    def __reduce__(self) -> tuple[Any, ...]:
        return (PortableRegex, (self.source, self.ignore_case))

    def __repr__(self) -> str:
        return f"PortableRegex({self.source!r}{', ignore_case=True' if self.ignore_case else ''})"


@lru_cache(maxsize=512)
def _parsed(source: str, ignore_case: bool) -> Part:
    return parse(source, ignore_case)


@lru_cache(maxsize=128)
def _compile(source: str, ignore_case: bool) -> Any:
    import re2  # type: ignore[import-untyped]

    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    # Bytes, because the wrapper would translate offsets of a text that nobody asks for.
    pattern = PortableRegex(source, ignore_case).emit("re2").encode()
    return re2.compile(pattern, options)


class _Syntax:
    """How a dialect writes the anchors, and an ASCII character that is no letter or digit."""

    def __init__(self, start: str, end: str, escape: str) -> None:
        self.anchors = {True: start, False: end}
        self.escape = escape


_SYNTAX: Final[dict[Dialect, _Syntax]] = {
    "python": _Syntax(r"\A", r"\Z", r"\x%02x"),
    "re2": _Syntax(r"\A", r"\z", r"\x%02x"),
    # There, \x swallows any number of hexadecimal digits.
    "postgresql": _Syntax(r"\A", r"\Z", r"\u%04x"),
    "pcre": _Syntax(r"\A", r"\z", r"\x%02x"),
    "cosmos": _Syntax("^", r"(?![\s\S])", r"\x%02x"),
}


def _emit(part: Part, syntax: _Syntax) -> str:
    if isinstance(part, Chars):
        return _emit_chars(part, syntax)
    if isinstance(part, Anchor):
        return syntax.anchors[part.start]
    if isinstance(part, Repeat):
        return _atom(part.part, syntax) + _quantifier(part.low, part.high)
    if isinstance(part, Choice):
        return "|".join(_emit(child, syntax) for child in part.parts)
    return "".join(
        _atom(child, syntax) if isinstance(child, Choice) else _emit(child, syntax)
        for child in part.parts
    )


def _atom(part: Part, syntax: _Syntax) -> str:
    text = _emit(part, syntax)
    return text if isinstance(part, Chars) and not text.startswith("(") else f"(?:{text})"


def _quantifier(low: int, high: int | None) -> str:
    if (low, high) in _SHORT:
        return _SHORT[low, high]
    if low == high:
        return f"{{{low}}}"
    return f"{{{low},{'' if high is None else high}}}"


_SHORT: Final = {(0, None): "*", (1, None): "+", (0, 1): "?"}


def _emit_chars(chars: Chars, syntax: _Syntax) -> str:
    ranges, sign = chars.ranges, ""
    if ranges[-1][1] == MAX_CODE:
        ranges, sign = complement(ranges), "^"
        if not ranges:  # any character at all
            newline = _emit_code(0x0A, syntax)
            return f"(?:[^{newline}]|{newline})"
    elif len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _emit_code(ranges[0][0], syntax)
    text = "".join(
        _emit_code(low, syntax) + (f"-{_emit_code(high, syntax)}" if low < high else "")
        for low, high in ranges
    )
    return f"[{sign}{text}]"


def _emit_code(code: int, syntax: _Syntax) -> str:
    character = chr(code)
    return character if code > 0x7F or character.isalnum() else syntax.escape % code
