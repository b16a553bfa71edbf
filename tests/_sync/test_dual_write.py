# Generated from tests/_async/test_dual_write.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 71f5642fd3c9538552c09f89

"""The kit on databases that write to two stores: both hold the same in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from interstore._sync.database import Database
from interstore._sync.operations import Operations
from interstore.dual._sync.ledger import Ledger
from interstore.dual.records import Control, Side
from interstore.filters.tree import ALL
from interstore.migration.references import identity_of
from interstore.names import is_reserved
from interstore.prepared import Query
from interstore.settings import Secret
from interstore.testing import Conformance
from interstore_plugins.dual_write._sync.wrapper import DualWriting
from interstore_plugins.dual_write.settings import DualWriteSettings
from tests.databases import (
    cosmosdb,
    json_files,
    memory,
    mongodb,
    postgresql,
    sqlite,
)

SETTINGS = DualWriteSettings(target=Secret("memory://"), lease=60.0, look=0.05)

# The flavours are of one source: on a default run, each shows one of the pairs.
with_tasks = pytest.mark.long
with_threads = pytest.mark.timeout(120)


class Moving(DualWriting):
    """A move is under way, and when it is disconnected, both stores must hold the same."""

    def __init__(self, source: Database, target: Database, primary: Side) -> None:
        super().__init__(source, Operations(target), SETTINGS)
        self._primary: Side = primary
        if primary == "target":
            self.name = target.name  # what plans and figures are of

    def connect(self) -> None:
        super().connect()
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
                Ledger(self._stores[side][1]).change_control(control, 0)
            self._member.beat()
        assert self._member.stand.side == self._primary
        assert self._member.stand.secondary is not None

    def disconnect(self) -> None:
        stand = self._member.stand
        if stand.secondary is not None and self._member.valid_until > 0 and not stand.running:
            # Nothing runs any more that could still write what was in doubt, such as a call that
            # failed because the store was closed.
            self._carrier._doubts.clear()
            self._carrier.carry()
            assert not self._carrier.waiting, self.metrics()
            assert_equal(stand.primary, stand.secondary)
        super().disconnect()


def assert_equal(one: Operations, other: Operations) -> None:
    """Both hold the same documents, with the same versions and times."""
    for model in {*one.models(), *other.models()}:
        if is_reserved(model):
            continue
        left, right = [
            [
                (dict(each), each.version, each.created, each.updated, each.expires)
                for each in store.find(model, Query(ALL))
            ]
            for store in (one, other)
        ]
        assert left == right, model


@with_tasks
class TestMovingMemory(Conformance):
    @pytest.fixture
    def database(self) -> Database:
        return Moving(memory(), memory(), "source")


@with_threads
class TestMovedJSONToSQLite(Conformance):
    """After the cut-over: the target is the primary."""

    @pytest.fixture
    def database(self, tmp_path: Path) -> Database:
        return Moving(json_files(tmp_path), sqlite(tmp_path), "target")

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> Database:
        return Moving(json_files(tmp_path), sqlite(tmp_path), "target")


@pytest.mark.long
class TestMovingJSONToPostgreSQL(Conformance):
    @pytest.fixture
    def database(self, tmp_path: Path, postgresql_url: str) -> Database:
        return Moving(json_files(tmp_path), postgresql(postgresql_url), "source")

    @pytest.fixture
    def second_database(self, tmp_path: Path, postgresql_url: str) -> Database:
        return Moving(json_files(tmp_path), postgresql(postgresql_url), "source")


@pytest.mark.long
class TestMovingPostgreSQLToMongoDB(Conformance):
    @pytest.fixture
    def database(self, postgresql_url: str, mongodb_url: str) -> Database:
        return Moving(postgresql(postgresql_url), mongodb(mongodb_url), "source")

    @pytest.fixture
    def second_database(self, postgresql_url: str, mongodb_url: str) -> Database:
        return Moving(postgresql(postgresql_url), mongodb(mongodb_url), "source")


@pytest.mark.long
class TestMovedMongoDBToCosmosDB(Conformance):
    @pytest.fixture
    def database(self, mongodb_url: str, cosmosdb_url: str) -> Database:
        return Moving(mongodb(mongodb_url), cosmosdb(cosmosdb_url), "target")

    @pytest.fixture
    def second_database(self, mongodb_url: str, cosmosdb_url: str) -> Database:
        return Moving(mongodb(mongodb_url), cosmosdb(cosmosdb_url), "target")
