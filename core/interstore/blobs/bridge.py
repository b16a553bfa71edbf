"""One flavour of a blob engine from the other.

`to_async` runs a synchronous engine in worker threads; `to_sync` runs an asynchronous one on an
event loop in a thread of its own, one for each engine.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar, cast

from interstore.blobs._async.engine import AsyncBlobReader, AsyncBlobs, AsyncBlobWriter
from interstore.blobs._sync.engine import BlobReader, Blobs, BlobWriter
from interstore.blobs.blob import BlobInfo
from interstore.errors import UnavailableError
from interstore.loops import LoopThread
from interstore.workers import Workers

__all__ = ["to_async", "to_sync"]

T = TypeVar("T")

_OPERATIONS: Final = (
    "stat", "page", "delete", "put", "get", "delete_many", "copy", "sign",
)  # fmt: skip
"""What an engine may define, besides `connect`, `disconnect`, `begin`, `open` and `native`."""

_THREADS: Final = 16
"""Worker threads of one bridged engine, if it has no `threads`: a call waits for a network."""


def to_async(engine: Blobs) -> AsyncBlobs:
    """An asynchronous engine whose calls run `engine` in worker threads.

    An engine may say by an attribute `threads` how many (16). A cancelled call is waited for before
    the cancellation goes on, because a thread cannot be stopped: it may have been applied.
    """
    return cast("AsyncBlobs", _AsyncBridge(engine))


def to_sync(engine: AsyncBlobs) -> Blobs:
    """A synchronous engine whose calls run `engine` on an event loop of its own."""
    return cast("Blobs", _SyncBridge(engine))


class _AsyncBridge:
    def __init__(self, engine: Blobs) -> None:
        self._engine = engine
        self._workers: Workers | None = None
        self.name = engine.name
        self.capabilities = engine.capabilities
        for operation in _OPERATIONS:
            method = getattr(engine, operation, None)
            if method is not None:
                setattr(self, operation, self._threaded(method))

    @property
    def native(self) -> Any:
        return getattr(self._engine, "native")  # noqa: B009 (not part of the protocol)

    @property
    def signer(self) -> Any:
        return getattr(self._engine, "signer", None)

    async def run(self, method: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call in a worker thread."""
        workers = self._workers
        if workers is None:
            raise UnavailableError(f"{self.name} is not connected", backend=self.name)
        return await workers.run(method, args, kwargs)

    def _threaded(self, method: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
        @functools.wraps(method)
        async def call(*args: Any, **kwargs: Any) -> T:
            return await self.run(method, *args, **kwargs)

        return call

    async def connect(self) -> None:
        if self._workers is None:
            threads = getattr(self._engine, "threads", _THREADS)
            self._workers = Workers(threads, f"interstore-{self.name}")
        try:
            await self.run(self._engine.connect)
        except BaseException:
            self._shutdown()
            raise

    async def disconnect(self) -> None:
        if self._workers is None:
            return
        try:
            await self.run(self._engine.disconnect)
        finally:
            self._shutdown()

    def _shutdown(self) -> None:
        workers, self._workers = self._workers, None
        if workers is not None:
            workers.shutdown()

    async def begin(self, key: str, head: Any, **conditions: Any) -> AsyncBlobWriter:
        begun: list[BlobWriter] = []
        try:
            # A call that is cancelled may have begun all the same.
            await self.run(lambda: begun.append(self._engine.begin(key, head, **conditions)))
        except BaseException:
            for writer in begun:
                await self.run(writer.abort)
            raise
        return _AsyncWriter(begun[0], self)

    async def open(self, key: str, start: int, end: int | None) -> AsyncBlobReader:
        opened: list[BlobReader] = []
        try:
            await self.run(lambda: opened.append(self._engine.open(key, start, end)))
        except BaseException:
            for reader in opened:
                await self.run(reader.close)
            raise
        return _AsyncReader(opened[0], self)


class _AsyncWriter:
    def __init__(self, writer: BlobWriter, bridge: _AsyncBridge) -> None:
        self._writer = writer
        self._bridge = bridge

    async def write(self, data: bytes, /) -> None:
        await self._bridge.run(self._writer.write, data)

    async def commit(self, sha256: str, /) -> BlobInfo:
        return await self._bridge.run(self._writer.commit, sha256)

    async def abort(self) -> None:
        await self._bridge.run(self._writer.abort)


class _AsyncReader:
    def __init__(self, reader: BlobReader, bridge: _AsyncBridge) -> None:
        self._reader = reader
        self._bridge = bridge
        self.info = reader.info

    async def read(self, size: int, /) -> bytes:
        return await self._bridge.run(self._reader.read, size)

    async def close(self) -> None:
        await self._bridge.run(self._reader.close)


class _SyncBridge:
    def __init__(self, engine: AsyncBlobs) -> None:
        self._engine = engine
        self._thread = LoopThread(engine.name)
        self.name = engine.name
        self.capabilities = engine.capabilities
        for operation in _OPERATIONS:
            method = getattr(engine, operation, None)
            if method is not None:
                setattr(self, operation, self._blocking(method))

    @property
    def native(self) -> Any:
        return getattr(self._engine, "native")  # noqa: B009 (not part of the protocol)

    @property
    def signer(self) -> Any:
        return getattr(self._engine, "signer", None)

    def run(self, method: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> T:
        """Call on the loop, and wait for the result."""
        return self._thread.run(_awaited(method, args, kwargs))

    def _blocking(self, method: Callable[..., Awaitable[T]]) -> Callable[..., T]:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> T:
            return self.run(method, *args, **kwargs)

        return call

    def connect(self) -> None:
        self._thread.start()
        try:
            self.run(self._engine.connect)
        except BaseException:
            self._thread.stop()
            raise

    def disconnect(self) -> None:
        if not self._thread.is_started:
            return
        try:
            if not self._thread.is_forked:
                self.run(self._engine.disconnect)
        finally:
            self._thread.stop()

    def begin(self, key: str, head: Any, **conditions: Any) -> BlobWriter:
        return _SyncWriter(self.run(self._engine.begin, key, head, **conditions), self)

    def open(self, key: str, start: int, end: int | None) -> BlobReader:
        return _SyncReader(self.run(self._engine.open, key, start, end), self)


async def _awaited(
    method: Callable[..., Awaitable[T]], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> T:
    return await method(*args, **kwargs)


class _SyncWriter:
    def __init__(self, writer: AsyncBlobWriter, bridge: _SyncBridge) -> None:
        self._writer = writer
        self._bridge = bridge

    def write(self, data: bytes, /) -> None:
        self._bridge.run(self._writer.write, data)

    def commit(self, sha256: str, /) -> BlobInfo:
        return self._bridge.run(self._writer.commit, sha256)

    def abort(self) -> None:
        self._bridge.run(self._writer.abort)


class _SyncReader:
    def __init__(self, reader: AsyncBlobReader, bridge: _SyncBridge) -> None:
        self._reader = reader
        self._bridge = bridge
        self.info = reader.info

    def read(self, size: int, /) -> bytes:
        return self._bridge.run(self._reader.read, size)

    def close(self) -> None:
        self._bridge.run(self._reader.close)
