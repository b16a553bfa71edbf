"""Indexes: what `ensure_index` is asked for, and what it asks of documents from then on.

An engine that declares kinds of index stores each `Index` in the database (it is data, and
msgspec encodes it), enforces it there, and takes its errors from here:

* `check_new_index` before it builds one beside those that exist
* `unfit` and `clashing` for stored documents that stand in its way
* `compile_check` for each document that is written from then on, `taken` where a unique
  index refuses it
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec

from interstore.capabilities import IndexKind
from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InvalidDocumentError,
    InvalidQueryError,
)
from interstore.filters.evaluate import CLASSES
from interstore.filters.parse import parse_filter
from interstore.filters.references import parse_path
from interstore.filters.tree import And, Bound, Eq, Exists, In, Node, Not, Or, Range, Type
from interstore.paths import MISSING, Envelope, Path, Reference, resolve, show_path

__all__ = [
    "Check",
    "Index",
    "IndexType",
    "Term",
    "check_new_index",
    "clashing",
    "compile_check",
    "objection",
    "parse_index",
    "taken",
    "unfit",
]

IndexType: TypeAlias = Literal["number", "string", "bool"]
"""The class that all values at an indexed path are declared to have, null and missing apart."""

Check: TypeAlias = Callable[[dict[str, Any]], None]
"""Raises `InvalidDocumentError` for fields that an index does not allow."""

MAX_PATHS: Final = 8
MAX_TEXT_BYTES: Final = 1_024
"""The most UTF-8 bytes of a string at an indexed path, shared by the paths of one index:
B-trees of servers refuse keys of about 2,700."""

SHOWN_IDS: Final = 5
"""So many of the documents that stand in the way of an index are named."""

_TYPES: Final = get_args(IndexType)
_ENVELOPE_TYPES: Final[dict[Envelope, IndexType]] = {
    Envelope.VERSION: "number",
    Envelope.CREATED_AT: "string",
    Envelope.UPDATED_AT: "string",
}


Comparison: TypeAlias = Literal["eq", "in", "gt", "gte", "lt", "lte", "exists", "type"]


class Term(msgspec.Struct, frozen=True, array_like=True):
    """One condition of a partial index, of which all must be true.

    Attributes:
        path: the keys that lead to the value.
        comparison: how it is compared: as the filter's operator of that name.
        value: with what.
        negated: whether it must not be so.
    """

    path: tuple[str, ...]
    comparison: Comparison
    value: bool | int | float | str | tuple[bool | int | float | str | None, ...] | None
    negated: bool = False

    @property
    def node(self) -> Node:
        """The same as a filter."""
        made = _NODES[self.comparison](self.path, self.value)
        return Not(made) if self.negated else made

    def __str__(self) -> str:
        shown = list(self.value) if isinstance(self.value, tuple) else self.value
        return f"{show_path(self.path)} {'not ' * self.negated}{self.comparison} {shown!r}"


_NODES: Final[dict[Comparison, Callable[[Path, Any], Node]]] = {
    "eq": Eq,
    # A list of alternatives, since no index can look one up elsewhere.
    "in": lambda path, values: Or(tuple(Eq(path, value) for value in values)),
    "gt": lambda path, value: Range(path, Bound(value, False), None),
    "gte": lambda path, value: Range(path, Bound(value, True), None),
    "lt": lambda path, value: Range(path, None, Bound(value, False)),
    "lte": lambda path, value: Range(path, None, Bound(value, True)),
    "exists": lambda path, _: Exists(path),
    "type": lambda path, types: Type(path, frozenset(types)),
}


class Index(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One index of a model, as data: declarations are stored in the database.

    Attributes:
        paths: what is indexed: the keys of each path; a field of the envelope stands as its
            name alone (``"@version"``).
        types: the declared type of each path, `None` where none is.
        unique: whether no two documents may have the same values; a document in which one
            of the paths is null or missing is not looked at.
        list: whether the one path leads to arrays, each element of which is indexed.
        where: of which documents the values must be unique: those of which all of this is true.
    """

    paths: tuple[tuple[str, ...] | str, ...]
    types: tuple[IndexType | None, ...]
    unique: bool = False
    list: bool = False
    where: tuple[Term, ...] = ()

    @property
    def name(self) -> str:
        """A name that follows from the rest: readable, at most 40 characters of ``[a-z0-9_]``."""
        import hashlib

        shown = "_".join(show_path(reference) for reference in self.references)
        slug = re.sub("[^a-z0-9]+", "_", shown.lower()).strip("_")[:29]
        digest = hashlib.blake2b(msgspec.json.encode(self), digest_size=5).hexdigest()
        return f"{slug or 'i'}_{digest}"

    @property
    def references(self) -> tuple[Reference, ...]:
        """What is indexed, as filters and sorts refer to it."""
        return tuple(Envelope(path) if isinstance(path, str) else path for path in self.paths)

    @property
    def kinds(self) -> frozenset[IndexKind]:
        """What an engine must be able to build."""
        if self.list:
            return frozenset({"list"})
        kinds: set[IndexKind] = {"single" if len(self.paths) == 1 else "compound"}
        if self.unique:
            kinds.add("unique")
        if self.where:
            kinds.add("partial")
        return frozenset(kinds)

    @property
    def condition(self) -> Node:
        """`where` as a filter."""
        return And(tuple(term.node for term in self.where))

    @property
    def demands(self) -> tuple[tuple[Path, str | None], ...]:
        """Each path into the user's fields, and what may stand there, null and missing apart.

        ``"scalar"`` for any that is no array or object; ``None`` for whatever.
        """
        default = "scalar" if self.unique or self.list else None
        asked: dict[Path, str | None] = {term.path: "scalar" for term in self.where}
        return tuple((asked | {path: kind or default for path, kind in self.user_paths}).items())

    @property
    def text_bytes(self) -> int:
        """The most UTF-8 bytes of a string at one of the paths."""
        return MAX_TEXT_BYTES // len(self.paths)

    @property
    def user_paths(self) -> tuple[tuple[Path, IndexType | None], ...]:
        """The paths into the user's fields, each with its declared type."""
        return tuple(
            (path, kind)
            for path, kind in zip(self.paths, self.types, strict=True)
            if not isinstance(path, str)
        )

    def __str__(self) -> str:
        shown = ", ".join(show_path(reference) for reference in self.references)
        declared = [kind for _, kind in self.user_paths]
        marks = [
            *("unique" for _ in range(self.unique)),
            *("list" for _ in range(self.list)),
            *(f"type={kind}" for kind in dict.fromkeys(declared) if kind is not None),
            *(["where " + " and ".join(map(str, self.where))] if self.where else []),
        ]
        return f"index on {shown}" + (f" ({', '.join(marks)})" if marks else "")


