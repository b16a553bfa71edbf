"""From the filter tree to MongoDB's match language. Pure: the same tree, the same filter.

MongoDB enters arrays wherever a path or a comparison meets one; the language of filters
never does. So each condition carries guards: none of the objects on the way is an array
(`_entered`), nor, where an array's elements would be compared, the value itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from interstore.filters import tree as nodes
from interstore.filters.intervals import merge_ranges, succ
from interstore.filters.tree import Node, Scalar
from interstore.paths import Envelope, Path
from interstore_backends.mongodb.keys import ENVELOPE, field_path

__all__ = ["ENVELOPE_FIELDS", "Filter", "all_of", "compile_filter"]

Filter: TypeAlias = dict[str, Any]

ENVELOPE_FIELDS: Final = {
    Envelope.ID: "_id",
    Envelope.VERSION: f"{ENVELOPE}.version",
    Envelope.CREATED_AT: f"{ENVELOPE}.created_at",
    Envelope.UPDATED_AT: f"{ENVELOPE}.updated_at",
    Envelope.EXPIRES_AT: f"{ENVELOPE}.expires",
}

_NOT_ARRAY: Final = {"$not": {"$type": "array"}}
_NOTHING: Final[Filter] = {"$nor": [{}]}
_PUNCTUATION: Final = re.compile(r"([!-/:-@\[-`{-~])")


def compile_filter(tree: Node) -> Filter:
    """The filter that matches a document if the tree is true of it."""
    return _condition(tree, True)


def all_of(filters: Iterable[Filter]) -> Filter:
    """Every one of the filters."""
    parts = [each for each in filters if each]
    if not parts:
        return {}
    return parts[0] if len(parts) == 1 else {"$and": parts}


def _condition(node: Node, at_root: bool) -> Filter:
    if isinstance(node, nodes.And):
        return all_of(_condition(child, at_root) for child in merge_ranges(node.nodes))
    if isinstance(node, nodes.Or):
        if not node.nodes:
            return _NOTHING
        return {"$or": [_condition(child, at_root) for child in node.nodes]}
    if isinstance(node, nodes.Not):
        return {"$nor": [_condition(node.node, at_root)]}
    if isinstance(node.path, Envelope):
        return {ENVELOPE_FIELDS[node.path]: _operators(node)}
    return _leaf(node, node.path, at_root)


def _leaf(node: Any, path: Path, at_root: bool) -> Filter:
    """A condition on a value that a path leads to."""
    parts: list[Filter]
    field = field_path(path, at_root=at_root)
    match node:
        case nodes.Eq(value=None) | nodes.In() if _allows_missing(node):
            return _null_or(node, path, at_root)
        case nodes.Eq() if isinstance(node.value, tuple):
            # The second part excludes arrays of which an element equals the whole.
            value = list(node.value)
            parts = [{field: {"$eq": value}}, {field: {"$not": {"$elemMatch": {"$eq": value}}}}]
        case nodes.Type():
            return _has_type(node, path, at_root)
        case nodes.Exists() | nodes.Has() | nodes.Size() | nodes.ElemMatch():
            parts = [{field: _operators(node)}]
        case _:
            parts = [{field: _operators(node)}, {field: _NOT_ARRAY}]
    return all_of([*parts, *_entered(path, at_root)])


def _entered(path: Path, at_root: bool) -> list[Filter]:
    """The guards: what a key is looked up in is no array."""
    return [
        {field_path(path[:depth], at_root=at_root): _NOT_ARRAY}
        for depth in range(1, len(path))
        if isinstance(path[depth], str)
    ]


def _allows_missing(node: Any) -> bool:
    return isinstance(node, nodes.Eq) or None in node.values


def _null_or(node: nodes.Eq | nodes.In, path: Path, at_root: bool) -> Filter:
    """Null, missing, or one of further values."""
    field = field_path(path, at_root=at_root)
    if any(isinstance(step, int) for step in path):
        null = nodes.Type(path, frozenset({"null"}))
        choices = [
            {"$nor": [_leaf(nodes.Exists(path), path, at_root)]},
            _leaf(null, path, at_root),
        ]
        given = _given(node)
        if given:
            choices.append(_leaf(nodes.In(path, given), path, at_root))
        return {"$or": choices}
    here = all_of([{field: _operators(node)}, {field: _NOT_ARRAY}])
    arrays: list[Filter] = [
        {field_path(path[:depth], at_root=at_root): {"$type": "array"}}
        for depth in range(1, len(path))
    ]
    return {"$or": [*arrays, here]} if arrays else here


def _given(node: nodes.Eq | nodes.In) -> tuple[Scalar, ...]:
    if isinstance(node, nodes.Eq):
        return ()
    return tuple(value for value in node.values if value is not None)


def _has_type(node: nodes.Type, path: Path, at_root: bool) -> Filter:
    field, others = field_path(path, at_root=at_root), sorted(node.types - {"array"})
    choices: list[Filter] = []
    if "array" in node.types:
        choices.append({field: {"$type": "array"}})
    if others:
        choices.append({"$and": [{field: {"$type": others}}, {field: _NOT_ARRAY}]})
    guards = _entered(path, at_root)
    return all_of([choices[0] if len(choices) == 1 else {"$or": choices}, *guards])


def _operators(node: Node) -> Filter:
    """What stands behind a field, or in an ``$elemMatch``, for one leaf."""
    return _OPERATORS[type(node)](node)


def _equal(node: nodes.Eq) -> Filter:
    return {"$eq": list(node.value) if isinstance(node.value, tuple) else node.value}


def _is_in(node: nodes.In) -> Filter:
    return {"$in": list(node.values)}


def _between(node: nodes.Range) -> Filter:
    terms: Filter = {}
    if node.lower is not None:
        terms["$gte" if node.lower.inclusive else "$gt"] = node.lower.value
    if node.upper is not None:
        terms["$lte" if node.upper.inclusive else "$lt"] = node.upper.value
    return terms


def _text(node: nodes.Text) -> Filter:
    text = node.value
    if not text:
        return {"$type": "string"}
    if node.kind == "startsWith":
        following = succ(text)
        return {"$gte": text} if following is None else {"$gte": text, "$lt": following}
    end = r"\z" if node.kind == "endsWith" else ""
    return {"$regex": _PUNCTUATION.sub(r"\\\1", text) + end}


def _element_matches(node: nodes.ElemMatch) -> Filter:
    if node.as_value:
        return {"$elemMatch": _element(node.node)}
    inner = _condition(node.node, False)
    # So that an empty filter still asks for an object or an array.
    return {"$elemMatch": inner or {"$and": [{}]}}


def _element(node: Node) -> Filter:
    """Conditions on one element, taken as a value: here, nothing enters an array.

    An operator that comes a second time stands behind two negations, because the keys of a
    filter are distinct, and all that is negated merges into one ``$nin``: there is no "or".
    """
    leaves = list(merge_ranges(_flat(node)))
    if leaves == [nodes.NONE]:
        return {"$in": []}
    excluded: list[Any] = []
    matches: list[Filter] = []
    parts: list[Filter] = []
    for leaf in leaves:
        if isinstance(leaf, nodes.Not):
            excluded.extend(_excluded(leaf.node))
        elif isinstance(leaf, (nodes.Has, nodes.ElemMatch)):
            matches.append(_operators(leaf))
        elif isinstance(leaf, nodes.Type):
            parts.append({"$type": sorted(leaf.types)})
        else:
            parts.append(_operators(leaf))
    if excluded:
        parts.append({"$nin": excluded})
    if len(matches) == 1:
        parts += matches
    elif matches:
        parts.append({"$all": matches})
    return _merged(parts) or {"$exists": True}


def _flat(node: Node) -> list[Node]:
    if isinstance(node, nodes.And):
        return [leaf for child in node.nodes for leaf in _flat(child)]
    return [node]


def _excluded(node: Node) -> list[Any]:
    if isinstance(node, nodes.Eq):
        return [_equal(node)["$eq"]]
    if isinstance(node, nodes.In):
        return list(node.values)
    raise AssertionError(f"a filter on an element cannot negate {node!r}")


def _merged(parts: list[Filter]) -> Filter:
    merged: Filter = {}
    rest: list[Filter] = []
    for part in parts:
        if merged.keys() & part.keys():
            rest.append(part)
        else:
            merged.update(part)
    if rest:
        merged["$not"] = {"$not": _merged(rest)}
    return merged


_OPERATORS: Final[dict[type[Any], Callable[[Any], Filter]]] = {
    nodes.Eq: _equal,
    nodes.In: _is_in,
    nodes.Range: _between,
    nodes.Exists: lambda _: {"$exists": True},
    nodes.Text: _text,
    nodes.Regex: lambda node: {"$regex": node.pattern.emit("pcre")},
    nodes.Has: lambda node: {"$elemMatch": {"$eq": node.value}},
    nodes.Size: lambda node: {"$size": node.length},
    nodes.ElemMatch: _element_matches,
}
