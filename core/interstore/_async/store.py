"""`AsyncStore`: what an application calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from copy import copy
from typing import TYPE_CHECKING, Self, TypeVar

from interstore._async.administration import AsyncAdministration
from interstore._async.documents import AsyncDocuments
from interstore._async.many import AsyncMany
from interstore._async.queries import AsyncQueries
from interstore._async.transactions import AsyncTransactions
from interstore._async.watching import AsyncWatching
from interstore.foreign import ForeignSource, IdType

if TYPE_CHECKING:
    from interstore._async.foreign import AsyncForeign
    from interstore._async.repository import AsyncRepository
    from interstore._async.sweeping import AsyncSweeper
    from interstore._async.with_blobs import AsyncStoreWithBlobs
    from interstore.attaching import OnDelete
    from interstore.blobs._async.store import AsyncBlobStore
    from interstore.filters.tree import Scalar

__all__ = ["AsyncStore"]

M = TypeVar("M")


class AsyncStore(
    AsyncDocuments,
    AsyncQueries,
    AsyncMany,
    AsyncTransactions,
    AsyncWatching,
    AsyncAdministration,
):
    """Documents in an engine: validates, assigns ids, prepares, and names errors.

    Made by `interstore.connect_async`, or around any database. Use it as a context manager,
    or call `connect` and `close`.

    A `filter` is a mapping (``{"age": {"$gte": 18}}``) or an expression
    (``field("age") >= 18``); ``None`` and ``{}`` mean all documents. A `sort` is a path,
    ``"-path"`` for descending, or a list of these or of ``(path, 1 | -1)``; the id decides
    between equals. `fields` is a list of paths to return.

    Attributes:
        database: every operation of the engine, on prepared objects.
        plugins: what plugins do to it, outermost first (`interstore.plugins.apply.Layer`).
    """

    _sweeper: AsyncSweeper | None = None

    def sweep_in_background(self, every: float) -> None:
        """Sweep again and again while the store is open, from when it is connected.

        Once, before the store is connected, or by ``sweep_every=`` where it is made.

        Args:
            every: seconds between two sweeps.

        Raises:
            ConfigurationError: that is no number of seconds.
            UnsupportedError: documents do not expire there (capability `ttl`).
        """
        from interstore._async.sweeping import AsyncSweeper, check_every

        seconds = check_every(every)
        if not self.capabilities.ttl:
            raise self.database.unsupported(
                "sweeps in the background (capability ttl)", "documents do not expire there"
            )
        self._sweeper = AsyncSweeper(self, seconds)

    async def connect(self) -> None:
        """Make the engine ready. Called again, it does nothing."""
        opening = not self._connected
        await super().connect()
        if opening and self._sweeper is not None:
            self._sweeper.start()

    async def close(self) -> None:
        """Give everything back. Called again, it does nothing."""
        if self._sweeper is not None and self._sweeper.store is self:
            await self._sweeper.stop()
        await super().close()

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Self]:
        """A store like this one for a burst of operations: ``async with store.session() as s``.

        Where each operation takes a connection from a pool (PostgreSQL), all of this one's
        use the same connection, one after the other. Elsewhere it is this store itself. What
        was written before is seen in it, also where other reads go to replicas. It ends with
        the block; nothing in it is undone if the block fails.

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

    def foreign(
        self,
        name: str,
        *,
        id: str | None = None,
        id_type: IdType | None = None,
        rename: Mapping[str, str] | None = None,
        partition: str | Mapping[str, Scalar] | None = None,
    ) -> AsyncForeign:
        """A view of a table or a collection that other programs made and write.

        Nothing is read before its first operation. `interstore.foreign` says how rows and
        documents of others are presented.

        Args:
            name: the table's or collection's; on PostgreSQL also ``"schema.table"``.
            id: the column or field that identifies a document: by default ``"_id"`` on
                MongoDB, and the primary key on SQL engines if it is one column. On Cosmos DB
                it is always ``"id"``.
            id_type: what the ids are in the database; found out by default.
            rename: names in the database, and those that documents have instead.
            partition: on Cosmos DB, the path of the container's partition key, as a reader
                of the program should know it; or that path with a value, as
                ``{"tenant": "acme"}``, to see that partition alone.

        Raises:
            UnsupportedError: the engine cannot do this.
            InvalidQueryError: an argument is not of its type.
        """
        from interstore._async.foreign import AsyncForeign

        source = ForeignSource(
            name=name,
            id=id,
            id_type=id_type,
            rename={} if rename is None else rename,
            partition=partition,
        )
        return AsyncForeign(self, source)

    def repository(self, kind: type[M], model: str | None = None) -> AsyncRepository[M]:
        """A typed view of a model: documents in and out as instances of `kind`.

        Args:
            kind: a pydantic model, a dataclass, a msgspec Struct or a TypedDict.
            model: the model's name; that of the class by default.
        """
        from interstore._async.repository import AsyncRepository

        return AsyncRepository(self, kind, model)

    def with_blobs(
        self,
        *blobs: AsyncBlobStore,
        on_delete: OnDelete | Mapping[str, OnDelete] = "delete",
        deduplicate: bool = False,
        prefix: str = "attachments/",
    ) -> AsyncStoreWithBlobs:
        """This store with blobs that documents own: `attach`, `open`, `detach`.

        It takes the place of this one: ``connect(...).with_blobs(open_blobs(...))``. Blob stores
        are opened and closed by whoever made them.

        Args:
            *blobs: the blob stores, of different names; the first is where blobs are written.
            on_delete: what becomes of blobs when the document that owns them is removed, or
                its reference is: ``"delete"``, ``"keep"``, or one of them for each model.
            deduplicate: whether equal contents are kept once, unless `attach` says otherwise.
            prefix: what the keys of attached blobs begin with. Blobs elsewhere are never
                removed; two databases with the same blob store need two prefixes.

        Raises:
            ConfigurationError: there is no blob store, or two of one name.
        """
        from interstore._async.with_blobs import AsyncStoreWithBlobs
        from interstore.attaching import AttachmentRules

        rules = AttachmentRules(on_delete=on_delete, deduplicate=deduplicate, prefix=prefix)
        return AsyncStoreWithBlobs(self, blobs, rules)
