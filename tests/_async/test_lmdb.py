"""The kit on the example of a third party's package, `docs/examples/interstore-lmdb`."""

from __future__ import annotations

from pathlib import Path

import pytest

from interstore._async.database import AsyncDatabase
from interstore.testing import AsyncConformance
from tests.databases import installed_async


class TestLMDB(AsyncConformance):
    @pytest.fixture
    def database(self, tmp_path: Path) -> AsyncDatabase:
        return installed_async("lmdb", path=str(tmp_path), sync=False)

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> AsyncDatabase:
        return installed_async("lmdb", path=str(tmp_path), sync=False)
