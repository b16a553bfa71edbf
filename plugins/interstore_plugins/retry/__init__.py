"""The plugin ``retry``: repeats what failed for a moment, and nothing that may have been applied.

What is repeated, and when, is said in `policy`. Inside a transaction nothing is, because what
failed has ended it: `Store.run_in_transaction` repeats the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interstore.plugins import hookimpl
from interstore_plugins.retry.settings import RetrySettings

if TYPE_CHECKING:
    from interstore import AsyncDatabase, Database

__all__ = ["RetrySettings"]


@hookimpl
def interstore_settings() -> type[RetrySettings]:
    """Variables that begin with ``RETRY_``."""
    return RetrySettings


@hookimpl
def interstore_wrap(database: Database, settings: RetrySettings) -> Database:
    """Around every operation."""
    from interstore_plugins.retry._sync.wrapper import Retrying

    return Retrying(database, settings)


@hookimpl
def interstore_wrap_async(database: AsyncDatabase, settings: RetrySettings) -> AsyncDatabase:
    """Likewise."""
    from interstore_plugins.retry._async.wrapper import AsyncRetrying

    return AsyncRetrying(database, settings)
