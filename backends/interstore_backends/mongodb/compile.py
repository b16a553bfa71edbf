"""From queries to what MongoDB's `find` and `aggregate` take. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from interstore.document import Document
from interstore.filters import tree as nodes
from interstore.filters.evaluate import CLASSES
from interstore.filters.tree import Node, Scalar
from interstore.indexes import IndexType
from interstore.paths import Envelope, Path, Reference
from interstore.prepared import Position, Query, SortKey
from interstore_backends.mongodb.conditions import (
    ENVELOPE_FIELDS,
    Filter,
    all_of,
    compile_filter,
)
from interstore_backends.mongodb.indexes import INDEXES, Declaration
from interstore_backends.mongodb.keys import ENVELOPE, field_path

__all__ = ["Find", "compile_query", "entering", "is_proof", "sort_expression", "sorts_by_fields"]

_INDEX_LIMIT: Final = 2**31 - 1


@dataclass(slots=True)
class Find:
    """A query, for `find` if it has a `sort`, else for `aggregate`.

    Attributes:
        filter: which documents.
        sort: fields and directions whose order in MongoDB is the order asked for.
        projection: the fields to return; ``None`` for all.
        stages: those of the aggregation after the filter.
        hint: the name of MongoDB's index without which the order may be another.
        is_guarded: whether a last document has to say that the order is right (`is_proof`).
    """

    filter: Filter
    sort: list[tuple[str, int]] = field(default_factory=list)
    projection: dict[str, int] | None = None
    stages: list[dict[str, Any]] = field(default_factory=list)
    hint: str | None = None
    is_guarded: bool = False

    @property
    def pipeline(self) -> list[dict[str, Any]]:
        """The whole aggregation."""
        return [{"$match": self.filter}, *self.stages]


def sorts_by_fields(query: Query) -> bool:
    """Whether declarations may serve the query's order."""
    return not all(isinstance(key.path, Envelope) for key in query.sort)


def compile_query(query: Query, declared: Sequence[Declaration] = ()) -> Find:
    """The query's filter, position, order, and projection; for `aggregate`, its limits too.

    Args:
        declared: the declarations that are ready.
    """
    condition = compile_filter(query.tree)
    projection = _projection(query.fields)
    order = query.order
    types: _Types = {path: (kind, each) for each in declared for path, kind in each.types}
    if not _is_natural(query, types):
        return Find(condition, projection=projection, stages=_stages(query, order))
    # Each of these fields has values of one class: MongoDB's own order is the order.
    fields = [_Field.of(key, types) for key in order]
    sort = [(each.name, each.sign) for each in fields]
    hint = _way(query, sort, declared)
    if query.after is not None:
        within = hint is not None or _is_about_order(query)
        condition = _after(fields, query.after, condition, within=within)
    relied = {each.id: each for each in (types[k.path][1] for k in order if k.path in types)}
    if not relied or hint is not None:
        return Find(condition, sort, projection, hint=hint if relied else None)
    stages = [{"$sort": dict(sort)}, *_limits(query), *_projected(query), _proof(relied.values())]
    return Find(condition, stages=stages, is_guarded=True)


_Types: TypeAlias = Mapping[Reference, tuple[IndexType, Declaration]]


def _is_natural(query: Query, types: _Types) -> bool:
    """Whether each field has values of one class, that of the position too."""
    position = query.after or (None,) * len(query.order)
    return all(
        isinstance(key.path, Envelope)
        or (key.path in types and value is None)
        or (key.path in types and CLASSES[type(value)] == types[key.path][0])
        for key, value in zip(query.order, position, strict=True)
    )


def _way(
    query: Query, sort: Sequence[tuple[str, int]], declared: Iterable[Declaration]
) -> str | None:
    """The name of an index to go along, which is there only while the order is right."""
    for each in declared:
        if _vouches(each, query.order) and _is_along(query, sort, each):
            return each.hint
    return None


def _vouches(declaration: Declaration, order: Sequence[SortKey]) -> bool:
    """Whether by this declaration alone each field has values of one class."""
    typed = {path for path, _ in declaration.types}
    return all(isinstance(key.path, Envelope) or key.path in typed for key in order)


def _is_along(query: Query, sort: Sequence[tuple[str, int]], declaration: Declaration) -> bool:
    """Whether to go along the declaration's index is the way to answer the query.

    It is if the index begins with what the filter wants one value of, and goes on as the order.
    """
    if declaration.hint is None or len({sign for _, sign in sort}) > 1:
        return False
    references = declaration.index.references
    pinned = references[: len(declaration.fields) - len(sort)]
    if declaration.fields[len(pinned) :] != [name for name, _ in sort]:
        return False
    return _pinned(query.tree).issuperset(pinned) and _is_about_order(query, pinned)


def _is_about_order(query: Query, pinned: Iterable[Reference] = ()) -> bool:
    """Whether the filter is about nothing but what is pinned or sorted by, the id apart."""
    paths = {each.path for each in query.order}.union(pinned) - {Envelope.ID}
    return all(path in paths for path in _paths(query.tree))


