# Generated from core/interstore/_async/cursor.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 6ed946a10658e57471b88d52

"""What `find` returns: documents read page by page, as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from interstore._sync.operations import Operations
from interstore.document import Document, Page
from interstore.errors import InterstoreError
from interstore.filters.order import position_of
from interstore.paths import Envelope, Path
from interstore.prepared import Query, prune

__all__ = ["Cursor"]

FIRST_PAGE: Final = 100
"""A loop that stops early should not have read much."""

SORTED_PAGES: Final = 10
"""How many times larger than a page in id order one in another order may grow: it may cost
a sort of everything each time."""


class Cursor:
    """The documents of one `find`: iterate over it, or take `first()` or `to_list()`.

    Nothing is read before it is asked for, and nothing is held between pages: each page is
    a query of its own that starts after the last document of the page before. Documents may
    be written meanwhile; in id order, none appears twice. Each iteration starts anew.
    """

    def __init__(
        self,
        operations: Operations,
        model: str,
        query: Query,
        name_error: Callable[[InterstoreError, str], None],
    ) -> None:
        self._operations = operations
        self._model = model
        self.query = query
        self._name_error = name_error

    def first(self) -> Document | None:
        """The first document, or ``None`` if there is none."""
        if self.query.limit == 0:
            return None
        found = self._read(self.query.only(limit=1))
        return found[0] if found else None

    def to_list(self) -> list[Document]:
        """All documents, read in one query."""
        return [] if self.query.limit == 0 else self._read(self.query)

    def __iter__(self) -> Iterator[Document]:
        for page in self.pages():
            for document in page:
                yield document

    def pages(self) -> Iterator[list[Document]]:
        """The documents in lists, as they are read: 100 first, then more at once."""
        largest = self._operations.limits.bulk_documents
        if self.query.sort:
            largest *= SORTED_PAGES
        query, left, size = self.query, self.query.limit, min(FIRST_PAGE, largest)
        while left is None or left > 0:
            limit = size if left is None else min(size, left)
            query = query.only(limit=limit, fields=_with_sort(self.query))
            documents = self._find(query)
            if not documents:
                return
            # Before they are given away: the caller may change them.
            position = position_of(documents[-1], query.order)
            yield self._pruned(documents)
            if len(documents) < limit:
                return
            left = None if left is None else left - limit
            size = min(size * 10, largest)
            query = query.only(skip=0, after=position)

    def page(self, limit: int, token: Callable[[Document], str]) -> Page:
        """At most `limit` documents, and the token of the last if there are more."""
        query = self.query.only(limit=limit + 1, fields=_with_sort(self.query))
        documents = self._find(query)
        following = token(documents[limit - 1]) if len(documents) > limit else None
        return Page(self._pruned(documents[:limit]), following)

    def _read(self, query: Query) -> list[Document]:
        return self._pruned(self._find(query))

    def _find(self, query: Query) -> list[Document]:
        try:
            found = self._operations.find(self._model, query)
        except InterstoreError as error:
            self._name_error(error, self._model)
            raise
        return found if isinstance(found, list) else list(found)

    def _pruned(self, documents: list[Document]) -> list[Document]:
        fields = self.query.fields
        return documents if fields is None else [prune(each, fields) for each in documents]


def _with_sort(query: Query) -> tuple[Path, ...] | None:
    """The fields to read: those asked for, and those that tell a document's position."""
    if query.fields is None:
        return None
    paths = [key.path for key in query.sort if not isinstance(key.path, Envelope)]
    if any(isinstance(step, int) for path in paths for step in path):
        return None
    return tuple(dict.fromkeys((*query.fields, *paths)))
