# Generated from plugins/interstore_plugins/cache/_async/functions.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: f00cb25a4a59baa7aa2a29ea

"""`Cache`: the results of functions of one's own, kept in the same ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, Self, TypeVar

from interstore.settings import Secret
from interstore_plugins.cache._sync.tiers import Tiers
from interstore_plugins.cache.arguments import arguments_of, decoder, encoded, filled
from interstore_plugins.cache.settings import CacheSettings

__all__ = ["Cache"]

P = ParamSpec("P")
T = TypeVar("T")


class Cache:
    """A cache for the results of functions. A context manager, or call `open` and `close`.

    Results are kept as JSON: what comes back is of JSON's types, or of the type that the function
    is annotated to return. What belongs together has a tag in common.

    Args:
        name: tells it from other caches on the same server.
        settings: as the variables of the plugin say it: ``ttl=60``, ``url="redis://..."``.
    """

    def __init__(self, name: str = "functions", **settings: Any) -> None:
        if isinstance(settings.get("url"), str):
            settings["url"] = Secret(settings["url"])
        self._tiers = Tiers(CacheSettings(**settings), f"functions:{name}")

    def open(self) -> None:
        """Begin."""
        self._tiers.open()

    def close(self) -> None:
        """End, and forget what is kept in this process."""
        self._tiers.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def stats(self) -> dict[str, Any]:
        """Hits, misses, entries, bytes, and the state of the shared server."""
        return self._tiers.told()

    def cacheable(
        self, key: str, *, ttl: float | None = None, tags: Sequence[str] = ()
    ) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """A decorator: the function is called only if its result is not kept.

        Args:
            key: under which it is kept, with arguments in braces: ``"user:{id}"``. It has to
                name all arguments that the result depends on.
            ttl: seconds that it is kept; those of the settings by default.
            tags: what it belongs to, likewise.
        """

        def decorate(function: Callable[P, T]) -> Callable[P, T]:
            bind, decode = arguments_of(function), decoder(function)

            @wraps(function)
            def cached(*args: P.args, **kwargs: P.kwargs) -> T:
                named = bind(args, kwargs)

                def load() -> bytes:
                    return encoded(function(*args, **kwargs))

                scopes = tuple(filled(tag, named) for tag in tags)
                result: T = decode(self._tiers.fetch(filled(key, named), scopes, load, ttl))
                return result

            return cached

        return decorate

    def invalidates(
        self, *, keys: Sequence[str] = (), tags: Sequence[str] = (), patterns: Sequence[str] = ()
    ) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """A decorator: after each call, also one that failed, results are forgotten.

        Args:
            keys: those under these keys, with arguments of this function in braces.
            tags: those with one of these tags, likewise.
            patterns: those whose keys match as shells match file names: ``"user:*"``.
        """

        def decorate(function: Callable[P, T]) -> Callable[P, T]:
            bind = arguments_of(function)

            @wraps(function)
            def invalidating(*args: P.args, **kwargs: P.kwargs) -> T:
                try:
                    return function(*args, **kwargs)
                finally:
                    named = bind(args, kwargs)
                    self.invalidate(
                        keys=[filled(key, named) for key in keys],
                        tags=[filled(tag, named) for tag in tags],
                        patterns=[filled(pattern, named) for pattern in patterns],
                    )

            return invalidating

        return decorate

    def invalidate(
        self, *, keys: Sequence[str] = (), tags: Sequence[str] = (), patterns: Sequence[str] = ()
    ) -> None:
        """Forget results, in all processes that share a server."""
        self._tiers.invalidate(keys, tags, patterns)
