"""The kit on wrapped databases: a wrapper must not be noticed by what it does not do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from interstore._async.database import AsyncDatabase
from interstore._compat_async import ASYNC
from interstore.changes import Changes
from interstore.connection import plugins_in_force
from interstore.document import Document
from interstore.plugins._async.interceptor import AsyncInterceptor
from interstore.plugins._async.wrapper import AsyncWrapper
from interstore.plugins.apply import applied_async
from interstore.prepared import Query, Write
from interstore.testing import AsyncConformance
from interstore.testing._async.bulk import AsyncBulkSuite
from interstore.testing._async.crud import AsyncCrudSuite
from interstore.testing._async.declarations import AsyncDeclarationSuite
from interstore.testing._async.locking import AsyncLockingSuite
from interstore.testing._async.paging import AsyncPagingSuite
from interstore.testing._async.sessions import AsyncSessionSuite
from interstore.testing._async.snapshots import AsyncSnapshotSuite
from interstore.testing._async.transactions import AsyncTransactionSuite
from tests.databases import (
    cosmosdb_async,
    json_files_async,
    memory_async,
    mongodb_async,
    postgresql_async,
    sqlite_async,
)


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

    async def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        return await self.inner.delete(model, id, if_version=if_version, if_created=if_created)

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


PLUGINS: dict[str, dict[str, Any]] = {
    "observe": {"log": "none", "slow": 0.0},
    "retry": {"deadline": 1.0, "first_pause": 0.001, "longest_pause": 0.01, "breaker": 0},
    "cache": {"ttl": 60.0},
}


SEEN_AT_ONCE = ("observe", "retry")
"""Within these, what another process writes is seen at once; a cache may be behind by its ttl."""


def plugged(database: AsyncDatabase, *names: str) -> AsyncDatabase:
    """The database within plugins, by default all of them."""
    named = {name: PLUGINS[name] for name in names or PLUGINS}
    return applied_async(database, plugins_in_force(named))[0]


# The flavours are of one source: on a default run, each shows one of the engines.
with_tasks = pytest.mark.timeout(120) if ASYNC else pytest.mark.long
with_threads = pytest.mark.long if ASYNC else pytest.mark.timeout(120)


@with_threads
class TestEverythingOnMemory(AsyncConformance):
    """All plugins together, around a wrapper of each kind."""

    @pytest.fixture
    def database(self) -> AsyncDatabase:
        return plugged(AsyncAround(AsyncSeven(memory_async())))


@with_tasks
class TestPluginsOnPostgreSQL(
    AsyncCrudSuite, AsyncLockingSuite, AsyncBulkSuite, AsyncPagingSuite, AsyncDeclarationSuite,
    AsyncSessionSuite, AsyncSnapshotSuite, AsyncTransactionSuite,
):  # fmt: skip
    """What a wrapper may get wrong; the whole kit is tried with `--long`."""

    @pytest.fixture
    def database(self, postgresql_url: str) -> AsyncDatabase:
        return plugged(postgresql_async(postgresql_url), *SEEN_AT_ONCE)

    @pytest.fixture
    def second_database(self, postgresql_url: str) -> AsyncDatabase:
        return plugged(postgresql_async(postgresql_url), *SEEN_AT_ONCE)


@pytest.mark.long
class TestSevenOnMemory(AsyncConformance):
    @pytest.fixture
    def database(self) -> AsyncDatabase:
        return AsyncSeven(memory_async())


@pytest.mark.long
class TestSevenOnSQLite(AsyncConformance):
    """Nothing of a native bulk call, of an aggregate or of a claim is used."""

    @pytest.fixture
    def database(self, tmp_path: Path) -> AsyncDatabase:
        return AsyncSeven(sqlite_async(tmp_path))

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> AsyncDatabase:
        return AsyncSeven(sqlite_async(tmp_path))


ENGINES: dict[str, Callable[[pytest.FixtureRequest], AsyncDatabase]] = {
    "memory": lambda request: memory_async(),
    "json": lambda request: json_files_async(request.getfixturevalue("tmp_path")),
    "sqlite": lambda request: sqlite_async(request.getfixturevalue("tmp_path")),
    "postgresql": lambda request: postgresql_async(request.getfixturevalue("postgresql_url")),
    "mongodb": lambda request: mongodb_async(request.getfixturevalue("mongodb_url")),
    "cosmosdb": lambda request: cosmosdb_async(request.getfixturevalue("cosmosdb_url")),
}


class AsyncOnEveryEngine(AsyncConformance):
    """The kit on each engine, within `plugins`."""

    plugins: tuple[str, ...] = ()

    @pytest.fixture(params=ENGINES)
    def engine(self, request: pytest.FixtureRequest) -> Callable[[], AsyncDatabase]:
        make = ENGINES[request.param]
        return lambda: plugged(make(request), *self.plugins)

    @pytest.fixture
    def database(self, engine: Callable[[], AsyncDatabase]) -> AsyncDatabase:
        return engine()

    @pytest.fixture
    def second_database(
        self, database: AsyncDatabase, engine: Callable[[], AsyncDatabase]
    ) -> AsyncDatabase:
        if not database.capabilities.persistent:
            pytest.skip("capability persistent is not declared")
        return engine()


@pytest.mark.long
class TestObserveOnEveryEngine(AsyncOnEveryEngine):
    plugins = ("observe",)


@pytest.mark.long
class TestRetryOnEveryEngine(AsyncOnEveryEngine):
    plugins = ("retry",)


@pytest.mark.long
class TestCacheOnEveryEngine(AsyncOnEveryEngine):
    plugins = ("cache",)

    @pytest.fixture
    def second_database(self) -> AsyncDatabase:
        pytest.skip("a cache may be behind another process by its ttl")


@pytest.mark.long
class TestAllOnEveryEngine(AsyncOnEveryEngine):
    plugins = SEEN_AT_ONCE
