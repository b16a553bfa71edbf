"""What a query over several partitions is taken apart into: the answer to a request for its plan.

The forms are those recorded in Microsoft's own tests of its .NET client ("QueryPlanBaselineTests"),
whose plans come from the same library as the service's; tests/servers/cosmosdb/plans.json has
some. A version-2 plan with ranges of effective partition keys is what the service answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from tests.servers.cosmosdb.gateway.errors import ServiceError
from tests.servers.cosmosdb.gateway.hashing import effective_key
from tests.servers.cosmosdb.gateway.sql import nodes
from tests.servers.cosmosdb.gateway.sql.functions import AGGREGATES
from tests.servers.cosmosdb.gateway.sql.run import count_of, field_names
from tests.servers.cosmosdb.gateway.sql.show import show, show_query
from tests.servers.cosmosdb.gateway.sql.sought import values_at

__all__ = ["Keys", "aggregate_of", "needs_plan", "partition_keys", "query_plan"]

Keys: TypeAlias = list[tuple[Any, ...]]
"""Values of the partition key, one for each path of it."""

FILTER: Final = "{documentdb-formattableorderbyquery-filter}"
AGGREGATE_NAMES: Final = {
    "COUNT": "Count",
    "SUM": "Sum",
    "AVG": "Average",
    "MIN": "Min",
    "MAX": "Max",
}
SUPPORT_NEEDED: Final = (
    "Query contains 1 or more unsupported features. Upgrade your SDK to a version that does "
    "support the requested features:\n"
    "Query contained {}, which the calling client does not support."
)
ALL: Final = {"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}


def aggregate_of(query: nodes.Query) -> str | None:
    """The function of `SELECT VALUE COUNT(1)` and its like."""
    if isinstance(query.select, nodes.Value) and isinstance(query.select.expression, nodes.Call):
        name = query.select.expression.name.upper()
        return name if name in AGGREGATES else None
    return None


def _has_other_aggregates(query: nodes.Query) -> bool:
    if not isinstance(query.select, nodes.Fields):
        return False
    return any(
        isinstance(expression, nodes.Call) and expression.name.upper() in AGGREGATES
        for expression, _ in query.select.items
    )


def needs_plan(query: nodes.Query) -> bool:
    """Whether its results of several partitions cannot just be put one after the other."""
    return bool(
        query.distinct
        or query.top is not None
        or query.limit is not None
        or query.order_by
        or query.group_by
        or aggregate_of(query)
        or _has_other_aggregates(query)
    )


def partition_keys(
    query: nodes.Query, parameters: Mapping[str, Any], paths: Sequence[Sequence[str]]
) -> Keys | None:
    """Those that its condition leaves; ``None``: all.

    Args:
        query: over one container.
        parameters: values by name.
        paths: of the partition key, each as its keys.
    """
    if not query.sources or query.where is None:
        return None
    alias = query.sources[0].alias
    found = [values_at(query.where, (alias, *path), parameters) for path in paths]
    if len(found) == 1:
        return None if found[0] is None else [(value,) for value in found[0]]
    if any(values is None or len(values) != 1 for values in found):
        return None
    return [tuple(values[0] for values in found if values is not None)]


def query_plan(
    query: nodes.Query, parameters: Mapping[str, Any], keys: Keys | None, features: frozenset[str]
) -> dict[str, Any]:
    """The answer.

    Args:
        query: any.
        parameters: values by name.
        keys: those of `partition_keys`.
        features: what the client says that it can do, of the names that the service has for it.

    Raises:
        ServiceError: the client could not do what remains for it.
    """
    aggregate = aggregate_of(query)
    for needed, feature in (
        (query.group_by, "GroupBy"),
        (_has_other_aggregates(query), "NonValueAggregate"),
        (len(query.order_by) > 1, "MultipleOrderBy"),
        (query.distinct, "Distinct"),
        (query.limit is not None, "OffsetAndLimit"),
    ):
        if needed and feature not in features:
            raise ServiceError(400, SUPPORT_NEEDED.format(feature))
    if keys is not None and len(keys) == 1 and not (aggregate or query.distinct):
        # One partition does it all, but for TOP, which is harmless to repeat.
        query = replace(query, order_by=(), offset=None, limit=None)
    distinct = _distinct_type(query)
    info: dict[str, Any] = {
        "distinctType": distinct,
        "top": _count(query.top, parameters),
        "offset": _count(query.offset, parameters),
        "limit": _count(query.limit, parameters),
        "orderBy": ["Descending" if key.descending else "Ascending" for key in query.order_by],
        "orderByExpressions": [show(key.expression) for key in query.order_by],
        "groupByExpressions": [],
        "groupByAliases": [],
        "aggregates": [AGGREGATE_NAMES[aggregate]] if aggregate else [],
        "groupByAliasToAggregateType": {},
        "rewrittenQuery": _rewritten(query, parameters, aggregate),
        "hasSelectValue": isinstance(query.select, nodes.Value),
        "dCountInfo": None,
        "hasNonStreamingOrderBy": False,
    }
    return {
        "partitionedQueryExecutionInfoVersion": 2,
        "queryInfo": info,
        "queryRanges": [ALL] if keys is None else [_point(key) for key in keys],
    }


def _point(key: tuple[Any, ...]) -> dict[str, Any]:
    at = effective_key(key)
    return {"min": at, "max": at, "isMinInclusive": True, "isMaxInclusive": True}


def _count(node: nodes.Expression | None, parameters: Mapping[str, Any]) -> int | None:
    return None if node is None else count_of(node, parameters)


def _distinct_type(query: nodes.Query) -> str:
    if not query.distinct:
        return "None"
    match query.select:
        case nodes.Value(expression):
            chosen = [expression]
        case nodes.Fields(items):
            chosen = [expression for expression, _ in items]
        case _:
            chosen = []
    ordered = [show(key.expression) for key in query.order_by]
    return "Ordered" if ordered and ordered == [show(one) for one in chosen] else "Unordered"


def _rewritten(query: nodes.Query, parameters: Mapping[str, Any], aggregate: str | None) -> str:
    bare = replace(query, offset=None, limit=None)
    if aggregate:
        assert isinstance(query.select, nodes.Value)
        partial = _partial(aggregate, query.select.expression)
        return show_query(replace(bare, top=None, select=nodes.Value(partial)))
    paged = query.limit is not None and not query.distinct
    if paged:
        both = (_count(query.offset, parameters) or 0) + (_count(query.limit, parameters) or 0)
        bare = replace(bare, offset=nodes.Literal(0), limit=nodes.Literal(both))
    if query.order_by:
        return _ordered(replace(bare, distinct=False))
    if query.distinct and (query.top is not None or query.limit is not None):
        return show_query(replace(bare, top=None))
    return show_query(bare) if paged else ""


def _partial(aggregate: str, call: nodes.Expression) -> nodes.Expression:
    """What each partition is asked for in place of an aggregate."""
    assert isinstance(call, nodes.Call)

    def again(name: str) -> nodes.Expression:
        return nodes.Call(name, call.arguments)

    fields: list[tuple[str, nodes.Expression]] = [("item", call)]
    if aggregate == "AVG":
        parts = nodes.ObjectOf((("sum", again("SUM")), ("count", again("COUNT"))))
        fields = [("item", parts)]
    elif aggregate in ("MIN", "MAX"):
        parts = nodes.ObjectOf(((aggregate.lower(), call), ("count", again("COUNT"))))
        fields.append(("item2", parts))
    return nodes.ArrayOf((nodes.ObjectOf(tuple(fields)),))


def _ordered(query: nodes.Query) -> str:
    alias = nodes.Name(query.sources[0].alias)
    items = nodes.ArrayOf(
        tuple(nodes.ObjectOf((("item", key.expression),)) for key in query.order_by)
    )
    condition = "" if query.where is None else f"{show(query.where)} AND "
    where = f"({FILTER})"
    payload: nodes.Expression = alias
    if isinstance(query.select, nodes.Value):
        payload = query.select.expression
        where = f"({where} AND IS_DEFINED({show(payload)}))"
    elif isinstance(query.select, nodes.Fields):
        fields = query.select.items
        values = (expression for expression, _ in fields)
        payload = nodes.ObjectOf(tuple(zip(field_names(fields), values, strict=True)))
    if condition:
        where = f"({condition}{where})"
    rid = nodes.Index(alias, nodes.Literal("_rid"), dotted=True)
    chosen = nodes.Fields(((rid, None), (items, "orderByItems"), (payload, "payload")))
    return show_query(replace(query, select=chosen), where=where)
