# Generated from tests/_async/test_cached.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 38b2e93fb407fdb65c6755f5

"""The kit on cached databases: a cache must be noticed by nothing but its speed."""

from __future__ import annotations

import pytest

from interstore._sync.database import Database
from interstore.settings import Secret
from interstore.testing import Conformance
from interstore_plugins.cache._sync.wrapper import Caching
from interstore_plugins.cache.settings import CacheSettings
from tests.databases import memory

# The flavours are of one source, and threads are shown by all plugins together.
with_tasks = pytest.mark.long


@with_tasks
class TestCachedMemory(Conformance):
    @pytest.fixture
    def database(self) -> Database:
        return Caching(memory(), CacheSettings())


@pytest.mark.long
class TestSharedCacheOfMemory(Conformance):
    @pytest.fixture
    def database(self, valkey_url: str) -> Database:
        return Caching(memory(), CacheSettings(url=Secret(valkey_url)))
