"""Hypothesis strategies for what `aggregate` is asked for, and what the reference answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

from interstore.aggregation import aggregate
from interstore.aggregation_parse import parse_aggregation
from interstore.document import Document
from interstore.filters.select import select
from interstore.prepared import Query
from interstore.testing.strategies import filters, paths, scalars

__all__ = ["aggregated", "aggregations"]

Strategy: TypeAlias = st.SearchStrategy[Any]

_ENVELOPE: Final = ("id", "@version", "@expires_at")
_paths: Final[Strategy] = st.one_of(paths, paths, paths, st.sampled_from(_ENVELOPE))
_figures: Final[Strategy] = st.one_of(
    st.just("count"),
    *[st.tuples(st.just(kind), _paths) for kind in ("count", "sum", "sum", "avg", "min", "max")],
)
_NAMES: Final = ("x", "y", "p", "q", "r")
_names: Final[Strategy] = st.sampled_from(_NAMES)
_having: Final[Strategy] = st.dictionaries(
    _names,
    st.one_of(
        scalars,
        st.fixed_dictionaries({"$gt": st.sampled_from((0, 1, 1.5, "", "a"))}),
        st.fixed_dictionaries({"$type": st.sampled_from(("null", "number", "string"))}),
    ),
    max_size=1,
)
_sort: Final[Strategy] = st.lists(
    _names.flatmap(lambda name: st.sampled_from((name, f"-{name}"))),
    max_size=2,
    unique_by=lambda key: key.removeprefix("-"),
)


def aggregations() -> Strategy:
    """Arguments of `aggregate`, by name."""
    return st.builds(
        lambda filter, groups, figures, having, sort, limit: {
            "filter": filter,
            "group_by": groups,
            "having": having,
            "sort": sort,
            "limit": limit,
            **figures,
        },
        st.none() | filters(),
        st.dictionaries(st.sampled_from(_NAMES[:2]), _paths, max_size=2),
        st.dictionaries(st.sampled_from(_NAMES[2:]), _figures, min_size=1, max_size=3),
        st.none() | _having,
        _sort,
        st.none() | st.integers(0, 3),
    )


def aggregated(documents: Iterable[Document], arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows that the reference gives.

    Raises:
        InvalidQueryError: a sum is beyond the largest number.
    """
    figures = dict(arguments)
    names = ("filter", "group_by", "having", "sort", "limit")
    filter, group_by, having, sort, limit = [figures.pop(name) for name in names]
    aggregation = parse_aggregation(filter, group_by, having, sort, limit, figures)
    return aggregate(select(documents, Query(aggregation.tree)), aggregation)
