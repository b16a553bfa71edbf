# Generated from tests/_async/test_wrapped.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: dd37eaeb324bdabf6b6ba831

"""The kit on wrapped databases: a wrapper must not be noticed by what it does not do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from interstore._sync.database import Database
from interstore.changes import Changes
from interstore.connection import plugins_in_force
from interstore.document import Document
from interstore.plugins._sync.interceptor import Interceptor
from interstore.plugins._sync.wrapper import Wrapper
from interstore.plugins.apply import applied
from interstore.prepared import Query, Write
from interstore.testing import Conformance
from interstore.testing._sync.bulk import BulkSuite
from interstore.testing._sync.crud import CrudSuite
from interstore.testing._sync.declarations import DeclarationSuite
from interstore.testing._sync.locking import LockingSuite
from interstore.testing._sync.paging import PagingSuite
from interstore.testing._sync.sessions import SessionSuite
from interstore.testing._sync.snapshots import SnapshotSuite
from interstore.testing._sync.transactions import TransactionSuite
from tests.databases import (
    cosmosdb,
    json_files,
    memory,
    mongodb,
    postgresql,
    sqlite,
)


class Seven(Wrapper):
    """Overrides the seven, so that every other operation is derived on it."""

    def create(self, model: str, write: Write) -> Document:
        return self.inner.create(model, write)

    def find_by_id(self, model: str, id: str) -> Document | None:
        return self.inner.find_by_id(model, id)

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        return self.inner.update(model, id, changes, if_version=if_version)

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        return self.inner.delete(model, id, if_version=if_version, if_created=if_created)

    def find(self, model: str, query: Query) -> Iterable[Document]:
        return self.inner.find(model, query)


class Around(Interceptor):
    """Does nothing around everything."""

    def intercept(
        self,
        operation: str,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        return call(*args, **kwargs)


PLUGINS: dict[str, dict[str, Any]] = {
    "observe": {"log": "none", "slow": 0.0},
    "retry": {"deadline": 1.0, "first_pause": 0.001, "longest_pause": 0.01, "breaker": 0},
    "cache": {"ttl": 60.0},
}


SEEN_AT_ONCE = ("observe", "retry")
"""Within these, what another process writes is seen at once; a cache may be behind by its ttl."""


def plugged(database: Database, *names: str) -> Database:
    """The database within plugins, by default all of them."""
    named = {name: PLUGINS[name] for name in names or PLUGINS}
    return applied(database, plugins_in_force(named))[0]


# The flavours are of one source: on a default run, each shows one of the engines.
with_tasks = pytest.mark.long
with_threads = pytest.mark.timeout(120)


@with_threads
class TestEverythingOnMemory(Conformance):
    """All plugins together, around a wrapper of each kind."""

    @pytest.fixture
    def database(self) -> Database:
        return plugged(Around(Seven(memory())))


@with_tasks
class TestPluginsOnPostgreSQL(
    CrudSuite, LockingSuite, BulkSuite, PagingSuite, DeclarationSuite,
    SessionSuite, SnapshotSuite, TransactionSuite,
):  # fmt: skip
    """What a wrapper may get wrong; the whole kit is tried with `--long`."""

    @pytest.fixture
    def database(self, postgresql_url: str) -> Database:
        return plugged(postgresql(postgresql_url), *SEEN_AT_ONCE)

    @pytest.fixture
    def second_database(self, postgresql_url: str) -> Database:
        return plugged(postgresql(postgresql_url), *SEEN_AT_ONCE)


@pytest.mark.long
class TestSevenOnMemory(Conformance):
    @pytest.fixture
    def database(self) -> Database:
        return Seven(memory())


@pytest.mark.long
class TestSevenOnSQLite(Conformance):
    """Nothing of a native bulk call, of an aggregate or of a claim is used."""

    @pytest.fixture
    def database(self, tmp_path: Path) -> Database:
        return Seven(sqlite(tmp_path))

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> Database:
        return Seven(sqlite(tmp_path))


ENGINES: dict[str, Callable[[pytest.FixtureRequest], Database]] = {
    "memory": lambda request: memory(),
    "json": lambda request: json_files(request.getfixturevalue("tmp_path")),
    "sqlite": lambda request: sqlite(request.getfixturevalue("tmp_path")),
    "postgresql": lambda request: postgresql(request.getfixturevalue("postgresql_url")),
    "mongodb": lambda request: mongodb(request.getfixturevalue("mongodb_url")),
    "cosmosdb": lambda request: cosmosdb(request.getfixturevalue("cosmosdb_url")),
}


class OnEveryEngine(Conformance):
    """The kit on each engine, within `plugins`."""

    plugins: tuple[str, ...] = ()

    @pytest.fixture(params=ENGINES)
    def engine(self, request: pytest.FixtureRequest) -> Callable[[], Database]:
        make = ENGINES[request.param]
        return lambda: plugged(make(request), *self.plugins)

    @pytest.fixture
    def database(self, engine: Callable[[], Database]) -> Database:
        return engine()

    @pytest.fixture
    def second_database(self, database: Database, engine: Callable[[], Database]) -> Database:
        if not database.capabilities.persistent:
            pytest.skip("capability persistent is not declared")
        return engine()


@pytest.mark.long
class TestObserveOnEveryEngine(OnEveryEngine):
    plugins = ("observe",)


@pytest.mark.long
class TestRetryOnEveryEngine(OnEveryEngine):
    plugins = ("retry",)


@pytest.mark.long
class TestCacheOnEveryEngine(OnEveryEngine):
    plugins = ("cache",)

    @pytest.fixture
    def second_database(self) -> Database:
        pytest.skip("a cache may be behind another process by its ttl")


@pytest.mark.long
class TestAllOnEveryEngine(OnEveryEngine):
    plugins = SEEN_AT_ONCE
