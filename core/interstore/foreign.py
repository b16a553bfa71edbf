"""Foreign data: what other programs made and write, and how it is presented as documents.

A row or a document of others becomes a document whose values are portable:

=================== =======================================================================
id                  text: the digits of an integer, the hex digits of an ObjectId, a UUID
                    in lower case with hyphens, or the string itself
integers            ``int``, exact whatever their size
floats              numbers; ``"NaN"``, ``"Infinity"`` and ``"-Infinity"`` as these texts
decimals            decimal text without trailing zeros, exact
points in time      ``2026-01-31T12:00:00.000000Z``; without ``Z`` where the column has no
                    time zone
dates, times of day ``2026-01-31``, ``12:00:00.000000``
UUIDs, ObjectIds    text
bytes               base64
JSON, arrays        nested values
=================== =======================================================================

So values are equal to what `interstore.values.canonical_scalar` makes of Python's own. Filters,
sorts and updates mean what they mean elsewhere, of the document as presented. Two things differ:
there is no envelope, and the order of ids is the database's own: integers are ordered as numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from interstore.document import Document
from interstore.errors import ConfigurationError, InvalidQueryError, UnsupportedError
from interstore.filters.tree import Scalar
from interstore.nearest import nearest

__all__ = [
    "ForeignDocument", "ForeignSource", "IdType", "NativeId", "Renaming", "Span", "absent",
    "id_problem", "native_id",
]  # fmt: skip

IdType: TypeAlias = Literal["objectid", "int", "uuid", "string"]
"""What the ids of foreign data are in the database."""

NativeId: TypeAlias = int | str
"""An id as engines compare it: an integer, or the text of any other kind."""

_ID_TYPES: Final = ("objectid", "int", "uuid", "string")
_LISTED: Final = 20
_DIGITS: Final = re.compile(r"(0|-?[1-9][0-9]{0,37})\Z")
_HEX: Final = re.compile(r"[0-9a-f]{24}\Z")
_EXAMPLES: Final[Mapping[str, str]] = {
    "objectid": "24 hex digits in lower case",
    "int": "the digits of an integer",
    "uuid": "a UUID in lower case with hyphens",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignSource:
    """Which table or collection, and how it becomes documents.

    Attributes:
        name: as the database has it; ``"schema.table"`` where there are schemas.
        id: the column or field that identifies a document. By default ``"_id"`` on MongoDB,
            and the primary key on SQL engines if it is one column.
        id_type: what the ids are; ``None`` to find out.
        rename: names in the database, and those that documents have instead.
        partition: on engines with partition keys, the path of the container's, or of several
            its paths with the values of the one partition that is shown.
    """

    name: str
    id: str | None = None
    id_type: IdType | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    partition: str | Mapping[str, Scalar] | None = None

    def __post_init__(self) -> None:
        for what, value in (("name", self.name), ("id", self.id)):
            if value is not None and (type(value) is not str or not value or "\0" in value):
                raise InvalidQueryError(f"foreign: {what} is a text, not {value!r:.80}")
        if not self._is_partition(self.partition):
            raise InvalidQueryError(
                "foreign: partition is the path of the partition key, or its path with a value, "
                f"as {{'tenant': 'acme'}}, not {self.partition!r:.80}"
            )
        if self.id_type is not None and self.id_type not in _ID_TYPES:
            raise InvalidQueryError(
                f"foreign: id_type is one of {', '.join(_ID_TYPES)}, not {self.id_type!r:.80}"
            )
        if not isinstance(self.rename, Mapping):
            raise InvalidQueryError(f"foreign: rename is a mapping, not {self.rename!r:.80}")
        for old, new in self.rename.items():
            if type(old) is not str or type(new) is not str or not new:
                raise InvalidQueryError(
                    f"foreign: rename maps names to names, not {old!r}: {new!r}"
                )
        if "id" in self.rename.values():
            raise InvalidQueryError(
                "foreign: no field can be renamed to 'id', which is the document's id; name its "
                "column with id="
            )
        if len({*self.rename.values()}) < len(self.rename):
            raise InvalidQueryError("foreign: rename gives two fields the same name")

    @staticmethod
    def _is_partition(value: Any) -> bool:
        if isinstance(value, Mapping):
            paths, values = list(value), list(value.values())
        else:
            paths, values = [] if value is None else [value], []
        return (
            (value is None or bool(paths))
            and all(type(path) is str and bool(path) for path in paths)
            and all(each is None or type(each) in (str, bool, int, float) for each in values)
        )

    def refuse_partition(self, engine: str) -> None:
        """For engines without partition keys.

        Raises:
            UnsupportedError: the source names one.
        """
        if self.partition is not None:
            raise UnsupportedError(
                f"{engine} has no partition keys; leave partition={self.partition!r} out",
                backend=engine,
                model=self.name,
            )


class Renaming:
    """The names of columns or fields in the database, and in documents.

    Args:
        source: whose `rename` counts.
        id: the name of the id in the database.
    """

    def __init__(self, source: ForeignSource, id: str) -> None:
        self._source = source
        self.id = id
        if id in source.rename:
            raise ConfigurationError(
                f"foreign {source.name!r}: {id!r} is the id, and documents have it as 'id'; "
                "leave it out of rename",
                model=source.name,
            )
        self._native = {new: old for old, new in source.rename.items()}

    def presented(self, name: str) -> str:
        """The name in documents of a column or field that is not the id.

        Raises:
            ConfigurationError: it would hide another.
        """
        new = self._source.rename.get(name)
        if new is not None:
            return new
        if name == "id":
            raise ConfigurationError(
                f"foreign {self._source.name!r}: the field 'id' would hide the document's id, "
                f"which is {self.id!r}; give it another name with rename={{'id': ...}}",
                model=self._source.name,
            )
        if name in self._native:
            raise ConfigurationError(
                f"foreign {self._source.name!r}: {self._native[name]!r} is renamed to {name!r}, "
                "which exists already; choose another name",
                model=self._source.name,
            )
        return name

    def check(self, names: Iterable[str]) -> None:
        """For tables, whose columns are known.

        Args:
            names: of all columns, in the database.

        Raises:
            ConfigurationError: the id, or what is renamed, is not among them.
        """
        existing = list(names)
        for name, argument in ((self.id, "id"), *((old, "rename") for old in self._source.rename)):
            if name not in existing:
                raise ConfigurationError(
                    f"foreign {self._source.name!r}: {argument}= names a column {name!r}, which "
                    f"does not exist; there are {', '.join(map(repr, existing))}",
                    model=self._source.name,
                )

    def native(self, name: str) -> str | None:
        """The name in the database; ``None`` if no column or field can be presented so."""
        old = self._native.get(name)
        if old is not None:
            return old
        return None if name in self._source.rename or name in ("id", self.id) else name


class ForeignDocument(Document):
    """A document of foreign data, which has no envelope.

    `version`, `created_at` and `updated_at` raise `UnsupportedError`; `expires_at` is ``None``.
    """

    __slots__ = ()

    def __init__(self, fields: Mapping[str, Any], *, id: str, partial: bool = False) -> None:
        self["id"] = id
        self.update(fields)
        self.expires = None
        self.partial = partial

    def __getattr__(self, name: str) -> Any:
        # The slots of the envelope are empty.
        if name in ("version", "created", "updated"):
            raise UnsupportedError(
                f"document {self.id!r} is of foreign data: other programs write it, so it has no "
                f"{name if name == 'version' else name + '_at'}; use a field of its own"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _with(self, fields: Mapping[str, Any], partial: bool) -> Document:
        return ForeignDocument(fields, id=self.id, partial=partial)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (dict(self), self.partial))

    def __repr__(self) -> str:
        partial = ", partial" if self.partial else ""
        return f"ForeignDocument({dict(self)!r}{partial})"


def _restore(fields: dict[str, Any], partial: bool) -> ForeignDocument:
    return ForeignDocument(fields, id=fields["id"], partial=partial)


def absent(what: str, name: str, existing: Iterable[str]) -> str:
    """What to say of a table or collection that does not exist.

    Args:
        what: what it would be.
        name: as it was asked for.
        existing: those that could have been meant.
    """
    names = list(existing)
    found = nearest(name, names)
    if found is not None:
        return f"there is no such {what}; did you mean {found!r}?"
    listed = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
    return f"there is no such {what}; there are {listed or 'none'}"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the order of ids.

    Attributes:
        after: only ids behind this one, in the direction of the span.
        until: only ids up to and including this one.
        descending: whether it is read from the greatest id to the least.
    """

    after: NativeId | None = None
    until: NativeId | None = None
    descending: bool = False


def id_problem(kind: IdType, text: Any) -> str | None:
    """Why `text` cannot be the id of a document; ``None`` if it can."""
    if type(text) is not str:
        return f"{text!r:.80} is not a text"
    if native_id(kind, text) is None:
        return f"{text!r:.80} is not {_EXAMPLES[kind]}"
    return None


def native_id(kind: IdType, text: str) -> NativeId | None:
    """The id that a document presents as `text`; ``None`` if none does."""
    if kind == "int":
        return int(text) if _DIGITS.match(text) else None
    if kind == "objectid":
        return text if _HEX.match(text) else None
    if kind == "uuid":
        try:
            return text if str(UUID(text)) == text else None
        except ValueError:
            return None
    return text
