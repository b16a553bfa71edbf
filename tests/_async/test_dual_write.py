"""The kit on databases that write to two stores: both hold the same in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from interstore._async.database import AsyncDatabase
from interstore._async.operations import AsyncOperations
from interstore._compat_async import ASYNC
from interstore.dual._async.ledger import AsyncLedger
from interstore.dual.records import Control, Side
from interstore.filters.tree import ALL
from interstore.migration.references import identity_of
from interstore.names import is_reserved
from interstore.prepared import Query
from interstore.settings import Secret
from interstore.testing import AsyncConformance
from interstore_plugins.dual_write._async.wrapper import AsyncDualWriting
from interstore_plugins.dual_write.settings import DualWriteSettings
from tests.databases import (
    cosmosdb_async,
    json_files_async,
    memory_async,
    mongodb_async,
    postgresql_async,
    sqlite_async,
)

SETTINGS = DualWriteSettings(target=Secret("memory://"), lease=60.0, look=0.05)

# The flavours are of one source: on a default run, each shows one of the pairs.
with_tasks = pytest.mark.timeout(120) if ASYNC else pytest.mark.long
with_threads = pytest.mark.long if ASYNC else pytest.mark.timeout(120)


class AsyncMoving(AsyncDualWriting):
    """A move is under way, and when it is disconnected, both stores must hold the same."""

    def __init__(self, source: AsyncDatabase, target: AsyncDatabase, primary: Side) -> None:
        super().__init__(source, AsyncOperations(target), SETTINGS)
        self._primary: Side = primary
        if primary == "target":
            self.name = target.name  # what plans and figures are of

    async def connect(self) -> None:
        await super().connect()
        if self._member.stand.control is None:
            control = Control(
                run="kit",
                epoch=1,
                primary=self._primary,
                handovers=int(self._primary == "target"),
                phase="open",
                target=identity_of(self._target.database),
            )
            for side in ("source", "target"):
                await AsyncLedger(self._stores[side][1]).change_control(control, 0)
            await self._member.beat()
        assert self._member.stand.side == self._primary
        assert self._member.stand.secondary is not None

    async def disconnect(self) -> None:
        stand = self._member.stand
        if stand.secondary is not None and self._member.valid_until > 0 and not stand.running:
            # Nothing runs any more that could still write what was in doubt, such as a call that
            # failed because the store was closed.
            self._carrier._doubts.clear()
            await self._carrier.carry()
            assert not self._carrier.waiting, self.metrics()
            await assert_equal(stand.primary, stand.secondary)
        await super().disconnect()


async def assert_equal(one: AsyncOperations, other: AsyncOperations) -> None:
    """Both hold the same documents, with the same versions and times."""
    for model in {*await one.models(), *await other.models()}:
        if is_reserved(model):
            continue
        left, right = [
            [
                (dict(each), each.version, each.created, each.updated, each.expires)
                for each in await store.find(model, Query(ALL))
            ]
            for store in (one, other)
        ]
        assert left == right, model


@with_tasks
class TestMovingMemory(AsyncConformance):
    @pytest.fixture
    def database(self) -> AsyncDatabase:
        return AsyncMoving(memory_async(), memory_async(), "source")


@with_threads
class TestMovedJSONToSQLite(AsyncConformance):
    """After the cut-over: the target is the primary."""

    @pytest.fixture
    def database(self, tmp_path: Path) -> AsyncDatabase:
        return AsyncMoving(json_files_async(tmp_path), sqlite_async(tmp_path), "target")

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> AsyncDatabase:
        return AsyncMoving(json_files_async(tmp_path), sqlite_async(tmp_path), "target")


@pytest.mark.long
class TestMovingJSONToPostgreSQL(AsyncConformance):
    @pytest.fixture
    def database(self, tmp_path: Path, postgresql_url: str) -> AsyncDatabase:
        return AsyncMoving(json_files_async(tmp_path), postgresql_async(postgresql_url), "source")

    @pytest.fixture
    def second_database(self, tmp_path: Path, postgresql_url: str) -> AsyncDatabase:
        return AsyncMoving(json_files_async(tmp_path), postgresql_async(postgresql_url), "source")


@pytest.mark.long
class TestMovingPostgreSQLToMongoDB(AsyncConformance):
    @pytest.fixture
    def database(self, postgresql_url: str, mongodb_url: str) -> AsyncDatabase:
        return AsyncMoving(postgresql_async(postgresql_url), mongodb_async(mongodb_url), "source")

    @pytest.fixture
    def second_database(self, postgresql_url: str, mongodb_url: str) -> AsyncDatabase:
        return AsyncMoving(postgresql_async(postgresql_url), mongodb_async(mongodb_url), "source")


@pytest.mark.long
class TestMovedMongoDBToCosmosDB(AsyncConformance):
    @pytest.fixture
    def database(self, mongodb_url: str, cosmosdb_url: str) -> AsyncDatabase:
        return AsyncMoving(mongodb_async(mongodb_url), cosmosdb_async(cosmosdb_url), "target")

    @pytest.fixture
    def second_database(self, mongodb_url: str, cosmosdb_url: str) -> AsyncDatabase:
        return AsyncMoving(mongodb_async(mongodb_url), cosmosdb_async(cosmosdb_url), "target")
