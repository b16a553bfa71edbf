"""The store that the data moves to, not connected yet."""

from __future__ import annotations

from interstore import AsyncDatabase
from interstore._async.operations import AsyncOperations
from interstore._compat_async import ASYNC
from interstore.connection import settings_in_force
from interstore.migration.references import expand, identity_of
from interstore.settings.secret import Secret
from interstore_plugins.dual_write.settings import DualWriteSettings

if ASYNC:
    from interstore.connection import connect_async
else:
    from interstore.connection import unconnected
    from interstore.settings.scrub import scrubbed

__all__ = ["open_target"]


def open_target(database: AsyncDatabase, settings: DualWriteSettings) -> AsyncOperations | None:
    """The target's operations; ``None`` if `database` is the target.

    Raises:
        ConfigurationError: the URL is not valid.
    """
    url = Secret(expand(settings.target.reveal()))
    if ASYNC:
        target = connect_async(url, plugins=()).database
    else:
        resolved = settings_in_force(url)
        target = unconnected(resolved).database
        connect = scrubbed(target.connect, (*resolved.secrets, url), target.name)
        setattr(target, "connect", connect)  # noqa: B010 (bound once, as an attribute)
    return None if identity_of(target.database) == identity_of(database) else target
