"""What an engine receives: prepared objects, validated and canonical, never raw user input."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import structs

from interstore.document import Document, make_document
from interstore.errors import InvalidDocumentError
from interstore.filters.tree import ALL, Node
from interstore.paths import Envelope, Path, Reference

if TYPE_CHECKING:
    from interstore.filters.tree import Scalar

__all__ = [
    "Partition",
    "Position",
    "Query",
    "ScanPage",
    "SortKey",
    "StoredWrite",
    "Write",
    "WriteMode",
]

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode

MAX_DOCUMENT_BYTES = 1_900_000
_SURELY_SMALL: Final = MAX_DOCUMENT_BYTES // 10
"""A document of so many characters, or bytes in an engine's own form, is within the limit."""


class Write:
    """One document as it is to be stored.

    Attributes:
        id: the document's id.
        fields: the user's fields, canonical, without ``"id"``. The caller owns them:
            an engine that keeps documents in memory must keep `json` or a copy.
        version: what the stored document's version will be (`put` decides it anew).
        created: when the document was created, as canonical text.
        updated: when it is written, as canonical text.
        expires: when it ceases to exist, as canonical text; ``None`` if never.
    """

    __slots__ = ("_json", "created", "expires", "fields", "id", "updated", "version")

    def __init__(
        self,
        id: str,
        fields: dict[str, Any],
        *,
        version: int,
        created: str,
        updated: str,
        expires: str | None = None,
        json: bytes | None = None,
    ) -> None:
        self.id = id
        self.fields = fields
        self.version = version
        self.created = created
        self.updated = updated
        self.expires = expires
        self._json = json

    @classmethod
    def of(cls, document: Document) -> Write:
        """The write that stores a document as it is, with its version and times."""
        return cls(
            document["id"],
            document.fields(),
            version=document.version,
            created=document.created,
            updated=document.updated,
            expires=document.expires,
        )

    @property
    def json(self) -> bytes:
        """`fields` as UTF-8 JSON, non-ASCII characters unescaped; encoded on first use.

        Raises:
            InvalidDocumentError: the text is longer than the portable limit.
        """
        if self._json is None:
            self._json = json = self._encoded()
            if len(json) > MAX_DOCUMENT_BYTES:
                raise InvalidDocumentError(
                    f"the document has {len(json):,} bytes as JSON; the limit is "
                    f"{MAX_DOCUMENT_BYTES:,}: keep large content as a blob beside it",
                    id=self.id,
                )
        return self._json

    def _encoded(self) -> bytes:
        return _encode(self.fields)

    @property
    def size(self) -> int:
        """About how many bytes the document has, by what costs least to look at."""
        return len(self.json)

    def check_size(self) -> None:
        """Return if the document is not too large, without encoding what surely is not.

        Raises:
            InvalidDocumentError: it is.
        """
        _ = self.json

    def take_fields(self) -> dict[str, Any]:
        """`fields`, asked for once: what has to be made is not kept."""
        return self.fields

    def with_fields(self, fields: dict[str, Any]) -> Write:
        """This write with other fields, which are canonical: for what wraps an engine."""
        return Write(
            self.id,
            fields,
            version=self.version,
            created=self.created,
            updated=self.updated,
            expires=self.expires,
        )

    def document(self) -> Document:
        """The document as the caller sees it. It shares the values of `fields`."""
        return make_document(
            self.fields, self.id, self.version, self.created, self.updated, self.expires
        )


