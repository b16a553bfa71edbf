"""The kit on MongoDB: on a replica set, as it is by default, and on a server by itself."""

from __future__ import annotations

import pytest

from interstore._async.database import AsyncDatabase
from interstore.testing import AsyncConformance
from tests.databases import mongodb_async


class TestMongoDB(AsyncConformance):
    @pytest.fixture
    def database(self, mongodb_url: str) -> AsyncDatabase:
        return mongodb_async(mongodb_url)

    @pytest.fixture
    def second_database(self, mongodb_url: str) -> AsyncDatabase:
        return mongodb_async(mongodb_url)


class TestMongoDBStandalone(AsyncConformance):
    """A server by itself, which repeats no write."""

    @pytest.fixture
    def database(self, mongodb_standalone_url: str) -> AsyncDatabase:
        return mongodb_async(mongodb_standalone_url, durability="primary")

    @pytest.fixture
    def second_database(self, mongodb_standalone_url: str) -> AsyncDatabase:
        return mongodb_async(mongodb_standalone_url, durability="primary")
