"""Putting nodes together, with what is trivially so left out."""

from __future__ import annotations

from collections.abc import Iterable

from interstore.filters.tree import ALL, NONE, And, Node, Not, Or

__all__ = ["all_of", "any_of", "negate"]


def all_of(nodes: Iterable[Node]) -> Node:
    """True where every node is; nested `And` is flattened, and one node stands for itself."""
    kept: list[Node] = []
    for node in nodes:
        if type(node) is And:
            kept.extend(node.nodes)
        elif type(node) is Or and not node.nodes:
            return NONE
        else:
            kept.append(node)
    return kept[0] if len(kept) == 1 else And(tuple(kept)) if kept else ALL


def any_of(nodes: Iterable[Node]) -> Node:
    """True where at least one node is; flattened likewise."""
    kept: list[Node] = []
    for node in nodes:
        if type(node) is Or:
            kept.extend(node.nodes)
        elif type(node) is And and not node.nodes:
            return ALL
        else:
            kept.append(node)
    return kept[0] if len(kept) == 1 else Or(tuple(kept)) if kept else NONE


def negate(node: Node) -> Node:
    """The exact complement."""
    if type(node) is Not:
        return node.node
    if node == ALL:
        return NONE
    if node == NONE:
        return ALL
    return Not(node)
