"""Between a user's typed class and a document: pydantic, dataclasses, Structs, TypedDicts."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import Annotated, Any, Generic, TypeVar, cast, get_args, get_origin

import msgspec

from interstore.codecs import (
    Codec,
    Int64,
    Scaled,
    Span,
    encode_changes,
    encode_filter,
    encode_value,
)
from interstore.document import Document
from interstore.errors import ConfigurationError, InvalidDocumentError
from interstore.paths import Envelope
from interstore.prepare import prepare_write
from interstore.times import now

__all__ = ["Shape"]

M = TypeVar("M")

_UNIONS = (types.UnionType, vars(typing)["Union"])
"""What `int | None` and `Optional[int]` are, which differ before Python 3.14."""

_MISFITS = (ValueError, TypeError, msgspec.ValidationError)

_ENVELOPE: dict[Envelope, Callable[[Document], Any]] = {
    Envelope.VERSION: lambda document: document.version,
    Envelope.CREATED_AT: lambda document: document.created_at,
    Envelope.UPDATED_AT: lambda document: document.updated_at,
    Envelope.EXPIRES_AT: lambda document: document.expires_at,
}


class Shape(Generic[M]):
    """How instances of a class become documents, and documents instances.

    A field ``id`` is the document's id. A field annotated with a member of `Envelope`
    (``version: Annotated[int, Envelope.VERSION] = 0``) is filled from the envelope when a
    document is read, and is not stored. The declared types decide what is read back:
    datetimes, UUIDs, Decimals, enumerations and so on are stored as text. A field annotated
    with a codec of `interstore.codecs` is stored as that says, and filters and changes speak
    of it as the class does. A field that is a list is asked only what a list can answer.

    Raises:
        ConfigurationError: `kind` is of none of these kinds of class.
    """

    def __init__(self, kind: type[M]) -> None:
        self.kind = kind
        self._hints = _hints(kind)
        self._envelope = {
            name: _ENVELOPE[mark]
            for name, hint in self._hints.items()
            for mark in getattr(hint, "__metadata__", ())
            if isinstance(mark, Envelope) and mark in _ENVELOPE
        }
        self._codecs = {
            name: codec for name, hint in self._hints.items() if (codec := _codec(hint)) is not None
        }
        self._lists = frozenset(name for name, hint in self._hints.items() if _is_list(hint))
        self._dump, self._load = _functions(kind)

    def fields(self, instance: M) -> dict[str, Any]:
        """What to hand to `create` or `put`. An ``id`` of ``None`` or ``""`` is left out.

        Raises:
            InvalidDocumentError: `instance` is not of the class, or could not be read back.
        """
        fields = self._dump(instance)
        for name in self._envelope:
            fields.pop(name, None)
        if "id" in fields and fields["id"] in (None, ""):
            del fields["id"]
        for name, codec in self._codecs.items():
            if name in fields:
                fields[name] = encode_value(name, fields[name], codec)
        # Neither dataclasses nor type checkers keep a wrong value from getting here.
        document = prepare_write(self.kind.__name__, fields, now()).document()
        try:
            self._made(document)
        except _MISFITS as error:
            raise InvalidDocumentError(
                f"this does not fit {self.kind.__name__}, so it was not written: {error}"
            ) from error
        return fields

    def instance(self, document: Document, *, just_written: bool = False) -> M:
        """The instance that a document holds.

        Args:
            document: the document.
            just_written: whether the caller has just changed it, which the error says.

        Raises:
            InvalidDocumentError: the document does not fit the class.
        """
        try:
            return self._made(document)
        except _MISFITS as error:
            state = ", as it was just written," if just_written else ""
            raise InvalidDocumentError(
                f"document {document.id!r}{state} does not fit {self.kind.__name__}: {error}",
                id=document.id,
            ) from error

    def _made(self, document: Document) -> M:
        values = dict(document)
        if "id" not in self._hints:
            del values["id"]
        for name, read in self._envelope.items():
            values[name] = read(document)
        for name, codec in self._codecs.items():
            if values.get(name) is not None:
                values[name] = codec.decode(values[name])
        return self._load(values)

    def filter(self, filter: Any) -> Any:
        """`filter` in terms of what is stored."""
        return encode_filter(filter, self._codecs, self._lists)

    def changes(self, changes: Any) -> Any:
        """`changes` in terms of what is stored."""
        return encode_changes(changes, self._codecs)


def _hints(kind: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(kind, include_extras=True)


def _codec(hint: Any) -> Codec | None:
    for mark in getattr(hint, "__metadata__", ()):
        if isinstance(mark, (Int64, Scaled)):
            return mark
    return Span() if timedelta in _alternatives(hint) else None


def _is_list(hint: Any) -> bool:
    kinds = [get_origin(each) or each for each in _alternatives(hint) if each is not type(None)]
    return bool(kinds) and all(kind in (list, tuple, set, frozenset) for kind in kinds)


def _alternatives(hint: Any) -> tuple[Any, ...]:
    """The types that a field may have: those of a union, else the one."""
    while get_origin(hint) in (Annotated, typing.Required, typing.NotRequired):
        hint = get_args(hint)[0]
    return get_args(hint) if get_origin(hint) in _UNIONS else (hint,)


def _functions(
    kind: type[M],
) -> tuple[Callable[[M], dict[str, Any]], Callable[[dict[str, Any]], M]]:
    if hasattr(kind, "model_validate") and hasattr(kind, "model_dump"):
        pydantic = cast("Any", kind)
        return partial(_dump_pydantic, kind), pydantic.model_validate
    if dataclasses.is_dataclass(kind) or issubclass(kind, msgspec.Struct):
        return partial(_dump_instance, kind), partial(_convert, kind)
    if typing.is_typeddict(kind):
        return partial(_dump_mapping, kind), partial(_convert, kind)
    raise ConfigurationError(
        f"a repository needs a pydantic model, a dataclass, a msgspec Struct or a TypedDict, "
        f"not {kind!r:.80}"
    )


def _convert(kind: type[M], values: dict[str, Any]) -> M:
    # Strict, but for what the door changed: an integral float of a float field is an int,
    # which msgspec accepts as a float.
    return msgspec.convert(values, kind, from_attributes=False)


def _check(kind: type[Any], instance: Any) -> None:
    if not isinstance(instance, kind):
        raise InvalidDocumentError(
            f"the repository of {kind.__name__} takes instances of it, not "
            f"{type(instance).__name__}"
        )


def _dump_pydantic(kind: type[Any], instance: Any) -> dict[str, Any]:
    _check(kind, instance)
    dumped: dict[str, Any] = instance.model_dump(mode="python", warnings=False)
    return dumped


def _dump_instance(kind: type[Any], instance: Any) -> dict[str, Any]:
    _check(kind, instance)
    return cast("dict[str, Any]", _plain(instance))


def _dump_mapping(kind: type[Any], instance: Any) -> dict[str, Any]:
    if not isinstance(instance, Mapping):
        raise InvalidDocumentError(
            f"the repository of {kind.__name__} takes mappings, not {type(instance).__name__}"
        )
    return dict(instance)


def _plain(value: Any) -> Any:
    """Instances of dataclasses and Structs, wherever they lie, as dicts."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
