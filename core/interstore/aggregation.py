"""Groups and figures over documents: the reference, and what core computes itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeAlias

from interstore.document import Document
from interstore.errors import InvalidQueryError
from interstore.filters.evaluate import compile_filter, document_getter
from interstore.filters.order import order_key, sort_value
from interstore.filters.tree import ALL, Node, Scalar
from interstore.paths import MISSING, Envelope, Path, Reference, show_path
from interstore.prepared import SortKey
from interstore.values import MAX_INTEGER

__all__ = [
    "Aggregation", "Aggregator", "Distinct", "Figure", "Group", "Total", "aggregate", "arrange",
    "distinct_scalars", "distinct_values", "fields_of",
]  # fmt: skip

FigureKind: TypeAlias = Literal["count", "sum", "avg", "min", "max"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of each group.

    count: the documents, or with a path those where the value is neither missing nor null.
    sum, avg: over the numbers at the path; of none, the sum is 0 and the average null. Both
    are exact, and rounded once, at the end: they do not depend on the order of documents.
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

    @property
    def references(self) -> list[Reference]:
        """Every path that is looked at, once."""
        grouped = [path for _, path in self.group_by]
        figured = [figure.path for _, figure in self.figures if figure.path is not None]
        return list(dict.fromkeys([*grouped, *figured]))


def fields_of(references: Iterable[Reference]) -> tuple[Path, ...] | None:
    """What to read of each document, for the values at these paths; ``None`` for all of it."""
    kept: list[Path] = []
    for reference in references:
        if isinstance(reference, Envelope):
            continue
        indexes = [place for place, step in enumerate(reference) if isinstance(step, int)]
        keys = reference[: indexes[0]] if indexes else reference
        if not keys:
            return None
        kept.append(keys)
    return tuple(p for p in dict.fromkeys(kept) if not any(p[:n] in kept for n in range(len(p))))


# Figures of one group.


class Total:
    """A sum of numbers that loses nothing, and how many there were.

    A double is a whole number of `2**-1074`, so the sum of any is an integer of such units.
    Python divides integers with one rounding, that to the nearest double.
    """

    __slots__ = ("_units", "_whole", "count")

    BITS: Final = 1074

    def __init__(self) -> None:
        self.count = 0
        self._whole = 0
        self._units = 0

    @classmethod
    def of(cls, count: int, parts: Sequence[int], bits: int) -> Total:
        """That of `count` numbers whose sum an engine has in parts.

        Args:
            count: how many numbers.
            parts: the first is a sum of integers; each of the others is one of units that
                are ``2**-bits`` of those before.
            bits: see there.
        """
        total = cls()
        total.count = count
        total._whole = parts[0]
        for place, part in enumerate(parts[1:], 1):
            total._units += part << (cls.BITS - place * bits)
        return total

    def add(self, value: Any) -> None:
        kind = type(value)
        if kind is int:
            self.count += 1
            self._whole += value
        elif kind is float:
            self.count += 1
            numerator, denominator = value.as_integer_ratio()
            self._units += numerator << (self.BITS + 1 - denominator.bit_length())

    def sum(self, path: Reference) -> int | float:
        """The sum; of nothing, 0."""
        return self._divided(1, "sum", path)

    def average(self, path: Reference) -> int | float | None:
        """The sum by the count; of nothing, ``None``."""
        return self._divided(self.count, "avg", path) if self.count else None

    def _divided(self, by: int, kind: str, path: Reference) -> int | float:
        units = (self._whole << self.BITS) + self._units
        try:
            number = units / (by << self.BITS)
        except OverflowError:
            raise InvalidQueryError(
                f"aggregate: the {kind} of {show_path(path)!r} is beyond 1.8e308, the largest "
                "number there is; leave the documents with such numbers out by the filter"
            ) from None
        whole = number.is_integer() and abs(number) <= MAX_INTEGER
        return int(number) if whole else number


class _Figuring(Protocol):
    """What a figure is computed with, value by value."""

    def add(self, value: Any) -> None:
        """Take in the value of one more document, or `MISSING`."""

    def result(self) -> Any:
        """The figure."""


class _Documents:
    """The number of documents."""

    __slots__ = ("_count",)

    def __init__(self, path: Reference | None) -> None:
        self._count = 0

    def add(self, value: Any) -> None:
        self._count += 1

    def result(self) -> int:
        return self._count


class _Values(_Documents):
    """The number of values other than null."""

    __slots__ = ()

    def add(self, value: Any) -> None:
        if value is not None and value is not MISSING:
            self._count += 1


class _Sum(Total):
    __slots__ = ("_path",)

    def __init__(self, path: Reference) -> None:
        super().__init__()
        self._path = path

    def result(self) -> int | float | None:
        return self.sum(self._path)


class _Average(_Sum):
    __slots__ = ()

    def result(self) -> int | float | None:
        return self.average(self._path)


class _Extreme:
    """The least scalar in sort order, or with `greatest` the last."""

    __slots__ = ("_best", "_greatest", "_key")

    def __init__(self, greatest: bool) -> None:
        self._greatest = greatest
        self._best: Scalar = None
        self._key: tuple[Any, ...] | None = None

    def add(self, value: Any) -> None:
        key = sort_value(value)
        if len(key) == 1:  # no scalar, or null
            return
        if self._key is None or (key > self._key if self._greatest else key < self._key):
            self._best, self._key = value, key

    def result(self) -> Scalar:
        return self._best


_FIGURES: Final[dict[FigureKind, Callable[[Any], _Figuring]]] = {
    "count": _Values,
    "sum": _Sum,
    "avg": _Average,
    "min": lambda _: _Extreme(greatest=False),
    "max": lambda _: _Extreme(greatest=True),
}


# Groups.

Group: TypeAlias = tuple[Sequence[Scalar], Sequence[Any]]
"""The values that a group has in common, and its figures."""


class Aggregator:
    """Takes documents in, any number at a time, and keeps the figures of groups alone."""

    def __init__(self, aggregation: Aggregation) -> None:
        self._aggregation = aggregation
        self._keys = [document_getter(path) for _, path in aggregation.group_by]
        figures = [figure for _, figure in aggregation.figures]
        self._values = [document_getter(each.path or Envelope.ID) for each in figures]
        self._groups: dict[tuple[Any, ...], list[_Figuring]] = {}
        if not self._keys:
            self._groups[()] = self._begin()

    def _begin(self) -> list[_Figuring]:
        return [
            _Documents(None) if figure.path is None else _FIGURES[figure.kind](figure.path)
            for _, figure in self._aggregation.figures
        ]

    def add(self, documents: Iterable[Document]) -> None:
        """Take in documents, which are those that match already."""
        for document in documents:
            values = [_grouping(get(document)) for get in self._keys]
            # True == 1 in Python, but they are two groups.
            key = tuple([(type(value) is bool, value) for value in values])
            figures = self._groups.get(key)
            if figures is None:
                figures = self._groups[key] = self._begin()
            for figure, get in zip(figures, self._values, strict=True):
                figure.add(get(document))

    def rows(self) -> list[dict[str, Any]]:
        """The rows that were asked for."""
        groups = (
            ([value for _, value in key], [figure.result() for figure in figures])
            for key, figures in self._groups.items()
        )
        return arrange(groups, self._aggregation)


def aggregate(documents: Iterable[Document], aggregation: Aggregation) -> list[dict[str, Any]]:
    """The rows for `documents`, which are those that match already."""
    aggregator = Aggregator(aggregation)
    aggregator.add(documents)
    return aggregator.rows()


def _grouping(value: Any) -> Scalar:
    return None if value is MISSING or isinstance(value, (list, dict)) else value


def arrange(groups: Iterable[Group], aggregation: Aggregation) -> list[dict[str, Any]]:
    """The rows of groups: those that `having` lets pass, in order, as many as asked for."""
    names = [name for name, _ in aggregation.group_by]
    figures = [name for name, _ in aggregation.figures]
    rows = [
        {**dict(zip(names, key, strict=True)), **dict(zip(figures, values, strict=True))}
        for key, values in groups
    ]
    rows.sort(key=lambda row: tuple([sort_value(row[name]) for name in names]))
    # Rows are no documents, but filters and sorts read them in the same way.
    matches, key = compile_filter(aggregation.having), order_key(aggregation.sort)
    wrapped = [Document(row, id="", version=0, created="", updated="") for row in rows]
    kept = [(document, row) for document, row in zip(wrapped, rows, strict=True)]
    kept = [pair for pair in kept if matches(pair[0])]
    if aggregation.sort:
        kept.sort(key=lambda pair: key(pair[0]))
    return [row for _, row in kept[: aggregation.limit]]


# Distinct values.


class Distinct:
    """Takes documents in, and keeps the scalars at a path, each once."""

    def __init__(self, path: Reference) -> None:
        self._get = document_getter(path)
        self._found: dict[tuple[bool, Any], Scalar] = {}

    def add(self, documents: Iterable[Document]) -> None:
        """Take in documents."""
        for document in documents:
            value = self._get(document)
            if value is not MISSING and not isinstance(value, (list, dict)):
                self._found[type(value) is bool, value] = value

    def values(self) -> list[Scalar]:
        """What was found, sorted."""
        return sorted(self._found.values(), key=sort_value)


def distinct_scalars(values: Iterable[Scalar]) -> list[Scalar]:
    """Each of them once, sorted."""
    return sorted(
        {(type(value) is bool, value): value for value in values}.values(), key=sort_value
    )


def distinct_values(documents: Iterable[Document], path: Reference) -> list[Scalar]:
    """The scalars at `path`, null included where one is explicit, each once, sorted."""
    distinct = Distinct(path)
    distinct.add(documents)
    return distinct.values()
