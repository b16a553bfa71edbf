"""The kit on JSON files."""

from __future__ import annotations

from pathlib import Path

import pytest

from interstore._async.database import AsyncDatabase
from interstore.testing import AsyncConformance
from tests.databases import json_files_async


class TestJsonFiles(AsyncConformance):
    @pytest.fixture
    def database(self, tmp_path: Path) -> AsyncDatabase:
        return json_files_async(tmp_path)

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> AsyncDatabase:
        return json_files_async(tmp_path)
