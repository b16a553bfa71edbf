"""The smallest engine there can be: the seven operations over a dict, filtered in core."""

from __future__ import annotations

from collections.abc import Iterable

from interstore._async.database import AsyncDatabase
from interstore._sync.database import Database
from interstore.bridge import to_async
from interstore.capabilities import Capabilities, Limits
from interstore.changes import Changes, check_version, not_found
from interstore.document import Document
from interstore.errors import DuplicateError
from interstore.prepared import Query, Write
from interstore.values import decode_fields


class TinyDatabase:
    """Keeps encoded documents, so nothing that a caller holds is shared."""

    name = "tiny"
    capabilities = Capabilities(filter="core", persistent=False)
    limits = Limits(bulk_documents=10)

    def __init__(self) -> None:
        self.models: dict[str, dict[str, Write]] = {}

    def connect(self) -> None:
        pass

    def disconnect(self) -> None:
        pass

    def create(self, model: str, write: Write) -> Document:
        documents = self.models.setdefault(model, {})
        if write.id in documents:
            raise DuplicateError(f"{model} {write.id!r} exists")
        documents[write.id] = _kept(write)
        return write.document()

    def find_by_id(self, model: str, id: str) -> Document | None:
        write = self.models.get(model, {}).get(id)
        return None if write is None else _read(write)

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        write = changes.apply(model, id, self.find_by_id(model, id), if_version)
        self.models[model][id] = _kept(write)
        return write.document()

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        current = self.find_by_id(model, id)
        if current is None:
            if if_version is not None:
                raise not_found(model, id)
            return False
        check_version(model, current, if_version, if_created)
        del self.models[model][id]
        return True

    def find(self, model: str, query: Query) -> Iterable[Document]:
        return map(_read, list(self.models.get(model, {}).values()))


def tiny() -> Database:
    """A new, empty engine."""
    return TinyDatabase()


def tiny_async() -> AsyncDatabase:
    """A new, empty engine for asyncio."""
    return to_async(TinyDatabase())


def _kept(write: Write) -> Write:
    return Write(
        write.id,
        {},
        version=write.version,
        created=write.created,
        updated=write.updated,
        json=write.json,
    )


def _read(write: Write) -> Document:
    return Document(
        decode_fields(write.json),
        id=write.id,
        version=write.version,
        created=write.created,
        updated=write.updated,
    )