# What a caller asks for.


def parse_index(
    paths: Sequence[Any], type: Any, unique: Any, list: Any, where: Any = None
) -> Index:
    """The index that `ensure_index` was asked for.

    Raises:
        InvalidQueryError: it is not of the language.
    """
    references = _references(paths)
    index = Index(
        paths=tuple(
            path.value if isinstance(path, Envelope) else tuple(str(step) for step in path)
            for path in references
        ),
        types=_types(type, references),
        unique=_flag("unique", unique),
        list=_flag("list", list),
        where=_terms_of(where),
    )
    if index.where and not index.unique:
        raise InvalidQueryError(
            "where= says of which documents the values must be unique: it needs unique=True"
        )
    if index.list and (len(index.paths) > 1 or not index.user_paths):
        raise InvalidQueryError("an index of a list has one path, which leads to the list")
    if index.list and index.unique:
        raise InvalidQueryError(
            "an index of a list cannot be unique; keep what must be unique in a field of its own"
        )
    return index


def _terms_of(where: Any) -> tuple[Term, ...]:
    """The conditions of a filter, sorted, so that equal ones give one index."""
    if where is None:
        return ()
    tree = parse_filter(where)
    found = [
        term
        for node in (tree.nodes if isinstance(tree, And) else (tree,))
        for term in _terms_of_node(node)
    ]
    return tuple(sorted(dict.fromkeys(found), key=msgspec.json.encode))


