"""The settings of the plugin ``cache``."""

from __future__ import annotations

from typing import Annotated, Literal

from interstore.errors import ConfigurationError
from interstore.settings import Secret, Settings, env

__all__ = ["CacheSettings"]


class CacheSettings(Settings, kw_only=True, frozen=True):
    """What is kept, where, and for how long."""

    ttl: Annotated[float, env(help="Seconds that anything is kept at the most.", ge=0.001)] = 300.0
    negative_ttl: Annotated[
        float, env(help="Seconds that the absence of a document is kept; 0: not at all.", ge=0)
    ] = 30.0
    strategy: Annotated[
        Literal["lru", "lfu", "fifo"],
        env(
            help="What goes first when the cache of this process is full: what was used longest "
            "ago, least often, or came first."
        ),
    ] = "lru"
    max_size: Annotated[
        int,
        env(
            "CACHE_MAX_SIZE",
            "DATABASE_MAX_CACHE_SIZE",
            help="The most entries in this process.",
            ge=1,
        ),
    ] = 10_000
    max_bytes: Annotated[int, env(help="The most bytes of entries in this process.", ge=1_000)] = (
        64_000_000
    )
    queries: Annotated[
        bool,
        env(help="Whether answers to filters are kept, too, and not only documents by their id."),
    ] = True
    models: Annotated[
        str | None, env(help="Only these models, separated by commas; by default all.")
    ] = None
    url: Annotated[
        Secret | None,
        env(
            help="A Valkey or Redis server that processes share: redis://user:password@host:6379/0."
        ),
    ] = None
    local: Annotated[
        bool, env(help="Whether this process keeps entries as well, where a server is shared.")
    ] = True
    prefix: Annotated[str, env(help="What the server's keys begin with.")] = "interstore"

    def __post_init__(self) -> None:
        if not self.local and self.url is None:
            raise ConfigurationError(
                "the cache has nowhere to keep anything: set CACHE_URL, or CACHE_LOCAL=true"
            )
