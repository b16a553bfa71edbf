"""Databases with plugins around them; bound once, so that a call finds nothing to decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interstore.plugins.active import Active
from interstore.plugins.discovery import broken

if TYPE_CHECKING:
    from interstore._async.database import AsyncDatabase
    from interstore._sync.database import Database

__all__ = ["Layer", "applied", "applied_async", "inside"]


@dataclass(frozen=True, slots=True)
class Layer:
    """What a plugin does to one store.

    Attributes:
        plugin: the plugin, with its settings.
        wrapper: the database that it put around the one inside; ``None`` if it did not.
        observer: what it has told of every operation; ``None`` if nothing.
    """

    plugin: Active
    wrapper: Any = None
    observer: Any = None

    @property
    def wraps(self) -> tuple[str, ...] | None:
        """What it overrides, for people; ``None`` if that cannot be told."""
        wraps: tuple[str, ...] | None = getattr(self.wrapper, "wraps", None)
        return () if self.wrapper is None else wraps

    @property
    def metrics(self) -> Callable[[], dict[str, Any]] | None:
        """Gives the figures that the plugin keeps of this store, if it does."""
        for each in (self.observer, self.wrapper):
            found: Callable[[], dict[str, Any]] | None = getattr(each, "metrics", None)
            if found is not None:
                return found
        return None


def applied(database: Database, plugins: Sequence[Active]) -> tuple[Database, tuple[Layer, ...]]:
    """`database` within its plugins, the first of them outermost; and what each of them does.

    Raises:
        ConfigurationError: a plugin fails; the message names its package.
    """
    from interstore.bridge import to_async, to_sync
    from interstore.plugins._sync.observed import Observed

    layers: list[Layer] = []
    for active in reversed(plugins):
        wrapper = None
        if "interstore_wrap" in active.plugin.hooks:
            wrapper = _wrapper(active, "interstore_wrap", database)
        elif "interstore_wrap_async" in active.plugin.hooks:
            wrapper = _wrapper(active, "interstore_wrap_async", to_async(database))
        if wrapper is not None:
            database = wrapper if "interstore_wrap" in active.plugin.hooks else to_sync(wrapper)
        observer = _observer(active)
        if observer is not None:
            database = Observed(database, observer)
        layers.insert(0, Layer(active, wrapper, observer))
    return database, tuple(layers)


def applied_async(
    database: AsyncDatabase, plugins: Sequence[Active]
) -> tuple[AsyncDatabase, tuple[Layer, ...]]:
    """`applied` for the asynchronous flavour."""
    from interstore.bridge import to_async, to_sync
    from interstore.plugins._async.observed import AsyncObserved

    layers: list[Layer] = []
    for active in reversed(plugins):
        wrapper = None
        if "interstore_wrap_async" in active.plugin.hooks:
            wrapper = _wrapper(active, "interstore_wrap_async", database)
        elif "interstore_wrap" in active.plugin.hooks:
            wrapper = _wrapper(active, "interstore_wrap", to_sync(database))
        if wrapper is not None:
            native = "interstore_wrap_async" in active.plugin.hooks
            database = wrapper if native else to_async(wrapper)
        observer = _observer(active)
        if observer is not None:
            database = AsyncObserved(database, observer)
        layers.insert(0, Layer(active, wrapper, observer))
    return database, tuple(layers)


def _wrapper(active: Active, hook: str, database: Any) -> Any:
    """What the plugin puts around the database; ``None`` if that does nothing."""
    wrapper = active.call(hook, database=database)
    if wrapper is None or wrapper is database or getattr(wrapper, "only_delegates", False):
        return None
    for name in ("name", "capabilities", "limits", "find_by_id"):
        if not hasattr(wrapper, name):
            raise broken(
                active.name,
                active.plugin.package,
                f"{hook} returns {wrapper!r:.80}, which is not a database: it has no {name!r}",
            )
    return wrapper


def _observer(active: Active) -> Callable[..., Any] | None:
    observer: Callable[..., Any] | None = active.call("interstore_observe")
    if observer is not None and not callable(observer):
        raise broken(
            active.name,
            active.plugin.package,
            f"interstore_observe returns {observer!r:.80}, which cannot be called",
        )
    return observer


def inside(database: Any) -> Any:
    """The engine that a database is around, or itself."""
    for _ in range(100):
        # What wraps a database has it as `database`; a bridge, as `_database`.
        within = getattr(database, "database", None)
        if not _is_database(within):
            within = getattr(database, "_database", None)
        if not _is_database(within):
            break
        database = within
    return database


def _is_database(value: Any) -> bool:
    # Not by `hasattr` alone: to a driver's own object, every name may be that of a collection.
    return hasattr(type(value), "find_by_id") or "find_by_id" in getattr(value, "__dict__", ())
