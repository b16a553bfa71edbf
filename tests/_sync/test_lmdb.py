# Generated from tests/_async/test_lmdb.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: febc185aef57d3005075be03

"""The kit on the example of a third party's package, `docs/examples/interstore-lmdb`."""

from __future__ import annotations

from pathlib import Path

import pytest

from interstore._sync.database import Database
from interstore.testing import Conformance
from tests.databases import installed


class TestLMDB(Conformance):
    @pytest.fixture
    def database(self, tmp_path: Path) -> Database:
        return installed("lmdb", path=str(tmp_path), sync=False)

    @pytest.fixture
    def second_database(self, tmp_path: Path) -> Database:
        return installed("lmdb", path=str(tmp_path), sync=False)
