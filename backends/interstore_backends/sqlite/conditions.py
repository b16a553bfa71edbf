"""From the filter tree to a condition of SQL. Pure: the same tree, the same text.

The text depends on paths and shapes only; operands are parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from interstore.filters import tree as nodes
from interstore.filters.intervals import merge_ranges, succ
from interstore.filters.tree import Node, Scalar
from interstore.paths import Envelope, Reference
from interstore_backends.sqlite.values import COLUMNS, LOWEST, Parameter, Value, bind

__all__ = ["REGEX", "Conditions"]

REGEX: Final = "interstore_regex"
"""SQL function (source, whether to ignore case, value): whether the portable regex matches."""

_FEW: Final = 16
"""So many values of an `In` are bound one by one, more as one array."""

_TYPES: Final = {
    "null": "'null'",
    "bool": "'true','false'",
    "number": "'integer','real'",
    "string": "'text'",
    "array": "'array'",
    "object": "'object'",
}
_encode: Final = msgspec.json.Encoder().encode


class Conditions:
    """Translates one tree, collecting parameters in the order of their question marks."""

    def __init__(
        self, parameters: list[Parameter], lists: Mapping[Reference, str] | None = None
    ) -> None:
        self.parameters = parameters
        self.lists = lists or {}
        """Tables (key, id) of the elements that lie at paths of the document."""
        self.element: str | None = None
        """The alias of the array's element that paths are relative to."""
        self.as_value = False
        self.aliases = 0

    def condition(self, node: Node) -> str:
        """SQL that is true, false or NULL (for false) of a row."""
        if not isinstance(node, (nodes.And, nodes.Or, nodes.Not)) and isinstance(
            node.path, Envelope
        ):
            return self.envelope(node, COLUMNS[node.path])
        translate: Callable[[Conditions, Any], str] = _TRANSLATE[type(node)]
        return translate(self, node)

    def value(self, node: Any) -> Value:
        """The value that a leaf is about."""
        if self.element is None:
            return Value.at("doc", node.path)
        if self.as_value:
            return Value.element(self.element)
        return Value.at(f"{self.element}.value", node.path)

    # Logic. NULL stands for false in AND and OR; only a negation must tell them apart.

    def all_of(self, node: nodes.And) -> str:
        if not node.nodes:
            return "1"
        children = merge_ranges(node.nodes)
        return "(" + " AND ".join([self.condition(child) for child in children]) + ")"

    def any_of(self, node: nodes.Or) -> str:
        if not node.nodes:
            return "0"
        return "(" + " OR ".join([self.condition(child) for child in node.nodes]) + ")"

    def none_of(self, node: nodes.Not) -> str:
        return f"({self.condition(node.node)}) IS NOT TRUE"

    # Leaves.

    def equal(self, node: nodes.Eq) -> str:
        value = self.value(node)
        if isinstance(node.value, tuple):
            return self.equal_array(value, node.value)
        return self.equal_scalar(value, node.value)

    def equal_scalar(self, value: Value, operand: Scalar) -> str:
        if operand is None:
            return f"({value.key} = {LOWEST} AND coalesce({value.type},'null') = 'null')"
        return f"{value.key} = {bind(operand, self.parameters)}"

    def equal_array(self, value: Value, operands: tuple[Scalar, ...]) -> str:
        """Element by element: no element of the one differs from that of the other."""
        size = self.size_of(value, len(operands))
        if not operands:
            return size
        mine, other = self.alias(), self.alias()
        self.parameters.append(_encode(operands).decode())
        return (
            f"({size} AND NOT EXISTS (SELECT 1 FROM json_each({value.inside}) {mine}, "
            f"json_each(?) {other} WHERE {other}.key = {mine}.key AND "
            f"(+{mine}.type IN ('array','object') OR "
            f"{Value.element(mine).key} <> {Value.element(other).key})))"
        )

    def is_in(self, node: nodes.In) -> str:
        value = self.value(node)
        given = [each for each in node.values if each is not None]
        conditions = []
        if len(given) > _FEW:
            self.parameters.append(_encode(given).decode())
            listed = self.alias()
            keys = Value.element(listed).key
            conditions.append(f"{value.key} IN (SELECT {keys} FROM json_each(?) {listed})")
        elif given:
            bound = ",".join([bind(each, self.parameters) for each in given])
            conditions.append(f"{value.key} IN ({bound})")
        if len(given) < len(node.values):
            conditions.append(self.equal_scalar(value, None))
        return f"({' OR '.join(conditions)})" if conditions else "0"

    def between(self, node: nodes.Range) -> str:
        """One interval, closed by the bounds of the class only where it is open.

        A second, wider bound on the same side would mislead the choice of an index.
        """
        key, terms = self.value(node).key, []
        bound = node.lower or node.upper
        assert bound is not None
        text = isinstance(bound.value, str)
        if node.lower is not None:
            sign = ">=" if node.lower.inclusive else ">"
            terms.append(f"{key} {sign} {bind(node.lower.value, self.parameters)}")
        else:
            terms.append(f"{key} >= ''" if text else f"{key} > {LOWEST}")
        if node.upper is not None:
            sign = "<=" if node.upper.inclusive else "<"
            terms.append(f"{key} {sign} {bind(node.upper.value, self.parameters)}")
        else:
            terms.append(f"{key} < x''" if text else f"{key} < ''")
        return f"({' AND '.join(terms)})"

    def exists(self, node: nodes.Exists) -> str:
        return f"{self.value(node).type} IS NOT NULL"

    def has_type(self, node: nodes.Type) -> str:
        types = ",".join([_TYPES[name] for name in sorted(node.types)])
        return f"{self.value(node).type} IN ({types})"

    def text(self, node: nodes.Text) -> str:
        value, text = self.value(node), node.value
        if not text:
            return f"{value.type} = 'text'"
        if node.kind == "startsWith":
            return self.prefix(value.key, text, "x''")
        return f"CASE {value.type} WHEN 'text' THEN {self.part(value.scalar, node)} ELSE 0 END"

    def prefix(self, expression: str, text: str, end: str | None) -> str:
        self.parameters.append(text)
        following = succ(text)
        if following is not None:
            self.parameters.append(following)
            return f"({expression} >= ? AND {expression} < ?)"
        return f"({expression} >= ?" + (f" AND {expression} < {end})" if end else ")")

    def part(self, expression: str, node: nodes.Text) -> str:
        if node.kind == "endsWith":
            self.parameters.extend((-len(node.value), node.value))
            return f"substr({expression},?) = ?"
        self.parameters.append(node.value)
        return f"instr({expression},?) > 0"

    def regex(self, node: nodes.Regex) -> str:
        value = self.value(node)
        found = self.search(value.scalar, node)
        return f"CASE {value.type} WHEN 'text' THEN {found} ELSE 0 END"

    def search(self, expression: str, node: nodes.Regex) -> str:
        self.parameters.extend((node.pattern.source, int(node.pattern.ignore_case)))
        return f"{REGEX}(?,?,{expression})"

    def has(self, node: nodes.Has) -> str:
        if self.element is None and node.path in self.lists:
            listed = f"SELECT id FROM {self.lists[node.path]}"
            return f"id IN ({listed} WHERE key = {bind(node.value, self.parameters)})"
        value = self.value(node)
        alias = self.alias()
        element = Value.element(alias)
        if node.value is None:
            test = f"{element.type} = 'null'"
        else:
            test = f"{element.key} = {bind(node.value, self.parameters)}"
        return self.guarded(
            value, f"EXISTS (SELECT 1 FROM json_each({value.inside}) {alias} WHERE {test})"
        )

    def size(self, node: nodes.Size) -> str:
        return self.size_of(self.value(node), node.length)

    def size_of(self, value: Value, length: int) -> str:
        self.parameters.append(length)
        return self.guarded(value, f"json_array_length({value.inside}) = ?")

    def guarded(self, value: Value, test: str) -> str:
        """`test`, which may only be made of an array."""
        return f"CASE {value.type} WHEN 'array' THEN {test} ELSE 0 END"

    def element_matches(self, node: nodes.ElemMatch) -> str:
        value = self.value(node)
        around = self.element, self.as_value
        alias = self.alias()
        self.element, self.as_value = alias, node.as_value
        test = self.condition(node.node)
        self.element, self.as_value = around
        if not node.as_value:
            test = f"CASE WHEN +{alias}.type IN ('array','object') THEN {test} ELSE 0 END"
        return self.guarded(
            value, f"EXISTS (SELECT 1 FROM json_each({value.inside}) {alias} WHERE {test})"
        )

    def alias(self) -> str:
        self.aliases += 1
        return f"e{self.aliases}"

    # Leaves on the envelope, whose columns have one class each.

    def envelope(self, node: Any, column: str) -> str:
        match node:
            case nodes.Eq(value=None):
                return f"{column} IS NULL"
            case nodes.Eq() if not isinstance(node.value, tuple):
                return f"{column} = {bind(node.value, self.parameters)}"
            case nodes.In():
                return self.envelope_in(node, column)
            case nodes.Range():
                return self.envelope_range(node, column)
            case nodes.Exists():
                return f"{column} IS NOT NULL"
            case nodes.Text(value=""):
                return "1"
            case nodes.Text(kind="startsWith"):
                return self.prefix(column, node.value, None)
            case nodes.Text():
                return self.part(column, node)
            case nodes.Regex():
                return self.search(column, node)
            case _:
                raise AssertionError(f"a filter on {column} cannot be {node!r}")

    def envelope_in(self, node: nodes.In, column: str) -> str:
        given = [each for each in node.values if each is not None]
        conditions = []
        if len(given) > _FEW:
            self.parameters.append(_encode(given).decode())
            conditions.append(f"{column} IN (SELECT value FROM json_each(?))")
        elif given:
            bound = ",".join([bind(each, self.parameters) for each in given])
            conditions.append(f"{column} IN ({bound})")
        if len(given) < len(node.values):
            conditions.append(f"{column} IS NULL")
        return f"({' OR '.join(conditions)})" if conditions else "0"

    def envelope_range(self, node: nodes.Range, column: str) -> str:
        terms = []
        if node.lower is not None:
            sign = ">=" if node.lower.inclusive else ">"
            terms.append(f"{column} {sign} {bind(node.lower.value, self.parameters)}")
        if node.upper is not None:
            sign = "<=" if node.upper.inclusive else "<"
            terms.append(f"{column} {sign} {bind(node.upper.value, self.parameters)}")
        return f"({' AND '.join(terms)})"


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
