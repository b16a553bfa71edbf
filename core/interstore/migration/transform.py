"""What becomes of each document on its way: chosen, reshaped, given another id.

A transform is plain data, so that orders can carry it. The same document always becomes the
same one, on every worker and in every session: a migration may copy a page twice, and verifies
by transforming the source again.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from interstore.changes import Change, Changes
from interstore.changes_parse import parse_changes
from interstore.document import Document, make_document
from interstore.errors import ConfigurationError, InvalidDocumentError
from interstore.filters.evaluate import compile_filter
from interstore.filters.parse import parse_filter
from interstore.filters.references import parse_path
from interstore.migration.converting import Convert, compile_codec
from interstore.migration.functions import digest_of, load_function
from interstore.names import id_problem, plain_id
from interstore.paths import MISSING, Envelope, Path, resolve, show_path
from interstore.values import canonical_fields

__all__ = ["Apply", "Transform", "check_repeatable", "compile_transform"]

Apply: TypeAlias = Callable[[Document], Document | None]
"""What a document becomes; ``None`` if it is left out.

Raises `InvalidDocumentError` if it cannot become what was asked for.
"""


class Transform(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is done to each document, in this order.

    Attributes:
        codecs: how values of others are stored that documents cannot hold as they are, by model
            and path: ``{"users.snowflake": "int64"}`` (see `interstore.migration.converting`).
        where: a filter of the source's documents; the others are left out.
        drop: paths that are removed.
        rename: paths that move, old to new; one that is missing is no matter, and none is written
            over. ``id`` stays what it is, and is a field of that name as well.
        set: values that paths get.
        id_from: the path of the string that becomes the id.
        function: ``"module:function"``, called with the model's name and the document; it
            returns the new document, or ``None`` to leave it out.
        digest: of the function's source text, so that a run goes on with the same function.
    """

    codecs: dict[str, str] = {}
    where: dict[str, Any] | None = None
    drop: list[str] = []
    rename: dict[str, str] = {}
    set: dict[str, Any] = {}
    id_from: str | None = None
    function: str | None = None
    digest: str = ""

    def checked(self) -> Transform | None:
        """The transform in its one form, valid, with its digest; ``None`` if it does nothing.

        Raises:
            InvalidQueryError, InvalidDocumentError: a filter, path or value is not valid.
            ConfigurationError: the function cannot be found.
        """
        transform = Transform(
            codecs=dict(sorted(self.codecs.items())),
            where=dict(self.where) if self.where else None,
            drop=sorted(self.drop),
            rename=dict(sorted(self.rename.items())),
            set=dict(sorted(self.set.items())),
            id_from=self.id_from,
            function=self.function,
            digest="" if self.function is None else digest_of(load_function(self.function)),
        )
        if transform == Transform():
            return None
        for model in {"any", *map(_model_of, transform.codecs)}:
            compile_transform(transform, model)
        return transform

    @property
    def selects(self) -> bool:
        """Whether documents may be left out."""
        return self.where is not None or self.function is not None

    @property
    def keeps_ids(self) -> bool:
        """Whether every document is sure to keep its id."""
        return self.id_from is None and self.function is None

    @property
    def named(self) -> dict[str, Path]:
        """The fields to drop and to rename, by the options that name them."""
        named = {f"--drop {path}": _path(path) for path in self.drop}
        for old, new in self.rename.items():
            if old != "id":
                named[f"--rename {old}={new}"] = _path(old)
        return named

    def path(self, path: Path) -> Path | None:
        """Where what lies at `path` is afterwards; ``None`` if it is nowhere or unknown."""
        if self.function is not None or any(_below(path, _path(drop)) for drop in self.drop):
            return None
        for old, new in self.rename.items():
            if old != "id" and _below(path, _path(old)):
                return _path(new) + path[len(_path(old)) :]
        return path


def compile_transform(transform: Transform | None, model: str) -> Apply | None:
    """The transform of one model's documents, as a function; ``None`` if they stay as they are.

    Raises:
        ConfigurationError: the function is not there, or not the one that was planned.
    """
    if transform is None:
        return None
    steps = [
        *_conversions(transform, model),
        *_selection(transform),
        *_changes(transform),
        *_new_id(transform),
    ]
    if transform.function is not None:
        steps.append(_own_function(transform, model))

    def apply(document: Document) -> Document | None:
        current: Document | None = document
        for step in steps:
            if current is None:
                return None
            current = step(current)
        return current

    return apply


def check_repeatable(apply: Apply, documents: Sequence[Document]) -> None:
    """Refuse a transform that gives something else the second time.

    Raises:
        ConfigurationError: it does; the message names a document.
    """
    for document in documents:
        first, second = (_outcome(apply, copy.deepcopy(document)) for _ in range(2))
        if first != second:
            raise ConfigurationError(
                f"the transform gave {document.id!r} two different results: it must depend on "
                "nothing but the document (no time, no random numbers, no counters)"
            )


def _outcome(apply: Apply, document: Document) -> Any:
    try:
        return apply(document)
    except InvalidDocumentError as error:
        return str(error)


def _conversions(transform: Transform, model: str) -> list[Apply]:
    return [
        _converted(path.removeprefix(f"{model}."), compile_codec(codec), codec)
        for path, codec in transform.codecs.items()
        if _model_of(path) == model
    ]


def _model_of(path: str) -> str:
    """The model of a codec's path: ``users.address.zip``."""
    model, dot, rest = path.partition(".")
    if not (model and dot and rest):
        raise ConfigurationError(f"a codec is for MODEL.FIELD, not {path!r}")
    return model


