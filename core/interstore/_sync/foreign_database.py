# Generated from core/interstore/_async/foreign_database.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: e1e63c4ae6635437cec71ed4

"""What the foreign databases of all engines do alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from interstore.aggregation import distinct_values
from interstore.bulk import BulkResult, WriteOutcome
from interstore.capabilities import Capabilities, Limits
from interstore.changes import Changes, not_found
from interstore.document import Document
from interstore.errors import (
    ConfigurationError,
    InterstoreError,
    InvalidQueryError,
    UnsupportedError,
)
from interstore.filters.order import sort_value
from interstore.filters.select import select
from interstore.filters.tree import ALL, Node, Scalar
from interstore.foreign import ForeignSource, IdType, NativeId, Span, id_problem, native_id
from interstore.foreign_filters import matcher, refuse_envelope
from interstore.paths import Envelope, Reference
from interstore.prepared import Partition, Query, ScanPage, Write, WriteMode

__all__ = ["ForeignDatabase"]

_PAGE: Final = 1_000


class ForeignDatabase(ABC):
    """One table or collection of others, as a database that reads, updates and deletes.

    An engine says how a page is read, and how one document is written. The names of models
    that operations are given do not matter: there is one.
    """

    capabilities = Capabilities(foreign=False, multi_key_sort_undeclared=True)

    def __init__(self, source: ForeignSource, name: str, limits: Limits) -> None:
        self.source = source
        self.name = name
        self.limits = limits

    # What an engine says.

    @abstractmethod
    def kind(self) -> IdType | None:
        """What the ids are; ``None`` if nothing is there that could tell.

        Raises:
            ConfigurationError: the source does not exist, or cannot be presented as it says.
        """

    @abstractmethod
    def _read(self, tree: Node, span: Span, limit: int) -> list[Document]:
        """At most `limit` documents of the span in its order: all that satisfy `tree`, and
        perhaps others."""

    @abstractmethod
    def _fetch(self, ids: Sequence[NativeId]) -> list[Document]:
        """The documents that exist among `ids`."""

    @abstractmethod
    def _total(self) -> int:
        """How many documents there are."""

    @abstractmethod
    def _splits(self, n: int) -> list[str]:
        """At most ``n - 1`` ids in ascending order that part the documents in equal shares."""

    @abstractmethod
    def _change(self, id: NativeId, changes: Changes) -> Document | None:
        """Apply changes, at least one, atomically; ``None`` if there is no such document."""

    @abstractmethod
    def _remove(self, id: NativeId) -> bool:
        """Delete one document; return whether there was one."""

    # Life: that of the database whose connections are used.

    def connect(self) -> None:  # noqa: B027 (there is nothing to do)
        """The connections are another's."""

    def disconnect(self) -> None:  # noqa: B027
        """The connections are another's."""

    def ping(self) -> None:
        """Return if the source is there."""
        self.kind()

    # Reads.

    def find_by_id(self, model: str, id: str) -> Document | None:
        found = self.find_by_ids(model, [id])
        return found[0] if found else None

    def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """The documents that exist among `ids`."""
        kind = self.kind()
        if kind is None:
            return []
        found = self._fetch([self._native(kind, id) for id in ids])
        seen: set[str] = set()
        for document in found:
            if document.id in seen:
                raise self._twice(document.id)
            seen.add(document.id)
        return found

    def find(self, model: str, query: Query) -> Iterable[Document]:
        refuse_envelope(self.source.name, query.tree, query.order)
        kind = self.kind()
        if kind is None or query.limit == 0:
            return []
        wanted = None if query.limit is None else query.skip + query.limit
        if query.order[0].path is not Envelope.ID:
            return self._sorted(kind, query, wanted)
        after = None if query.after is None else self._native(kind, query.after[0])
        span = Span(after, descending=query.order[0].descending)
        found: list[Document] = []
        for page in self._matching(kind, query.tree, span, wanted):
            found += page
            if wanted is not None and len(found) >= wanted:
                break
        return found[query.skip : wanted]

    def _sorted(self, kind: IdType, query: Query, wanted: int | None) -> list[Document]:
        """In another order than that of ids; with a limit, few are held at a time."""
        keep = query.only(tree=ALL, skip=0, limit=wanted)
        best: list[Document] = []
        for page in self._matching(kind, query.tree, Span(), None):
            best += page
            if wanted is not None:
                best = select(best, keep)
        return select(best, keep)[query.skip :]

    def count(self, model: str, tree: Node) -> int:
        """How many documents match."""
        refuse_envelope(self.source.name, tree)
        kind = self.kind()
        if kind is None:
            return 0
        if tree == ALL:
            return self._total()
        total = 0
        for page in self._matching(kind, tree, Span(), None):
            total += len(page)
        return total

    def distinct(self, model: str, path: Reference, tree: Node) -> list[Scalar]:
        """The scalars that stand at `path`, each once, in sort order."""
        refuse_envelope(self.source.name, tree)
        if isinstance(path, Envelope) and path is not Envelope.ID:
            raise self._refused(f"distinct {path.value}", "its documents have no envelope")
        kind = self.kind()
        if kind is None:
            return []
        found: dict[tuple[bool, Scalar], Scalar] = {}
        for page in self._matching(kind, tree, Span(), None):
            for value in distinct_values(page, path):
                found[type(value) is bool, value] = value
        return sorted(found.values(), key=sort_value)

    def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """One page of a partition, in the order of ids, after the last id of the page before."""
        kind = self.kind()
        if kind is None:
            return ScanPage([], None)
        lower = partition.after if after is None else after
        span = Span(
            None if lower is None else self._native(kind, lower),
            None if partition.until is None else self._native(kind, partition.until),
        )
        documents, more = self._page(ALL, span, limit)
        return ScanPage(documents, documents[-1].id if more else None)

    def partitions(self, model: str, n: int) -> list[Partition]:
        """At most `n` shares of about the same number of documents."""
        if n < 2 or self.kind() is None:
            return [Partition()]
        ends = [None, *self._splits(n), None]
        return [Partition(after=after, until=until) for after, until in pairwise(ends)]

    def _matching(
        self, kind: IdType, tree: Node, span: Span, wanted: int | None
    ) -> Iterator[list[Document]]:
        """Pages of the documents that match, in the order of ids."""
        matches = None if tree == ALL else matcher(tree, kind)
        size = _PAGE if wanted is None else min(_PAGE, max(wanted, 1))
        more = True
        while more:
            page, more = self._page(tree, span, size)
            if page:
                after = native_id(kind, page[-1].id)
                span = Span(after, descending=span.descending)
            yield page if matches is None else list(filter(matches, page))
            size = min(size * 10, _PAGE)

    def _page(self, tree: Node, span: Span, size: int) -> tuple[list[Document], bool]:
        """A page, and whether there are more; one document more is read, to tell."""
        found = self._read(tree, span, size + 1)
        for one, other in pairwise(found):
            if one["id"] == other["id"]:
                raise self._twice(one.id)
        return found[:size], len(found) > size

    # Writes.

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        self._refuse_version(if_version)
        if changes.replacement is not None:
            raise self._refused("put", "use update, which changes the fields that are named")
        kind = self.kind()
        updated: Document | None = None
        if kind is not None:
            native = self._native(kind, id)
            if changes.is_empty:
                updated = self.find_by_id(model, id)
            else:
                updated = self._change(native, changes)
        if updated is None:
            raise not_found(self.source.name, id)
        return updated

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        self._refuse_version(if_version)
        kind = self.kind()
        return kind is not None and self._remove(self._native(kind, id))

    def create(self, model: str, write: Write) -> Document:
        raise self._refused("create", _OTHERS_CREATE)

    def put(self, model: str, write: Write, *, if_version: int | None = None) -> Document:
        """Refused."""
        raise self._refused("put", _OTHERS_CREATE)

    def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Refused."""
        raise self._refused("create_many", _OTHERS_CREATE)

    def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Refused."""
        raise self._refused("put_many", _OTHERS_CREATE)

    def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Refused."""
        raise self._refused("write_page", _OTHERS_CREATE)

    def update_many(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """Refused."""
        raise self._refused("update_many", _ONE_BY_ONE)

    def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Refused."""
        raise self._refused("delete_many", _ONE_BY_ONE)

    def find_one_and_update(self, model: str, query: Query, changes: Changes) -> Document | None:
        """Refused."""
        raise self._refused("find_one_and_update", _ONE_BY_ONE)

    def find_one_and_delete(self, model: str, query: Query) -> Document | None:
        """Refused."""
        raise self._refused("find_one_and_delete", _ONE_BY_ONE)

    # Refusals.

    def _native(self, kind: IdType, id: Any) -> NativeId:
        """The id that is presented as this text.

        Raises:
            InvalidQueryError: no id is.
        """
        problem = id_problem(kind, id)
        native = None if problem else native_id(kind, id)
        if native is None:
            raise InvalidQueryError(
                f"foreign {self.source.name!r} has ids of type {kind!r}: {problem}",
                model=self.source.name,
            )
        return native

    def _refuse_version(self, if_version: int | None) -> None:
        if if_version is not None:
            raise self._refused(
                f"if_version={if_version}",
                "other programs write it without versions; each update is atomic by itself",
            )

    def _refused(self, operation: str, instead: str) -> UnsupportedError:
        return UnsupportedError(
            f"{self.source.name!r} is foreign data, which does not support {operation}: {instead}",
            backend=self.name,
            model=self.source.name,
        )

    def _twice(self, id: str) -> InterstoreError:
        return ConfigurationError(
            f"foreign {self.source.name!r}: the id {id!r} stands in more than one row; choose a "
            "column with id= whose values are unique",
            backend=self.name,
            model=self.source.name,
            id=id,
        )


_OTHERS_CREATE: Final = (
    "it is for reading, update and delete. Create documents in a model of the store, or with "
    "the program that owns the data"
)
_ONE_BY_ONE: Final = "find the documents, and update or delete each"
