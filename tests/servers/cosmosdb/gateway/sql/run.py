"""Queries over items: which rows there are, in which order, and what each gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from tests.servers.cosmosdb.gateway.ordering import Ordered
from tests.servers.cosmosdb.gateway.sql import nodes
from tests.servers.cosmosdb.gateway.sql.evaluate import Common, Compiler, Function, Names
from tests.servers.cosmosdb.gateway.sql.functions import AGGREGATES
from tests.servers.cosmosdb.gateway.sql.grouping import check_grouping
from tests.servers.cosmosdb.gateway.sql.lexer import SqlError
from tests.servers.cosmosdb.gateway.sql.parser import parse
from tests.servers.cosmosdb.gateway.sql.sought import steps_of, values_at
from tests.servers.cosmosdb.gateway.sql.values import UNDEFINED, sort_key

__all__ = ["Position", "Prepared", "Row", "count_of", "prepare"]

Position: TypeAlias = list[Any]
"""Where a row stands in its partition: ORDER BY's values, the item's number, the row's."""

Items: TypeAlias = Iterable[tuple[int, Mapping[str, Any]]]


class Row(NamedTuple):
    value: Any
    position: Position


class _Place(NamedTuple):
    """What a row is sorted by, and the names that it has."""

    keys: list[Any]
    number: int
    row: int
    names: Names


@lru_cache(maxsize=2000)
def prepare(text: str) -> Prepared:
    """Raises SqlError."""
    return Prepared(parse(text))


