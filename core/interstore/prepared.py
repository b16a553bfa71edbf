"""What an engine receives: prepared objects, validated and canonical, never raw user input."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import structs

from interstore.document import Document, make_document
from interstore.errors import InvalidDocumentError
from interstore.filters.tree import ALL, Node
from interstore.paths import Envelope, Path, Reference

if TYPE_CHECKING:
    from interstore.filters.tree import Scalar

__all__ = ["Partition", "Position", "Query", "ScanPage", "SortKey", "Write", "WriteMode"]

_encode = msgspec.json.Encoder().encode

MAX_DOCUMENT_BYTES = 1_900_000


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
            self._json = json = _encode(self.fields)
            if len(json) > MAX_DOCUMENT_BYTES:
                raise InvalidDocumentError(
                    f"the document has {len(json):,} bytes as JSON; the limit is "
                    f"{MAX_DOCUMENT_BYTES:,}: keep large content as a blob beside it",
                    id=self.id,
                )
        return self._json

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


@dataclass(frozen=True, slots=True)
class ScanPage:
    """One page of a scan: documents, and the token that the next page starts after.

    ``next is None`` means that the partition holds nothing more.
    """

    documents: list[Document]
    next: Any


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
