"""`Document`: what every read and write returns; `Page`: some of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interstore.times import parse_time

__all__ = ["Document", "Page", "make_document"]


class Document(dict[str, Any]):
    """A stored document: a dict of the user's fields and ``"id"``, with its envelope.

    The envelope is what Interstore keeps beside the fields: `version`, `created_at`,
    `updated_at` and `expires_at`. It is not part of equality, and the user's fields are
    never attributes. ``document | other`` gives a plain dict.

    Attributes:
        version: 1 at creation, one more with each write.
        created: `created_at` as canonical text; `updated`, `expires` likewise.
        partial: whether fields were left out by ``fields=``; `put` refuses such a document.
    """

    __slots__ = ("created", "expires", "partial", "updated", "version")

    def __init__(
        self,
        fields: Mapping[str, Any],
        *,
        id: str,
        version: int,
        created: str,
        updated: str,
        expires: str | None = None,
        partial: bool = False,
    ) -> None:
        # Positional work only: this runs once per document read.
        self["id"] = id
        self.update(fields)
        self.version = version
        self.created = created
        self.updated = updated
        self.expires = expires
        self.partial = partial

    @property
    def id(self) -> str:
        """The document's id, unique in its model."""
        id: str = self["id"]
        return id

    @property
    def created_at(self) -> datetime:
        """When the document was created (UTC, microseconds, the writer's clock)."""
        return parse_time(self.created)

    @property
    def updated_at(self) -> datetime:
        """When the document was last written (UTC, microseconds, the writer's clock)."""
        return parse_time(self.updated)

    @property
    def expires_at(self) -> datetime | None:
        """When the document ceases to exist; ``None`` if never."""
        return None if self.expires is None else parse_time(self.expires)

    def fields(self) -> dict[str, Any]:
        """The user's fields alone, as a new plain dict without ``"id"``."""
        fields = dict(self)
        del fields["id"]
        return fields

    def copy(self) -> Document:
        """A shallow copy with the same envelope."""
        return self._with(self, self.partial)

    def _with(self, fields: Mapping[str, Any], partial: bool) -> Document:
        """Other fields with the same id and envelope."""
        return Document(
            fields,
            id=self.id,
            version=self.version,
            created=self.created,
            updated=self.updated,
            expires=self.expires,
            partial=partial,
        )

    __copy__ = copy

    def __reduce__(self) -> tuple[Any, ...]:
        envelope = (self.version, self.created, self.updated, self.expires, self.partial)
        return (_restore, (dict(self), envelope))

    def __repr__(self) -> str:
        partial = ", partial" if self.partial else ""
        return f"Document({dict(self)!r}, version={self.version}{partial})"


def make_document(
    fields: dict[str, Any],
    id: str,
    version: int,
    created: str,
    updated: str,
    expires: str | None = None,
) -> Document:
    """The same as `Document`, of whole fields: for engines, since it costs half as much."""
    document = _new(Document)
    document["id"] = id
    document.update(fields)
    document.version = version
    document.created = created
    document.updated = updated
    document.expires = expires
    document.partial = False
    return document


_new = Document.__new__


def _restore(fields: dict[str, Any], envelope: tuple[int, str, str, str | None, bool]) -> Document:
    version, created, updated, expires, partial = envelope
    return Document(
        fields,
        id=fields["id"],
        version=version,
        created=created,
        updated=updated,
        expires=expires,
        partial=partial,
    )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing.

    Attributes:
        documents: the documents, at most as many as asked for.
        next: what to pass as ``after`` for the following page; ``None`` at the end.
    """

    documents: list[Document]
    next: str | None