def _terms_of_node(node: Node) -> Iterable[Term]:
    inner = node.node if isinstance(node, Not) else node
    path = getattr(inner, "path", None)
    terms: dict[Comparison, Any] = {}
    match inner:
        case And(nodes=nodes) if not isinstance(node, Not):
            return [term for each in nodes for term in _terms_of_node(each)]
        case Eq(value=value) if not isinstance(value, tuple):
            terms["eq"] = value
        case In(values=values):
            terms["in"] = values
        case Exists():
            terms["exists"] = True
        case Type(types=types):
            terms["type"] = tuple(sorted(types))
        case Range(lower=lower, upper=upper) if not (
            isinstance(node, Not) and lower is not None and upper is not None
        ):
            if lower is not None:
                terms["gte" if lower.inclusive else "gt"] = lower.value
            if upper is not None:
                terms["lte" if upper.inclusive else "lt"] = upper.value
        case _:
            pass
    if not terms or not isinstance(path, tuple) or any(isinstance(step, int) for step in path):
        raise InvalidQueryError(
            "where= of an index is made of $eq, $ne, $in, $nin, $gt, $gte, $lt, $lte, $exists and "
            "$type on fields, all of which must be true; keep what is beyond that in a field of "
            "its own, and compare that"
        )
    keys = tuple(str(step) for step in path)
    return [Term(keys, each, value, node is not inner) for each, value in terms.items()]


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidQueryError(f"{name} is True or False, not {value!r:.80}")
    return value


def _references(paths: Sequence[Any]) -> tuple[Reference, ...]:
    if not paths:
        raise InvalidQueryError("ensure_index needs at least one path")
    if len(paths) > MAX_PATHS:
        raise InvalidQueryError(f"{len(paths)} paths in one index; the limit is {MAX_PATHS}")
    references = tuple(parse_path(path) for path in paths)
    for reference in references:
        _check_reference(reference)
    if len(set(references)) < len(references):
        raise InvalidQueryError("an index cannot have a path twice")
    return references


def _check_reference(reference: Reference) -> None:
    if reference is Envelope.ID:
        raise InvalidQueryError("the id is indexed already, and ends every index")
    if reference is Envelope.EXPIRES_AT:
        raise InvalidQueryError("@expires_at cannot be indexed by itself")
    if not isinstance(reference, Envelope) and any(isinstance(step, int) for step in reference):
        raise InvalidQueryError(
            f"{show_path(reference)} leads into an array; index the whole list (list=True), or "
            "keep the element in a field of its own"
        )


def _types(given: Any, references: Sequence[Reference]) -> tuple[IndexType | None, ...]:
    if given is None or isinstance(given, str):
        given = [given] * len(references)
    if not isinstance(given, (list, tuple)) or len(given) != len(references):
        raise InvalidQueryError(
            f"type is one of {', '.join(_TYPES)}, or a list with one for each of the "
            f"{len(references)} paths, not {given!r:.80}"
        )
    for each in given:
        if each is not None and each not in _TYPES:
            raise InvalidQueryError(f"type is one of {', '.join(_TYPES)}, not {each!r:.80}")
    return tuple(
        _ENVELOPE_TYPES[path] if isinstance(path, Envelope) else each
        for path, each in zip(references, given, strict=True)
    )


# What an engine that builds it has to see to.


def check_new_index(index: Index, existing: Iterable[Index]) -> None:
    """Refuse an index that contradicts one of those that exist.

    Raises:
        ConfigurationError: they declare two types for one path, or a list and a scalar.
    """
    asked = {path: _demand(index, kind) for path, kind in index.demands}
    for other in existing:
        for path, kind in other.demands:
            wanted, there = asked.get(path), _demand(other, kind)
            if wanted is not None and there is not None and not _agree(wanted, there):
                raise ConfigurationError(
                    f"the {index} contradicts {other.name}, the {other}, about "
                    f"{show_path(path)}: declare the same, or drop_index({other.name!r}) first"
                )


def _demand(index: Index, kind: str | None) -> str | None:
    """What an index demands of a path's values, as far as two indexes can contradict."""
    if index.list:
        return "list " + ("" if kind in (None, "scalar") else str(kind))
    return kind


def _agree(one: str, other: str) -> bool:
    if one.startswith("list ") != other.startswith("list "):
        return False
    return one == other or one in ("scalar", "list ") or other in ("scalar", "list ")


def unfit(model: str, index: Index, count: int, ids: Sequence[str]) -> InvalidDocumentError:
    """The error for an index that `count` stored documents do not allow; `ids`: the first."""
    what = "1 document of" if count == 1 else f"{count:,} documents of"
    return InvalidDocumentError(
        f"{what} {model} cannot be under the {index}: {_listed(count, ids)}. Change or delete "
        "what does not fit, then ask again",
        path=show_path(index.user_paths[0][0]) if len(index.user_paths) == 1 else None,
        model=model,
        id=ids[0] if ids else None,
    )


