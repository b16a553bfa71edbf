"""Ranges of the hashes of partition keys, shared out to those who read side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

__all__ = ["shared_out"]

FeedRange = dict[str, Any]

_DIGITS: Final = 32
_END: Final = "FF"
_LAST: Final = 0x40 << 120
"""What all hashes are below, whose two highest bits are always 0."""


def shared_out(ranges: Sequence[FeedRange], n: int) -> list[list[FeedRange]]:
    """At most `n` lists of ranges, each of which holds about as many hashes.

    Args:
        ranges: those of the physical partitions, in their order.
        n: how many; if there are more than ranges, these are divided.
    """
    parts = n // len(ranges)
    if parts > 1:
        return [[part] for each in ranges for part in _divided(each, parts)]
    share = -(-len(ranges) // n)
    return [list(ranges[start : start + share]) for start in range(0, len(ranges), share)]


def _divided(whole: FeedRange, parts: int) -> list[FeedRange]:
    span = whole["Range"]
    low, high = _number(span["min"]), _number(span["max"])
    inner = {f"{low + (high - low) * part // parts:0{_DIGITS}X}" for part in range(1, parts)}
    bounds = [span["min"], *sorted(inner - {span["min"]}), span["max"]]
    return [{**whole, "Range": {**span, "min": a, "max": b}} for a, b in pairwise(bounds)]


def _number(bound: str) -> int:
    return _LAST if bound == _END else int(bound.ljust(_DIGITS, "0")[:_DIGITS], 16)