def _pinned(node: Node) -> set[Reference]:
    """The paths at which the filter wants one value, which is not null."""
    if isinstance(node, nodes.And):
        return {path for child in node.nodes for path in _pinned(child)}
    if isinstance(node, nodes.Eq) and isinstance(node.value, (str, int, float)):
        return {node.path}
    return set()


def _paths(node: Node) -> Iterable[Reference]:
    """The paths that a filter asks about."""
    if isinstance(node, (nodes.And, nodes.Or)):
        for child in node.nodes:
            yield from _paths(child)
    elif isinstance(node, nodes.Not):
        yield from _paths(node.node)
    else:
        yield node.path


_PROOF: Final = {"_id": "", ENVELOPE: {"version": 0, "created_at": "", "updated_at": ""}}


def _proof(declarations: Iterable[Declaration]) -> dict[str, Any]:
    """Adds a document at the end if all the declarations stand, after the others were read."""
    asked = {each.id: each.stamp for each in declarations}
    there = {"_id": {"$in": list(asked)}, "stamp": {"$in": list(asked.values())}, "ready": True}
    pipeline = [
        {"$match": there},
        {"$count": "n"},
        {"$match": {"n": len(asked)}},
        {"$replaceWith": {"$literal": _PROOF}},
    ]
    return {"$unionWith": {"coll": INDEXES, "pipeline": pipeline}}


def is_proof(document: Document) -> bool:
    """Whether it is what a guarded query ends with if its order is right."""
    return document.version == 0


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


@dataclass(frozen=True, slots=True)
class _Field:
    """A field whose order in MongoDB is the order asked for."""

    name: str
    sign: int
    lowest: Scalar = None
    nullable: bool = False

    @classmethod
    def of(cls, key: SortKey, types: _Types) -> _Field:
        if isinstance(key.path, Envelope):
            nullable = key.path is Envelope.EXPIRES_AT
            return cls(ENVELOPE_FIELDS[key.path], _sign(key), "", nullable)
        kind, _ = types[key.path]
        return cls(field_path(key.path), _sign(key), _LOWEST[kind], True)


_LOWEST: Final[dict[IndexType, Scalar]] = {"number": float("-inf"), "string": "", "bool": False}


def _after(
    fields: Sequence[_Field], position: Position, condition: Filter, *, within: bool
) -> Filter:
    """Whether a document meets a condition and comes after a position.

    `within`: say the condition with each choice, so that each is one interval of an index.
    """
    choices: list[Filter] = []
    equal: list[Filter] = []
    for each, value in zip(fields, position, strict=True):
        choices += [all_of([*equal, beyond]) for beyond in _beyond(each, value)]
        equal.append({each.name: value})
    if within:
        choices = [all_of([choice, condition]) for choice in choices]
    chosen = choices[0] if len(choices) == 1 else {"$or": choices}
    return chosen if within else all_of([chosen, condition])


def _beyond(field: _Field, value: Scalar) -> list[Filter]:
    """Null is less than all else, and no range has it."""
    if value is None:
        return [{field.name: {"$gte": field.lowest}}] if field.sign > 0 else []
    if field.sign > 0:
        return [{field.name: {"$gt": value}}]
    below: Filter = {field.name: {"$lt": value}}
    return [below, {field.name: None}] if field.nullable else [below]


# Any other order: by keys that are computed, because MongoDB sorts arrays by their elements.


def _stages(query: Query, order: Sequence[SortKey]) -> list[dict[str, Any]]:
    names = [f"k{number}" for number in range(len(order))]
    keys = {name: sort_expression(key.path) for name, key in zip(names, order, strict=True)}
    stages: list[dict[str, Any]] = [{"$replaceWith": {"d": "$$ROOT", **keys}}]
    if query.after is not None:
        stages.append({"$match": {"$expr": _is_beyond(names, order, query.after)}})
    signs = {name: _sign(key) for name, key in zip(names, order, strict=True)}
    stages += [{"$sort": signs}, *_limits(query), {"$replaceWith": "$d"}]
    return [*stages, *_projected(query)]


def _limits(query: Query) -> list[dict[str, Any]]:
    stages: list[dict[str, Any]] = []
    if query.skip:
        stages.append({"$skip": query.skip})
    if query.limit is not None:
        stages.append({"$limit": query.limit})
    return stages


def _projected(query: Query) -> list[dict[str, Any]]:
    projection = _projection(query.fields)
    return [] if projection is None else [{"$project": projection}]


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
    value = "$" + field_path(path) if _is_keys(path) else entering(path)
    container = {"$in": [{"$type": "$$v"}, ["array", "object", "missing"]]}
    return {"$let": {"vars": {"v": value}, "in": {"$cond": [container, None, "$$v"]}}}


def _is_keys(path: Path) -> bool:
    """Whether it needs no care: where it meets an array, MongoDB gives an array, never a scalar."""
    return all(isinstance(step, str) for step in path)


def entering(path: Path) -> Any:
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