def clashing(model: str, index: Index, count: int, ids: Sequence[str]) -> DuplicateError:
    """The error for a unique index whose values `count` stored documents share with others."""
    return DuplicateError(
        f"{count:,} documents of {model} share their values with others under the {index}: "
        f"{_listed(count, ids)}. Change or delete them, then ask again",
        index=index.name,
        model=model,
        id=ids[0] if ids else None,
    )


def _listed(count: int, ids: Sequence[str]) -> str:
    shown = ", ".join(repr(id) for id in ids[:SHOWN_IDS])
    return f"{shown} and {count - SHOWN_IDS:,} more" if count > SHOWN_IDS else shown


def taken(model: str, id: str, index: Index) -> DuplicateError:
    """The error for a document whose values under a unique index another document has."""
    return DuplicateError(
        f"{model} {id!r} would have the same value as another document under {index.name}, "
        f"the {index}",
        index=index.name,
        model=model,
        id=id,
    )


def compile_check(indexes: Iterable[Index]) -> Check | None:
    """What raises `InvalidDocumentError` for fields that the indexes do not allow.

    ``None`` if they ask for nothing. At an indexed path a text has at most `Index.text_bytes`
    bytes; with a type, only that, null or a missing value is allowed; under a unique index
    only scalars, and for both, no array on the way to the path (some engines would index what
    is in it); in an index of lists an array, whose elements are scalars of the type or null.
    """
    rules = [(index, path, kind) for index in indexes for path, kind in index.demands]
    if not rules:
        return None

    def check(fields: dict[str, Any]) -> None:
        for index, path, needed in rules:
            value = resolve(fields, path)
            if value is MISSING:
                if needed is not None and len(path) > 1 and not index.list:
                    _check_way(index, path, fields)
            elif value is not None:
                _check_value(index, path, needed, value)

    return check


def objection(indexes: Iterable[Index], fields: dict[str, Any]) -> InvalidDocumentError | None:
    """Why the indexes do not allow a document, as `compile_check` says it; ``None`` if they do."""
    check = compile_check(indexes)
    try:
        if check is not None:
            check(fields)
    except InvalidDocumentError as found:
        return found
    return None


def _check_way(index: Index, path: Path, fields: dict[str, Any]) -> None:
    for depth in range(1, len(path)):
        if type(resolve(fields, path[:depth])) is list:
            way = show_path(path[:depth])
            raise InvalidDocumentError(
                f"at {way}: an array on the way to {show_path(path)}, where {index.name}, the "
                f"{index}, allows none",
                path=way,
            )


def _check_value(index: Index, path: Path, needed: str | None, value: Any) -> None:
    if not index.list:
        _check_scalar(index, path, needed, value)
        return
    if type(value) is not list:
        raise _refused(index, path, value, "an array")
    for element in value:
        if element is not None:
            _check_scalar(index, path, needed, element)


def _check_scalar(index: Index, path: Path, needed: str | None, value: Any) -> None:
    kind = CLASSES[type(value)]
    if needed == "scalar":
        if kind in ("array", "object"):
            raise _refused(index, path, value, "a scalar")
    elif needed is not None and kind != needed:
        raise _refused(index, path, value, f"a {needed}")
    # A character has four bytes at most, so most strings need no encoding to be judged.
    if kind == "string" and len(value) * 4 > index.text_bytes:
        size = len(value.encode())
        if size > index.text_bytes:
            raise _too_long(index, path, value, size)


def _refused(index: Index, path: Path, value: Any, needed: str) -> InvalidDocumentError:
    return InvalidDocumentError(
        f"at {show_path(path)}: {value!r:.80} is not {needed}, null or missing, as "
        f"{index.name}, the {index}, demands",
        path=show_path(path),
    )


def _too_long(index: Index, path: Path, value: str, size: int) -> InvalidDocumentError:
    return InvalidDocumentError(
        f"at {show_path(path)}: {value[:20]!r}... has {size:,} bytes of UTF-8; "
        f"{index.name}, the {index}, allows {index.text_bytes:,}",
        path=show_path(path),
    )
