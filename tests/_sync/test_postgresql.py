# Generated from tests/_async/test_postgresql.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 8ec0aa3eb722ded16b6e7897

"""The kit on PostgreSQL, in a database whose collation and settings are the least convenient."""

from __future__ import annotations

import pytest

from interstore._sync.database import Database
from interstore.testing import Conformance
from tests.databases import postgresql


class TestPostgreSQL(Conformance):
    @pytest.fixture
    def database(self, postgresql_url: str) -> Database:
        return postgresql(postgresql_url)

    @pytest.fixture
    def second_database(self, postgresql_url: str) -> Database:
        return postgresql(postgresql_url)


# The flavours are of one source: on a default run, threads show this form.
@pytest.mark.timeout(120)
class TestPostgreSQLUnprepared(Conformance):
    """As through a pooler."""

    @pytest.fixture
    def database(self, postgresql_url: str) -> Database:
        return postgresql(postgresql_url, prepare=False, schema="a 'schema\"")

    @pytest.fixture
    def second_database(self, postgresql_url: str) -> Database:
        return postgresql(postgresql_url, prepare=False, schema="a 'schema\"")
