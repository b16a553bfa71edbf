"""The operations within a transaction."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

from interstore._async.database import AsyncDatabase
from interstore._async.operations import AsyncOperations
from interstore.errors import UnsupportedError
from interstore.foreign import ForeignSource
from interstore.indexes import Index
from interstore.transactions import Isolation, has_ended

__all__ = ["AsyncSnapshot", "AsyncTransacted"]

_OUTSIDE: Final = (
    "connect", "disconnect", "drop", "foreign", "drop_index",
    "enable_watch", "disable_watch", "start_watch", "read_changes",
)  # fmt: skip
"""What the engine may have, and a transaction has not."""

_INSIDE: Final = (
    "create", "find_by_id", "update", "delete", "find",
    "find_by_ids", "count", "exists", "put", "create_many", "put_many", "update_many",
    "delete_many", "find_one_and_update", "find_one_and_delete", "aggregate", "distinct", "ping",
    "scan", "partitions", "models", "stats", "explain", "write_page", "indexes",
    "sweep",
)  # fmt: skip


_WRITES: Final = (
    "create", "update", "delete", "put", "create_many", "put_many", "update_many", "delete_many",
    "find_one_and_update", "find_one_and_delete", "write_page", "sweep",
)  # fmt: skip
"""What a snapshot has not either."""


class AsyncTransacted(AsyncOperations):
    """Those of `AsyncOperations` that take effect together or not at all.

    What cannot be undone on every engine is refused: models and indexes come and go outside.
    """

    def __init__(self, database: AsyncDatabase) -> None:
        super().__init__(database)
        self._ended = False
        for name in _OUTSIDE:
            self.__dict__.pop(name, None)

    def end(self) -> None:
        """From now on, refuse every operation."""

        def refuse(*_: Any, **__: Any) -> Any:
            raise has_ended(self.name)

        self._ended = True
        for name in _INSIDE:
            setattr(self, name, refuse)

    async def connect(self) -> None:
        """It is connected."""

    async def disconnect(self) -> None:
        """Refused: a transaction ends with its block; after that, there is nothing to do."""
        if self._ended:
            return
        raise self._refusal("close the store", "leave the block, and close the store itself")

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncOperations]:
        """These operations: they have one connection already."""
        yield self

    def check_transaction(self) -> None:
        """Refused: there is one already."""
        raise self._refusal(
            "begin another transaction",
            "do what belongs to it with the store that this one gave, and all else before or after",
        )

    @asynccontextmanager
    async def transaction(self, isolation: Isolation) -> AsyncGenerator[AsyncOperations]:
        """Refused: there is one already."""
        self.check_transaction()
        yield self

    def check_snapshot(self) -> None:
        """Refused: it reads one state already."""
        raise self._refusal("begin a snapshot", "read in here, or through the store itself")

    async def drop(self, model: str) -> bool:
        """Refused."""
        raise self._refusal("drop a model", "delete its documents with delete_many(model, {})")

    async def ensure_index(self, model: str, index: Index) -> None:
        """Refused."""
        raise self._refusal("build an index", "call ensure_index before the transaction")

    async def drop_index(self, model: str, name: str) -> bool:
        """Refused."""
        raise self._refusal("drop an index", "call drop_index before the transaction, or after")

    def check_watch(self) -> None:
        """Refused: what is not committed has not happened."""
        raise self._refusal("watch changes", "use the store itself")

    def foreign(self, source: ForeignSource) -> AsyncDatabase:
        """Refused."""
        raise self._refusal("open what is foreign", "use a view of the store itself")

    @property
    def native(self) -> Any:
        """Refused: what is done by it would not be part of the transaction."""
        raise self._refusal("give the driver's object", "use that of the store itself")

    def _refusal(self, what: str, instead: str) -> UnsupportedError:
        return UnsupportedError(f"a transaction cannot {what}: {instead}", backend=self.name)


class AsyncSnapshot(AsyncTransacted):
    """Those of `AsyncOperations` that read, all of one state."""

    def __init__(self, database: AsyncDatabase) -> None:
        super().__init__(database)
        for name in _WRITES:
            setattr(self, name, self._refuse)

    async def _refuse(self, *_: Any, **__: Any) -> Any:
        raise UnsupportedError(
            "a snapshot is for reading only: write through the store itself", backend=self.name
        )
