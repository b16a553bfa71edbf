"""The kit on MongoDB: on a replica set, as it is by default, and on a server by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interstore._async.database import AsyncDatabase
from interstore._compat_async import ASYNC
from interstore.testing import AsyncConformance
from tests.databases import mongodb_async


class TestMongoDB(AsyncConformance):
    @pytest.fixture
    def database(self, mongodb_url: str) -> AsyncDatabase:
        return mongodb_async(mongodb_url)

    @pytest.fixture
    def second_database(self, mongodb_url: str) -> AsyncDatabase:
        return mongodb_async(mongodb_url)


# The flavours are of one source: on a default run, tasks show this form.
@pytest.mark.timeout(120) if ASYNC else pytest.mark.long
class TestMongoDBStandalone(AsyncConformance):
    """A server by itself, which repeats no write."""

    @pytest.fixture
    def database(self, mongodb_standalone_url: str) -> AsyncDatabase:
        return _alone(mongodb_standalone_url)

    @pytest.fixture
    def second_database(self, mongodb_standalone_url: str) -> AsyncDatabase:
        return _alone(mongodb_standalone_url)


def _alone(url: str) -> AsyncDatabase:
    """What cannot be known before it is connected is declared for it."""
    database = mongodb_async(url, durability="primary")
    database.capabilities = replace(
        database.capabilities, transaction=False, snapshot=False, watch=False, watch_deletes=False
    )
    return database
