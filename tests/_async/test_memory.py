"""The kit on the memory engine, and across the bridge between the flavours."""

from __future__ import annotations

import pytest

from interstore._async.database import AsyncDatabase
from interstore.testing import AsyncConformance
from tests.databases import memory_async, there_and_back_async


class TestMemory(AsyncConformance):
    @pytest.fixture
    def database(self) -> AsyncDatabase:
        return memory_async()


class TestThereAndBack(AsyncConformance):
    """To the other flavour and back again, as often as it takes."""

    @pytest.fixture
    def database(self) -> AsyncDatabase:
        return there_and_back_async()
