# Generated from tests/_async/test_sqlite.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: cedb11eb13e80c1dca32093e

"""The kit on SQLite: documents as text, and as JSONB through a newer library."""

from __future__ import annotations

from pathlib import Path

import pytest

from interstore._sync.database import Database
from interstore.testing import Conformance
from tests.databases import sqlite


class TestSQLiteText(Conformance):
    @pytest.fixture
    def database(self, tmp_path: Path) -> Database:
        return sqlite(tmp_path)

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> Database:
        return sqlite(tmp_path)


class TestSQLiteJSONB(Conformance):
    @pytest.fixture(autouse=True, scope="class")
    @staticmethod
    def _newer_library() -> None:
        pytest.importorskip("pysqlite3", reason="pysqlite3 has no wheel for this platform")

    @pytest.fixture
    def database(self, tmp_path: Path) -> Database:
        return sqlite(tmp_path, driver="pysqlite3", jsonb=True)

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> Database:
        return sqlite(tmp_path, driver="pysqlite3", jsonb=True)
