# Generated from tests/_async/test_json_files.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 3738e7d30901d2562f785ff8

"""The kit on JSON files."""

from __future__ import annotations

from pathlib import Path

import pytest

from interstore._sync.database import Database
from interstore.testing import Conformance
from tests.databases import json_files


class TestJsonFiles(Conformance):
    @pytest.fixture
    def database(self, tmp_path: Path) -> Database:
        return json_files(tmp_path)

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> Database:
        return json_files(tmp_path)
