"""From filters, sort orders and positions to SQL. Pure: the same query, the same text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from interstore.filters.tree import And, Eq, Node
from interstore.paths import Reference
from interstore.prepared import Position, Query, SortKey
from interstore_backends.sqlite.conditions import Conditions
from interstore_backends.sqlite.keys import quote_text
from interstore_backends.sqlite.values import Parameter, bind, order_expression

__all__ = ["Compiled", "compile_filter", "compile_query", "inlined", "where"]

_TEXT_OR_MARK: Final = re.compile(r"'(?:[^']|'')*'|\?")

_ALL: Final = "1"
"""What `ALL` is compiled to."""


@dataclass(slots=True)
class Compiled:
    """A piece of SQL and the parameters of its question marks."""

    sql: str
    parameters: list[Parameter]

    @property
    def is_all(self) -> bool:
        """Whether it is met by every row: without, SQLite counts and deletes faster."""
        return self.sql == _ALL


def compile_filter(tree: Node, lists: Mapping[Reference, str] | None = None) -> Compiled:
    """The condition that a row meets if the tree is true of its document.

    Args:
        tree: the filter.
        lists: the tables of elements that ``$has`` can be looked up in.
    """
    parameters: list[Parameter] = []
    return Compiled(Conditions(parameters, lists).condition(tree), parameters)


def inlined(compiled: Compiled) -> str:
    """The same with the parameters in its text, for what can have none: an index."""
    parameters = iter(compiled.parameters)

    def literal(match: re.Match[str]) -> str:
        if match[0] != "?":
            return match[0]
        value = next(parameters)
        return quote_text(value) if isinstance(value, str) else repr(value)

    return _TEXT_OR_MARK.sub(literal, compiled.sql)


def compile_query(query: Query, condition: Compiled | None = None) -> Compiled:
    """What follows ``FROM table``: conditions, order and limits.

    Args:
        condition: stands in for the compiled tree of the query.
    """
    condition = condition or compile_filter(query.tree)
    parameters = list(condition.parameters)
    conditions = [] if condition.is_all else [condition.sql]
    if query.after is not None:
        conditions.append(_after(query.order, query.after, parameters))
    sql = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    sql += " ORDER BY " + ", ".join(
        order_expression(key.path) + (" DESC" if key.descending else "") for key in _varying(query)
    )
    if query.limit is not None or query.skip:
        sql += " LIMIT ?"
        parameters.append(-1 if query.limit is None else query.limit)
    if query.skip:
        sql += " OFFSET ?"
        parameters.append(query.skip)
    return Compiled(sql, parameters)


def _varying(query: Query) -> list[SortKey]:
    """The order, without keys that are the same in all documents that match.

    SQLite would sort by them, although an index has the rest of the order where they are equal.
    """
    conjuncts = query.tree.nodes if isinstance(query.tree, And) else (query.tree,)
    fixed = {each.path for each in conjuncts if isinstance(each, Eq) and each.value is not None}
    return [*(key for key in query.order[:-1] if key.path not in fixed), query.order[-1]]


def _after(order: Sequence[SortKey], position: Position, parameters: list[Parameter]) -> str:
    """The condition that a row comes after `position`."""
    expressions = [order_expression(key.path) for key in order]
    if len({key.descending for key in order}) > 1:
        return _after_mixed(order, expressions, position, parameters)
    sign = "<" if order[0].descending else ">"
    if len(order) == 1:
        return f"{expressions[0]} {sign} {bind(position[0], parameters)}"
    # SQLite does not search an index of expressions for row values: the first bounds it.
    first = f"{expressions[0]} {sign}= {bind(position[0], parameters)}"
    bound = ",".join([bind(value, parameters) for value in position])
    return f"{first} AND ({','.join(expressions)}) {sign} ({bound})"


def _after_mixed(
    order: Sequence[SortKey],
    expressions: list[str],
    position: Position,
    parameters: list[Parameter],
) -> str:
    sign = "<=" if order[0].descending else ">="
    first = f"{expressions[0]} {sign} {bind(position[0], parameters)}"
    alternatives = []
    for index, key in enumerate(order):
        terms = [
            f"{expressions[earlier]} = {bind(position[earlier], parameters)}"
            for earlier in range(index)
        ]
        sign = "<" if key.descending else ">"
        terms.append(f"{expressions[index]} {sign} {bind(position[index], parameters)}")
        alternatives.append(" AND ".join(terms))
    return f"{first} AND ({' OR '.join(alternatives)})"


def where(condition: Compiled) -> str:
    """The clause of a condition, if there is any."""
    return "" if condition.is_all else f" WHERE {condition.sql}"
