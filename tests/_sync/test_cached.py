# Generated from tests/_async/test_cached.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 7001f957f4198d3628b6e459

"""The kit on cached databases: a cache must be noticed by nothing but its speed."""

from __future__ import annotations

import pytest

from interstore._sync.database import Database
from interstore.settings import Secret
from interstore.testing import Conformance
from interstore_plugins.cache._sync.wrapper import Caching
from interstore_plugins.cache.settings import CacheSettings
from tests.databases import memory


class TestCachedMemory(Conformance):
    @pytest.fixture
    def database(self) -> Database:
        return Caching(memory(), CacheSettings())


@pytest.mark.long
class TestSharedCacheOfMemory(Conformance):
    @pytest.fixture
    def database(self, valkey_url: str) -> Database:
        return Caching(memory(), CacheSettings(url=Secret(valkey_url)))
