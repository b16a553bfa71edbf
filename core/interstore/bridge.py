"""One flavour of a database from the other.

`to_async` runs a synchronous database in worker threads. `to_sync` runs an asynchronous
one on an event loop in a thread of its own, one for each database.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import Any, Final, TypeVar, cast

from interstore._async.database import AsyncDatabase
from interstore._sync.database import Database
from interstore.document import Document
from interstore.errors import UnavailableError
from interstore.foreign import ForeignSource
from interstore.loops import LoopThread
from interstore.prepared import Query
from interstore.transactions import Isolation
from interstore.workers import Workers

__all__ = ["to_async", "to_sync"]

T = TypeVar("T")

OPERATIONS: Final = (
    "create", "find_by_id", "update", "delete",
    "find_by_ids", "count", "exists", "put", "create_many", "put_many", "update_many",
    "delete_many", "find_one_and_update", "find_one_and_delete", "aggregate", "distinct", "ping",
    "scan", "partitions", "models", "drop", "stats", "explain", "write_page", "ensure_index",
    "indexes", "drop_index", "enable_watch", "disable_watch", "start_watch", "read_changes",
    "end_watch", "sweep",
)  # fmt: skip
"""What a database may define, besides `connect`, `disconnect`, `find` and `native`."""

THREADS: Final = 8
"""Worker threads of one bridged database. What blocks them is the disk, not the processor."""


def to_async(database: Database) -> AsyncDatabase:
    """An asynchronous database whose calls run `database` in worker threads.

    A cancelled call is waited for before the cancellation goes on, because a thread cannot
    be stopped: it may have been applied. Point reads run at once where the engine offers
    `find_by_id_inline`.
    """
    return cast("AsyncDatabase", _AsyncBridge(database))


def to_sync(database: AsyncDatabase) -> Database:
    """A synchronous database whose calls run `database` on an event loop of its own."""
    return cast("Database", _SyncBridge(database))


class _AsyncBridge:
    """`owner` is the bridge whose workers do the work: that of the store, in a session.

    A transaction has a `thread` of its own, because an engine may tie one to a thread, and
    because those that wait for it must not keep it from going on.
    """

    def __init__(
        self, database: Database, owner: _AsyncBridge | None = None, thread: Workers | None = None
    ) -> None:
        self._database = database
        self._owner = owner or self
        self._workers = thread
        self.name = database.name
        self.capabilities = database.capabilities
        self.limits = database.limits
        for operation in OPERATIONS:
            method = getattr(database, operation, None)
            if method is not None:
                setattr(self, operation, self._threaded(method))
        inline = getattr(database, "find_by_id_inline", None)
        if inline is not None and thread is None:
            self.find_by_id = _inline(inline, self._threaded(database.find_by_id))
        if hasattr(database, "session"):
            self.session = self._session
        if database.capabilities.transaction:
            self.transaction = self._transaction
        if database.capabilities.foreign:
            self.foreign = self._foreign

    @property
    def native(self) -> Any:
        return getattr(self._database, "native")  # noqa: B009 (not part of the protocol)

    def _foreign(self, source: ForeignSource) -> AsyncDatabase:
        opened: Database = getattr(self._database, "foreign")(source)  # noqa: B009 (likewise)
        return cast("AsyncDatabase", _AsyncBridge(opened, self._owner))

    def _threaded(self, method: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
        @functools.wraps(method)
        async def call(*args: Any, **kwargs: Any) -> T:
            workers = self._owner._workers
            if workers is None:
                raise self._not_connected()
            return await workers.run(method, args, kwargs)

        return call

    @asynccontextmanager
    async def _session(self) -> AsyncGenerator[AsyncDatabase]:
        session = _session_of(self._database)
        entered: list[Database] = []
        try:
            # A call that is cancelled may have entered all the same.
            await self._threaded(lambda: entered.append(session.__enter__()))()
            own = entered[0] is self._database
            yield cast("AsyncDatabase", self if own else _AsyncBridge(entered[0], self._owner))
        except BaseException as error:
            if not (entered and await self._left(session, error)):
                raise
        else:
            await self._left(session)

    async def _left(
        self, session: AbstractContextManager[Database], error: BaseException | None = None
    ) -> bool | None:
        """Leave the session; return whether that settles the error."""
        reason = (None, None, None) if error is None else (type(error), error, error.__traceback__)
        if self._owner._workers is None:  # closed meanwhile, which has ended the session
            return session.__exit__(*reason)
        return await self._threaded(session.__exit__)(*reason)

    @asynccontextmanager
    async def _transaction(self, isolation: Isolation) -> AsyncGenerator[AsyncDatabase]:
        if self._owner._workers is None:
            raise self._not_connected()
        begin: Callable[[Isolation], AbstractContextManager[Database]]
        begin = getattr(self._database, "transaction")  # noqa: B009 (likewise)
        transaction = begin(isolation)
        thread = Workers(1, f"interstore-{self.name}-transaction")
        entered: list[Database] = []
        try:
            # A call that is cancelled may have entered all the same.
            await thread.run(lambda: entered.append(transaction.__enter__()), (), {})
            yield cast("AsyncDatabase", _AsyncBridge(entered[0], thread=thread))
        except BaseException as error:
            reason = type(error), error, error.__traceback__
            settled = entered and bool(await thread.run(transaction.__exit__, reason, {}))
            if not settled:
                raise
        else:
            await thread.run(transaction.__exit__, (None, None, None), {})
        finally:
            thread.shutdown()

    def _not_connected(self) -> UnavailableError:
        return UnavailableError(f"{self.name} is not connected", backend=self.name)

    async def connect(self) -> None:
        if self._workers is None:
            self._workers = Workers(THREADS, f"interstore-{self.name}")
        try:
            await self._threaded(self._database.connect)()
        except BaseException:
            self._shutdown()
            raise

    async def disconnect(self) -> None:
        if self._owner is not self:
            await self._threaded(self._database.disconnect)()
        if self._workers is None:
            return
        try:
            await self._threaded(self._database.disconnect)()
        finally:
            self._shutdown()

    def _shutdown(self) -> None:
        workers, self._workers = self._workers, None
        if workers is not None:
            workers.shutdown()

    async def find(self, model: str, query: Query) -> Iterable[Document]:
        # What is found may be lazy: it is drawn in the thread, not on the event loop.
        return await self._threaded(self._find)(model, query)

    def _find(self, model: str, query: Query) -> list[Document]:
        documents = self._database.find(model, query)
        return documents if isinstance(documents, list) else list(documents)


def _inline(
    read: Callable[[str, str], Document | None],
    otherwise: Callable[[str, str], Coroutine[Any, Any, Document | None]],
) -> Callable[[str, str], Coroutine[Any, Any, Document | None]]:
    async def find_by_id(model: str, id: str) -> Document | None:
        try:
            return read(model, id)
        except BlockingIOError:
            return await otherwise(model, id)

    return find_by_id


class _SyncBridge:
    """`owner` is the bridge whose loop does the work: that of the store, in a session."""

    def __init__(self, database: AsyncDatabase, owner: _SyncBridge | None = None) -> None:
        self._database = database
        self._owner = owner or self
        self._thread: LoopThread = LoopThread(database.name) if owner is None else owner._thread
        self.name = database.name
        self.capabilities = database.capabilities
        self.limits = database.limits
        for operation in (*OPERATIONS, "find"):
            method = getattr(database, operation, None)
            if method is not None and inspect.iscoroutinefunction(method):
                setattr(self, operation, self._blocking(method))
        if hasattr(database, "session"):
            self.session = self._session
        if database.capabilities.transaction:
            self.transaction = self._transaction
        if database.capabilities.foreign:
            self.foreign = self._foreign

    @property
    def native(self) -> Any:
        return getattr(self._database, "native")  # noqa: B009 (not part of the protocol)

    def _foreign(self, source: ForeignSource) -> Database:
        opened: AsyncDatabase = getattr(self._database, "foreign")(source)  # noqa: B009
        return cast("Database", _SyncBridge(opened, self._owner))

    def _blocking(self, method: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T]:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> T:
            return self._thread.run(method(*args, **kwargs))

        return call

    def _session(self) -> AbstractContextManager[Database]:
        return self._within(_session_of_async(self._database))

    @contextmanager
    def _transaction(self, isolation: Isolation) -> Generator[Database]:
        begin: Callable[[Isolation], AbstractAsyncContextManager[AsyncDatabase]]
        begin = getattr(self._database, "transaction")  # noqa: B009 (likewise)
        with self._within(begin(isolation)) as database:
            yield database
            if not self._thread.is_started:
                raise UnavailableError(
                    f"{self.name} was closed while the transaction was open, which undid it",
                    backend=self.name,
                )

    @contextmanager
    def _within(self, session: AbstractAsyncContextManager[AsyncDatabase]) -> Generator[Database]:
        thread = self._thread
        database = thread.run(_awaited(session.__aenter__()))
        own = database is self._database
        try:
            yield cast("Database", self if own else _SyncBridge(database, self._owner))
        except BaseException as error:
            reason = type(error), error, error.__traceback__
            if not thread.is_started or not thread.run(_awaited(session.__aexit__(*reason))):
                raise
        else:
            if thread.is_started:  # else closed meanwhile, which has ended it
                thread.run(_awaited(session.__aexit__(None, None, None)))

    def connect(self) -> None:
        self._thread.start()
        try:
            self._thread.run(self._database.connect())
        except BaseException:
            self._thread.stop()
            raise

    def disconnect(self) -> None:
        if self._owner is not self:
            self._thread.run(self._database.disconnect())
            return
        if not self._thread.is_started:
            return
        try:
            if not self._thread.is_forked:
                self._thread.run(self._database.disconnect())
        finally:
            self._thread.stop()


def _session_of(database: Database) -> AbstractContextManager[Database]:
    """That of an engine that defines it (it is not part of the protocol)."""
    begin: Callable[[], AbstractContextManager[Database]] = getattr(database, "session")  # noqa: B009
    return begin()


def _session_of_async(database: AsyncDatabase) -> AbstractAsyncContextManager[AsyncDatabase]:
    """Likewise."""
    begin: Callable[[], AbstractAsyncContextManager[AsyncDatabase]]
    begin = getattr(database, "session")  # noqa: B009
    return begin()


async def _awaited(result: Awaitable[T]) -> T:
    """As a coroutine."""
    return await result
