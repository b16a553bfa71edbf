"""The plugin ``cache``: remembers documents by their id, and answers to filters.

In this process, on a Valkey or Redis server that processes share, or both. `Cache` and
`AsyncCache` do the same for functions of one's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interstore.plugins import hookimpl
from interstore_plugins.cache.settings import CacheSettings

if TYPE_CHECKING:
    from interstore import AsyncDatabase, Database
    from interstore_plugins.cache._async.functions import AsyncCache
    from interstore_plugins.cache._async.warming import warm_up_async
    from interstore_plugins.cache._sync.functions import Cache
    from interstore_plugins.cache._sync.warming import warm_up

__all__ = ["AsyncCache", "Cache", "CacheSettings", "warm_up", "warm_up_async"]

_PLACES = {
    "AsyncCache": "_async.functions",
    "Cache": "_sync.functions",
    "warm_up": "_sync.warming",
    "warm_up_async": "_async.warming",
}


@hookimpl
def interstore_settings() -> type[CacheSettings]:
    """Variables that begin with ``CACHE_``."""
    return CacheSettings


@hookimpl
def interstore_wrap(database: Database, settings: CacheSettings) -> Database:
    """Around every operation that reads or writes documents."""
    from interstore_plugins.cache._sync.wrapper import Caching

    return Caching(database, settings)


@hookimpl
def interstore_wrap_async(database: AsyncDatabase, settings: CacheSettings) -> AsyncDatabase:
    """Likewise."""
    from interstore_plugins.cache._async.wrapper import AsyncCaching

    return AsyncCaching(database, settings)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
