r"""The portable subset of regular expressions, read with CPython's own parser.

What is kept is regular: sets of characters, sequences, choices, repeats, and the two
anchors. Sets are normalised to ranges of code points, without NUL and surrogates, which no
stored text holds; so no engine's notion of ``\w``, of case or of ``.`` is ever asked.
"""

from __future__ import annotations

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any, Final

from interstore.filters.regex_parts import (
    MAX_REPEAT,
    Anchor,
    Chars,
    Choice,
    Part,
    Ranges,
    Repeat,
    Sequence,
    complement,
    normal,
    repeated_optional,
    size_of,
)

__all__ = ["parse"]

MAX_LENGTH: Final = 256
MAX_OPTIONAL: Final = 255  # PostgreSQL's time grows with the cube of these
MAX_SIZE: Final = 2_000


def parse(source: str, ignore_case: bool) -> Part:
    """The parts of a pattern.

    Raises:
        ValueError: it is no regular expression, or not of the subset; the message names
            the construct.
    """
    if len(source) > MAX_LENGTH:
        raise ValueError(f"has {len(source):,} characters; the limit is {MAX_LENGTH}")
    _refuse_ambiguous(source)
    try:
        parsed = sre_parser.parse(source, 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    flags = re.RegexFlag(parsed.state.flags) & ~re.UNICODE
    if flags:
        raise ValueError('does not take inline flags; to ignore case write [pattern, "i"]')
    part = _sequence(parsed, ignore_case)
    if (size := size_of(part)) > MAX_SIZE:
        raise ValueError(
            f"is too large: written out it has {size:,} parts; the limit is {MAX_SIZE:,}"
        )
    if (optional := repeated_optional(part)) > MAX_OPTIONAL:
        raise ValueError(
            f"repeats what may be empty: written out that has {optional:,} parts; the limit is "
            f"{MAX_OPTIONAL}. Repeat what is not empty, as in x{{0,9}} for (x?){{9}}"
        )
    return part


_DIGIT: Final[Ranges] = ((0x30, 0x39),)
_SPACE: Final[Ranges] = ((0x09, 0x0D), (0x20, 0x20))
_WORD: Final[Ranges] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_NOT_NEWLINE: Final = complement([(0x0A, 0x0A)])
_CATEGORIES: Final[dict[Any, Ranges]] = {
    sre.CATEGORY_DIGIT: _DIGIT,
    sre.CATEGORY_NOT_DIGIT: complement(_DIGIT),
    sre.CATEGORY_SPACE: _SPACE,
    sre.CATEGORY_NOT_SPACE: complement(_SPACE),
    sre.CATEGORY_WORD: _WORD,
    sre.CATEGORY_NOT_WORD: complement(_WORD),
}
_ANCHORS: Final = {
    sre.AT_BEGINNING: Anchor(True),
    sre.AT_BEGINNING_STRING: Anchor(True),
    sre.AT_END: Anchor(False),
    sre.AT_END_STRING: Anchor(False),
}
_REFUSED: Final = {
    sre.ASSERT: "look-around",
    sre.ASSERT_NOT: "look-around",
    sre.GROUPREF: "back-references",
    sre.GROUPREF_EXISTS: "conditional groups",
    sre.ATOMIC_GROUP: "atomic groups",
    sre.POSSESSIVE_REPEAT: "possessive repeats",
    sre.AT: r"\b and \B",
}


def _sequence(items: Any, ignore_case: bool) -> Part:
    parts = tuple(_part(operator, operand, ignore_case) for operator, operand in items)
    return parts[0] if len(parts) == 1 else Sequence(parts)


def _part(operator: Any, operand: Any, ignore_case: bool) -> Part:
    if operator is sre.LITERAL:
        return _chars([(sre.LITERAL, operand)], ignore_case)
    if operator is sre.NOT_LITERAL:
        return _chars([(sre.NEGATE, None), (sre.LITERAL, operand)], ignore_case)
    if operator is sre.IN:
        return _chars(operand, ignore_case)
    if operator is sre.ANY:
        return Chars(_NOT_NEWLINE)
    if operator is sre.AT and operand in _ANCHORS:
        return _ANCHORS[operand]
    if operator is sre.BRANCH:
        return Choice(tuple(_sequence(branch, ignore_case) for branch in operand[1]))
    if operator is sre.SUBPATTERN:
        _, added, removed, items = operand
        if added or removed:
            raise ValueError('does not take inline flags; to ignore case write [pattern, "i"]')
        return _sequence(items, ignore_case)
    if operator is sre.MAX_REPEAT or operator is sre.MIN_REPEAT:
        low, high, items = operand
        return _repeat(_sequence(items, ignore_case), low, high)
    construct = _REFUSED.get(operator, str(operator).lower())
    raise ValueError(f"does not take {construct}: not every engine has them")


def _repeat(part: Part, low: int, high: int) -> Part:
    finite = None if high == sre.MAXREPEAT else high
    if max(low, finite or 0) > MAX_REPEAT:
        raise ValueError(f"repeats {max(low, finite or 0):,} times; the limit is {MAX_REPEAT}")
    if isinstance(part, Anchor):  # which some engines do not let repeat
        return part if low else Sequence(())
    return part if part == Sequence(()) else Repeat(part, low, finite)


def _chars(items: Any, ignore_case: bool) -> Chars:
    ranges: list[tuple[int, int]] = []
    negated = False
    for operator, operand in items:
        if operator is sre.NEGATE:
            negated = True
        elif operator is sre.LITERAL:
            if operand == 0:
                raise ValueError("holds a NUL character: no stored text does")
            if 0xD800 <= operand <= 0xDFFF:
                raise ValueError("holds a lone surrogate: no stored text does")
            ranges.append((operand, operand))
        elif operator is sre.RANGE:
            ranges.append(operand)
        else:
            ranges.extend(_CATEGORIES[operand])
    if ignore_case:
        ranges.extend(_other_case(ranges))
    result = complement(normal(ranges)) if negated else normal(ranges)
    if not result:
        raise ValueError("holds a class that no character is in")
    return Chars(result)


def _other_case(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ASCII letters of `ranges` in their other case."""
    result: list[tuple[int, int]] = []
    for first, last, distance in ((0x41, 0x5A, 32), (0x61, 0x7A, -32)):
        for low, high in ranges:
            low, high = max(low, first), min(high, last)
            if low <= high:
                result.append((low + distance, high + distance))
    return result


def _refuse_ambiguous(source: str) -> None:
    """Refuse what Python's versions read differently, or warn that they will."""
    try:
        source.encode()
    except UnicodeEncodeError:
        raise ValueError("holds a lone surrogate: no stored text does") from None
    position, start = 0, -1  # `start` is where the class that we are in begins
    while position < len(source):
        here = source[position]
        pair = source[position : position + 2]
        if here == "\\":
            if pair == r"\z":
                raise ValueError(r"knows no \z; write $ or \Z for the end of the text")
            position += 2
            continue
        if start < 0 and here == "[":
            start = position + (2 if pair == "[^" else 1)
            if pair == "[[" or source[position : position + 3] == "[^[":
                raise ValueError(r"has [ at the start of a class; write \[ for the character")
            position = start
            continue
        if start >= 0:
            if here == "]" and position > start:
                start = -1
            elif pair in ("--", "&&", "~~", "||"):
                raise ValueError(f"has {pair} in a class; write \\{here} for the character")
        position += 1
