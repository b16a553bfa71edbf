"""How large a filter may be, so that every engine can run it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from interstore.errors import InvalidQueryError
from interstore.filters.tree import And, ElemMatch, Eq, In, Node, Not, Or
from interstore.filters.written import Written, is_mapping

__all__ = ["MAX_DEPTH", "MAX_LEAVES", "MAX_VALUES", "check_filter", "check_tree"]

MAX_LEAVES: Final = 500
"""Conditions of one filter. Each value of ``$all``, and each element of an array that is
compared as a whole, counts as one: engines test them one by one."""

MAX_DEPTH: Final = 16
"""Logical operators and ``$elemMatch`` inside one another."""

MAX_VALUES: Final = 10_000
"""Values of one ``$in`` or ``$nin``."""

_COUNTED: Final = 250_000  # and no further: a filter may even contain itself
_LOGICAL: Final = frozenset(["$and", "$or", "$nor"])


def check_filter(filter: Mapping[Any, Any]) -> None:
    """Refuse a filter, not parsed yet, that is too large or nested too deep.

    Iterative, so that no nesting exhausts the interpreter's stack.

    Raises:
        InvalidQueryError: with what the filter has and what the limit is.
    """
    leaves = depth = seen = 0
    stack: list[tuple[Any, int]] = [(filter, 0)]
    while stack and seen < _COUNTED:
        entry, level = stack.pop()
        depth = max(depth, level)
        if isinstance(entry, Written):
            entry = entry.filter
        if not is_mapping(entry):
            continue
        for key, operand in entry.items():
            seen += 1
            if key in _LOGICAL and isinstance(operand, (list, tuple)):
                stack.extend((item, level + 1) for item in operand[:_COUNTED])
                seen += len(operand)
            elif key == "$not" or key == "$elemMatch":
                stack.append((operand, level + 1))
                leaves += key == "$elemMatch"
            elif is_mapping(operand):
                stack.append((operand, level))
            else:
                leaves += _weight(key, operand)
    if seen >= _COUNTED:
        _refuse_beyond(max(leaves, seen), depth if depth > MAX_DEPTH else 0, "at least ")
    _refuse_beyond(leaves, depth)


def check_tree(tree: Node) -> None:
    """Refuse a parsed filter that is too large or nested too deep.

    What a filter's levels are parsed to is never deeper than they are: an `And` costs
    nothing except in another, nor does a `Not` except around an `And` or another.
    """
    leaves = depth = 0
    stack: list[tuple[Node, Node | None, int]] = [(tree, None, 0)]
    while stack:
        node, parent, level = stack.pop()
        kind, outer = type(node), type(parent)
        if kind in (Or, ElemMatch) or (kind is And and outer in (And, Not)) or kind is outer is Not:
            level += 1
        depth = max(depth, level)
        if isinstance(node, (And, Or)):
            stack.extend((child, node, level) for child in node.nodes)
        elif isinstance(node, Not):
            stack.append((node.node, node, level))
        elif isinstance(node, ElemMatch):
            leaves += 1
            stack.append((node.node, node, level))
        elif isinstance(node, Eq) and isinstance(node.value, tuple):
            leaves += max(1, len(node.value))
        else:
            leaves += 1
            if isinstance(node, In):
                check_values(len(node.values))
    _refuse_beyond(leaves, depth)


def check_values(count: int, where: str = "a filter: $in") -> None:
    """Refuse a list of too many values."""
    if count > MAX_VALUES:
        raise InvalidQueryError(f"{where} has {count:,} values; the limit is {MAX_VALUES:,}")


def _weight(key: Any, operand: Any) -> int:
    if isinstance(operand, (list, tuple, set, frozenset)) and (
        type(key) is not str or key[:1] != "$" or key in ("$all", "$eq", "$ne")
    ):
        return max(1, len(operand))
    return 1


def _refuse_beyond(leaves: int, depth: int, more: str = "") -> None:
    if depth > MAX_DEPTH:
        raise InvalidQueryError(
            f"the filter is nested {more}{depth:,} levels deep; the limit is {MAX_DEPTH}"
        )
    if leaves > MAX_LEAVES:
        raise InvalidQueryError(
            f"the filter has {more}{leaves:,} conditions; the limit is {MAX_LEAVES}: "
            "many values of one path are one $in"
        )
