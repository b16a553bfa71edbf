"""The kit on SQLite: documents as text, and as JSONB through a newer library."""

from __future__ import annotations

from pathlib import Path

import pytest

from interstore._async.database import AsyncDatabase
from interstore.testing import AsyncConformance
from tests.databases import sqlite_async


class TestSQLiteText(AsyncConformance):
    @pytest.fixture
    def database(self, tmp_path: Path) -> AsyncDatabase:
        return sqlite_async(tmp_path)

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> AsyncDatabase:
        return sqlite_async(tmp_path)


class TestSQLiteJSONB(AsyncConformance):
    @pytest.fixture(autouse=True, scope="class")
    @staticmethod
    def _newer_library() -> None:
        pytest.importorskip("pysqlite3", reason="pysqlite3 has no wheel for this platform")

    @pytest.fixture
    def database(self, tmp_path: Path) -> AsyncDatabase:
        return sqlite_async(tmp_path, driver="pysqlite3", jsonb=True)

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> AsyncDatabase:
        return sqlite_async(tmp_path, driver="pysqlite3", jsonb=True)
