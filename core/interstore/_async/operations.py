"""Every operation of a database: the seven, and the ones derived from them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from interstore._async.database import AsyncDatabase
from interstore._compat_async import to_thread
from interstore.aggregation import Aggregation, Aggregator, Distinct, fields_of
from interstore.bulk import BulkResult, Outcome, WriteOutcome
from interstore.capabilities import Capabilities, Limits
from interstore.changes import Changes
from interstore.document import Document
from interstore.errors import (
    ConflictError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from interstore.filters.evaluate import compile_filter
from interstore.filters.order import position_of
from interstore.filters.select import select
from interstore.filters.tree import ALL, Bound, Node, Range, Scalar
from interstore.foreign import ForeignSource
from interstore.indexes import Index
from interstore.paths import Envelope, Path, Reference
from interstore.plans import Plan
from interstore.prepared import Partition, Query, ScanPage, Write, WriteMode
from interstore.stats import Stats
from interstore.transactions import Isolation
from interstore.watching import ChangePage

__all__ = ["AsyncOperations"]

_ATTEMPTS: Final = 100
"""How often a read-modify-write is repeated when others write the same document between."""

_CANDIDATES: Final = 8
"""So many documents are read at once by a caller who lost the first of them to another."""

_DERIVED: Final = (
    "find_by_ids",
    "count",
    "exists",
    "put",
    "create_many",
    "put_many",
    "update_many",
    "delete_many",
    "find_one_and_update",
    "find_one_and_delete",
    "aggregate",
    "distinct",
    "ping",
    "scan",
    "partitions",
)
_WATCHING: Final = (
    "enable_watch",
    "disable_watch",
    "start_watch",
    "read_changes",
    "end_watch",
)
_SEVEN: Final = ("connect", "disconnect", "create", "find_by_id", "update", "delete")


class AsyncOperations:
    """A database with every operation, each bound once, at construction.

    The engine's own method is bound where it defines one, so a call costs what the engine
    costs; elsewhere the default here, built on the seven. An operation that the engine does
    not declare raises `UnsupportedError`.
    """

    def __init__(self, database: AsyncDatabase) -> None:
        self.database = database
        self.name = database.name
        self.capabilities: Capabilities = database.capabilities
        self.limits: Limits = database.limits
        for name in (*_SEVEN, *_DERIVED):
            self._bind(name)
        if self.capabilities.filter == "native":
            self._bind("find")
        for name in ("models", "drop", "stats", "explain", "write_page", "foreign"):
            if getattr(self.capabilities, name):
                self._bind(name)
        if self.capabilities.ttl:
            self._bind("sweep")
        if self.capabilities.ensure_index:
            self._bind("indexes")
            self._bind("drop_index")
        if self.capabilities.watch:
            for name in _WATCHING:
                self._bind(name)

    def _bind(self, name: str) -> None:
        method: Callable[..., Any] | None = getattr(self.database, name, None)
        if method is not None:
            setattr(self, name, method)

    # The seven: instance attributes hide all but `find` of an engine that filters in core.

    async def connect(self) -> None:
        """`AsyncDatabase.connect`."""
        await self.database.connect()

    async def disconnect(self) -> None:
        """`AsyncDatabase.disconnect`."""
        await self.database.disconnect()

    async def create(self, model: str, write: Write) -> Document:
        """`AsyncDatabase.create`."""
        return await self.database.create(model, write)

    async def find_by_id(self, model: str, id: str) -> Document | None:
        """`AsyncDatabase.find_by_id`."""
        return await self.database.find_by_id(model, id)

    async def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        """`AsyncDatabase.update`."""
        return await self.database.update(model, id, changes, if_version=if_version)

    async def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        """`AsyncDatabase.delete`."""
        return await self.database.delete(model, id, if_version=if_version, if_created=if_created)

    async def find(self, model: str, query: Query) -> Iterable[Document]:
        """Exactly the documents that the query asks for, in its order."""
        # Over everything there is: in a thread, so that the event loop goes on.
        return await to_thread(select, await self.database.find(model, query), query)

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncOperations]:
        """The same operations, on one connection if the engine gains by keeping it.

        An engine that does defines `session`, too: a context manager that gives a database
        like itself, connected. When it ends, or the engine is disconnected, what it gave
        raises `UnavailableError`; `disconnect` ends it early.
        """
        begin: Callable[[], AbstractAsyncContextManager[AsyncDatabase]] | None
        begin = getattr(self.database, "session", None)
        if begin is None:
            yield self
            return
        async with begin() as database:
            yield self if database is self.database else AsyncOperations(database)

    def check_transaction(self) -> None:
        """Return if the engine declares `transaction`.

        Raises:
            UnsupportedError: it does not.
        """
        if not self.capabilities.transaction:
            raise self.unsupported("transaction", "keep what must change together in one document")

    @asynccontextmanager
    async def transaction(self, isolation: Isolation) -> AsyncGenerator[AsyncOperations]:
        """The operations of a transaction, which ends with the block.

        An engine that declares `transaction` defines it: a context manager that gives a database
        like itself, connected, whose operations read what it wrote, while others read what was
        before. Left normally it commits; left with an error, it undoes everything. If it cannot
        commit it raises:

        - `UnavailableError` if nothing was applied and the whole may be repeated;
        - `OperationTimeoutError` if nobody knows whether it was.

        An operation that fails for its document or its arguments leaves the transaction as it
        was before the operation; after any other error it can only be undone. Where the engine
        is disconnected meanwhile, everything is undone. Each operation of the transaction, its
        begin and its end have the time that an operation has outside.

        Raises:
            UnsupportedError: the engine has no transactions, or not of that isolation.
        """
        from interstore._async.transacted import AsyncTransacted

        self.check_transaction()
        begin: Callable[[Isolation], AbstractAsyncContextManager[AsyncDatabase]]
        begin = getattr(self.database, "transaction")  # noqa: B009 (not part of the protocol)
        async with begin(isolation) as database:
            operations = AsyncTransacted(database)
            try:
                yield operations
            finally:
                operations.end()

    def check_snapshot(self) -> None:
        """Return if the engine declares `snapshot`.

        Raises:
            UnsupportedError: it does not.
        """
        if not self.capabilities.snapshot:
            raise self.unsupported(
                "snapshot", "read while nobody writes, or compare versions afterwards"
            )

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[AsyncOperations]:
        """The operations that read, all of one state, until the block ends.

        An engine that declares `snapshot` gives it for the isolation ``"reading"`` of its
        `transaction`: begun without waiting for writers, keeping none of them from writing, and of
        the state of all models at one moment of its beginning.

        Raises:
            UnsupportedError: the engine has no snapshots.
        """
        from interstore._async.transacted import AsyncSnapshot

        self.check_snapshot()
        begin: Callable[[Isolation], AbstractAsyncContextManager[AsyncDatabase]]
        begin = getattr(self.database, "transaction")  # noqa: B009 (not part of the protocol)
        async with begin("reading") as database:
            operations = AsyncSnapshot(database)
            try:
                yield operations
            finally:
                operations.end()

    # Derived: reads.

    async def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """The documents that exist among `ids`, in any order."""
        found = [await self.find_by_id(model, id) for id in ids]
        return [document for document in found if document is not None]

    async def count(self, model: str, tree: Node) -> int:
        """How many documents match."""
        total = 0
        async for page in self._pages(model, tree):
            total += len(page)
        return total

    async def exists(self, model: str, tree: Node) -> bool:
        """Whether any document matches."""
        return bool(list(await self.find(model, Query(tree, limit=1))))

    async def aggregate(self, model: str, aggregation: Aggregation) -> list[dict[str, Any]]:
        """One row for each group. No more than a page of documents is held at a time."""
        aggregator = Aggregator(aggregation)
        fields = fields_of(aggregation.references)
        async for documents in self._streamed(model, aggregation.tree, fields):
            await to_thread(aggregator.add, documents)
        return aggregator.rows()

    async def distinct(self, model: str, path: Reference, tree: Node) -> list[Scalar]:
        """The scalars that stand at `path`, each once, in sort order."""
        distinct = Distinct(path)
        async for documents in self._streamed(model, tree, fields_of([path])):
            await to_thread(distinct.add, documents)
        return distinct.values()

    async def ping(self) -> None:
        """Return if the engine answers; raise the reason if it does not."""
        await self.find_by_id("ping", "ping")

    async def partitions(self, model: str, n: int) -> list[Partition]:
        """At most `n` shares of the model, for scans side by side: one, by default."""
        return [Partition()]

    async def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """One page of a partition in the order of ids, after the token of the page before."""
        lower = after if after is not None else partition.after
        bounds = (
            None if lower is None else Bound(lower, False),
            None if partition.until is None else Bound(partition.until, True),
        )
        tree: Node = ALL if bounds == (None, None) else Range(Envelope.ID, *bounds)
        documents = list(await self.find(model, Query(tree, limit=limit)))
        return ScanPage(documents, documents[-1].id if len(documents) == limit else None)

    async def _streamed(
        self, model: str, tree: Node, fields: tuple[Path, ...] | None
    ) -> AsyncIterator[Iterable[Document]]:
        """All documents that match, or no less than `fields` of them, a part at a time."""
        if self.capabilities.filter == "native":
            async for page in self._pages(model, tree, fields):
                yield page
            return
        # Of an engine that filters in core, each page would be a walk over everything.
        yield filter(compile_filter(tree), await self.database.find(model, Query(tree)))

    async def _pages(
        self, model: str, tree: Node, fields: tuple[Path, ...] | None = None
    ) -> AsyncIterator[list[Document]]:
        """Pages of all documents that match, in the order of ids."""
        query = Query(tree, limit=self.limits.bulk_documents, fields=fields)
        while True:
            page = list(await self.find(model, query))
            if page:
                yield page
            if len(page) < self.limits.bulk_documents:
                return
            query = query.only(after=position_of(page[-1], query.order))

    # Derived: writes.

    async def put(self, model: str, write: Write, *, if_version: int | None = None) -> Document:
        """Replace the document if it exists (its creation time stays), else create it.

        Raises:
            NotFoundError: `if_version` is given and the document does not exist.
            ConflictError: its version is not `if_version`.
        """
        replacing = Changes((), write.updated, replacement=write.fields, expires=write.expires)
        if if_version is not None:
            return await self.update(model, write.id, replacing, if_version=if_version)
        for _ in range(_ATTEMPTS):
            try:
                return await self.update(model, write.id, replacing)
            except NotFoundError:
                pass
            try:
                return await self.create(model, write)
            except DuplicateError as error:
                if error.index is not None:
                    raise
                # Else it was created by another since, or what is there has expired.
                if self.capabilities.ttl:
                    await self.sweep(model, 1, [write.id])
        raise _contended(model, write.id)

    async def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Create each; the outcome of each, in order. Ids within one call are distinct."""
        outcomes: list[WriteOutcome] = []
        for write in writes:
            try:
                await self.create(model, write)
            except (DuplicateError, InvalidDocumentError) as error:
                outcomes.append(error)
            else:
                outcomes.append(1)
        return outcomes

    async def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Put each; the outcome of each, in order. Ids within one call are distinct."""
        outcomes: list[WriteOutcome] = []
        for write in writes:
            try:
                outcomes.append((await self.put(model, write)).version)
            except (DuplicateError, InvalidDocumentError) as error:
                outcomes.append(error)
        return outcomes

    async def update_many(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """Update every document that matches, each atomically.

        A document that no longer matches when its turn comes is left as it is; one that
        the changes do not fit is reported, and the others are updated all the same.
        """
        matches = compile_filter(tree)
        result = BulkResult()
        async for page in self._pages(model, tree):
            for document in page:
                try:
                    if await self._update_while(model, document, changes, matches):
                        result.updated += 1
                except (InvalidDocumentError, DuplicateError) as error:
                    result.failed += 1
                    result.outcomes.append(Outcome(document.id, "failed", error=error))
        return result

    async def _update_while(
        self,
        model: str,
        document: Document,
        changes: Changes,
        matches: Callable[[Document], bool],
    ) -> Document | None:
        """Update the document if it still matches; ``None`` if it does not any more."""
        current: Document | None = document
        for _ in range(_ATTEMPTS):
            if current is None or not matches(current):
                return None
            try:
                return await self.update(
                    model, current.id, changes.only_for(current), if_version=current.version
                )
            except ConflictError:
                current = await self.find_by_id(model, document.id)
            except NotFoundError:
                return None
        raise _contended(model, document.id)

    async def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Delete every document that matches, each atomically."""
        matches = compile_filter(tree)
        result = BulkResult()
        async for page in self._pages(model, tree):
            for document in page:
                if await self._take_while(model, document, matches):
                    result.deleted += 1
        return result

    async def find_one_and_update(
        self, model: str, query: Query, changes: Changes
    ) -> Document | None:
        """Update the first document of the query's order; ``None`` if none matches.

        Of callers at the same time, each gets another document or another version.
        """
        matches = compile_filter(query.tree)
        async for document in self._candidates(model, query):
            updated = await self._update_while(model, document, changes, matches)
            if updated is not None:
                return updated
        return None

    async def find_one_and_delete(self, model: str, query: Query) -> Document | None:
        """Delete the first document of the query's order and return it; ``None`` if none matches.

        Of callers at the same time, each gets another document.
        """
        matches = compile_filter(query.tree)
        async for document in self._candidates(model, query):
            deleted = await self._take_while(model, document, matches)
            if deleted is not None:
                return deleted
        return None

    async def _candidates(self, model: str, query: Query) -> AsyncIterator[Document]:
        """The first document of the query's order, until nothing matches any more.

        Whoever draws another has lost the one before to others. From then on several are
        read at once, so that those who lose do not all meet again at the next.
        """
        query = query.only(limit=1, fields=None)
        lost = ""
        for _ in range(_ATTEMPTS):
            documents = list(await self.find(model, query))
            if not documents:
                return
            for document in documents:
                yield document
            lost, query = documents[-1].id, query.only(limit=_CANDIDATES)
        raise _contended(model, lost)

    async def _take_while(
        self, model: str, document: Document, matches: Callable[[Document], bool]
    ) -> Document | None:
        """Delete the document if it still matches, and return it as it was then."""
        current: Document | None = document
        for _ in range(_ATTEMPTS):
            if current is None or not matches(current):
                return None
            try:
                await self.delete(
                    model, current.id, if_version=current.version, if_created=current.created
                )
            except ConflictError:
                current = await self.find_by_id(model, document.id)
            except NotFoundError:
                return None
            else:
                return current
        raise _contended(model, document.id)

    # By capability.

    async def models(self) -> list[str]:
        """The names of the models that exist, sorted."""
        raise self.unsupported("models", "keep the list of models in the application")

    async def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""
        raise self.unsupported("drop", "delete the documents with delete_many(model, {})")

    async def stats(self) -> Stats:
        """Figures about the database: documents, bytes, indexes, connections, versions."""
        raise self.unsupported("stats", "use count(model) for the number of documents")

    async def sweep(self, model: str, limit: int, ids: Sequence[str] | None = None) -> int:
        """Remove documents that have expired, at most `limit` in one go; return how many.

        An engine that declares `ttl` defines it. Fewer than `limit` means that no more are left.
        A document whose expiry another has just moved is not among them. With `ids`, it removes
        only those; without, the engine may leave the work to the database.
        """
        raise self.unsupported("sweep (capability ttl)", "documents do not expire there")

    async def explain(self, model: str, query: Query) -> Plan:
        """How the query would be answered, without running it."""
        raise self.unsupported("explain", "measure the query, or ask the engine's own tools")

    async def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Write documents as they are, version and times included.

        The outcome of each, in order: its version, 0 where the mode left the stored one
        as it was, or the error.
        """
        raise self.unsupported("write_page", "use put_many, which gives versions and times anew")

    async def ensure_index(self, model: str, index: Index) -> None:
        """Build the index unless it exists; the model too, if it does not.

        From then on the engine refuses what `interstore.indexes.compile_check` refuses, and
        what clashes under a unique index (`interstore.indexes.taken`), whoever writes it.

        Raises:
            UnsupportedError: the engine does not declare this kind of index.
            ConfigurationError: it contradicts an index that exists (`check_new_index`).
            InvalidDocumentError: stored documents do not fit it (`unfit`).
            DuplicateError: stored documents clash under it (`clashing`).
        """
        missing = index.kinds - self.capabilities.ensure_index
        if missing:
            instead = "queries work without an index, but look at every document"
            if "unique" in missing:
                instead = "use what must be unique as the id, or put it in a model of its own"
            elif "partial" in missing:
                instead = "leave where= out, or keep what it is about in a model of its own"
            raise self.unsupported(f"ensure_index of kind {', '.join(sorted(missing))}", instead)
        build: Callable[[str, Index], Any] = getattr(self.database, "ensure_index")  # noqa: B009
        await build(model, index)

    async def indexes(self, model: str) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        raise self.unsupported("indexes", "there are none, and queries work without")

    async def drop_index(self, model: str, name: str) -> bool:
        """Remove the index of that name, and what it demands; return whether it existed."""
        raise self.unsupported("drop_index", "there are none to remove")

    def check_watch(self) -> None:
        """Return if the engine declares `watch`.

        Raises:
            UnsupportedError: it does not.
        """
        if not self.capabilities.watch:
            raise self.unsupported(
                "watch", 'ask for {"@updated_at": {"$gt": ...}} from time to time'
            )

    async def enable_watch(self, model: str, retention: float) -> None:
        """Have the changes of a model kept, for so many seconds at least, whoever makes them.

        The model is created if it does not exist. Called again, it changes the retention.
        """
        self.check_watch()
        raise NotImplementedError

    async def disable_watch(self, model: str) -> bool:
        """Forget them, and keep them no longer; return whether they were."""
        self.check_watch()
        raise NotImplementedError

    async def start_watch(self, model: str, since: str | None) -> str:
        """A position: behind the change with the token `since`, or behind all that there are.

        Raises:
            ConfigurationError: changes of the model are not kept (`not_watched`).
            ResumeExpiredError: what follows the token is not known any more (`expired`).
            InvalidQueryError: the token is damaged, or another model's (`decode_position`).
        """
        self.check_watch()
        raise NotImplementedError

    async def read_changes(self, model: str, after: str, wait: float) -> ChangePage:
        """The next changes after a position, each committed, those of one document in order.

        If there is none, an engine may wait for one, no longer than `wait` seconds. It keeps
        nothing from one call to the next that another call with the same position would miss.

        Raises:
            ResumeExpiredError: what follows is not known any more.
        """
        self.check_watch()
        raise NotImplementedError

    async def end_watch(self, model: str, after: str) -> None:
        """Give back what is held for those who go on at this position, if anything is."""

    def foreign(self, source: ForeignSource) -> AsyncDatabase:
        """What others keep in the same database, as a database with one model.

        It uses the connections of this one. Nothing is read before its first operation. It
        reads, updates and deletes; `interstore.foreign` says what its documents are.

        Raises:
            UnsupportedError: the engine does not declare `foreign`, or has no partition keys
                and the source names one.
        """
        raise self.unsupported("foreign", "only what Interstore itself wrote can be read here")

    @property
    def native(self) -> Any:
        """The driver's own object, for what Interstore does not cover."""
        if not self.capabilities.native:
            raise self.unsupported("native", "use the operations of the store")
        return getattr(self.database, "native")  # noqa: B009 (not part of the protocol)

    def unsupported(self, operation: str, instead: str) -> UnsupportedError:
        """The error for an operation that the engine does not declare."""
        return UnsupportedError(
            f"{self.name} does not support {operation}; {instead}", backend=self.name
        )


def _contended(model: str, id: str) -> InterstoreError:
    return UnavailableError(
        f"{model} {id!r} was written by others {_ATTEMPTS} times while this call tried to; "
        "try again later",
        model=model,
        id=id,
    )
