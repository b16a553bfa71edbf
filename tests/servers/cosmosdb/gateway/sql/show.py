"""From tree to text, as the service writes the queries that it has rewritten."""

from __future__ import annotations

import json

from tests.servers.cosmosdb.gateway.sql import nodes
from tests.servers.cosmosdb.gateway.sql.values import UNDEFINED

__all__ = ["show", "show_query"]


def show(node: nodes.Expression) -> str:
    """An expression, every operation in parentheses."""
    match node:
        case nodes.Literal(value):
            return "undefined" if value is UNDEFINED else json.dumps(value, ensure_ascii=False)
        case nodes.Parameter(name) | nodes.Name(name):
            return name
        case nodes.Index(of, at, dotted):
            return f"{show(of)}.{_key(at)}" if dotted else f"{show(of)}[{show(at)}]"
        case nodes.Unary() | nodes.Binary():
            return _operation(node)
        case nodes.Between() | nodes.In() | nodes.Like():
            return _predicate(node)
        case nodes.Call(name, arguments):
            return f"{name}({_list(arguments)})"
        case nodes.Conditional(test, yes, no):
            return f"({show(test)} ? {show(yes)} : {show(no)})"
        case nodes.ArrayOf(items):
            return f"[{_list(items)}]"
        case nodes.ObjectOf(fields):
            shown = (f"{json.dumps(key, ensure_ascii=False)}: {show(of)}" for key, of in fields)
            return "{" + ", ".join(shown) + "}"
        case nodes.Subquery(kind, query):
            name = "" if kind == "scalar" else kind.upper()
            return f"{name}({show_query(query, ' ')})"


def _key(node: nodes.Expression) -> str:
    assert isinstance(node, nodes.Literal)
    return str(node.value)


def _operation(node: nodes.Unary | nodes.Binary) -> str:
    if isinstance(node, nodes.Binary):
        return f"({show(node.left)} {node.operator} {show(node.right)})"
    space = " " if node.operator == "NOT" else ""
    return f"({node.operator}{space}{show(node.of)})"


def _list(items: tuple[nodes.Expression, ...]) -> str:
    return ", ".join(show(item) for item in items)


def _predicate(node: nodes.Between | nodes.In | nodes.Like) -> str:
    negated = "NOT " if node.negated else ""
    match node:
        case nodes.Between(of, low, high):
            return f"({show(of)} {negated}BETWEEN {show(low)} AND {show(high)})"
        case nodes.In(of, items):
            return f"({show(of)} {negated}IN ({_list(items)}))"
        case nodes.Like(of, pattern, escape):
            end = "" if escape is None else f" ESCAPE {json.dumps(escape)}"
            return f"({show(of)} {negated}LIKE {show(pattern)}{end})"


def show_query(query: nodes.Query, separator: str = "\n", where: str | None = None) -> str:
    """A query.

    Args:
        query: to be shown.
        separator: between its clauses.
        where: instead of its own condition.
    """
    clauses = [_select(query)]
    if query.sources:
        clauses.append("FROM " + "\nJOIN ".join(map(_source, query.sources)))
    if where is None and query.where is not None:
        where = show(query.where)
    if where is not None:
        clauses.append(f"WHERE {where}")
    if query.group_by:
        clauses.append(f"GROUP BY {_list(query.group_by)}")
    if query.order_by:
        keys = (f"{show(key.expression)} {key.direction or ''}".strip() for key in query.order_by)
        clauses.append("ORDER BY " + ", ".join(keys))
    if query.offset is not None and query.limit is not None:
        clauses.append(f"OFFSET {show(query.offset)} LIMIT {show(query.limit)}")
    return separator.join(clauses)


def _select(query: nodes.Query) -> str:
    distinct = "DISTINCT " if query.distinct else ""
    top = "" if query.top is None else f"TOP {show(query.top)} "
    return f"SELECT {distinct}{top}{_chosen(query.select)}"


def _chosen(select: nodes.Select) -> str:
    match select:
        case nodes.Star():
            return "*"
        case nodes.Value(expression):
            return f"VALUE {show(expression)}"
        case nodes.Fields(items):
            return ", ".join(
                show(expression) if alias is None else f"{show(expression)} AS {alias}"
                for expression, alias in items
            )


def _source(source: nodes.Source) -> str:
    of = show(source.of)
    if isinstance(source.of, nodes.Subquery):
        of = f"({show_query(source.of.query, ' ')})"
    if source.each:
        return f"{source.alias} IN {of}"
    return of if of == source.alias else f"{of} AS {source.alias}"
