# Generated from core/interstore/_async/foreign.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: b3b997d76b7c8751430b8663

"""`Foreign`: a view of what other programs made and write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from interstore._sync.cursor import Cursor
from interstore._sync.database import Database
from interstore._sync.queries import Queries
from interstore.changes_parse import parse_changes
from interstore.document import Document, Page
from interstore.errors import (
    InterstoreError,
    InvalidQueryError,
    NotFoundError,
)
from interstore.filters.tree import Scalar
from interstore.foreign import ForeignSource
from interstore.prepare import Filter, Sort, check_if_version
from interstore.times import now
from interstore.values import exact_integers

if TYPE_CHECKING:
    from interstore._sync.store import Store

__all__ = ["Foreign"]


class Foreign:
    """One table or collection of others, read as documents; also `update` and `delete`.

    Made by `Store.foreign`. Each operation means what it means on a store, without the
    model. Documents have no envelope: `Document.version`, ``@version`` in filters and
    ``if_version=`` raise `UnsupportedError`. Ids are texts; an integer or a UUID is taken
    as its text. Without a sort, documents come in the database's order of the ids.

    Attributes:
        store: the store whose connections it uses.
        source: what it is a view of.
        database: every operation on prepared objects, as migration uses them.
    """

    def __init__(self, store: Store, source: ForeignSource) -> None:
        self.store = store
        self.source = source
        self._queries = _Queries(store.database.foreign(source), store)
        self.database = self._queries.database

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.source.name!r} of {self.store!r}>"

    def find_by_id(self, id: str | int | UUID) -> Document | None:
        """The document, or ``None``.

        Raises:
            InvalidQueryError: `id` is not of the type that the ids are of.
            ConfigurationError: the source does not exist, or cannot be read as it says.
            InvalidDocumentError: a value cannot be presented; the error names its column.
        """
        text = self._id(id)
        try:
            return self.database.find_by_id(self.source.name, text)
        except InterstoreError as error:
            self._queries._name_error(error, self.source.name, text)
            raise

    def get(self, id: str | int | UUID) -> Document:
        """The document; `NotFoundError` if there is none with that id."""
        document = self.find_by_id(id)
        if document is None:
            raise NotFoundError(
                f"{self.source.name} has no document {id!r}",
                backend=self.database.name,
                model=self.source.name,
                id=str(id),
            )
        return document

    def find_by_ids(self, ids: Iterable[str | int | UUID]) -> list[Document | None]:
        """The documents with these ids, in their order; ``None`` for each that is missing."""
        if isinstance(ids, str) or not isinstance(ids, Iterable):
            raise InvalidQueryError(f"find_by_ids takes a list of ids, not {ids!r:.80}")
        asked = [self._id(id) for id in ids]
        unique, size = list(dict.fromkeys(asked)), self.database.limits.bulk_documents
        found: dict[str, Document] = {}
        for start in range(0, len(unique), size):
            try:
                part = self.database.find_by_ids(self.source.name, unique[start : start + size])
            except InterstoreError as error:
                self._queries._name_error(error, self.source.name)
                raise
            found.update((document.id, document) for document in part)
        # An id that was asked for twice must not give the same object twice.
        return [found[id].copy() if id in found else None for id in asked]

    def update(
        self, id: str | int | UUID, changes: Mapping[str, Any], *, if_version: None = None
    ) -> Document:
        """Change one document atomically, and return it as it is now.

        Only the columns or fields that change are written, in their own types. ``$inc`` of an
        integer is exact.

        Args:
            id: the document's id.
            changes: as for `Store.update`.
            if_version: refused: there are no versions.

        Raises:
            NotFoundError: there is no such document.
            InvalidDocumentError: a path meets a value of the wrong type, a column does not
                exist or cannot hold the value, or a constraint refuses it.
            DuplicateError: a unique index has the value already.
            UnsupportedError: it is a view, or `if_version` is given.
        """
        text = self._id(id)
        check_if_version(if_version)
        with exact_integers():
            parsed = parse_changes(text, changes, now())
        try:
            return self.database.update(self.source.name, text, parsed, if_version=if_version)
        except InterstoreError as error:
            self._queries._name_error(error, self.source.name, text)
            raise

    def delete(self, id: str | int | UUID, *, if_version: None = None) -> bool:
        """Remove one document; return whether there was one.

        Raises:
            InvalidDocumentError: other rows refer to it.
            UnsupportedError: it is a view, or `if_version` is given.
        """
        text = self._id(id)
        check_if_version(if_version)
        try:
            return self.database.delete(self.source.name, text, if_version=if_version)
        except InterstoreError as error:
            self._queries._name_error(error, self.source.name, text)
            raise

    def find(
        self,
        filter: Filter = None,
        *,
        sort: Sort = None,
        limit: int | None = None,
        skip: int = 0,
        fields: Sequence[Any] | None = None,
    ) -> Cursor:
        """A cursor over the documents that match; iterating reads page by page."""
        with exact_integers():
            return self._queries.find(
                self.source.name, filter, sort=sort, limit=limit, skip=skip, fields=fields
            )

    def find_one(
        self,
        filter: Filter = None,
        *,
        sort: Sort = None,
        skip: int = 0,
        fields: Sequence[Any] | None = None,
    ) -> Document | None:
        """The first document that matches, or ``None``."""
        return self.find(filter, sort=sort, skip=skip, fields=fields).first()

    def page(
        self,
        filter: Filter = None,
        *,
        sort: Sort = None,
        limit: int = 100,
        after: str | None = None,
        fields: Sequence[Any] | None = None,
    ) -> Page:
        """One page of the documents that match, and the token of the following page."""
        with exact_integers():
            return self._queries.page(
                self.source.name, filter, sort=sort, limit=limit, after=after, fields=fields
            )

    def count(self, filter: Filter = None) -> int:
        """How many documents match. Without a filter, the database counts."""
        with exact_integers():
            return self._queries.count(self.source.name, filter)

    def exists(self, filter: Filter = None) -> bool:
        """Whether any document matches."""
        with exact_integers():
            return self._queries.exists(self.source.name, filter)

    def aggregate(
        self,
        filter: Filter = None,
        *,
        group_by: Any = None,
        having: Filter = None,
        sort: Sort = None,
        limit: int | None = None,
        **figures: Any,
    ) -> list[dict[str, Any]]:
        """One row for each group of the documents that match, which are held meanwhile."""
        with exact_integers():
            return self._queries.aggregate(
                self.source.name,
                filter,
                group_by=group_by,
                having=having,
                sort=sort,
                limit=limit,
                **figures,
            )

    def distinct(self, path: Any, filter: Filter = None) -> list[Scalar]:
        """The scalars at `path` in the documents that match, each once, in sort order."""
        with exact_integers():
            return self._queries.distinct(self.source.name, path, filter)

    def _id(self, id: Any) -> str:
        self._queries._check(self.source.name)
        if isinstance(id, UUID) or (isinstance(id, int) and not isinstance(id, bool)):
            return str(id)
        if not isinstance(id, str):
            raise InvalidQueryError(
                f"foreign {self.source.name!r}: an id is its text, an integer or a UUID, not "
                f"{id!r:.80}",
                model=self.source.name,
            )
        return str.__str__(id)


class _Queries(Queries):
    """The queries of a store over another database, whose name need not be a model's."""

    def __init__(self, database: Database, store: Store) -> None:
        super().__init__(database)
        self._store = store

    def _check(self, model: Any, on_error: Any = "raise") -> None:
        self._store._check_open()
