"""The conformance kit of Interstore on this engine, in both flavours."""

from __future__ import annotations

from pathlib import Path

import pytest
from interstore_lmdb.database import LMDBDatabase
from interstore_lmdb.settings import LMDBSettings

from interstore._async.database import AsyncDatabase
from interstore._sync.database import Database
from interstore.bridge import to_async
from interstore.testing import AsyncConformance, Conformance


def lmdb(folder: Path) -> LMDBDatabase:
    return LMDBDatabase(LMDBSettings(path=str(folder), sync=False))


class TestLMDB(Conformance):
    @pytest.fixture
    def database(self, tmp_path: Path) -> Database:
        return lmdb(tmp_path)

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> Database:
        return lmdb(tmp_path)


class TestLMDBAsync(AsyncConformance):
    @pytest.fixture
    def database(self, tmp_path: Path) -> AsyncDatabase:
        return to_async(lmdb(tmp_path))

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> AsyncDatabase:
        return to_async(lmdb(tmp_path))