def _converted(text: str, convert: Convert, codec: str) -> Apply:
    keys = _path(text)

    def apply(document: Document) -> Document:
        try:
            fields = _mapped(document.fields(), keys, convert)
        except ValueError as error:
            raise InvalidDocumentError(
                f"at {text}: {error} (codec {codec})", path=text, id=document.id
            ) from None
        return _with(document, fields)

    return apply


def _mapped(value: Any, keys: Path, convert: Convert) -> Any:
    """`value` with what lies there converted; arrays on the way are entered."""
    if not keys:
        return convert(value)
    if isinstance(value, list):
        return [_mapped(item, keys, convert) for item in value]
    if isinstance(value, dict) and keys[0] in value:
        return {**value, keys[0]: _mapped(value[keys[0]], keys[1:], convert)}
    return value


def _selection(transform: Transform) -> list[Apply]:
    if transform.where is None:
        return []
    matches = compile_filter(parse_filter(transform.where))
    return [lambda document: document if matches(document) else None]


def _changes(transform: Transform) -> list[Apply]:
    if "id" in {*transform.drop, *transform.rename.values(), *transform.set}:
        raise ConfigurationError(
            "drop, rename and set are about fields, and 'id' is the document's id: id_from "
            "(--id-from FIELD) takes it from a field"
        )
    steps: list[Apply] = []
    if transform.drop:
        steps.append(_changed({"$unset": transform.drop}))
    renames = {old: new for old, new in transform.rename.items() if old != "id"}
    if renames:
        steps.append(_renamed(renames))
    if "id" in transform.rename:
        steps.append(_id_kept(transform.rename["id"]))
    if transform.set:
        steps.append(_changed({"$set": transform.set}))
    return steps


def _changed(operators: Mapping[str, Any]) -> Apply:
    changes = parse_changes(None, operators, "")
    return lambda document: _with(document, changes.apply_to(document.fields()))


def _renamed(renames: Mapping[str, str]) -> Apply:
    """All moves at once, so that two fields can change places."""
    twice = [new for new, count in Counter(renames.values()).items() if count > 1]
    if twice:
        raise ConfigurationError(f"two fields cannot both be renamed to {twice[0]!r}")
    # Checks every path, and that none lies within another.
    removed = parse_changes(None, {"$unset": list(renames)}, "").changes
    added = parse_changes(None, {"$set": dict.fromkeys(renames.values())}, "").changes
    moves = list(zip(removed, added, strict=True))

    def rename(document: Document) -> Document:
        found = [(old, new, resolve(document, old.path)) for old, new in moves]
        there = [move for move in found if move[2] is not MISSING]
        if not there:
            return document
        fields = Changes(tuple(old for old, _, _ in there), "").apply_to(document.fields())
        for _, new, _ in there:
            _check_free(fields, new.path, document)
        placed = tuple(Change("set", new.path, value) for _, new, value in there)
        return _with(document, Changes(placed, "").apply_to(fields))

    return rename


def _check_free(fields: Mapping[str, Any], path: Path, document: Document) -> None:
    """Refuse to rename a field to one that the document has besides: that would be lost."""
    if resolve(fields, path) is not MISSING:
        name = show_path(path)
        raise InvalidDocumentError(
            f"it has a field {name!r} already, which a rename to {name!r} would write over: drop "
            f"it (--drop {name}), or rename it as well",
            path=name,
            id=document.id,
        )


def _id_kept(text: str) -> Apply:
    changes = parse_changes(None, {"$set": {text: ""}}, "").changes

    def apply(document: Document) -> Document:
        _check_free(document, changes[0].path, document)
        placed = Change("set", changes[0].path, document.id)
        return _with(document, Changes((placed,), "").apply_to(document.fields()))

    return apply


def _new_id(transform: Transform) -> list[Apply]:
    if transform.id_from is None:
        return []
    path = _path(transform.id_from)

    def take(document: Document) -> Document:
        value = resolve(document, path)
        if type(value) is int:
            value = str(value)
        if not isinstance(value, str):
            found = "nothing" if value is MISSING else repr(value)
            raise InvalidDocumentError(
                f"the id is to come from {show_path(path)!r}, which needs a string or an "
                f"integer there, but the document has {found:.80}",
                path=show_path(path),
                id=document.id,
            )
        return _with(document, document.fields(), _checked_id(value, document))

    return [take]


def _own_function(transform: Transform, model: str) -> Apply:
    assert transform.function is not None
    name, function = transform.function, load_function(transform.function)
    if transform.digest and digest_of(function) != transform.digest:
        raise ConfigurationError(
            f"{name} is not the function that the run was planned with: its source text has "
            "changed. Restore it, or start a new run"
        )

    def call(document: Document) -> Document | None:
        own = _with(document, document.fields())  # to change as it likes, the id as well
        try:
            result = function(model, own)
        except Exception as error:
            raise InvalidDocumentError(
                f"{name} failed: {type(error).__name__}: {error}", id=document.id
            ) from error
        if result is None:
            return None
        fields = canonical_fields(result)
        id = plain_id(fields.pop("id", document.id))
        return _with(document, fields, _checked_id(id, document))

    return call


def _checked_id(id: Any, document: Document) -> str:
    problem = id_problem(id)
    if problem is not None:
        raise InvalidDocumentError(f"the new id {id!r:.80} {problem}", id=document.id)
    checked: str = id
    return checked


def _with(document: Document, fields: dict[str, Any], id: str | None = None) -> Document:
    return make_document(
        fields,
        document.id if id is None else id,
        document.version,
        document.created,
        document.updated,
        document.expires,
    )


def _path(text: str) -> Path:
    path = parse_path(text)
    if isinstance(path, Envelope):
        raise ConfigurationError(
            f"{path.value!r} is kept by Interstore: transforms are about a document's own fields"
        )
    return path


def _below(path: Path, parent: Path) -> bool:
    return path[: len(parent)] == parent
