"""What may stand beside GROUP BY and aggregates.

The remarks of the page "GROUP BY (NoSQL query)"; for compositions of aggregates, what Microsoft's
"QueryPlanBaselineTests" record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Final

from tests.servers.cosmosdb.gateway.sql import nodes
from tests.servers.cosmosdb.gateway.sql.functions import AGGREGATES
from tests.servers.cosmosdb.gateway.sql.lexer import SqlError
from tests.servers.cosmosdb.gateway.sql.show import show

__all__ = ["check_grouping"]

MOST_AGGREGATES: Final = 21


def check_grouping(query: nodes.Query) -> None:
    """Raises SqlError."""
    columns = _columns(query.select)
    for column in columns:
        if not _is_aggregate(column) and any(map(_is_aggregate, _within(column))):
            raise SqlError(
                "Compositions of aggregates and other expressions are not allowed.", "SC2104"
            )
    if not query.group_by:
        return
    if query.order_by:
        raise SqlError("'ORDER BY' is not supported in presence of 'GROUP BY'.", "SC2105")
    for key in query.group_by:
        _check_key(key)
    keys = [_plain(key) for key in query.group_by]
    for column in columns:
        _check_column(column, keys)
    if sum(map(_is_aggregate, columns)) > MOST_AGGREGATES:
        raise SqlError(f"GROUP BY with more than {MOST_AGGREGATES} aggregates.", "SC2106")


def _check_key(key: nodes.Expression) -> None:
    parts = list(_within(key))
    if any(_is_aggregate(part) or isinstance(part, nodes.Subquery) for part in parts):
        raise SqlError("GROUP BY allows no aggregates and no subqueries.", "SC2107")
    if not any(isinstance(part, nodes.Index) for part in parts):
        raise SqlError("GROUP BY needs at least one property reference.", "SC2108")


def _check_column(column: nodes.Expression, keys: Sequence[nodes.Expression]) -> None:
    if _is_aggregate(column) or isinstance(column, (nodes.Literal, nodes.Parameter)):
        return
    if _plain(column) not in keys:
        raise SqlError(
            f"Property reference '{show(column)}' is invalid in the select list because it is not "
            "contained in an aggregate function or GROUP BY clause.",
            "SC2102",
        )


def _columns(select: nodes.Select) -> list[nodes.Expression]:
    match select:
        case nodes.Star():
            return [nodes.Name("*")]
        case nodes.Value(expression):
            return list(_leaves(expression))
        case nodes.Fields(items):
            return [leaf for expression, _ in items for leaf in _leaves(expression)]


def _leaves(expression: nodes.Expression) -> Iterator[nodes.Expression]:
    """Itself, or what it is an array or an object of."""
    match expression:
        case nodes.ArrayOf(items):
            for item in items:
                yield from _leaves(item)
        case nodes.ObjectOf(named):
            for _, item in named:
                yield from _leaves(item)
        case _:
            yield expression


def _is_aggregate(node: Any) -> bool:
    return isinstance(node, nodes.Call) and node.name.upper() in AGGREGATES


def _within(node: Any) -> Iterator[Any]:
    """It and its parts; not those of a subquery, which is a query of its own."""
    if isinstance(node, tuple):
        for one in node:
            yield from _within(one)
    elif is_dataclass(node):
        yield node
        if not isinstance(node, nodes.Subquery):
            for field in fields(node):
                yield from _within(getattr(node, field.name))


def _plain(expression: nodes.Expression) -> nodes.Expression:
    """The same for `c.a` and `c["a"]`."""
    if isinstance(expression, nodes.Index):
        return nodes.Index(_plain(expression.of), expression.at)
    return expression
