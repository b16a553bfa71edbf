"""Indexes: their declarations, and what MongoDB is given for each. Pure.

A declaration is a document of the collection ``interstore_indexes``. What it demands of
values is a part of the model's validator, beside what others put there, and stands before
the index is built. For each there is an index on the fields, the id last; if it is unique, a
second one over the documents in which no field is null or missing.

A field's own order in MongoDB is the order asked for only while the validator keeps arrays
away. So a declaration is no longer `ready`, and then the index is gone, before the validator
lets go: who sees either of them after a query knows that the validator stood all the while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import msgspec

from interstore.errors import DuplicateError, UnsupportedError
from interstore.indexes import Index, IndexType, Term, taken
from interstore.paths import Path, Reference
from interstore_backends.mongodb.conditions import ENVELOPE_FIELDS
from interstore_backends.mongodb.keys import field_path
from interstore_backends.mongodb.options import SIMPLE

__all__ = [
    "INDEXES",
    "MODELS",
    "Declaration",
    "Key",
    "Native",
    "check_where",
    "clashes",
    "holds",
    "is_same",
    "is_strict",
    "joined",
    "misfits",
    "natives",
    "new_stamp",
    "rules",
    "split",
    "taken_under",
]

INDEXES: Final = "interstore_indexes"
"""The collection of the declarations."""
MODELS: Final = "interstore_models"
"""The collection in which a model's name is claimed, whatever its case, before it is made."""

_MARK: Final = "interstore indexes"
_PREFIX: Final = "interstore_"

Expression: TypeAlias = dict[str, Any]
Key: TypeAlias = list[tuple[str, int]]
Validator: TypeAlias = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A declared index.

    Attributes:
        stamp: of this declaration and no other, even one of the same index later.
        ready: whether all documents fit it and what serves it is built.
        native: the name of MongoDB's own index that serves it.
    """

    model: str
    index: Index
    stamp: str
    ready: bool = False
    native: str = ""

    @cached_property
    def id(self) -> str:
        """That of the document."""
        return f"{self.model}/{self.index.name}"

    @cached_property
    def hint(self) -> str | None:
        """The name of MongoDB's index, if that lives no longer than the declaration."""
        name = _native_name(self.index)
        return name if self.native == name else None

    @cached_property
    def fields(self) -> list[str]:
        """Those of MongoDB's index that serves it, in their order."""
        return [name for name, _ in natives(self.index)[0].key]

    @cached_property
    def types(self) -> list[tuple[Path, IndexType]]:
        """The paths that hold values of one class only, null and missing apart."""
        if self.index.list:
            return []
        return [(path, kind) for path, kind in self.index.user_paths if kind is not None]

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        fields: dict[str, Any] = msgspec.to_builtins(self.index)
        own = {"model": self.model, "name": self.index.name, "stamp": self.stamp}
        return {"_id": self.id, **own, "ready": self.ready, "native": self.native, **fields}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Declaration:
        """The one that is stored as `document`."""
        return cls(
            model=document["model"],
            index=msgspec.convert(document, Index),
            stamp=document["stamp"],
            ready=document["ready"],
            native=document["native"],
        )


# What is built.


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """An index of MongoDB's own."""

    name: str
    key: Key
    options: dict[str, Any]


def natives(index: Index) -> list[Native]:
    """What serves queries, comes first; what keeps values apart if it is unique, last."""
    key = [(name, 1) for name in dict.fromkeys([*_served(index), "_id"])]
    made = [Native(name=_native_name(index), key=key, options={"collation": SIMPLE})]
    if not index.list:
        made += [_arrays_at(path) for path in _ways(index)]
    if index.unique:
        fields = [_field(reference) for reference in index.references]
        # Neither null nor missing; containers, the validator refuses.
        given: Expression = {field: {"$type": ["number", "string", "bool"]} for field in fields}
        meant = [_meant(term) for term in index.where]
        options = {
            "unique": True,
            "collation": SIMPLE,
            "partialFilterExpression": {"$and": [given, *meant]} if meant else given,
        }
        name = f"{_native_name(index)}_unique"
        made.append(Native(name=name, key=[(field, 1) for field in fields], options=options))
    return made


