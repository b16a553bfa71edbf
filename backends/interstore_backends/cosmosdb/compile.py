"""From queries to Cosmos DB's SQL: streams of items, each in one order of its own.

The service sorts by one property as it is, by several only with a composite index, and its client
merges partitions only where all values of a property are of one class. So a query becomes
streams, in each of which every sort key has one class. Streams follow one another where the
first key's class decides; those that remain together are merged. Pure: the same query, the same
text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from typing import Any, Final, Literal, TypeAlias

from interstore.document import Document
from interstore.errors import UnsupportedError
from interstore.filters.tree import ALL, Node
from interstore.indexes import IndexType
from interstore.paths import Envelope, Path, Reference, resolve, show_path
from interstore.prepared import Position, Query, SortKey
from interstore_backends.cosmosdb.conditions import Conditions, Parameters
from interstore_backends.cosmosdb.keys import ENVELOPE_FIELDS, value_expression

__all__ = [
    "Class",
    "Statement",
    "Stream",
    "compile_all",
    "compile_by_ids",
    "compile_count",
    "compile_exists",
    "compile_scan",
    "compile_streams",
    "is_sorted_by",
    "ordered",
    "where",
]

Class: TypeAlias = Literal["null", "number", "string", "false", "true", "envelope"]
"""What the values of one sort key in one stream are; ``"null"`` is missing values, arrays and
objects as well."""

_RANKS: Final[Mapping[Class, int]] = {"null": 0, "number": 1, "string": 2, "false": 3, "true": 4}
_UNDECLARED: Final[tuple[Class, ...]] = ("null", "number", "string", "false", "true")
_DECLARED: Final[Mapping[IndexType, tuple[Class, ...]]] = {
    "number": ("null", "number"),
    "string": ("null", "string"),
    "bool": ("null", "false", "true"),
}
_CONSTANT: Final[frozenset[Class]] = frozenset({"null", "false", "true"})
_ATTRIBUTES: Final = {
    Envelope.VERSION: "version",
    Envelope.CREATED_AT: "created",
    Envelope.UPDATED_AT: "updated",
    Envelope.EXPIRES_AT: "expires",
}
_ID: Final = ENVELOPE_FIELDS[Envelope.ID]


@dataclass(frozen=True, slots=True)
class Statement:
    """A query and its operands, as the client takes them."""

    sql: str
    parameters: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Stream:
    """Documents of which each sort key has one class.

    Attributes:
        tree: the filter.
        order: the whole order, ending with the id.
        classes: of each key of `order` but the id.
        after: only what comes after this position of the order.
        loose: it is sorted by one path for which no composite index is known to be there, so
            documents that are equal there come in any order.
    """

    tree: Node
    order: tuple[SortKey, ...]
    classes: tuple[Class, ...]
    after: Position | None
    loose: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing in it can come after the position."""
        return self.after is not None and not self._after(Parameters())

    def statement(self, limit: int | None, equal: Any = None) -> Statement:
        """The query for the first documents of the stream.

        Args:
            limit: at most so many; ``None`` for all.
            equal: of a loose stream only those with this value, sorted by id.
        """
        parameters = Parameters()
        terms = [*self._filter(parameters), *self._of_classes()]
        if self.after is not None:
            after = self._after(parameters)
            if "true" not in after:
                terms.append(f"({' OR '.join(after)})")
        sorted_by = [key for key, kind in self._keys() if kind not in _CONSTANT]
        if equal is not None:
            terms.append(f"{_expression(sorted_by[0].path)} = {parameters.bind(equal)}")
            sorted_by = []
        if not (self.loose and sorted_by):
            sorted_by.append(self.order[-1])
        return Statement(
            f"{_top(limit)}{where(terms)}{ordered(sorted_by)}",
            parameters.values,
        )

    def value(self, document: Document) -> Any:
        """What a document of a loose stream is sorted by."""
        path = self.order[0].path
        if isinstance(path, Envelope):
            return getattr(document, _ATTRIBUTES[path])
        return resolve(document, path)

    def _keys(self) -> list[tuple[SortKey, Class]]:
        return list(zip(self.order[:-1], self.classes, strict=True))

    def _filter(self, parameters: Parameters) -> list[str]:
        return [] if self.tree == ALL else [Conditions(parameters).condition(self.tree)]

    def _of_classes(self) -> list[str]:
        return [
            _TESTS[kind].format(_expression(key.path))
            for key, kind in self._keys()
            if kind != "envelope"
        ]

    def _after(self, parameters: Parameters) -> list[str]:
        """Conditions of which one must hold for what comes after the position.

        ``["true", ...]`` if all does, none if nothing can.
        """
        assert self.after is not None
        terms: list[str] = []
        equal: list[str] = []
        for (key, kind), value in zip(self._keys(), self.after[:-1], strict=True):
            there: Class = "envelope" if kind == "envelope" else _class_of(value)
            if kind != there:
                if (_RANKS[kind] > _RANKS[there]) != key.descending:
                    terms.append(" AND ".join(equal) or "true")
                return terms
            if kind not in _CONSTANT:
                expression, operand = _expression(key.path), parameters.bind(value)
                terms.append(" AND ".join([*equal, f"{expression} {_sign(key)} {operand}"]))
                equal.append(f"{expression} = {operand}")
        key = self.order[-1]
        operand = parameters.bind(self.after[-1])
        terms.append(" AND ".join([*equal, f"{_ID} {_sign(key)} {operand}"]))
        return terms


