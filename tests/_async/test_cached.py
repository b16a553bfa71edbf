"""The kit on cached databases: a cache must be noticed by nothing but its speed."""

from __future__ import annotations

import pytest

from interstore._async.database import AsyncDatabase
from interstore._compat_async import ASYNC
from interstore.settings import Secret
from interstore.testing import AsyncConformance
from interstore_plugins.cache._async.wrapper import AsyncCaching
from interstore_plugins.cache.settings import CacheSettings
from tests.databases import memory_async

# The flavours are of one source, and threads are shown by all plugins together.
with_tasks = pytest.mark.timeout(120) if ASYNC else pytest.mark.long


@with_tasks
class TestCachedMemory(AsyncConformance):
    @pytest.fixture
    def database(self) -> AsyncDatabase:
        return AsyncCaching(memory_async(), CacheSettings())


@pytest.mark.long
class TestSharedCacheOfMemory(AsyncConformance):
    @pytest.fixture
    def database(self, valkey_url: str) -> AsyncDatabase:
        return AsyncCaching(memory_async(), CacheSettings(url=Secret(valkey_url)))