def _meant(term: Term) -> Expression:
    """The condition of a partial index; the validator keeps arrays away from its path."""
    value: Any = list(term.value) if isinstance(term.value, tuple) else term.value
    comparison = f"${term.comparison}"
    return {field_path(term.path): {comparison: value}}


def check_where(index: Index) -> None:
    """Refuse a partial index whose condition MongoDB has no words for.

    What an index may be about, it keeps short: https://www.mongodb.com/docs/manual/core/index-partial/

    Raises:
        UnsupportedError: it is one.
    """
    for term in index.where:
        if term.negated or term.value is None:
            what = "$ne, $nin or $exists: false" if term.negated else "null"
            raise UnsupportedError(
                f"mongodb cannot have {what} in where= of an index ({term}): it can have $eq and "
                "$in of what is not null, ranges, $exists: true and $type. Compare a field that "
                'says it, for example {"deleted": False}',
                backend="mongodb",
            )


def _ways(index: Index) -> list[Path]:
    ways = [path[:depth] for path, _ in index.demands for depth in range(1, len(path))]
    return list(dict.fromkeys(ways))


def _arrays_at(path: Path) -> Native:
    """An index of the documents with an array there, which are few or none.

    Behind an array there is nothing, so a filter for null looks for them as well.
    """
    field = field_path(path)
    plain = Index(paths=(tuple(map(str, path)),), types=(None,))
    partial = {field: {"$type": "array"}}
    options = {"collation": SIMPLE, "partialFilterExpression": partial}
    return Native(name=f"{_PREFIX}arrays_{plain.name}", key=[(field, 1)], options=options)


def _native_name(index: Index) -> str:
    return f"{_PREFIX}{index.name}"


def _field(reference: Reference) -> str:
    return field_path(reference) if isinstance(reference, tuple) else ENVELOPE_FIELDS[reference]


def _served(index: Index) -> list[str]:
    """The fields to index.

    MongoDB refuses documents with arrays in two fields of one index, so all fields but one
    must be known to hold none.
    """
    fields: list[str] = []
    arrays = 0
    for reference, kind in zip(index.references, index.types, strict=True):
        arrays += kind is None and not index.unique
        if arrays > 1:
            break
        fields.append(_field(reference))
    return fields


def is_same(native: Native, existing: Mapping[str, Any]) -> bool:
    """Whether an index that exists does what is asked for, whatever its name."""
    apart = {"unique", "sparse", "hidden", "partialFilterExpression", "expireAfterSeconds"}
    wanted = {name: value for name, value in native.options.items() if name in apart}
    return (
        list(existing["key"].items()) == native.key
        and existing.get("collation", SIMPLE) == SIMPLE
        and {name: value for name, value in existing.items() if name in apart and value} == wanted
    )


# What is demanded of values.

_NONE: Final = ("missing", "null")
_CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "number": (*_NONE, "int", "long", "double"),
    "string": (*_NONE, "string"),
    "bool": (*_NONE, "bool"),
    "scalar": (*_NONE, "int", "long", "double", "string", "bool"),
}


def rules(index: Index) -> list[Expression]:
    """What each document has to meet: what `compile_check` checks.

    An array on the way to a value that the index wants to be a scalar, MongoDB would enter, its
    elements indexed and sorted by; here, such a value is an array.
    """
    made: list[Expression] = []
    for path, needed in index.demands:
        value = f"${field_path(path)}"
        if index.list:
            made.append(_list_rule(path, value, _terms("$$e", needed, index.text_bytes)))
        else:
            made += _terms(value, needed, index.text_bytes)
    return made


def _terms(value: str, needed: str | None, limit: int) -> list[Expression]:
    terms: list[Expression] = []
    if needed is not None:
        terms.append({"$in": [{"$type": value}, list(_CLASSES[needed])]})
    if needed in (None, "scalar", "string"):
        is_text = {"$eq": [{"$type": value}, "string"]}
        terms.append({"$lte": [{"$cond": [is_text, {"$strLenBytes": value}, 0]}, limit]})
    return terms


