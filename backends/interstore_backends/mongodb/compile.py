"""From queries to what MongoDB's `find` and `aggregate` take. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from interstore.filters.tree import Scalar
from interstore.paths import Envelope, Path, Reference
from interstore.prepared import Position, Query, SortKey
from interstore_backends.mongodb.conditions import (
    ENVELOPE_FIELDS,
    Filter,
    all_of,
    compile_filter,
)
from interstore_backends.mongodb.keys import ENVELOPE, field_path

__all__ = ["Find", "compile_query", "sort_expression"]

_INDEX_LIMIT: Final = 2**31 - 1


@dataclass(slots=True)
class Find:
    """A query, for `find` if it has a `sort`, else for `aggregate`.

    Attributes:
        filter: which documents.
        sort: fields and directions whose order in MongoDB is the order asked for.
        projection: the fields to return; ``None`` for all.
        stages: those of the aggregation after the filter.
    """

    filter: Filter
    sort: list[tuple[str, int]] = field(default_factory=list)
    projection: dict[str, int] | None = None
    stages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def pipeline(self) -> list[dict[str, Any]]:
        """The whole aggregation."""
        return [{"$match": self.filter}, *self.stages]


def compile_query(query: Query) -> Find:
    """The query's filter, position, order, and projection; for `aggregate`, its limits too."""
    condition = compile_filter(query.tree)
    projection = _projection(query.fields)
    order = query.order
    if all(isinstance(key.path, Envelope) for key in order):
        # Each of these fields has values of one class: MongoDB's own order is the order.
        fields = [(ENVELOPE_FIELDS[key.path], _sign(key)) for key in order]  # type: ignore[index]
        if query.after is not None:
            condition = all_of([_after(fields, query.after), condition])
        return Find(condition, fields, projection)
    return Find(condition, projection=projection, stages=_stages(query, order))


def _projection(fields: tuple[Path, ...] | None) -> dict[str, int] | None:
    """What is asked for, without paths that lie within others: MongoDB refuses these."""
    if fields is None:
        return None
    kept = [
        path
        for path in dict.fromkeys(fields)
        if not any(path != other and path[: len(other)] == other for other in fields)
    ]
    return {ENVELOPE: 1, **{field_path(path): 1 for path in kept}}


def _sign(key: SortKey) -> int:
    return -1 if key.descending else 1


def _after(fields: list[tuple[str, int]], position: Position) -> Filter:
    """Whether a document comes after a position, in the language of filters."""
    choices: list[Filter] = []
    equal: list[Filter] = []
    for (name, sign), value in zip(fields, position, strict=True):
        beyond = _beyond(name, sign, value)
        if beyond is not None:
            choices.append(all_of([*equal, beyond]))
        equal.append({name: value})
    return choices[0] if len(choices) == 1 else {"$or": choices}


def _beyond(name: str, sign: int, value: Scalar) -> Filter | None:
    """Null is less than all else, and no range has it."""
    if value is None:
        return {name: {"$ne": None}} if sign > 0 else None
    if sign > 0:
        return {name: {"$gt": value}}
    below: Filter = {name: {"$lt": value}}
    expires = ENVELOPE_FIELDS[Envelope.EXPIRES_AT]
    return {"$or": [below, {name: None}]} if name == expires else below


# Any other order: by keys that are computed, because MongoDB sorts arrays by their elements.


def _stages(query: Query, order: Sequence[SortKey]) -> list[dict[str, Any]]:
    names = [f"k{number}" for number in range(len(order))]
    keys = {name: sort_expression(key.path) for name, key in zip(names, order, strict=True)}
    stages: list[dict[str, Any]] = [{"$replaceWith": {"d": "$$ROOT", **keys}}]
    if query.after is not None:
        stages.append({"$match": {"$expr": _is_beyond(names, order, query.after)}})
    signs = {name: _sign(key) for name, key in zip(names, order, strict=True)}
    stages.append({"$sort": signs})
    if query.skip:
        stages.append({"$skip": query.skip})
    if query.limit is not None:
        stages.append({"$limit": query.limit})
    stages.append({"$replaceWith": "$d"})
    projection = _projection(query.fields)
    if projection is not None:
        stages.append({"$project": projection})
    return stages


def _is_beyond(names: list[str], order: Sequence[SortKey], position: Position) -> dict[str, Any]:
    """The same as `_after` of computed keys, which compare in BSON's own total order."""
    choices: list[Filter] = []
    equal: list[Filter] = []
    for name, key, value in zip(names, order, position, strict=True):
        pair: list[Any] = [f"${name}", {"$literal": value}]
        beyond: Filter = {"$lt" if key.descending else "$gt": pair}
        choices.append({"$and": [*equal, beyond]})
        equal.append({"$eq": pair})
    return {"$or": choices}


def sort_expression(path: Reference) -> Any:
    """What a document sorts by: the scalar at the path, null for anything else."""
    if isinstance(path, Envelope):
        return {"$ifNull": [f"${ENVELOPE_FIELDS[path]}", None]}
    value = "$" + field_path(path) if _is_keys(path) else _entering(path)
    container = {"$in": [{"$type": "$$v"}, ["array", "object", "missing"]]}
    return {"$let": {"vars": {"v": value}, "in": {"$cond": [container, None, "$$v"]}}}


def _is_keys(path: Path) -> bool:
    """Whether it needs no care: where it meets an array, MongoDB gives an array, never a scalar."""
    return all(isinstance(step, str) for step in path)


def _entering(path: Path) -> Any:
    """The value at a path with indexes, step by step; null where there is none."""
    value: Any = "$" + field_path(path[:1])
    for step in path[1:]:
        if isinstance(step, str):
            within: Any = {
                "$cond": [{"$isArray": "$$o"}, None, "$$o." + field_path((step,), at_root=False)]
            }
        elif step > _INDEX_LIMIT:
            return None
        else:
            within = {"$cond": [{"$isArray": "$$o"}, {"$arrayElemAt": ["$$o", step]}, None]}
        value = {"$let": {"vars": {"o": value}, "in": within}}
    return value