class StoredWrite(Write, Generic[T]):
    """One document as an engine has read it, not decoded yet: what a scan gives to copy.

    An engine defines a class of its own with the two methods below. Given one of that class to
    write, it may take `stored` as it is; to every other engine it is a `Write` like any other.

    Attributes:
        stored: what the engine holds of the document: a row, a record.
    """

    __slots__ = ("stored",)

    def __init__(
        self, stored: T, id: str, version: int, created: str, updated: str, expires: str | None
    ) -> None:
        # Not by the other constructor: `fields` is not set before it is asked for.
        self.stored = stored
        self.id = id
        self.version = version
        self.created = created
        self.updated = updated
        self.expires = expires
        self._json = None

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name != "fields":
                raise AttributeError(name)
            self.fields = fields = self._decoded()
            return fields

    def check_size(self) -> None:
        """As `Write.check_size`."""
        if self._json is not None or self.size > _SURELY_SMALL:
            _ = self.json

    def take_fields(self) -> dict[str, Any]:
        """As `Write.take_fields`."""
        return self._decoded()

    def _decoded(self) -> dict[str, Any]:
        """The user's fields, canonical, and nobody else's."""
        raise NotImplementedError

    def _encoded(self) -> bytes:
        """The same as JSON, as `Write.json` is."""
        return super()._encoded()


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of a sort order."""

    path: Reference
    descending: bool = False


_BY_ID: Final = (SortKey(Envelope.ID),)

Position: TypeAlias = "tuple[Scalar, ...]"
"""A place in a sort order: the values of its keys, the id last. A missing value, an array
and an object stand as ``None``: they sort as null does."""


class Query(msgspec.Struct, frozen=True):
    """Which documents, in which order, and how many.

    Attributes:
        tree: which documents.
        sort: the caller's keys; `order` is what to sort by.
        limit: at most so many documents (>= 1); ``None`` for all.
        skip: leave out so many first.
        after: leave out what is at or before this position of `order`.
        fields: the paths to return, of keys only; ``None`` for whole documents. An engine
            may ignore it: core prunes whatever is not `Document.partial`.
    """

    tree: Node = ALL
    sort: tuple[SortKey, ...] = ()
    limit: int | None = None
    skip: int = 0
    after: Position | None = None
    fields: tuple[Path, ...] | None = None

    @property
    def order(self) -> tuple[SortKey, ...]:
        """`sort` made total: it ends with the id, in the direction of the last key."""
        sort = self.sort
        if not sort:
            return _BY_ID
        if sort[-1].path is Envelope.ID:
            return sort
        return (*sort, SortKey(Envelope.ID, sort[-1].descending))

    def only(self, **changes: Any) -> Query:
        """This query with some of its attributes changed."""
        return structs.replace(self, **changes)


class Partition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A share of a model's documents, as data: partitions travel between processes.

    The partitions of a model are disjoint and cover every possible id, also those of
    documents that do not exist yet: the first is open below, the last above.

    Attributes:
        after: ids greater than this one; ``None`` from the first.
        until: ids up to and including this one; ``None`` to the last.
        token: what an engine needs that does not split by ids.
    """

    after: str | None = None
    until: str | None = None
    token: Any = None


class ScanPage:
    """One page of a scan: documents, and the token that the next page starts after.

    It has its documents in two forms, and makes the one that is asked for. What an engine gives
    by `later` is made once, in either form: the other is made of the first.

    Attributes:
        next: the token; ``None`` means that the partition holds nothing more.
    """

    __slots__ = ("_documents", "_later", "_writes", "next")

    def __init__(self, documents: list[Document], next: Any) -> None:  # noqa: A002
        self._documents: list[Document] | None = documents
        self._writes: list[Write] | None = None
        self._later: tuple[Callable[[], list[Document]], Callable[[], list[Write]]] | None = None
        self.next = next

    @classmethod
    def later(
        cls,
        documents: Callable[[], list[Document]],
        writes: Callable[[], list[Write]],
        next: Any,  # noqa: A002
    ) -> ScanPage:
        """A page of what is read, and decoded only if that is needed.

        Args:
            documents: makes the documents.
            writes: makes the writes that store them elsewhere as they are: `StoredWrite`
                objects, if the engine has such.
            next: the token.
        """
        page = cls([], next)
        page._documents = None
        page._later = documents, writes
        return page

    @property
    def documents(self) -> list[Document]:
        """The documents, in the order of the scan."""
        if self._documents is None:
            if self._writes is not None:
                self._documents = [write.document() for write in self._writes]
            else:
                assert self._later is not None
                self._documents = self._later[0]()
        return self._documents

    @property
    def writes(self) -> list[Write]:
        """The writes that store the same documents elsewhere, with their versions and times."""
        if self._writes is None:
            if self._documents is not None:
                self._writes = [Write.of(document) for document in self._documents]
            else:
                assert self._later is not None
                self._writes = self._later[1]()
        return self._writes


WriteMode: TypeAlias = Literal["upsert", "insert_if_absent", "replace_if_newer"]
"""How `write_page` treats a document that exists: write over it, keep it, or write over it
only if the new version is greater."""


def prune(document: Document, fields: Iterable[Path]) -> Document:
    """A partial copy of `document` that holds the id and what lies at `fields`."""
    kept: dict[str, Any] = {}
    for path in fields:
        _graft(kept, document, path)
    return document._with(kept, partial=True)


def _graft(target: dict[str, Any], source: dict[str, Any], path: Path) -> None:
    *parents, last = path
    branches: list[str] = []
    for step in parents:
        child = source.get(str(step))
        if not isinstance(child, dict):
            return
        branches.append(str(step))
        source = child
    if last not in source:
        return
    for step in branches:
        target = target.setdefault(step, {})
    target[str(last)] = source[str(last)]
