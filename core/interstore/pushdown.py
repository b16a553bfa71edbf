"""What engines share that let their database group and add up.

A sum of doubles that loses nothing cannot be had of a database as such. But each double that
is not extreme is a sum of four integers: its whole part, and three parts of its fraction, of
40 bits each. Databases add integers exactly, and core puts the four sums together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from interstore.aggregation import Aggregation, Figure, Total
from interstore.filters.tree import And, Exists, Node, Type, TypeName
from interstore.paths import Envelope, Reference
from interstore.values import MAX_INTEGER

__all__ = ["LIMIT", "PARTS", "UNIT", "canonical", "distinct_groups", "sum_of"]

_BITS: Final = 40
UNIT: Final = 2**_BITS
"""How many units of each part of a fraction make one of the part before."""
PARTS: Final = 4
"""The whole part and three of the fraction. A number that needs more is left to core."""
LIMIT: Final = 2**53
"""A number has a whole part that is exact in a double if it is less than this."""

_SCALARS: Final[frozenset[TypeName]] = frozenset(("null", "bool", "number", "string"))


def canonical(number: float) -> int | float:
    """A number as core has it, of one that a database gives."""
    if -MAX_INTEGER <= number <= MAX_INTEGER:
        return int(number) if number % 1 == 0 else number
    return float(number)


def distinct_groups(path: Reference, tree: Node) -> Aggregation:
    """The aggregation whose groups are the distinct scalars at `path`."""
    there: Node = Type(path, _SCALARS)
    if isinstance(path, Envelope):
        there = Exists(path)
    return Aggregation(And((tree, there)), (("value", path),), ())


def sum_of(
    figure: Figure, count: int, parts: Sequence[Any], bits: int = _BITS
) -> int | float | None:
    """The sum, or the average, of `count` numbers whose parts, of so many bits, have these sums.

    Raises:
        InvalidQueryError: it is beyond the largest number.
    """
    assert figure.path is not None, "only count goes without a path"
    total = Total.of(count, [int(part or 0) for part in parts], bits)
    return total.sum(figure.path) if figure.kind == "sum" else total.average(figure.path)
