"""From the filter tree to a condition of SQL. Pure: the same tree, the same text.

The text depends on paths and shapes only; operands are parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from interstore.filters import tree as nodes
from interstore.filters.intervals import merge_ranges, succ
from interstore.filters.tree import Node, Scalar
from interstore.paths import Envelope, Path
from interstore_backends.postgresql.quoting import path_expression
from interstore_backends.postgresql.values import (
    CASTS,
    COLUMNS,
    NOT_INDEXED,
    Indexed,
    Parameters,
    class_and_text,
    is_plain,
    json_text,
    rank,
    text,
    text_array,
)

__all__ = ["Conditions"]

_TYPES: Final = {
    "null": "'null'",
    "bool": "'boolean'",
    "number": "'number'",
    "string": "'string'",
    "array": "'array'",
    "object": "'object'",
}
# jsonb sorts null < strings < numbers < booleans < arrays, and its numbers have no end.
_BELOW_NUMBERS: Final = "'-1e400'::jsonb"
_ABOVE_NUMBERS: Final = "'false'::jsonb"


class Conditions:
    """Translates one tree, collecting the operands.

    Args:
        parameters: where the operands go.
        indexed: where there are indexes; conditions on these paths are written so that the
            indexes serve them, others in whatever form is cheapest to scan with.
    """

    def __init__(self, parameters: Parameters, indexed: Indexed = NOT_INDEXED) -> None:
        self.parameters = parameters
        self.bind = parameters.bind
        self.indexed = indexed
        self.document = "doc"
        self.in_element = False
        self.aliases = 0

    def condition(self, node: Node) -> str:
        """SQL that is true, false or NULL (for false) of a row."""
        if not isinstance(node, (nodes.And, nodes.Or, nodes.Not)) and isinstance(
            node.path, Envelope
        ):
            return self.envelope(node, node.path)
        translate: Callable[[Conditions, Any], str] = _TRANSLATE[type(node)]
        return translate(self, node)

    def value(self, node: Any) -> str:
        """The value that a leaf is about."""
        return path_expression(self.document, node.path)

    def is_indexed(self, node: Any) -> bool:
        return not self.in_element and node.path in self.indexed.keys

    # Logic. NULL stands for false in AND and OR; only a negation must tell them apart.

    def all_of(self, node: nodes.And) -> str:
        if not node.nodes:
            return "TRUE"
        children = merge_ranges(node.nodes)
        return "(" + " AND ".join([self.condition(child) for child in children]) + ")"

    def any_of(self, node: nodes.Or) -> str:
        if not node.nodes:
            return "FALSE"
        return "(" + " OR ".join([self.condition(child) for child in node.nodes]) + ")"

    def none_of(self, node: nodes.Not) -> str:
        return f"({self.condition(node.node)}) IS NOT TRUE"

    # Leaves.

    def equal(self, node: nodes.Eq) -> str:
        value = self.value(node)
        if isinstance(node.value, tuple):
            return f"{value} = {self.bind(json_text(node.value), 'jsonb')}"
        if self.is_indexed(node):
            return self.equal_by_index(value, node.value)
        if node.value is None:
            return f"coalesce({value}, 'null'::jsonb) = 'null'::jsonb"
        if is_plain(node.path):
            return self.contains(node.path, node.value)
        return f"{value} = {self.bind(json_text(node.value), 'jsonb')}"

    def contains(self, path: Path, inner: object) -> str:
        """The document holds `inner` at `path`: any GIN index serves, and no path is walked.

        Only for keys and scalars: of arrays and objects, it asks for less than equality. And
        not for the empty path, where an array contains its elements.
        """
        for step in reversed(path):
            inner = {step: inner}
        return f"{self.document} @> {self.bind(json_text(inner), 'jsonb')}"

    def equal_by_index(self, value: str, operand: Scalar) -> str:
        first, second = class_and_text(operand)
        condition = f"{rank(value)} = {self.bind(first, 'float8')}"
        # Of numbers, the text says nothing; but with both keys given, an index has the rest
        # of its rows in order, by id at the least.
        condition += f" AND {text(value)} = {self.bind(second, 'text')}"
        if operand is None:
            condition += f" AND coalesce({value}, 'null'::jsonb) = 'null'::jsonb"
        return f"({condition})"

    def is_in(self, node: nodes.In) -> str:
        value = self.value(node)
        given = [each for each in node.values if each is not None]
        conditions = []
        if given and self.is_indexed(node):
            conditions = self.in_by_index(value, given)
        elif given:
            listed = self.bind(text_array(map(json_text, given)), "jsonb[]")
            conditions.append(f"{value} = ANY({listed})")
        if len(given) < len(node.values):
            conditions.append(self.equal(nodes.Eq(node.path, None)))
        return f"({' OR '.join(conditions)})" if conditions else "FALSE"

    def in_by_index(self, value: str, given: list[Any]) -> list[str]:
        conditions = [self.equal_by_index(value, each) for each in given if type(each) is bool]
        if numbers := [repr(each) for each in given if type(each) in (int, float)]:
            listed = self.bind(text_array(numbers), "float8[]")
            conditions.append(f"{rank(value)} = ANY({listed})")
        if texts := [each for each in given if type(each) is str]:
            listed = self.bind(text_array(texts), "text[]")
            conditions.append(
                f"({rank(value)} = 'Infinity'::float8 AND {text(value)} = ANY({listed}))"
            )
        return conditions

    def between(self, node: nodes.Range) -> str:
        bound = node.lower or node.upper
        assert bound is not None
        value = self.value(node)
        if isinstance(bound.value, str):
            if self.is_indexed(node):
                terms = self.bounds(text(value), node, "text")
                return f"({rank(value)} = 'Infinity'::float8 AND {' AND '.join(terms)})"
            terms = self.bounds(_string(value), node, "text")
            return _if_string(value, " AND ".join(terms))
        if self.is_indexed(node):
            terms = self.bounds(rank(value), node, "float8")
            if node.lower is None:
                terms.append(f"{rank(value)} > '-Infinity'::float8")
            if node.upper is None:
                terms.append(f"{rank(value)} < 'Infinity'::float8")
            return f"({' AND '.join(terms)})"
        terms = self.bounds(value, node, "jsonb")
        if node.lower is None:
            terms.append(f"{value} > {_BELOW_NUMBERS}")
        if node.upper is None:
            terms.append(f"{value} < {_ABOVE_NUMBERS}")
        return f"({' AND '.join(terms)})"

    def bounds(self, expression: str, node: nodes.Range, cast: str) -> list[str]:
        terms = []
        for bound, sign in ((node.lower, ">"), (node.upper, "<")):
            if bound is not None:
                operand = bound.value if isinstance(bound.value, str) else repr(bound.value)
                equal = "=" if bound.inclusive else ""
                terms.append(f"{expression} {sign}{equal} {self.bind(operand, cast)}")
        return terms

    def exists(self, node: nodes.Exists) -> str:
        return f"{self.value(node)} IS NOT NULL"

    def has_type(self, node: nodes.Type) -> str:
        types = ",".join([_TYPES[name] for name in sorted(node.types)])
        return f"jsonb_typeof({self.value(node)}) IN ({types})"

    def text(self, node: nodes.Text) -> str:
        value = self.value(node)
        if not node.value:
            return f"jsonb_typeof({value}) = 'string'"
        if node.kind == "startsWith" and self.is_indexed(node):
            return self.prefix(value, node.value)
        return _if_string(value, self.part(_string(value), node))

    def prefix(self, value: str, beginning: str) -> str:
        terms = [
            f"{rank(value)} = 'Infinity'::float8",
            f"{text(value)} >= {self.bind(beginning, 'text')}",
        ]
        following = succ(beginning)
        if following is not None:
            terms.append(f"{text(value)} < {self.bind(following, 'text')}")
        return f"({' AND '.join(terms)})"

    def part(self, expression: str, node: nodes.Text) -> str:
        operand = self.bind(node.value, "text")
        if node.kind == "startsWith":
            return f"starts_with({expression}, {operand})"
        if node.kind == "endsWith":
            return f"right({expression}, {len(node.value)}) = {operand}"
        return f"strpos({expression}, {operand}) > 0"

    def regex(self, node: nodes.Regex) -> str:
        value = self.value(node)
        return _if_string(value, self.search(_string(value), node))

    def search(self, expression: str, node: nodes.Regex) -> str:
        return f"{expression} ~ {self.bind(node.pattern.emit('postgresql'), 'text')}"

    def has(self, node: nodes.Has) -> str:
        listed = not self.in_element and node.path in self.indexed.lists
        if is_plain(node.path) and not listed:
            return self.contains(node.path, [node.value])
        return f"{self.value(node)} @> {self.bind(json_text([node.value]), 'jsonb')}"

    def size(self, node: nodes.Size) -> str:
        value = self.value(node)
        length = self.bind(str(node.length), "bigint")
        return (
            f"(CASE WHEN jsonb_typeof({value}) = 'array' "
            f"THEN jsonb_array_length({value}) = {length} ELSE FALSE END)"
        )

    def element_matches(self, node: nodes.ElemMatch) -> str:
        value = self.value(node)
        around = self.document, self.in_element
        self.aliases += 1
        alias = f"e{self.aliases}"
        self.document, self.in_element = f"{alias}.v", True
        test = self.condition(node.node)
        self.document, self.in_element = around
        if not node.as_value:
            test = f"jsonb_typeof({alias}.v) IN ('object','array') AND {test}"
        return (
            f"EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof({value}) = "
            f"'array' THEN {value} END) {alias}(v) WHERE {test})"
        )

    # Leaves on the envelope, whose columns have one class each.

    def envelope(self, node: Any, field: Envelope) -> str:
        column = COLUMNS[field]
        match node:
            case nodes.Eq(value=None):
                return f"{column} IS NULL"
            case nodes.Eq():
                return f"{column} = {self.bind(str(node.value), CASTS[field])}"
            case nodes.In():
                return self.envelope_in(node, column, CASTS[field])
            case nodes.Range():
                return f"({' AND '.join(self.bounds(column, node, CASTS[field]))})"
            case nodes.Exists():
                return f"{column} IS NOT NULL"
            case nodes.Text(value=""):
                return "TRUE"
            case nodes.Text(kind="startsWith"):
                return self.id_prefix(column, node.value)
            case nodes.Text():
                return self.part(column, node)
            case nodes.Regex():
                return self.search(column, node)
            case _:
                raise AssertionError(f"a filter on {column} cannot be {node!r}")

    def envelope_in(self, node: nodes.In, column: str, cast: str) -> str:
        given = [str(each) for each in node.values if each is not None]
        conditions = []
        if given:
            conditions.append(f"{column} = ANY({self.bind(text_array(given), cast + '[]')})")
        if len(given) < len(node.values):
            conditions.append(f"{column} IS NULL")
        return f"({' OR '.join(conditions)})" if conditions else "FALSE"

    def id_prefix(self, column: str, beginning: str) -> str:
        terms = [f"{column} >= {self.bind(beginning, 'text')}"]
        following = succ(beginning)
        if following is not None:
            terms.append(f"{column} < {self.bind(following, 'text')}")
        return f"({' AND '.join(terms)})"


def _string(value: str) -> str:
    """The text of a value that is known to be a string."""
    return f"({value} #>> '{{}}') COLLATE \"C\""


def _if_string(value: str, test: str) -> str:
    """`test`, which may only be made of a string."""
    return f"(CASE WHEN jsonb_typeof({value}) = 'string' THEN {test} ELSE FALSE END)"


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
