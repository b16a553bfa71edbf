"""Groups and figures over documents: the reference, and what core computes itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import fsum
from typing import Any, Final, Literal, TypeAlias

from interstore.document import Document
from interstore.filters.evaluate import compile_filter, document_getter
from interstore.filters.order import order_key, sort_value
from interstore.filters.tree import ALL, Node, Scalar
from interstore.paths import MISSING, Reference
from interstore.prepared import SortKey

__all__ = ["Aggregation", "Figure", "aggregate", "distinct_values"]

FigureKind: TypeAlias = Literal["count", "sum", "avg", "min", "max"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of each group.

    count: the documents, or with a path those where the value is neither missing nor null.
    sum, avg: over the numbers at the path; of none, the sum is 0 and the average null.
    min, max: the first and last in sort order of the scalars at the path other than null;
    of none, null.
    """

    kind: FigureKind
    path: Reference | None


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What `aggregate` is asked for.

    Attributes:
        tree: which documents.
        group_by: name in the rows and path; a missing value, an array and an object count
            as null. Without, all documents are one group, even if there are none.
        figures: name in the rows and figure.
        having: which rows, as a filter on their names.
        sort: the order of the rows, by their names; then by the groups' values.
        limit: at most so many rows.
    """

    tree: Node
    group_by: tuple[tuple[str, Reference], ...]
    figures: tuple[tuple[str, Figure], ...]
    having: Node = ALL
    sort: tuple[SortKey, ...] = ()
    limit: int | None = None


def aggregate(documents: Iterable[Document], aggregation: Aggregation) -> list[dict[str, Any]]:
    """The rows for `documents`, which are those that match already."""
    getters = [document_getter(path) for _, path in aggregation.group_by]
    groups: dict[tuple[Any, ...], list[Document]] = {}
    for document in documents:
        values = tuple(_grouping(get(document)) for get in getters)
        # True == 1 in Python, but they are two groups.
        key = tuple((type(value) is bool, value) for value in values)
        groups.setdefault(key, []).append(document)
    if not groups and not aggregation.group_by:
        groups[()] = []
    rows = [_row(aggregation, key, members) for key, members in groups.items()]
    return _arrange(rows, aggregation)


def _grouping(value: Any) -> Scalar:
    return None if value is MISSING or isinstance(value, (list, dict)) else value


def _row(aggregation: Aggregation, key: tuple[Any, ...], members: list[Document]) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: value for (name, _), (_, value) in zip(aggregation.group_by, key, strict=True)
    }
    for name, figure in aggregation.figures:
        row[name] = _FIGURES[figure.kind](members, figure.path)
    return row


def _arrange(rows: list[dict[str, Any]], aggregation: Aggregation) -> list[dict[str, Any]]:
    names = [name for name, _ in aggregation.group_by]
    rows.sort(key=lambda row: tuple(sort_value(row[name]) for name in names))
    # Rows are no documents, but filters and sorts read them in the same way.
    matches, key = compile_filter(aggregation.having), order_key(aggregation.sort)
    wrapped = [Document(row, id="", version=0, created="", updated="") for row in rows]
    kept = [(document, row) for document, row in zip(wrapped, rows, strict=True)]
    kept = [pair for pair in kept if matches(pair[0])]
    if aggregation.sort:
        kept.sort(key=lambda pair: key(pair[0]))
    return [row for _, row in kept[: aggregation.limit]]


def distinct_values(documents: Iterable[Document], path: Reference) -> list[Scalar]:
    """The scalars at `path`, null included where one is explicit, each once, sorted."""
    get = document_getter(path)
    found: dict[tuple[bool, Any], Scalar] = {}
    for document in documents:
        value = get(document)
        if value is not MISSING and not isinstance(value, (list, dict)):
            found[type(value) is bool, value] = value
    return sorted(found.values(), key=sort_value)


def _values(members: list[Document], path: Reference | None) -> list[Any]:
    assert path is not None, "only count goes without a path"
    return [
        value
        for value in map(document_getter(path), members)
        if value is not MISSING and value is not None
    ]


def _numbers(members: list[Document], path: Reference | None) -> list[float]:
    return [v for v in _values(members, path) if type(v) is int or type(v) is float]


def _scalars(members: list[Document], path: Reference | None) -> list[Scalar]:
    return [v for v in _values(members, path) if not isinstance(v, (list, dict))]


def _count(members: list[Document], path: Reference | None) -> int:
    return len(members) if path is None else len(_values(members, path))


def _sum(members: list[Document], path: Reference | None) -> int | float:
    return _canonical(fsum(_numbers(members, path)))


def _avg(members: list[Document], path: Reference | None) -> int | float | None:
    numbers = _numbers(members, path)
    return _canonical(fsum(numbers) / len(numbers)) if numbers else None


def _min(members: list[Document], path: Reference | None) -> Scalar:
    return min(_scalars(members, path), key=sort_value, default=None)


def _max(members: list[Document], path: Reference | None) -> Scalar:
    return max(_scalars(members, path), key=sort_value, default=None)


def _canonical(number: float) -> int | float:
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


_FIGURES: Final[dict[FigureKind, Callable[[list[Document], Reference | None], Any]]] = {
    "count": _count,
    "sum": _sum,
    "avg": _avg,
    "min": _min,
    "max": _max,
}
