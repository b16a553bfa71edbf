"""`AsyncStore`: what an application calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from copy import copy
from typing import TYPE_CHECKING, Any, Self, TypeVar

from interstore._async.administration import AsyncAdministration
from interstore._async.documents import AsyncDocuments
from interstore._async.many import AsyncMany
from interstore._async.queries import AsyncQueries

if TYPE_CHECKING:
    from interstore._async.repository import AsyncRepository

__all__ = ["AsyncStore"]

M = TypeVar("M")


class AsyncStore(AsyncDocuments, AsyncQueries, AsyncMany, AsyncAdministration):
    """Documents in an engine: validates, assigns ids, prepares, and names errors.

    Made by `interstore.connect_async`, or around any database. Use it as a context manager,
    or call `connect` and `close`.

    A `filter` is a mapping (``{"age": {"$gte": 18}}``) or an expression
    (``field("age") >= 18``); ``None`` and ``{}`` mean all documents. A `sort` is a path,
    ``"-path"`` for descending, or a list of these or of ``(path, 1 | -1)``; the id decides
    between equals. `fields` is a list of paths to return.

    Attributes:
        database: every operation of the engine, on prepared objects.
    """

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Self]:
        """A store like this one for a burst of operations: ``async with store.session() as s``.

        Where each operation takes a connection from a pool (PostgreSQL), all of this one's
        use the same connection, one after the other. Elsewhere it is this store itself. It
        ends with the block; nothing in it is undone if the block fails.

        Raises:
            OperationTimeoutError: no connection came free in time.
        """
        self._check_open()
        async with self.database.session() as operations:
            if operations is self.database:
                yield self
                return
            store = copy(self)
            store.database = operations
            yield store

    def transaction(self) -> Any:
        """Several operations that take effect together or not at all."""
        raise self.database.unsupported(
            "transaction", "keep what must change together in one document"
        )

    def watch(self, model: str, since: str | None = None) -> Any:
        """The changes of a model as they happen."""
        raise self.database.unsupported(
            "watch", 'ask for {"@updated_at": {"$gt": ...}} from time to time'
        )

    def repository(self, kind: type[M], model: str | None = None) -> AsyncRepository[M]:
        """A typed view of a model: documents in and out as instances of `kind`.

        Args:
            kind: a pydantic model, a dataclass, a msgspec Struct or a TypedDict.
            model: the model's name; that of the class by default.
        """
        from interstore._async.repository import AsyncRepository

        return AsyncRepository(self, kind, model)
