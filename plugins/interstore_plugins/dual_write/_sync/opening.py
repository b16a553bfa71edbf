# Generated from plugins/interstore_plugins/dual_write/_async/opening.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 0c8c13bdcff33c16e159b8df

"""The store that the data moves to, not connected yet."""

from __future__ import annotations

from interstore import Database
from interstore._sync.operations import Operations
from interstore.connection import settings_in_force, unconnected
from interstore.migration.references import expand, identity_of
from interstore.settings.scrub import scrubbed
from interstore.settings.secret import Secret
from interstore_plugins.dual_write.settings import DualWriteSettings

__all__ = ["open_target"]


def open_target(database: Database, settings: DualWriteSettings) -> Operations | None:
    """The target's operations; ``None`` if `database` is the target.

    Raises:
        ConfigurationError: the URL is not valid.
    """
    url = Secret(expand(settings.target.reveal()))
    resolved = settings_in_force(url)
    target = unconnected(resolved).database
    connect = scrubbed(target.connect, (*resolved.secrets, url), target.name)
    setattr(target, "connect", connect)  # noqa: B010 (bound once, as an attribute)
    return None if identity_of(target.database) == identity_of(database) else target
