"""The plugin ``dual-write``: an application that goes on while its data moves to another store.

As long as nothing moves, it passes everything on. From ``interstore migrate SRC DST --live`` on,
all that is written goes to both stores; from ``interstore migrate cutover`` on, the other one is
where the application reads. Nobody restarts anything for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interstore.errors import ConfigurationError
from interstore.plugins import hookimpl
from interstore_plugins.dual_write.settings import DualWriteSettings

if TYPE_CHECKING:
    from interstore import AsyncDatabase, Database

__all__ = ["DualWriteSettings"]


@hookimpl
def interstore_settings() -> type[DualWriteSettings]:
    """Variables that begin with ``DUAL_WRITE_``."""
    return DualWriteSettings


@hookimpl
def interstore_wrap(database: Database, settings: DualWriteSettings) -> Database | None:
    """Around every operation; not around the target itself."""
    from interstore.plugins import Wrapper
    from interstore_plugins.dual_write._sync.opening import open_target
    from interstore_plugins.dual_write._sync.wrapper import DualWriting

    _check_innermost(database, Wrapper)
    target = open_target(database, settings)
    return None if target is None else DualWriting(database, target, settings)


@hookimpl
def interstore_wrap_async(
    database: AsyncDatabase, settings: DualWriteSettings
) -> AsyncDatabase | None:
    """Likewise."""
    from interstore.plugins import AsyncWrapper
    from interstore_plugins.dual_write._async.opening import open_target
    from interstore_plugins.dual_write._async.wrapper import AsyncDualWriting

    _check_innermost(database, AsyncWrapper)
    target = open_target(database, settings)
    return None if target is None else AsyncDualWriting(database, target, settings)


def _check_innermost(database: Any, kind: type[Any]) -> None:
    if isinstance(database, kind):
        raise ConfigurationError(
            f"the plugin dual-write stands before another one, which would come between it and the "
            f"store ({database!r:.80}): name it last, as in INTERSTORE_PLUGINS=cache,dual-write"
        )
