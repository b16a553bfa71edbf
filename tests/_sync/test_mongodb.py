# Generated from tests/_async/test_mongodb.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 9741748eae56e0593a6081ed

"""The kit on MongoDB: on a replica set, as it is by default, and on a server by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interstore._sync.database import Database
from interstore.testing import Conformance
from tests.databases import mongodb


class TestMongoDB(Conformance):
    @pytest.fixture
    def database(self, mongodb_url: str) -> Database:
        return mongodb(mongodb_url)

    @pytest.fixture
    def second_database(self, mongodb_url: str) -> Database:
        return mongodb(mongodb_url)


# The flavours are of one source: on a default run, tasks show this form.
@pytest.mark.long
class TestMongoDBStandalone(Conformance):
    """A server by itself, which repeats no write."""

    @pytest.fixture
    def database(self, mongodb_standalone_url: str) -> Database:
        return _alone(mongodb_standalone_url)

    @pytest.fixture
    def second_database(self, mongodb_standalone_url: str) -> Database:
        return _alone(mongodb_standalone_url)


def _alone(url: str) -> Database:
    """What cannot be known before it is connected is declared for it."""
    database = mongodb(url, durability="primary")
    database.capabilities = replace(
        database.capabilities, transaction=False, snapshot=False, watch=False, watch_deletes=False
    )
    return database
