"""One flavour of a database from the other.

`to_async` runs a synchronous database in worker threads. `to_sync` runs an asynchronous
one on an event loop in a thread of its own, one for each database.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, TypeVar, cast

from interstore._async.database import AsyncDatabase
from interstore._sync.database import Database
from interstore.document import Document
from interstore.errors import UnavailableError
from interstore.prepared import Query
from interstore.workers import Workers

__all__ = ["to_async", "to_sync"]

T = TypeVar("T")

OPERATIONS: Final = (
    "create", "find_by_id", "update", "delete",
    "find_by_ids", "count", "exists", "put", "create_many", "put_many", "update_many",
    "delete_many", "find_one_and_update", "aggregate", "distinct", "ping", "scan", "partitions",
    "models", "drop", "stats", "write_page", "ensure_index", "indexes", "drop_index",
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
    def __init__(self, database: Database) -> None:
        self._database = database
        self._workers: Workers | None = None
        self.name = database.name
        self.capabilities = database.capabilities
        self.limits = database.limits
        for operation in OPERATIONS:
            method = getattr(database, operation, None)
            if method is not None:
                setattr(self, operation, self._threaded(method))
        inline = getattr(database, "find_by_id_inline", None)
        if inline is not None:
            self.find_by_id = _inline(inline, self._threaded(database.find_by_id))

    @property
    def native(self) -> Any:
        return getattr(self._database, "native")  # noqa: B009 (not part of the protocol)

    def _threaded(self, method: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
        @functools.wraps(method)
        async def call(*args: Any, **kwargs: Any) -> T:
            workers = self._workers
            if workers is None:
                raise UnavailableError(f"{self.name} is not connected", backend=self.name)
            return await workers.run(method, args, kwargs)

        return call

    async def connect(self) -> None:
        if self._workers is None:
            self._workers = Workers(THREADS, f"interstore-{self.name}")
        try:
            await self._threaded(self._database.connect)()
        except BaseException:
            self._shutdown()
            raise

    async def disconnect(self) -> None:
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
    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.name = database.name
        self.capabilities = database.capabilities
        self.limits = database.limits
        for operation in (*OPERATIONS, "find"):
            method = getattr(database, operation, None)
            if method is not None and inspect.iscoroutinefunction(method):
                setattr(self, operation, self._blocking(method))

    @property
    def native(self) -> Any:
        return getattr(self._database, "native")  # noqa: B009 (not part of the protocol)

    def _blocking(self, method: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T]:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> T:
            return self._run(method(*args, **kwargs))

        return call

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            coroutine.close()
            raise UnavailableError(f"{self.name} is not connected", backend=self.name)
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # an interrupt of this thread ends the call, too
            raise

    def connect(self) -> None:
        if self._loop is None:
            self._start()
        try:
            self._run(self._database.connect())
        except BaseException:
            self._stop()
            raise

    def disconnect(self) -> None:
        if self._loop is None:
            return
        try:
            self._run(self._database.disconnect())
        finally:
            self._stop()

    def _start(self) -> None:
        self._loop = loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=loop.run_forever, name=f"interstore-{self.name}", daemon=True
        )
        self._thread.start()

    def _stop(self) -> None:
        loop, self._loop = self._loop, None
        thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
