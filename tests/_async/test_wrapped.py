"""The kit on wrapped databases: a wrapper must not be noticed by what it does not do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest

from interstore._async.database import AsyncDatabase
from interstore.changes import Changes
from interstore.document import Document
from interstore.plugins._async.interceptor import AsyncInterceptor
from interstore.plugins._async.observed import AsyncObserved
from interstore.plugins._async.wrapper import AsyncWrapper
from interstore.plugins.operation import Operation
from interstore.prepared import Query, Write
from interstore.testing import AsyncConformance
from tests.databases import memory_async


class AsyncSeven(AsyncWrapper):
    """Overrides the seven, so that every other operation is derived on it."""

    async def create(self, model: str, write: Write) -> Document:
        return await self.inner.create(model, write)

    async def find_by_id(self, model: str, id: str) -> Document | None:
        return await self.inner.find_by_id(model, id)

    async def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        return await self.inner.update(model, id, changes, if_version=if_version)

    async def delete(self, model: str, id: str, *, if_version: int | None = None) -> bool:
        return await self.inner.delete(model, id, if_version=if_version)

    async def find(self, model: str, query: Query) -> Iterable[Document]:
        return await self.inner.find(model, query)


class AsyncAround(AsyncInterceptor):
    """Does nothing around everything."""

    async def intercept(
        self,
        operation: str,
        call: Callable[..., Awaitable[Any]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        return await call(*args, **kwargs)


def all_kinds(database: AsyncDatabase, told: list[Operation]) -> AsyncDatabase:
    return AsyncObserved(AsyncAround(AsyncSeven(database)), told.append)


@pytest.mark.long
class TestSevenOnMemory(AsyncConformance):
    @pytest.fixture
    def database(self) -> AsyncDatabase:
        return AsyncSeven(memory_async())


class TestAllKindsOnMemory(AsyncConformance):
    @pytest.fixture
    def database(self) -> AsyncDatabase:
        return all_kinds(memory_async(), [])
