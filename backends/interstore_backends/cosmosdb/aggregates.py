"""From an aggregation to a query for each partition, and from their rows to groups. Pure.

A page of a partition has the groups of the items that it is about, so a group comes many times:
with each page of each partition. Each time it has partial figures, which are put together here.

Groups are by the values as they are, whatever they are: only plain properties are sure to be
allowed in both GROUP BY and SELECT. What an aggregate is about has one class, so that no answer
depends on how the service orders, adds or ignores values of several.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from interstore.aggregation import Aggregation, Figure, Group
from interstore.filters.order import sort_value
from interstore.filters.tree import ALL, Node, Scalar
from interstore.paths import Envelope, Reference
from interstore.pushdown import canonical, sum_of
from interstore_backends.cosmosdb.compile import Statement, where
from interstore_backends.cosmosdb.conditions import Conditions, Parameters
from interstore_backends.cosmosdb.keys import (
    ENVELOPE,
    ENVELOPE_FIELDS,
    object_expression,
    root_key,
    value_expression,
)

__all__ = ["Grouped", "compile_aggregation", "compile_distinct", "compile_values", "scalar_of"]

_MOST_AGGREGATES: Final = 21
"""In a query with GROUP BY over several partitions, by the documentation."""

_BITS: Final = 31
_UNIT: Final = 2**_BITS
"""A fraction goes as two parts of so many bits: with both, it is still less than 2**63."""
_EXACT: Final = 2**53
"""Integers add up exactly in a double as long as no sum of some of them is beyond."""

_DOCUMENTS: Final = "COUNT(1)"

Row: TypeAlias = Mapping[str, Any]
"""What a partition says of a group: keys as `k0`, aggregates as `a0`, each if it is defined."""


class _Unsure(Exception):
    """Only core can tell."""


def compile_distinct(path: Reference, tree: Node) -> Statement:
    """The query for the scalars at a path: each once in a page."""
    value = _expression(path)
    parameters = Parameters()
    terms = _terms(tree, parameters)
    terms.append(f"IS_PRIMITIVE({value})")
    return Statement(f"SELECT DISTINCT VALUE {value} FROM c{where(terms)}", parameters.values)


def compile_aggregation(aggregation: Aggregation) -> Grouped | None:
    """The query for the groups; ``None`` if it asks for more than the service gives at once."""
    keys = [_expression(path) for _, path in aggregation.group_by]
    aggregates = [_DOCUMENTS]
    for _, figure in aggregation.figures:
        aggregates += _needed(figure)
    names = {each: f"a{n}" for n, each in enumerate(dict.fromkeys(aggregates))}
    if len(names) > _MOST_AGGREGATES:
        return None
    chosen = [f"{key} AS k{n}" for n, key in enumerate(keys)]
    chosen += [f"{each} AS {name}" for each, name in names.items()]
    parameters = Parameters()
    sql = f"SELECT {', '.join(chosen)} FROM c{where(_terms(aggregation.tree, parameters))}"
    if keys:
        sql += f" GROUP BY {', '.join(dict.fromkeys(keys))}"
    return Grouped(Statement(sql, parameters.values), aggregation, names)


def compile_values(
    references: Iterable[Reference], tree: Node, after: str | None, limit: int
) -> Statement:
    """The query for the first documents with greater ids: what these paths begin with, no more."""
    roots = {path[0] for path in references if not isinstance(path, Envelope)}
    keys = [root_key(key) for key in sorted(root for root in roots if isinstance(root, str))]
    chosen = object_expression("c", ["_rid", "id", ENVELOPE, *keys])
    parameters = Parameters()
    terms = _terms(tree, parameters)
    id = ENVELOPE_FIELDS[Envelope.ID]
    if after is not None:
        terms.append(f"{id} > {parameters.bind(after)}")
    sql = f"SELECT TOP {limit} VALUE {chosen} FROM c{where(terms)} ORDER BY {id}"
    return Statement(sql, parameters.values)


def _terms(tree: Node, parameters: Parameters) -> list[str]:
    return [] if tree == ALL else [Conditions(parameters).condition(tree)]


def _expression(path: Reference) -> str:
    return ENVELOPE_FIELDS[path] if isinstance(path, Envelope) else value_expression("c", path)


class _Value:
    """The aggregates about the values at one path."""

    def __init__(self, path: Reference) -> None:
        value = _expression(path)
        high = f"({value} - TRUNC({value})) * {_UNIT}"
        low = f"{high} * {_UNIT}"
        self._value = value
        self.given = _count(f"IS_DEFINED({value}) AND NOT IS_NULL({value})")
        self.numbers = _count(f"IS_NUMBER({value})")
        self.texts = _count(f"IS_STRING({value})")
        self.falses = _count(f"IS_BOOL({value}) AND {value} = false")
        self.trues = _count(f"IS_BOOL({value}) AND {value} = true")
        self.greatest = f"MAX(IS_NUMBER({value}) ? ABS({value}) : 0)"
        self.parts = [
            f"SUM(IS_NUMBER({value}) ? {part} : 0)"
            for part in (
                f"TRUNC({value})",
                f"TRUNC({high})",
                f"TRUNC({low}) - TRUNC({high}) * {_UNIT}",
            )
        ]
        self.longer = _count(f"IS_NUMBER({value}) AND {low} != TRUNC({low})")

    def extreme(self, function: str, test: str) -> str:
        """The least or greatest of one class."""
        return f"{function.upper()}({test}({self._value}) ? {self._value} : undefined)"


def _count(test: str) -> str:
    """Of documents; the test is true or false, never undefined."""
    return f"SUM(({test}) ? 1 : 0)"


def _needed(figure: Figure) -> list[str]:
    if figure.path is None:
        return [_DOCUMENTS]
    value = _Value(figure.path)
    if figure.kind == "count":
        return [value.given]
    if figure.kind in ("sum", "avg"):
        return [value.numbers, value.greatest, *value.parts, value.longer]
    extremes = [value.extreme(figure.kind, test) for test in ("IS_NUMBER", "IS_STRING")]
    return [value.numbers, value.texts, value.falses, value.trues, *extremes]


@dataclass(frozen=True, slots=True)
class Grouped:
    """A query for groups, and what its rows mean.

    Attributes:
        statement: the query.
        names: what the aggregates are called in rows.
    """

    statement: Statement
    aggregation: Aggregation
    names: Mapping[str, str]

    def groups(self, rows: Iterable[Row]) -> list[Group] | None:
        """The groups of all rows, in any order; ``None`` if only core can tell.

        Raises:
            InvalidQueryError: a sum is beyond the largest number.
        """
        width = len(self.aggregation.group_by)
        parts: dict[tuple[Any, ...], list[Row]] = {} if width else {(): []}
        for row in rows:
            # Without GROUP BY, there is a row of no documents as well.
            if row[self.names[_DOCUMENTS]]:
                scalars = [scalar_of(row.get(f"k{n}")) for n in range(width)]
                # True == 1 in Python, but they are two groups.
                key = tuple([(type(scalar) is bool, scalar) for scalar in scalars])
                parts.setdefault(key, []).append(row)
        try:
            return [
                ([scalar for _, scalar in key], [self._figure(f, of) for _, f in self._figures])
                for key, of in parts.items()
            ]
        except (_Unsure, KeyError):
            return None

    @property
    def _figures(self) -> tuple[tuple[str, Figure], ...]:
        return self.aggregation.figures

    def _figure(self, figure: Figure, rows: Sequence[Row]) -> Any:
        if figure.path is None:
            return self._sum(_DOCUMENTS, rows)
        value = _Value(figure.path)
        if figure.kind == "count":
            return self._sum(value.given, rows)
        if figure.kind in ("sum", "avg"):
            return self._total(figure, value, rows)
        return self._extreme(figure, value, rows)

    def _sum(self, aggregate: str, rows: Iterable[Row]) -> int:
        name = self.names[aggregate]
        return sum(int(row[name]) for row in rows)

    def _total(self, figure: Figure, value: _Value, rows: Sequence[Row]) -> Any:
        numbers, greatest = self.names[value.numbers], self.names[value.greatest]
        for row in rows:
            if row[numbers] * max(row[greatest], _UNIT) > _EXACT:
                raise _Unsure
        if self._sum(value.longer, rows):
            raise _Unsure
        sums = [self._sum(part, rows) for part in value.parts]
        return sum_of(figure, self._sum(value.numbers, rows), sums, _BITS)

    def _extreme(self, figure: Figure, value: _Value, rows: Iterable[Row]) -> Scalar:
        found: list[Scalar] = []
        for row in rows:
            for test, count in (("IS_NUMBER", value.numbers), ("IS_STRING", value.texts)):
                if row[self.names[count]]:
                    found.append(scalar_of(row[self.names[value.extreme(figure.kind, test)]]))
            for scalar, count in ((False, value.falses), (True, value.trues)):
                if row[self.names[count]]:
                    found.append(scalar)
        choose = min if figure.kind == "min" else max
        return choose(found, key=sort_value, default=None)


def scalar_of(value: Any) -> Scalar:
    """What core has for a value of the service's; arrays and objects are as good as null."""
    if isinstance(value, (list, dict)):
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return canonical(value)
    given: Scalar = value
    return given