def compile_streams(
    query: Query,
    declared: Mapping[Path, IndexType],
    sorted_paths: Collection[tuple[Reference, ...]],
) -> list[list[Stream]]:
    """The streams of a query: the groups follow one another, those of a group are merged.

    Args:
        query: what is asked for.
        declared: paths of which all values are known to be of one class, or null.
        sorted_paths: the paths of each composite index.

    Raises:
        UnsupportedError: the order is by several paths, or directions, without an index.
    """
    order = query.order
    keys = order[:-1]
    users = [key.path for key in keys if not isinstance(key.path, Envelope)]
    indexed = is_sorted_by(order, sorted_paths)
    if not indexed and len(keys) > 1:
        raise _not_sortable(keys, users)
    loose = not indexed and bool(keys)
    # By one path alone, no answer depends on the declared type, so what was written by those
    # who did not know of it is there as well.
    types = declared if len(keys) > 1 else {}
    classes = [_classes(key, types) for key in keys]
    streams = [
        Stream(query.tree, order, combination, query.after, loose and _is_sorted(combination))
        for combination in product(*classes)
    ]
    return [
        [stream for stream in group if not stream.is_empty]
        for _, group in groupby(streams, key=lambda stream: stream.classes[:1])
    ]


def _is_sorted(classes: Sequence[Class]) -> bool:
    """Whether the documents of a stream differ in what they are sorted by."""
    return not _CONSTANT.issuperset(classes)


def is_sorted_by(order: Sequence[SortKey], sorted_paths: Collection[tuple[Reference, ...]]) -> bool:
    """Whether the id alone, or a composite index, is in this order."""
    *keys, last = order
    if any(key.descending != last.descending for key in keys):
        return False
    return not keys or tuple(key.path for key in keys) in sorted_paths


def compile_all(tree: Node) -> Statement:
    """The query for all documents that match, in no order."""
    return _compile_about("SELECT *", tree)


def compile_scan(after: str | None, limit: int, tree: Node = ALL) -> Statement:
    """The query for the first documents with greater ids, by id."""
    position = None if after is None else (after,)
    return Stream(tree, (SortKey(Envelope.ID),), (), position).statement(limit)


def compile_by_ids(ids: Sequence[str]) -> Statement:
    """The query for items by id, as items have it."""
    parameters = Parameters()
    listed = ", ".join([parameters.bind(id) for id in ids])
    return Statement(f'SELECT * FROM c WHERE c["id"] IN ({listed})', parameters.values)


def compile_count(tree: Node) -> Statement:
    """The query for a number: of the documents that match."""
    return _compile_about("SELECT VALUE COUNT(1)", tree)


def compile_exists(tree: Node) -> Statement:
    """The query for a number, if any document matches."""
    return _compile_about("SELECT TOP 1 VALUE 1", tree)


def _compile_about(what: str, tree: Node) -> Statement:
    parameters = Parameters()
    terms = [] if tree == ALL else [Conditions(parameters).condition(tree)]
    return Statement(f"{what} FROM c{where(terms)}", parameters.values)


def _classes(key: SortKey, declared: Mapping[Path, IndexType]) -> tuple[Class, ...]:
    if key.path is Envelope.EXPIRES_AT:
        return ("string", "null") if key.descending else ("null", "string")
    if isinstance(key.path, Envelope):
        return ("envelope",)
    kind = declared.get(key.path)
    classes = _UNDECLARED if kind is None else _DECLARED[kind]
    return classes[::-1] if key.descending else classes


_TESTS: Final[Mapping[Class, str]] = {
    "null": "(NOT IS_DEFINED({0}) OR IS_NULL({0}) OR IS_ARRAY({0}) OR IS_OBJECT({0}))",
    "number": "IS_NUMBER({0})",
    "string": "IS_STRING({0})",
    "false": "{0} = false",
    "true": "{0} = true",
}


def _class_of(value: Any) -> Class:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "string" if isinstance(value, str) else "number"


def _expression(path: Reference) -> str:
    return ENVELOPE_FIELDS[path] if isinstance(path, Envelope) else value_expression("c", path)


def _sign(key: SortKey) -> str:
    return "<" if key.descending else ">"


def _direction(key: SortKey) -> str:
    return " DESC" if key.descending else ""


def _top(limit: int | None) -> str:
    return "SELECT * FROM c" if limit is None else f"SELECT TOP {int(limit)} * FROM c"


def where(terms: Sequence[str]) -> str:
    """The clause for what all of these conditions meet; nothing for none."""
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def ordered(keys: Iterable[SortKey]) -> str:
    """The clause for an order."""
    return " ORDER BY " + ", ".join(_expression(key.path) + _direction(key) for key in keys)


def _not_sortable(keys: Sequence[SortKey], users: Sequence[Path]) -> UnsupportedError:
    shown = ", ".join(("-" if key.descending else "") + show_path(key.path) for key in keys)
    paths = ", ".join(repr(show_path(path)) for path in users)
    if len({key.descending for key in keys}) > 1:
        cure = "sort by all of them in one direction"
    elif len(users) < len(keys):
        cure = "sort by fields of the document only, or by one of the envelope"
    else:
        cure = f"ensure_index(model, {paths}, type=...) makes one"
    return UnsupportedError(
        f"cosmosdb sorts by several paths ({shown}) only where there is an index of just these, "
        f"with declared types: {cure}",
        backend="cosmosdb",
    )
