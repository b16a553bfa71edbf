from collections.abc import Iterator
from typing import Any

import pytest

from interstore_backends.mongodb._sync.database import MongoDBDatabase
from tests.databases import mongodb
from tests.engines.mongodb.support import Open
from tests.servers.mongodb import MongoDB


@pytest.fixture
def opened(mongodb_url: str) -> Iterator[Open]:
    databases = []

    def open_database(url: str = mongodb_url, **options: Any) -> MongoDBDatabase:
        database = mongodb(url, **{"durability": "primary", **options})
        assert isinstance(database, MongoDBDatabase)
        databases.append(database)
        database.connect()
        return database

    yield open_database
    for database in databases:
        database.disconnect()


@pytest.fixture
def database(opened: Open) -> MongoDBDatabase:
    """A database with nothing in it."""
    return opened()


@pytest.fixture(scope="module")
def kept(mongodb_server: MongoDB) -> Iterator[MongoDBDatabase]:
    """One for all tests of a module."""
    with mongodb_server.database() as url:
        database = mongodb(url, durability="primary")
        assert isinstance(database, MongoDBDatabase)
        database.connect()
        yield database
        database.disconnect()
