"""What a filter says about the id: which records need not be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from interstore.filters.tree import ALL, And, Eq, In, Node, Range, Text
from interstore.paths import Envelope
from interstore_backends._table.order import EVERYTHING, Span

__all__ = ["Plan", "plan"]

_LONGEST_REST: Final = "\U0010ffff" * 64
"""No id of 255 bytes goes on after its prefix with more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which records to look at, and what remains to be asked of them.

    Attributes:
        ids: only these, sorted and distinct, if not ``None``.
        span: only ids of this span (those in `ids` are).
        rest: the filter that remains.
    """

    ids: tuple[str, ...] | None
    span: Span
    rest: Node


def plan(tree: Node) -> Plan:
    """How to find the records that match `tree`."""
    if tree == ALL:
        return Plan(None, EVERYTHING, ALL)
    ids: set[str] | None = None
    span = EVERYTHING
    rest: list[Node] = []
    for node in tree.nodes if isinstance(tree, And) else (tree,):
        named = _named(node)
        if named is not None:
            ids = named if ids is None else ids & named
            continue
        if isinstance(node, Range) and node.path is Envelope.ID:
            span = _narrowed(span, node)
        else:
            if isinstance(node, Text) and node.path is Envelope.ID and node.kind == "startsWith":
                prefix = node.value  # a little wider than the prefix, so the node stays
                span = span.above(prefix, True).below(prefix + _LONGEST_REST, True)
            rest.append(node)
    chosen = None if ids is None else tuple(sorted(id for id in ids if id in span))
    return Plan(chosen, span, And(tuple(rest)) if len(rest) != 1 else rest[0])


def _named(node: Node) -> set[str] | None:
    """The ids that the node names; ``None`` if it does not name any."""
    if isinstance(node, Eq) and node.path is Envelope.ID:
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, In) and node.path is Envelope.ID:
        return {value for value in node.values if isinstance(value, str)}
    return None


def _narrowed(span: Span, node: Range) -> Span:
    if node.lower is not None:
        span = span.above(str(node.lower.value), node.lower.inclusive)
    if node.upper is not None:
        span = span.below(str(node.upper.value), node.upper.inclusive)
    return span