class Prepared:
    """A query, ready to run over the items of one partition, or of one partition key.

    Attributes:
        query: its tree.
        grouped: whether its rows are of groups.
        is_parted: whether pages may have groups of some items each.
        resumable: whether it can begin after a position; otherwise rows are only counted.
    """

    def __init__(self, query: nodes.Query, outer: frozenset[str] | None = None) -> None:
        """Of a subquery, `outer` has the aliases around it."""
        check_grouping(query)
        self.query = query
        scope = outer or frozenset()
        self._sources: list[tuple[str, Function, bool]] = []
        for source in query.sources:
            # In a whole query the first is the container, whatever it is called there.
            whole = outer is None and not self._sources
            seen = scope | {_root_name(source.of)} if whole else scope
            of = Compiler(_compile_subquery, seen).compile(source.of)
            self._sources.append((source.alias, of, source.each))
            scope |= {source.alias}
        compiler = Compiler(_compile_subquery, scope)
        self._where = None if query.where is None else compiler.compile(query.where)
        self._group = [compiler.compile(one) for one in query.group_by]
        self._keys = [(compiler.compile(key.expression), key.descending) for key in query.order_by]
        chooser = Compiler(_compile_subquery, scope, allow_aggregates=True)
        self._select = _selector(query, chooser)
        self._aggregates = chooser.aggregates
        self.grouped = bool(self._aggregates or query.group_by)
        self.resumable = not (self.grouped or query.distinct)
        bounded = query.top is not None or query.limit is not None
        self.is_parted = self.grouped and not (query.distinct or query.order_by or bounded)

    def rows(
        self,
        items: Items,
        parameters: Mapping[str, Any],
        *,
        after: Position | None = None,
        drop_undefined_keys: bool = False,
        are_sorted: bool = False,
    ) -> Iterator[Row]:
        """In order, beginning after a position.

        Args:
            items: with their numbers, ascending; begin after that of the position for a query
                without ORDER BY.
            parameters: values by name, with the `@`.
            after: of the last row that is not wanted again.
            drop_undefined_keys: leave out items in which what ORDER BY names is not there.
            are_sorted: the items come in the order of `ordered` already.
        """
        common: Names = {"@": Common(parameters)}
        places: Iterable[_Place] = self._places(items, common, drop_undefined_keys)
        if self._keys:
            if not are_sorted:
                places = self._sorted(places)
            if after is not None:
                last = _Place(_from_json(after[0]), after[1], after[2], {})
                places = (place for place in places if self._compare(place, last) > 0)
        elif after is not None:
            places = _after(places, (after[1], after[2]))
        if self.grouped:
            yield from self._groups(places, common)
            return
        for place in places:
            value = self._select(place.names)
            if value is not UNDEFINED:
                yield Row(value, [_to_json(place.keys), place.number, place.row])

    def ordered(self, parameters: Mapping[str, Any]) -> Ordered | None:
        """The order of its items, where an index can have it; else ``None``."""
        query = self.query
        if not query.order_by or len(query.sources) != 1 or query.sources[0].each:
            return None
        alias = query.sources[0].alias
        paths = [steps_of(key.expression) for key in query.order_by]
        descending = {key.descending for key in query.order_by}
        if len(descending) > 1 or any(path is None or path[0] != alias for path in paths):
            return None
        found = tuple(path[1:] for path in paths if path is not None)
        first = None
        if query.where is not None:
            first = values_at(query.where, (alias, *found[0]), parameters)
        only = first if first is not None and len(first) == 1 else ()
        return Ordered(found, descending.pop(), only)

    def finished(
        self, rows: Iterator[Row], parameters: Mapping[str, Any], emitted: int = 0
    ) -> Iterator[Row]:
        """Without what DISTINCT, TOP, OFFSET and LIMIT leave out.

        Args:
            rows: those of `rows`.
            parameters: those given to it.
            emitted: how many were given on earlier pages, for a query that is resumable.
        """
        query = self.query
        if query.distinct:
            rows = _distinct(rows)
        if query.top is not None:
            rows = islice(rows, max(0, count_of(query.top, parameters) - emitted))
        if query.limit is not None:
            assert query.offset is not None
            skipped = count_of(query.offset, parameters) if not emitted else 0
            left = max(0, count_of(query.limit, parameters) - emitted)
            rows = islice(rows, skipped, skipped + left)
        return rows

    def meets(self, item: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
        """Whether one item is among its rows."""
        return next(self.rows([(0, item)], parameters), None) is not None

    def _places(self, items: Items, common: Names, drop_undefined_keys: bool) -> Iterator[_Place]:
        where, keys = self._where, self._keys
        for number, item in items:
            for index, names in enumerate(self._bound(item, common)):
                if where is not None and where(names) is not True:
                    continue
                values = [key(names) for key, _ in keys]
                if drop_undefined_keys and UNDEFINED in values:
                    continue
                yield _Place(values, number, index, names)

    def _bound(self, item: Mapping[str, Any], common: Names) -> Sequence[Names]:
        """The rows of FROM and JOIN."""
        if not self._sources:
            return [common]
        alias, of, each = self._sources[0]
        value = of({**common, _root_name(self.query.sources[0].of): item})
        rows = [{**common, alias: one} for one in _elements(value, each)]
        return self._joined(rows, self._sources[1:])

    @staticmethod
    def _joined(
        rows: Sequence[Names], sources: Iterable[tuple[str, Function, bool]]
    ) -> Sequence[Names]:
        for alias, of, each in sources:
            rows = [{**row, alias: one} for row in rows for one in _elements(of(row), each)]
        return rows

    def subrows(self, names: Names) -> list[Any]:
        """As a subquery: over what its FROM names outside of it."""
        found = self._joined([names], self._sources)
        where = self._where
        places: Iterable[_Place] = (
            _Place([key(row) for key, _ in self._keys], 0, index, row)
            for index, row in enumerate(found)
            if where is None or where(row) is True
        )
        if self._keys:
            places = self._sorted(places)
        if self.grouped:
            rows = self._groups(places, names)
        else:
            values = (self._select(place.names) for place in places)
            rows = iter([Row(value, []) for value in values if value is not UNDEFINED])
        return [row.value for row in self.finished(rows, names["@"].parameters)]

    def _sorted(self, places: Iterable[_Place]) -> list[_Place]:
        """The last key first, since a sort leaves ties as they were."""
        found = list(places)
        for index, (_, descending) in reversed(list(enumerate(self._keys))):
            found.sort(key=partial(_sort_key, index), reverse=descending)
        return found

    def _compare(self, left: _Place, right: _Place) -> int:
        """Ties in the order of the items."""
        for (_, descending), one, other in zip(self._keys, left.keys, right.keys, strict=True):
            a, b = sort_key(one), sort_key(other)
            if a != b:
                return (1 if a > b else -1) * (-1 if descending else 1)
        a, b = (left.number, left.row), (right.number, right.row)
        return (a > b) - (a < b)

    def _groups(self, places: Iterable[_Place], common: Names) -> Iterator[Row]:
        # Without GROUP BY there is one, however few its rows are.
        groups: dict[str, list[Names]] = {} if self._group else {"[]": []}
        for place in places:
            key = json.dumps([_key_json(one(place.names)) for one in self._group], sort_keys=True)
            groups.setdefault(key, []).append(place.names)
        for names in groups.values():
            results = {
                f"#{index}": AGGREGATES[name](argument(one) for one in names)
                for index, (name, argument) in enumerate(self._aggregates)
            }
            value = self._select({**(names[0] if names else common), **results})
            if value is not UNDEFINED:
                yield Row(value, [])


def _sort_key(index: int, place: _Place) -> tuple[int, Any]:
    return sort_key(place.keys[index])


def _after(places: Iterable[_Place], passed: tuple[int, int]) -> Iterator[_Place]:
    return (place for place in places if (place.number, place.row) > passed)


def _root_name(of: nodes.Expression) -> str:
    """`c` of `c.a.b`."""
    while isinstance(of, nodes.Index):
        of = of.of
    return of.name if isinstance(of, nodes.Name) else ""


def _elements(value: Any, each: bool) -> list[Any]:
    """What is no array has no elements."""
    if each:
        return value if isinstance(value, list) else []
    return [] if value is UNDEFINED else [value]


def _compile_subquery(query: nodes.Query, scope: frozenset[str]) -> Callable[[Names], list[Any]]:
    return Prepared(query, scope).subrows


def _selector(query: nodes.Query, compiler: Compiler) -> Function:
    match query.select:
        case nodes.Star():
            if len(query.sources) != 1:
                raise SqlError("'SELECT *' is only valid with a single input set.", "SC2040")
            return compiler.compile(nodes.Name(query.sources[0].alias))
        case nodes.Value(expression):
            return compiler.compile(expression)
        case nodes.Fields(items):
            named = tuple(
                (name, expression)
                for name, (expression, _) in zip(field_names(items), items, strict=True)
            )
            return compiler.compile(nodes.ObjectOf(named))


def field_names(items: tuple[tuple[nodes.Expression, str | None], ...]) -> list[str]:
    """An alias, or the last key of a path, or `$1`, `$2` …."""
    names, unnamed = [], 0
    for expression, alias in items:
        if alias is not None:
            names.append(alias)
        elif isinstance(expression, nodes.Name):
            names.append(expression.name)
        elif (
            isinstance(expression, nodes.Index)
            and isinstance(expression.at, nodes.Literal)
            and isinstance(expression.at.value, str)
        ):
            names.append(expression.at.value)
        else:
            unnamed += 1
            names.append(f"${unnamed}")
    return names


def _distinct(rows: Iterator[Row]) -> Iterator[Row]:
    seen = set()
    for row in rows:
        key = json.dumps(row.value, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield row


def count_of(node: nodes.Expression, parameters: Mapping[str, Any]) -> int:
    """The number of TOP, OFFSET or LIMIT; raises SqlError if the parameter is none."""
    value = node.value if isinstance(node, nodes.Literal) else None
    if isinstance(node, nodes.Parameter):
        value = parameters.get(node.name)
    if type(value) is not int or value < 0:
        raise SqlError("The count value provided for a TOP clause must be an integer.", "SC2060")
    return value


def _key_json(value: Any) -> Any:
    return [] if value is UNDEFINED else [value]


def _to_json(values: list[Any]) -> list[Any]:
    return [_key_json(value) for value in values]


def _from_json(values: list[Any]) -> list[Any]:
    return [value[0] if value else UNDEFINED for value in values]
