"""From what a caller hands to `aggregate` to an `Aggregation`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from interstore.aggregation import Aggregation, Figure, FigureKind
from interstore.errors import InvalidQueryError
from interstore.filters.arguments import check_limit, parse_sort
from interstore.filters.parse import parse_filter
from interstore.filters.references import parse_path
from interstore.paths import Reference, show_path

__all__ = ["parse_aggregation"]

_KINDS = get_args(FigureKind)


def parse_aggregation(
    filter: Any, group_by: Any, having: Any, sort: Any, limit: Any, figures: Mapping[str, Any]
) -> Aggregation:
    """What `aggregate` was asked for.

    Raises:
        InvalidQueryError: a part of it is not of the language.
    """
    groups = _groups(group_by)
    parsed = tuple((name, _figure(name, figure)) for name, figure in figures.items())
    if not groups and not parsed:
        raise InvalidQueryError("aggregate needs group_by or a figure, as in total='count'")
    names = {name for name, _ in groups}
    for name, _ in parsed:
        if name in names:
            raise InvalidQueryError(f"aggregate: {name!r} names a group and a figure")
    return Aggregation(
        parse_filter(filter),
        groups,
        parsed,
        parse_filter(having),
        parse_sort(sort),
        check_limit(limit),
    )


def _groups(group_by: Any) -> tuple[tuple[str, Reference], ...]:
    if group_by is None:
        return ()
    if isinstance(group_by, (str, tuple)):
        group_by = [group_by]
    if isinstance(group_by, Mapping):
        return tuple((str(name), parse_path(path)) for name, path in group_by.items())
    if not isinstance(group_by, list):
        raise InvalidQueryError(
            f"group_by is a path, a list of paths or a mapping of names to paths, not "
            f"{group_by!r:.80}"
        )
    paths = [parse_path(path) for path in group_by]
    return tuple((show_path(path), path) for path in paths)


def _figure(name: str, figure: Any) -> Figure:
    if figure == "count":
        return Figure("count", None)
    if isinstance(figure, (tuple, list)) and len(figure) == 2 and figure[0] in _KINDS:
        kind, path = figure
        return Figure(kind, parse_path(path))
    raise InvalidQueryError(
        f"aggregate: {name}={figure!r:.80} is neither 'count' nor a pair of one of "
        f"{', '.join(_KINDS)} and a path"
    )
