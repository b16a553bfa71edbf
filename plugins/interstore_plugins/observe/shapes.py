"""The shape of a filter: which paths are compared how, without any value."""

from __future__ import annotations

from interstore.filters.tree import (
    And,
    ElemMatch,
    Eq,
    Exists,
    Has,
    In,
    Node,
    Not,
    Or,
    Range,
    Regex,
    Size,
    Text,
    Type,
)
from interstore.paths import show_path
from interstore.prepared import Query

__all__ = ["shape_of", "shape_of_query"]


def shape_of_query(query: Query) -> str:
    """As ``age >= ? and name = ? sort -age limit 10 skip 5``."""
    parts = [shape_of(query.tree) or "all"]
    if query.sort:
        keys = (f"{'-' if key.descending else ''}{_shown(key.path)}" for key in query.sort)
        parts.append(f"sort {', '.join(keys)}")
    if query.limit is not None:
        parts.append(f"limit {query.limit}")
    if query.skip:
        parts.append(f"skip {query.skip}")
    return " ".join(parts)


def shape_of(node: Node) -> str:
    """As ``(age >= ? and age < ?) or tags has ?``; an empty text for a filter of everything."""
    match node:
        case And(nodes) | Or(nodes):
            word = " and " if isinstance(node, And) else " or "
            return word.join(map(_part, nodes) if len(nodes) > 1 else map(shape_of, nodes))
        case Not(inner):
            return f"not ({shape_of(inner)})"
        case Range():
            bounds = [(">", node.lower), ("<", node.upper)]
            signs = [f"{sign}{'=' if bound.inclusive else ''} ?" for sign, bound in bounds if bound]
            return f"{_shown(node.path)} {' '.join(signs)}"
        case ElemMatch():
            return f"{_shown(node.path)} elemMatch ({shape_of(node.node)})"
        case Eq() | In() | Exists() | Type() | Text() | Regex() | Has() | Size():
            return f"{_shown(node.path)} {type(node).__name__.lower()} ?"


def _part(node: Node) -> str:
    shape = shape_of(node)
    return f"({shape})" if isinstance(node, (And, Or)) else shape


def _shown(path: object) -> str:
    if isinstance(path, tuple):
        return show_path(path) or "(element)"
    return str(getattr(path, "value", path))
