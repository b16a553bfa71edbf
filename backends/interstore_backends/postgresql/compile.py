"""From filters, sort orders and positions to SQL. Pure: the same query, the same text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from interstore.filters.tree import ALL, And, Eq, In, Node, Not, Or, Range
from interstore.paths import Envelope
from interstore.prepared import Position, Query, SortKey
from interstore_backends.postgresql.conditions import Conditions
from interstore_backends.postgresql.quoting import quote_text
from interstore_backends.postgresql.values import (
    NOT_INDEXED,
    Indexed,
    Parameters,
    order_expressions,
    order_values,
)

__all__ = ["Compiled", "compile_filter", "compile_query", "inlined"]

_TEXT_OR_OPERAND: Final = re.compile(r"'(?:[^']|'')*'|\$\d+")


@dataclass(slots=True)
class Compiled:
    """A piece of SQL and the operands of its placeholders ``$1``, ``$2`` ...

    Attributes:
        prepare: ``False`` if the operands decide which plan is best, as those of a range do: a
            prepared statement would soon have one plan for all.
    """

    sql: str
    parameters: Parameters
    prepare: bool | None = None

    @property
    def values(self) -> list[str]:
        """The operands."""
        return self.parameters.values


def compile_filter(
    tree: Node, indexed: Indexed = NOT_INDEXED, parameters: Parameters | None = None
) -> Compiled:
    """``WHERE`` and the condition that a row meets if the tree is true of its document.

    Nothing at all for every document.

    Args:
        tree: the filter.
        indexed: that of `Conditions`.
        parameters: where operands go, if some are there already.
    """
    parameters = parameters or Parameters()
    if tree == ALL:
        return Compiled("", parameters)
    condition = Conditions(parameters, indexed).condition(tree)
    return Compiled(f" WHERE {condition}", parameters, None if _is_equality(tree) else False)


def inlined(tree: Node) -> str:
    """The condition with the operands in its text, for what can have none: an index."""
    parameters = Parameters()
    condition = Conditions(parameters, NOT_INDEXED).condition(tree)

    def literal(match: re.Match[str]) -> str:
        text = match[0]
        return quote_text(parameters.values[int(text[1:]) - 1]) if text[0] == "$" else text

    return _TEXT_OR_OPERAND.sub(literal, condition)


def _is_equality(tree: Node) -> bool:
    if isinstance(tree, (And, Or)):
        return all(_is_equality(node) for node in tree.nodes)
    return isinstance(tree, (Eq, In)) or _is_of_the_living(tree)


def _is_of_the_living(tree: Node) -> bool:
    """Whether it leaves out what has expired, which is few at all times."""
    return (
        isinstance(tree, Not)
        and isinstance(tree.node, Range)
        and tree.node.path is Envelope.EXPIRES_AT
    )


def compile_query(
    query: Query, indexed: Indexed = NOT_INDEXED, parameters: Parameters | None = None
) -> Compiled:
    """What follows ``FROM table``: conditions, order and limits."""
    compiled = compile_filter(query.tree, indexed, parameters)
    parameters, order = compiled.parameters, query.order
    if query.after is not None:
        joint = " AND " if compiled.sql else " WHERE "
        compiled.sql += joint + _after(order, query.after, parameters)
    compiled.sql += " ORDER BY " + ", ".join(
        expression + (" DESC" if key.descending else "")
        for key in order
        for expression in order_expressions(key.path)
    )
    if query.limit is not None:
        compiled.sql += f" LIMIT {parameters.bind(str(query.limit), 'bigint')}"
    if query.skip:
        compiled.sql += f" OFFSET {parameters.bind(str(query.skip), 'bigint')}"
    return compiled


def _after(order: Sequence[SortKey], position: Position, parameters: Parameters) -> str:
    """The condition that a row comes after `position`."""
    pairs = [
        (expression, value, "<" if key.descending else ">")
        for key, given in zip(order, position, strict=True)
        for expression, value in zip(
            order_expressions(key.path), order_values(key.path, given, parameters), strict=True
        )
    ]
    if len({sign for _, _, sign in pairs}) == 1:
        expressions = ",".join([expression for expression, _, _ in pairs])
        values = ",".join([value for _, value, _ in pairs])
        return f"({expressions}) {pairs[0][2]} ({values})"
    alternatives = []
    for number, (expression, value, sign) in enumerate(pairs):
        terms = [f"{earlier} = {equal}" for earlier, equal, _ in pairs[:number]]
        alternatives.append(" AND ".join([*terms, f"{expression} {sign} {value}"]))
    # What the first key says bounds the search of an index; the rest does not.
    expression, value, sign = pairs[0]
    return f"({expression} {sign}= {value} AND ({' OR '.join(alternatives)}))"
