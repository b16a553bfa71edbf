"""The parts of a regular expression of the portable subset, and how much they come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = [
    "MAX_CODE",
    "MAX_REPEAT",
    "Anchor",
    "Chars",
    "Choice",
    "Part",
    "Ranges",
    "Repeat",
    "Sequence",
    "complement",
    "normal",
    "repeated_optional",
    "size_of",
]

MAX_CODE: Final = 0x10FFFF
MAX_REPEAT: Final = 255
"""PostgreSQL's limit for one repeat; here also for repeats of repeats, multiplied."""

Ranges: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of the set: sorted ranges of code points, both ends included."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Anchor:
    """The very start of the text, or its very end."""

    start: bool


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after another; the empty one matches the empty text."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the parts."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The part `low` to `high` times; ``None`` for any number."""

    part: Part
    low: int
    high: int | None


Part: TypeAlias = Chars | Anchor | Sequence | Choice | Repeat


def complement(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """All other characters."""
    result: list[tuple[int, int]] = []
    low = 1
    for start, end in (*ranges, (MAX_CODE + 1, 0)):
        if low < start:
            result.append((low, start - 1))
        low = end + 1
    return normal(result)


def normal(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sorted, disjoint, not adjacent, without NUL and surrogates."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(_storable(ranges)):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _storable(ranges: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    for low, high in ranges:
        for start, end in ((max(low, 1), min(high, 0xD7FF)), (max(low, 0xE000), high)):
            if start <= end:
                yield start, end


def size_of(part: Part, times: int = 1) -> int:
    """How many sets of characters `part` has, written out.

    Args:
        times: how many times `part` is itself repeated by what is around it.

    Raises:
        ValueError: repeats of repeats multiply beyond the limit.
    """
    if isinstance(part, Chars):
        return min(len(part.ranges), len(complement(part.ranges)) or 1)
    if isinstance(part, Anchor):
        return 1
    if isinstance(part, Repeat):
        count = max(1, part.low if part.high is None else part.high)
        if times * count > MAX_REPEAT:
            raise ValueError(
                f"repeats a repeat {times * count:,} times in all; the limit is {MAX_REPEAT}"
            )
        return count * size_of(part.part, times * count)
    return sum(size_of(child, times) for child in part.parts) + 1


def repeated_optional(part: Part, times: int = 1) -> int:
    """How many parts lie, written out, in finite repeats of what may be empty."""
    if isinstance(part, Repeat):
        count = max(1, part.low if part.high is None else part.high)
        if count > 1 and _may_be_empty(part.part):
            return times * count * size_of(part.part)
        return repeated_optional(part.part, times * count)
    if isinstance(part, (Sequence, Choice)):
        return sum(repeated_optional(child, times) for child in part.parts)
    return 0


def _may_be_empty(part: Part) -> bool:
    if isinstance(part, Repeat):
        return part.low == 0 or _may_be_empty(part.part)
    if isinstance(part, Sequence):
        return all(map(_may_be_empty, part.parts))
    if isinstance(part, Choice):
        return any(map(_may_be_empty, part.parts))
    return isinstance(part, Anchor)
