"""`AsyncRepository`: a typed view of one model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from interstore._async.cursor import AsyncCursor
from interstore.bulk import BulkResult
from interstore.errors import UnsupportedError
from interstore.expiry import KEEP, ChangedExpiry, Expiry
from interstore.indexes import Index, IndexType
from interstore.names import check_model
from interstore.prepare import Filter, OnError, Sort, prepare_put, prepare_write
from interstore.shapes import Shape
from interstore.times import now

if TYPE_CHECKING:
    from interstore._async.store import AsyncStore
    from interstore._async.with_blobs import AsyncStoreWithBlobs
    from interstore.blobs._async.sources import AsyncSource

__all__ = ["AsyncRepository", "AsyncTypedCursor"]

M = TypeVar("M")


class AsyncRepository(Generic[M]):
    """One model of a store, with documents as instances of a class.

    Made by `AsyncStore.repository`; `interstore.shapes.Shape` says what a class may declare.
    Every operation means what it means on the store.

    Attributes:
        store: the store.
        model: the model's name.
    """

    def __init__(self, store: AsyncStore, kind: type[M], model: str | None = None) -> None:
        self.store = store
        self.model = check_model(kind.__name__ if model is None else model)
        self._shape = Shape(kind)

    async def create(self, instance: M, *, expires_at: Expiry = None) -> M:
        """Store a new document; the instance as it is stored, with its id.

        Raises:
            InvalidDocumentError: what `instance` holds does not fit its class; nothing is
                written then.
        """
        fields = self._shape.fields(instance)
        document = await self.store.create(self.model, fields, expires_at=expires_at)
        return self._shape.instance(document)

    async def put(
        self, instance: M, *, if_version: int | None = None, expires_at: Expiry = None
    ) -> M:
        """Create the document, or replace the one with the same id.

        Raises:
            InvalidDocumentError: as for `create`.
        """
        fields = self._shape.fields(instance)
        document = await self.store.put(
            self.model, fields, if_version=if_version, expires_at=expires_at
        )
        return self._shape.instance(document)

    async def find_by_id(self, id: str) -> M | None:
        """The instance, or ``None``."""
        document = await self.store.find_by_id(self.model, id)
        return None if document is None else self._shape.instance(document)

    async def get(self, id: str) -> M:
        """The instance; `NotFoundError` if there is none with that id."""
        return self._shape.instance(await self.store.get(self.model, id))

    async def find_by_ids(self, ids: Iterable[str]) -> list[M | None]:
        """The instances with these ids, in their order; ``None`` for each that is missing."""
        documents = await self.store.find_by_ids(self.model, ids)
        return [None if each is None else self._shape.instance(each) for each in documents]

    async def update(
        self,
        id: str,
        changes: Mapping[str, Any],
        *,
        if_version: int | None = None,
        expires_at: ChangedExpiry = KEEP,
    ) -> M:
        """Change one document atomically; the instance as it is now.

        Raises:
            InvalidDocumentError: the changes cannot be made; or what they have made of the
                document does not fit the class, which is known only once they are written.
        """
        document = await self.store.update(
            self.model,
            id,
            self._shape.changes(changes),
            if_version=if_version,
            expires_at=expires_at,
        )
        return self._shape.instance(document, just_written=True)

    async def delete(self, id: str, *, if_version: int | None = None) -> bool:
        """Remove one document; return whether there was one."""
        return await self.store.delete(self.model, id, if_version=if_version)

    async def attach(self, id: str, path: Any, source: AsyncSource, **options: Any) -> M:
        """Write a blob, and a reference to it into a document; the instance as it is now.

        Args:
            id: the document's id.
            path: the field, which the class declares as `BlobRef`, or a list of them.
            source: the content.
            **options: as for `AsyncStoreWithBlobs.attach`.

        Raises:
            UnsupportedError: the store is not one of `AsyncStore.with_blobs`.
        """
        document = await self._with_blobs().attach(self.model, id, path, source, **options)
        return self._shape.instance(document, just_written=True)

    async def detach(self, id: str, path: Any, **options: Any) -> M:
        """Remove a reference from a document, then its blob; the instance as it is now.

        Args:
            id: the document's id.
            path: the field.
            **options: as for `AsyncStoreWithBlobs.detach`.

        Raises:
            UnsupportedError: the store is not one of `AsyncStore.with_blobs`.
        """
        document = await self._with_blobs().detach(self.model, id, path, **options)
        return self._shape.instance(document, just_written=True)

    def _with_blobs(self) -> AsyncStoreWithBlobs:
        from interstore._async.with_blobs import AsyncStoreWithBlobs

        if not isinstance(self.store, AsyncStoreWithBlobs):
            raise UnsupportedError(
                "this store has no blobs: make the repository of store.with_blobs(open_blobs(...))",
                backend=self.store.database.name,
                model=self.model,
            )
        return self.store

    def find(
        self,
        filter: Filter = None,
        *,
        sort: Sort = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> AsyncTypedCursor[M]:
        """A cursor over the instances that match."""
        cursor = self.store.find(
            self.model, self._shape.filter(filter), sort=sort, limit=limit, skip=skip
        )
        return AsyncTypedCursor(cursor, self._shape)

    async def find_one(
        self, filter: Filter = None, *, sort: Sort = None, skip: int = 0
    ) -> M | None:
        """The first instance that matches, or ``None``."""
        return await self.find(filter, sort=sort, skip=skip).first()

    async def find_one_and_update(
        self,
        filter: Filter,
        changes: Mapping[str, Any],
        *,
        sort: Sort = None,
        expires_at: ChangedExpiry = KEEP,
    ) -> M | None:
        """Change the first document that matches; the instance as it is now, or ``None``."""
        document = await self.store.find_one_and_update(
            self.model,
            self._shape.filter(filter),
            self._shape.changes(changes),
            sort=sort,
            expires_at=expires_at,
        )
        return None if document is None else self._shape.instance(document, just_written=True)

    async def find_one_and_delete(self, filter: Filter = None, *, sort: Sort = None) -> M | None:
        """Remove the first document that matches; the instance as it was, or ``None``."""
        document = await self.store.find_one_and_delete(
            self.model, self._shape.filter(filter), sort=sort
        )
        return None if document is None else self._shape.instance(document)

    async def count(self, filter: Filter = None) -> int:
        """How many documents match."""
        return await self.store.count(self.model, self._shape.filter(filter))

    async def exists(self, filter: Filter = None) -> bool:
        """Whether any document matches."""
        return await self.store.exists(self.model, self._shape.filter(filter))

    async def create_many(
        self, instances: Iterable[M], *, on_error: OnError = "raise", expires_at: Expiry = None
    ) -> BulkResult:
        """Store new documents; one that does not fit the class is reported as failed."""
        model, fields, time = self.model, self._shape.fields, now()
        expires = self.store._expires(expires_at, time)
        return await self.store._write_many(
            model,
            "created",
            instances,
            lambda each: prepare_write(model, fields(each), time, expires),
            on_error,
        )

    async def put_many(
        self, instances: Iterable[M], *, on_error: OnError = "raise", expires_at: Expiry = None
    ) -> BulkResult:
        """Put documents; one that does not fit the class is reported as failed."""
        model, fields, time = self.model, self._shape.fields, now()
        expires = self.store._expires(expires_at, time)
        return await self.store._write_many(
            model,
            "put",
            instances,
            lambda each: prepare_put(model, fields(each), time, expires),
            on_error,
        )

    async def update_many(
        self,
        filter: Filter,
        changes: Mapping[str, Any],
        *,
        on_error: OnError = "raise",
        expires_at: ChangedExpiry = KEEP,
    ) -> BulkResult:
        """Change every document that matches, each atomically."""
        return await self.store.update_many(
            self.model,
            self._shape.filter(filter),
            self._shape.changes(changes),
            on_error=on_error,
            expires_at=expires_at,
        )

    async def delete_many(self, filter: Filter, *, on_error: OnError = "raise") -> BulkResult:
        """Remove every document that matches."""
        return await self.store.delete_many(
            self.model, self._shape.filter(filter), on_error=on_error
        )

    async def ensure_index(
        self,
        *paths: Any,
        type: IndexType | Sequence[IndexType | None] | None = None,
        unique: bool = False,
        list: bool = False,
    ) -> Index:
        """Have an index on `paths`, built unless it exists, and return it."""
        return await self.store.ensure_index(
            self.model, *paths, type=type, unique=unique, list=list
        )

    async def indexes(self) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        return await self.store.indexes(self.model)

    async def drop_index(self, index: Index | str) -> bool:
        """Remove an index, given itself or its name; return whether it existed."""
        return await self.store.drop_index(self.model, index)


class AsyncTypedCursor(Generic[M]):
    """The instances of one `AsyncRepository.find`: a cursor with types."""

    def __init__(self, cursor: AsyncCursor, shape: Shape[M]) -> None:
        self._cursor = cursor
        self._shape = shape

    async def first(self) -> M | None:
        """The first instance, or ``None`` if there is none."""
        document = await self._cursor.first()
        return None if document is None else self._shape.instance(document)

    async def to_list(self) -> list[M]:
        """All instances, read in one query."""
        return [self._shape.instance(each) for each in await self._cursor.to_list()]

    async def __aiter__(self) -> AsyncIterator[M]:
        async for page in self._cursor.pages():
            for document in page:
                yield self._shape.instance(document)
