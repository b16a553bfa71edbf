"""Ranges as intervals: what compilers need to give an engine one bounded search."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from interstore.filters.tree import NONE, Bound, Node, Range
from interstore.paths import Reference

__all__ = ["class_of", "merge_ranges", "range_class", "succ"]

OrderedClass = Literal["number", "string"]


def succ(text: str) -> str | None:
    """The least text greater than every one that begins with `text`; ``None`` if none is.

    So ``text <= value < succ(text)`` is "begins with". Order is by code point.
    """
    kept = text.rstrip("\U0010ffff")
    if not kept:
        return None
    code = ord(kept[-1]) + 1
    # Surrogates are no characters: U+D7FF is followed by U+E000.
    return kept[:-1] + chr(0xE000 if code == 0xD800 else code)


def class_of(value: float | str) -> OrderedClass:
    """The class of a range's bound."""
    return "string" if isinstance(value, str) else "number"


def range_class(node: Range) -> OrderedClass:
    """The class of values that lie in the range."""
    bound = node.lower or node.upper
    assert bound is not None
    return class_of(bound.value)


def merge_ranges(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes of an `And`, with at most one `Range` for each path.

    Ranges on one path are intersected, where the first of them stood. If no value lies in
    all, which is so too where one is of numbers and one of strings, the result is
    ``(NONE,)``.
    """
    result: list[Node] = []
    places: dict[Reference, int] = {}
    for node in nodes:
        if not isinstance(node, Range):
            result.append(node)
        elif node.path in places:
            place = places[node.path]
            known = result[place]
            assert isinstance(known, Range)
            if range_class(known) != range_class(node):
                return (NONE,)
            result[place] = _intersection(known, node)
        else:
            places[node.path] = len(result)
            result.append(node)
    if any(isinstance(node, Range) and _is_empty(node) for node in result):
        return (NONE,)
    return tuple(result)


def _intersection(one: Range, other: Range) -> Range:
    lower = _tighter(one.lower, other.lower, 1)
    return Range(one.path, lower, _tighter(one.upper, other.upper, -1))


def _tighter(one: Bound | None, other: Bound | None, side: Literal[1, -1]) -> Bound | None:
    """The bound that leaves less: of lower ones (side 1) the greater, else the less."""
    if one is None or other is None:
        return one or other
    if one.value == other.value:
        return other if one.inclusive else one
    return one if (one.value > other.value) == (side == 1) else other  # type: ignore[operator]


def _is_empty(node: Range) -> bool:
    lower, upper = node.lower, node.upper
    if lower is None or upper is None:
        return False
    if lower.value == upper.value:
        return not (lower.inclusive and upper.inclusive)
    return lower.value > upper.value  # type: ignore[operator]
