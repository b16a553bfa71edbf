"""From the filter tree to a condition of Cosmos DB's SQL. Pure: the same tree, the same text.

Comparing values of two types, or one that is not there, gives undefined, which is not true; so
ranges and texts need no guard. Only a negation must make it false first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from interstore.filters import tree as nodes
from interstore.filters.intervals import merge_ranges
from interstore.filters.tree import Node
from interstore.paths import Envelope, Path
from interstore_backends.cosmosdb.keys import ENVELOPE_FIELDS, value_expression

__all__ = ["Conditions", "Parameters"]

_TYPES: Final = {
    "null": "IS_NULL",
    "bool": "IS_BOOL",
    "number": "IS_NUMBER",
    "string": "IS_STRING",
    "array": "IS_ARRAY",
    "object": "IS_OBJECT",
}
_FUNCTIONS: Final = {"startsWith": "STARTSWITH", "endsWith": "ENDSWITH", "contains": "CONTAINS"}
_LISTED: Final = 256
"""So many operands stand in an ``IN``, which an index serves; more are one array."""


class Parameters:
    """The operands of a query, as the client sends them."""

    def __init__(self) -> None:
        self.values: list[dict[str, Any]] = []

    def bind(self, value: Any) -> str:
        """The name that stands for the value."""
        name = f"@p{len(self.values)}"
        self.values.append({"name": name, "value": value})
        return name


class Conditions:
    """Translates one tree, collecting the operands."""

    def __init__(self, parameters: Parameters) -> None:
        self.bind = parameters.bind
        self.document = "c"
        self.aliases = 0

    def condition(self, node: Node) -> str:
        """SQL that is true, false or undefined (for false) of an item."""
        translate: Callable[[Conditions, Any], str] = _TRANSLATE[type(node)]
        return translate(self, node)

    def value(self, node: Any) -> str:
        """The value that a leaf is about."""
        if isinstance(node.path, Envelope):
            return ENVELOPE_FIELDS[node.path]
        return self.at(node.path)

    def at(self, path: Path) -> str:
        """The value at a path."""
        return value_expression(self.document, path)

    def guards(self, node: Any) -> list[str]:
        """What a path with an index, or with a key of digits, goes through must be of its kind."""
        path: Path = () if isinstance(node.path, Envelope) else node.path
        found = []
        for depth, step in enumerate(path):
            if isinstance(step, int):
                found.append(f"IS_ARRAY({self.at(path[:depth])})")
            elif step.isdecimal() and depth:
                found.append(f"IS_OBJECT({self.at(path[:depth])})")
        return found

    def guarded(self, node: Any, test: str) -> str:
        guards = self.guards(node)
        return f"({' AND '.join([*guards, test])})" if guards else test

    # Logic. Undefined stands for false in AND and OR; only a negation must tell them apart.

    def all_of(self, node: nodes.And) -> str:
        if not node.nodes:
            return "true"
        children = merge_ranges(node.nodes)
        return "(" + " AND ".join([self.condition(child) for child in children]) + ")"

    def any_of(self, node: nodes.Or) -> str:
        if not node.nodes:
            return "false"
        return "(" + " OR ".join([self.condition(child) for child in node.nodes]) + ")"

    def none_of(self, node: nodes.Not) -> str:
        return f"(NOT (({self.condition(node.node)}) ?? false))"

    # Leaves.

    def equal(self, node: nodes.Eq) -> str:
        if node.value is None:
            return self.is_null_or_missing(node)
        operand = list(node.value) if isinstance(node.value, tuple) else node.value
        return self.guarded(node, f"{self.value(node)} = {self.bind(operand)}")

    def is_null_or_missing(self, node: Any) -> str:
        value = self.value(node)
        if not self.guards(node):
            return f"(NOT IS_DEFINED({value}) OR IS_NULL({value}))"
        there = self.guarded(node, f"IS_DEFINED({value})")
        return f"(NOT {there} OR {self.guarded(node, f'IS_NULL({value})')})"

    def is_in(self, node: nodes.In) -> str:
        value = self.value(node)
        given = [each for each in node.values if each is not None]
        conditions = []
        if len(given) > _LISTED:
            conditions.append(self.guarded(node, f"ARRAY_CONTAINS({self.bind(given)}, {value})"))
        elif given:
            listed = ", ".join([self.bind(each) for each in given])
            conditions.append(self.guarded(node, f"{value} IN ({listed})"))
        if len(given) < len(node.values):
            conditions.append(self.is_null_or_missing(node))
        return f"({' OR '.join(conditions)})" if conditions else "false"

    def between(self, node: nodes.Range) -> str:
        value = self.value(node)
        terms = [
            f"{value} {sign}{'=' if bound.inclusive else ''} {self.bind(bound.value)}"
            for bound, sign in ((node.lower, ">"), (node.upper, "<"))
            if bound is not None
        ]
        return self.guarded(node, f"({' AND '.join(terms)})")

    def exists(self, node: nodes.Exists) -> str:
        return self.guarded(node, f"IS_DEFINED({self.value(node)})")

    def has_type(self, node: nodes.Type) -> str:
        value = self.value(node)
        tests = " OR ".join([f"{_TYPES[name]}({value})" for name in sorted(node.types)])
        return self.guarded(node, f"({tests})")

    def text(self, node: nodes.Text) -> str:
        value = self.value(node)
        if not node.value:
            return self.guarded(node, f"IS_STRING({value})")
        return self.guarded(node, f"{_FUNCTIONS[node.kind]}({value}, {self.bind(node.value)})")

    def regex(self, node: nodes.Regex) -> str:
        operand = self.bind(node.pattern.emit("cosmos"))
        return self.guarded(node, f"RegexMatch({self.value(node)}, {operand})")

    def has(self, node: nodes.Has) -> str:
        return self.guarded(node, f"ARRAY_CONTAINS({self.value(node)}, {self.bind(node.value)})")

    def size(self, node: nodes.Size) -> str:
        return self.guarded(node, f"ARRAY_LENGTH({self.value(node)}) = {self.bind(node.length)}")

    def element_matches(self, node: nodes.ElemMatch) -> str:
        value = self.value(node)
        around = self.document
        self.aliases += 1
        alias = self.document = f"e{self.aliases}"
        test = self.condition(node.node)
        self.document = around
        if not node.as_value:
            test = f"(IS_OBJECT({alias}) OR IS_ARRAY({alias})) AND {test}"
        found = f"EXISTS(SELECT VALUE 1 FROM {alias} IN {value} WHERE {test})"
        return self.guarded(node, f"(IS_ARRAY({value}) AND {found})")


_TRANSLATE: Final[dict[type[Any], Callable[[Conditions, Any], str]]] = {
    nodes.And: Conditions.all_of,
    nodes.Or: Conditions.any_of,
    nodes.Not: Conditions.none_of,
    nodes.Eq: Conditions.equal,
    nodes.In: Conditions.is_in,
    nodes.Range: Conditions.between,
    nodes.Exists: Conditions.exists,
    nodes.Type: Conditions.has_type,
    nodes.Text: Conditions.text,
    nodes.Regex: Conditions.regex,
    nodes.Has: Conditions.has,
    nodes.Size: Conditions.size,
    nodes.ElemMatch: Conditions.element_matches,
}
