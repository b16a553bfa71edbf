# Generated from core/interstore/_async/repository.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 128ef0db9d17cb5463b60773

"""`Repository`: a typed view of one model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from interstore._sync.cursor import Cursor
from interstore.bulk import BulkResult
from interstore.errors import UnsupportedError
from interstore.expiry import KEEP, ChangedExpiry, Expiry
from interstore.indexes import Index, IndexType
from interstore.names import check_model
from interstore.prepare import Filter, OnError, Sort, prepare_put, prepare_write
from interstore.shapes import Shape
from interstore.times import now

if TYPE_CHECKING:
    from interstore._sync.store import Store
    from interstore._sync.with_blobs import StoreWithBlobs
    from interstore.blobs._sync.sources import Source

__all__ = ["Repository", "TypedCursor"]

M = TypeVar("M")


class Repository(Generic[M]):
    """One model of a store, with documents as instances of a class.

    Made by `Store.repository`; `interstore.shapes.Shape` says what a class may declare.
    Every operation means what it means on the store.

    Attributes:
        store: the store.
        model: the model's name.
    """

    def __init__(self, store: Store, kind: type[M], model: str | None = None) -> None:
        self.store = store
        self.model = check_model(kind.__name__ if model is None else model)
        self._shape = Shape(kind)

    def create(self, instance: M, *, expires_at: Expiry = None) -> M:
        """Store a new document; the instance as it is stored, with its id.

        Raises:
            InvalidDocumentError: what `instance` holds does not fit its class; nothing is
                written then.
        """
        fields = self._shape.fields(instance)
        document = self.store.create(self.model, fields, expires_at=expires_at)
        return self._shape.instance(document)

    def put(self, instance: M, *, if_version: int | None = None, expires_at: Expiry = None) -> M:
        """Create the document, or replace the one with the same id.

        Raises:
            InvalidDocumentError: as for `create`.
        """
        fields = self._shape.fields(instance)
        document = self.store.put(self.model, fields, if_version=if_version, expires_at=expires_at)
        return self._shape.instance(document)

    def find_by_id(self, id: str) -> M | None:
        """The instance, or ``None``."""
        document = self.store.find_by_id(self.model, id)
        return None if document is None else self._shape.instance(document)

    def get(self, id: str) -> M:
        """The instance; `NotFoundError` if there is none with that id."""
        return self._shape.instance(self.store.get(self.model, id))

    def find_by_ids(self, ids: Iterable[str]) -> list[M | None]:
        """The instances with these ids, in their order; ``None`` for each that is missing."""
        documents = self.store.find_by_ids(self.model, ids)
        return [None if each is None else self._shape.instance(each) for each in documents]

    def update(
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
        document = self.store.update(
            self.model,
            id,
            self._shape.changes(changes),
            if_version=if_version,
            expires_at=expires_at,
        )
        return self._shape.instance(document, just_written=True)

    def delete(self, id: str, *, if_version: int | None = None) -> bool:
        """Remove one document; return whether there was one."""
        return self.store.delete(self.model, id, if_version=if_version)

    def attach(self, id: str, path: Any, source: Source, **options: Any) -> M:
        """Write a blob, and a reference to it into a document; the instance as it is now.

        Args:
            id: the document's id.
            path: the field, which the class declares as `BlobRef`, or a list of them.
            source: the content.
            **options: as for `StoreWithBlobs.attach`.

        Raises:
            UnsupportedError: the store is not one of `Store.with_blobs`.
        """
        document = self._with_blobs().attach(self.model, id, path, source, **options)
        return self._shape.instance(document, just_written=True)

    def detach(self, id: str, path: Any, **options: Any) -> M:
        """Remove a reference from a document, then its blob; the instance as it is now.

        Args:
            id: the document's id.
            path: the field.
            **options: as for `StoreWithBlobs.detach`.

        Raises:
            UnsupportedError: the store is not one of `Store.with_blobs`.
        """
        document = self._with_blobs().detach(self.model, id, path, **options)
        return self._shape.instance(document, just_written=True)

    def _with_blobs(self) -> StoreWithBlobs:
        from interstore._sync.with_blobs import StoreWithBlobs

        if not isinstance(self.store, StoreWithBlobs):
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
    ) -> TypedCursor[M]:
        """A cursor over the instances that match."""
        cursor = self.store.find(
            self.model, self._shape.filter(filter), sort=sort, limit=limit, skip=skip
        )
        return TypedCursor(cursor, self._shape)

    def find_one(self, filter: Filter = None, *, sort: Sort = None, skip: int = 0) -> M | None:
        """The first instance that matches, or ``None``."""
        return self.find(filter, sort=sort, skip=skip).first()

    def find_one_and_update(
        self,
        filter: Filter,
        changes: Mapping[str, Any],
        *,
        sort: Sort = None,
        expires_at: ChangedExpiry = KEEP,
    ) -> M | None:
        """Change the first document that matches; the instance as it is now, or ``None``."""
        document = self.store.find_one_and_update(
            self.model,
            self._shape.filter(filter),
            self._shape.changes(changes),
            sort=sort,
            expires_at=expires_at,
        )
        return None if document is None else self._shape.instance(document, just_written=True)

    def find_one_and_delete(self, filter: Filter = None, *, sort: Sort = None) -> M | None:
        """Remove the first document that matches; the instance as it was, or ``None``."""
        document = self.store.find_one_and_delete(self.model, self._shape.filter(filter), sort=sort)
        return None if document is None else self._shape.instance(document)

    def count(self, filter: Filter = None) -> int:
        """How many documents match."""
        return self.store.count(self.model, self._shape.filter(filter))

    def exists(self, filter: Filter = None) -> bool:
        """Whether any document matches."""
        return self.store.exists(self.model, self._shape.filter(filter))

    def create_many(
        self, instances: Iterable[M], *, on_error: OnError = "raise", expires_at: Expiry = None
    ) -> BulkResult:
        """Store new documents; one that does not fit the class is reported as failed."""
        model, fields, time = self.model, self._shape.fields, now()
        expires = self.store._expires(expires_at, time)
        return self.store._write_many(
            model,
            "created",
            instances,
            lambda each: prepare_write(model, fields(each), time, expires),
            on_error,
        )

    def put_many(
        self, instances: Iterable[M], *, on_error: OnError = "raise", expires_at: Expiry = None
    ) -> BulkResult:
        """Put documents; one that does not fit the class is reported as failed."""
        model, fields, time = self.model, self._shape.fields, now()
        expires = self.store._expires(expires_at, time)
        return self.store._write_many(
            model,
            "put",
            instances,
            lambda each: prepare_put(model, fields(each), time, expires),
            on_error,
        )

    def update_many(
        self,
        filter: Filter,
        changes: Mapping[str, Any],
        *,
        on_error: OnError = "raise",
        expires_at: ChangedExpiry = KEEP,
    ) -> BulkResult:
        """Change every document that matches, each atomically."""
        return self.store.update_many(
            self.model,
            self._shape.filter(filter),
            self._shape.changes(changes),
            on_error=on_error,
            expires_at=expires_at,
        )

    def delete_many(self, filter: Filter, *, on_error: OnError = "raise") -> BulkResult:
        """Remove every document that matches."""
        return self.store.delete_many(self.model, self._shape.filter(filter), on_error=on_error)

    def ensure_index(
        self,
        *paths: Any,
        type: IndexType | Sequence[IndexType | None] | None = None,
        unique: bool = False,
        list: bool = False,
    ) -> Index:
        """Have an index on `paths`, built unless it exists, and return it."""
        return self.store.ensure_index(self.model, *paths, type=type, unique=unique, list=list)

    def indexes(self) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        return self.store.indexes(self.model)

    def drop_index(self, index: Index | str) -> bool:
        """Remove an index, given itself or its name; return whether it existed."""
        return self.store.drop_index(self.model, index)


class TypedCursor(Generic[M]):
    """The instances of one `Repository.find`: a cursor with types."""

    def __init__(self, cursor: Cursor, shape: Shape[M]) -> None:
        self._cursor = cursor
        self._shape = shape

    def first(self) -> M | None:
        """The first instance, or ``None`` if there is none."""
        document = self._cursor.first()
        return None if document is None else self._shape.instance(document)

    def to_list(self) -> list[M]:
        """All instances, read in one query."""
        return [self._shape.instance(each) for each in self._cursor.to_list()]

    def __iter__(self) -> Iterator[M]:
        for page in self._cursor.pages():
            for document in page:
                yield self._shape.instance(document)
