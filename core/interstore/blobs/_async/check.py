"""`AsyncBlobCheck`: references to nothing, and blobs to which nothing refers.

All references are sorted by store and key, in temporary files if they are many, and walked
through side by side with the listings of the stores, which have the same order. So memory does
not grow with the number of documents or blobs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from interstore._compat_async import to_thread
from interstore.blobs._async.store import AsyncBlobStore
from interstore.blobs.blob import BlobEntry
from interstore.blobs.finding import BlobFinding
from interstore.blobs.reference import is_shared, references
from interstore.blobs.spill import SortedRows
from interstore.errors import ConflictError, CorruptionError, InvalidQueryError, NotFoundError
from interstore.names import check_model
from interstore.paths import show_path

if TYPE_CHECKING:
    from interstore._async.store import AsyncStore

__all__ = ["AsyncBlobCheck"]

_SHARED_AGE: Final = timedelta(hours=2)
"""Shared blobs are attached again for an hour after they were written without being written
anew (`interstore.attaching.FRESH`): younger ones are never removed."""


class _Row(NamedTuple):
    """A reference, in the order of the listings."""

    store: str
    key: str
    model: str
    id: str
    path: str
    sha256: str
    size: int


class AsyncBlobCheck:
    """One check, made by `AsyncStoreWithBlobs.check_blobs`. Iterate over it, once.

    The figures are complete when the iteration has ended.

    Attributes:
        documents: documents that were looked at.
        references: references in them.
        blobs: blobs that were listed.
        young: blobs to which nothing refers, too young to be called orphans.
        elsewhere: references to blob stores that are not here; nothing is known of these.
        removed: orphans that were removed.
    """

    def __init__(
        self,
        store: AsyncStore,
        blobs: Mapping[str, AsyncBlobStore],
        prefix: str,
        models: Sequence[str] | None,
        *,
        verify: bool,
        delete_orphans: bool,
        older_than: timedelta,
    ) -> None:
        if isinstance(models, str):
            raise InvalidQueryError(f"models is a list of names, not one text {models!r:.80}")
        if older_than < timedelta(0):
            raise InvalidQueryError(f"older_than is a time from 0, not {older_than}")
        self.documents = self.references = self.blobs = 0
        self.young = self.elsewhere = self.removed = 0
        self._store = store
        self._blobs = blobs
        self._prefix = prefix
        self._models = None if models is None else sorted({check_model(one) for one in models})
        self._verify = verify
        self._delete = delete_orphans
        self._older_than = older_than
        self._judged: tuple[Any, ...] = ()
        self._verdict: Literal["dangling", "damaged"] | None = None

    async def __aiter__(self) -> AsyncIterator[BlobFinding]:
        with SortedRows() as rows:
            for model in await self._store.models() if self._models is None else self._models:
                async for page in self._store.find(model).pages():
                    self.documents += len(page)
                    await to_thread(_collect, rows, model, page)
            found = map(_Row._make, iter(rows))
            async for finding in self._compare(found):
                yield finding

    async def _compare(self, rows: Iterator[_Row]) -> AsyncIterator[BlobFinding]:
        row = next(rows, None)
        for name in sorted(self._blobs):
            async for entry in self._listed(name):
                self.blobs += 1
                place = (name, entry.key)
                while row is not None and row[:2] < place:
                    async for finding in self._referred(row, listed=False):
                        yield finding
                    row = next(rows, None)
                if row is None or row[:2] != place:
                    async for finding in self._unreferred(name, entry):
                        yield finding
                while row is not None and row[:2] == place:
                    async for finding in self._referred(row, listed=True):
                        yield finding
                    row = next(rows, None)
        while row is not None:
            async for finding in self._referred(row, listed=False):
                yield finding
            row = next(rows, None)

    async def _listed(self, name: str) -> AsyncIterator[BlobEntry]:
        """The blobs that are to be referred to, in the order of their keys."""
        prefixes = [self._prefix]
        if self._models is not None:
            prefixes = sorted(f"{self._prefix}{model}/" for model in self._models)
        for prefix in prefixes:
            async for entry in self._blobs[name].list(prefix):
                yield entry

    async def _referred(self, row: _Row, *, listed: bool) -> AsyncIterator[BlobFinding]:
        self.references += 1
        if row.store not in self._blobs:
            self.elsewhere += 1
            return
        what = (row.store, row.key, row.sha256)
        if what != self._judged:
            self._judged, self._verdict = what, await self._judge(row, listed=listed)
        # Since the document was read, it may have been changed, and its blob removed.
        if self._verdict is not None and await self._still_refers(row):
            yield BlobFinding(
                kind=self._verdict,
                store=row.store,
                key=row.key,
                model=row.model,
                id=row.id,
                path=row.path,
            )

    async def _judge(self, row: _Row, *, listed: bool) -> Literal["dangling", "damaged"] | None:
        blobs = self._blobs[row.store]
        try:
            if not self._verify:
                return None if listed or await blobs.exists(row.key) else "dangling"
            size = 0
            async with blobs.open(row.key) as file:
                file.sha256 = row.sha256
                async for data in file:
                    size += len(data)
        except (NotFoundError, InvalidQueryError):  # no blob can have a key that is not one
            return "dangling"
        except CorruptionError:
            return "damaged"
        return None if size == row.size else "damaged"

    async def _still_refers(self, row: _Row) -> bool:
        document = await self._store.find_by_id(row.model, row.id)
        return document is not None and any(
            (ref.store, ref.key, ref.sha256) == (row.store, row.key, row.sha256)
            for _, ref in references(document)
        )

    async def _unreferred(self, name: str, entry: BlobEntry) -> AsyncIterator[BlobFinding]:
        assert entry.modified is not None
        if not self._is_old(entry.key, entry.modified):
            self.young += 1
            return
        removed = self._delete and await self._remove(name, entry.key)
        self.removed += removed
        yield BlobFinding(
            kind="orphan",
            store=name,
            key=entry.key,
            size=entry.size,
            modified=entry.modified,
            removed=removed,
        )

    def _is_old(self, key: str, modified: datetime) -> bool:
        age = self._older_than
        if is_shared(self._prefix, key):
            age = max(age, _SHARED_AGE)
        return datetime.now(UTC) - modified >= age

    async def _remove(self, name: str, key: str) -> bool:
        """Remove an orphan, unless it was written anew meanwhile."""
        blobs = self._blobs[name]
        try:
            info = await blobs.stat(key)
            if not self._is_old(key, info.modified):
                return False
            return await blobs.delete(
                key, if_match=info.etag if blobs.capabilities.if_match else None
            )
        except (NotFoundError, ConflictError):
            return False


def _collect(rows: SortedRows, model: str, page: Sequence[Any]) -> None:
    for document in page:
        for path, ref in references(document):
            rows.add(
                _Row(ref.store, ref.key, model, document.id, show_path(path), ref.sha256, ref.size)
            )
