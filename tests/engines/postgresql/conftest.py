from collections.abc import Iterator
from typing import Any

import pytest

from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from tests.databases import postgresql
from tests.engines.postgresql.support import Open
from tests.servers.databases import PostgreSQL


@pytest.fixture
def opened(postgresql_url: str) -> Iterator[Open]:
    databases = []

    def open_database(url: str = postgresql_url, **options: Any) -> PostgreSQLDatabase:
        database = postgresql(url, **options)
        assert isinstance(database, PostgreSQLDatabase)
        databases.append(database)
        database.connect()
        return database

    yield open_database
    for database in databases:
        database.disconnect()


@pytest.fixture
def database(opened: Open) -> PostgreSQLDatabase:
    """A database in a hostile collation."""
    return opened()


@pytest.fixture(scope="module")
def kept(postgresql_server: PostgreSQL) -> Iterator[PostgreSQLDatabase]:
    """One for all tests of a module."""
    with postgresql_server.database() as url:
        database = postgresql(url)
        assert isinstance(database, PostgreSQLDatabase)
        database.connect()
        yield database
        database.disconnect()
