# Generated from tests/_async/test_memory.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: ad1da439f937218ffeaef9e2

"""The kit on the memory engine, and across the bridge between the flavours."""

from __future__ import annotations

import pytest

from interstore._sync.database import Database
from interstore.testing import Conformance
from tests.databases import memory, there_and_back


class TestMemory(Conformance):
    @pytest.fixture
    def database(self) -> Database:
        return memory()


class TestThereAndBack(Conformance):
    """To the other flavour and back again, as often as it takes."""

    @pytest.fixture
    def database(self) -> Database:
        return there_and_back()