def _list_rule(path: Path, value: str, terms: list[Expression]) -> Expression:
    elements = {"$map": {"input": value, "as": "e", "in": {"$and": terms}}}
    ways = [f"${field_path(path[:depth])}" for depth in range(1, len(path))]
    return {
        "$or": [
            {"$in": [{"$type": value}, list(_NONE)]},
            # Behind an array there is nothing, to the language of filters.
            *({"$isArray": way} for way in ways),
            {"$and": [{"$isArray": value}, {"$allElementsTrue": [elements]}]},
        ]
    }


def misfits(index: Index) -> dict[str, Any]:
    """The filter for documents that do not meet the rules, of which there is at least one."""
    return {"$nor": [{"$expr": {"$and": rules(index)}}]}


def clashes(index: Index, shown: int) -> list[dict[str, Any]]:
    """The aggregation that counts and names documents that share their values with others."""
    unique = natives(index)[-1]
    values = {f"v{number}": f"${name}" for number, (name, _) in enumerate(unique.key)}
    return [
        {"$match": unique.options["partialFilterExpression"]},
        {"$group": {"_id": values, "ids": {"$push": "$_id"}}},
        {"$match": {"ids.1": {"$exists": True}}},
        {"$unwind": "$ids"},
        {
            "$facet": {
                "count": [{"$count": "n"}],
                "ids": [{"$sort": {"ids": 1}}, {"$limit": shown}],
            }
        },
    ]


# The validator: ours beside that of others.


def split(validator: Mapping[str, Any]) -> tuple[list[Expression], Validator]:
    """Our rules in a validator, and what others put there."""
    parts = validator.get("$and")
    if set(validator) != {"$and"} or not isinstance(parts, list):
        return [], dict(validator)
    ours = [part for part in parts if part.get("$comment") == _MARK]
    if not ours:
        return [], dict(validator)
    rest = [part for part in parts if part.get("$comment") != _MARK]
    found = [rule for part in ours for rule in part["$expr"]["$and"]]
    if len(rest) > 1:
        return found, {"$and": rest}
    return found, rest[0] if rest else {}


def joined(indexes: Iterable[Index], others: Validator) -> Validator:
    """The validator that demands what the indexes and others do."""
    found: list[Expression] = []
    for index in sorted(indexes, key=lambda index: index.name):
        found += [rule for rule in rules(index) if rule not in found]
    if not found:
        return others
    ours = {"$comment": _MARK, "$expr": {"$and": found}}
    return {"$and": [ours, *([others] if others else [])]}


def holds(index: Index, options: Mapping[str, Any]) -> bool:
    """Whether a collection with these options refuses what the index does not allow."""
    found, _ = split(options.get("validator", {}))
    wanted = rules(index)
    return not wanted or (is_strict(options) and all(rule in found for rule in wanted))


def is_strict(options: Mapping[str, Any]) -> bool:
    """Whether what the validator refuses is never stored."""
    level, action = options.get("validationLevel"), options.get("validationAction")
    return level in (None, "strict") and action in (None, "error")


# What is refused from then on.


def taken_under(
    model: str, id: str, indexes: Iterable[Index], problem: Mapping[str, Any]
) -> DuplicateError | None:
    """The error for a document whose values another has, as the server's `problem` says."""
    fields, text = list(problem.get("keyPattern", ())), str(problem.get("errmsg", ""))
    found: DuplicateError | None = None
    for index in sorted(indexes, key=lambda index: index.name, reverse=True):
        if index.unique and [name for name, _ in natives(index)[-1].key] == fields:
            found = taken(model, id, index)
            if natives(index)[-1].name in text:  # there may be one for other documents, too
                break
    return found


def new_stamp() -> str:
    """One that no other declaration has."""
    import uuid

    return uuid.uuid4().hex
