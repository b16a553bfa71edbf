"""The kit on PostgreSQL, in a database whose collation and settings are the least convenient."""

from __future__ import annotations

import pytest

from interstore._async.database import AsyncDatabase
from interstore._compat_async import ASYNC
from interstore.testing import AsyncConformance
from tests.databases import postgresql_async


class TestPostgreSQL(AsyncConformance):
    @pytest.fixture
    def database(self, postgresql_url: str) -> AsyncDatabase:
        return postgresql_async(postgresql_url)

    @pytest.fixture
    def second_database(self, postgresql_url: str) -> AsyncDatabase:
        return postgresql_async(postgresql_url)


# The flavours are of one source: on a default run, threads show this form.
@pytest.mark.timeout(120) if not ASYNC else pytest.mark.long
class TestPostgreSQLUnprepared(AsyncConformance):
    """As through a pooler."""

    @pytest.fixture
    def database(self, postgresql_url: str) -> AsyncDatabase:
        return postgresql_async(postgresql_url, prepare=False, schema="a 'schema\"")

    @pytest.fixture
    def second_database(self, postgresql_url: str) -> AsyncDatabase:
        return postgresql_async(postgresql_url, prepare=False, schema="a 'schema\"")
