"""`AsyncWrapper`: a database around another one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from copy import copy
from typing import Any, ClassVar, Self

from interstore._async.database import AsyncDatabase
from interstore._async.operations import AsyncOperations
from interstore.changes import Changes
from interstore.document import Document
from interstore.foreign import ForeignSource
from interstore.plugins.composition import OPERATIONS, capabilities_of, derived, overridden
from interstore.prepared import Query, Write
from interstore.transactions import Isolation

__all__ = ["AsyncWrapper"]


class AsyncWrapper:
    """The base class of what wraps a database: override operations, and call those of `inner`.

    Any operation of `AsyncOperations` may be overridden, by its name and signature. What
    stands for an overridden one is derived anew, so that it goes through the wrapper as well:
    after ``create``, also ``create_many``, ``put`` and ``put_many``, natively or not. Anything
    else is the inner database's own method, bound once: a call costs nothing more. In a session,
    in a transaction and over foreign data, the database is wrapped alike, by a copy of the
    wrapper: what its attributes refer to is shared.

    Attributes:
        database: the database inside.
        inner: every operation of it, also those that it does not define itself.
        passes: operations that go to the database inside although they stand for an
            overridden one, because they mean the same: ``frozenset({"count", "exists"})`` of
            a wrapper that overrides `find` only to keep what it found.
        overrides: what this wrapper overrides.
    """

    passes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, database: AsyncDatabase) -> None:
        self.overrides = overridden(type(self), AsyncWrapper)
        self._bind(database)

    def _bind(self, database: AsyncDatabase) -> None:
        self.database = database
        self.inner = AsyncOperations(database)
        self.name = database.name
        self.limits = database.limits
        self.capabilities = capabilities_of(database.capabilities, self.overrides, self.passes)
        own = self.overrides | derived(self.overrides, self.passes)
        for name in OPERATIONS:
            method = None if name in own else getattr(database, name, None)
            if method is not None:
                setattr(self, name, method)
            else:
                self.__dict__.pop(name, None)  # of the wrapper that this one is a copy of

    @property
    def wraps(self) -> tuple[str, ...]:
        """What it overrides, for people."""
        return tuple(sorted(self.overrides))

    @property
    def only_delegates(self) -> bool:
        """Whether it overrides nothing, so that a store does without it."""
        scopes = ("session", "transaction", "foreign", "native", "around")
        kind = type(self)
        return not self.overrides and all(
            getattr(kind, name) is getattr(AsyncWrapper, name) for name in scopes
        )

    def around(self, database: AsyncDatabase) -> Self:
        """This wrapper around another database: of a session, a transaction, or foreign data."""
        wrapper = copy(self)
        wrapper._bind(database)
        return wrapper

    def __repr__(self) -> str:
        return f"<{type(self).__name__} around {self.database!r}>"

    async def connect(self) -> None:
        """`AsyncDatabase.connect`."""
        await self.inner.connect()

    async def disconnect(self) -> None:
        """`AsyncDatabase.disconnect`."""
        await self.inner.disconnect()

    async def create(self, model: str, write: Write) -> Document:
        """`AsyncDatabase.create`."""
        return await self.inner.create(model, write)

    async def find_by_id(self, model: str, id: str) -> Document | None:
        """`AsyncDatabase.find_by_id`."""
        return await self.inner.find_by_id(model, id)

    async def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        """`AsyncDatabase.update`."""
        return await self.inner.update(model, id, changes, if_version=if_version)

    async def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        """`AsyncDatabase.delete`."""
        return await self.inner.delete(model, id, if_version=if_version, if_created=if_created)

    async def find(self, model: str, query: Query) -> Iterable[Document]:
        """`AsyncDatabase.find`: what the query asks for, also of an engine that cannot filter."""
        return await self.inner.find(model, query)

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncDatabase]:
        """`AsyncOperations.session`, wrapped alike."""
        async with self.inner.session() as operations:
            yield self if operations is self.inner else self.around(operations.database)

    @asynccontextmanager
    async def transaction(self, isolation: Isolation) -> AsyncGenerator[AsyncDatabase]:
        """`AsyncOperations.transaction`, wrapped alike."""
        async with self.inner.transaction(isolation) as operations:
            yield self.around(operations.database)

    def foreign(self, source: ForeignSource) -> AsyncDatabase:
        """`AsyncOperations.foreign`, wrapped alike; return what `inner` gives to leave it bare."""
        return self.around(self.inner.foreign(source))

    @property
    def native(self) -> Any:
        """The driver's own object: what is done with it goes past every wrapper."""
        return self.inner.native
