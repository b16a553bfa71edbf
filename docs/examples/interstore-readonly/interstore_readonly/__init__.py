"""A plugin of Interstore: models that may only be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from interstore.plugins import hookimpl
from interstore.settings import Settings, env

if TYPE_CHECKING:
    from interstore import AsyncDatabase, Database

__all__ = ["ReadOnlySettings"]


class ReadOnlySettings(Settings, kw_only=True, frozen=True):
    """Set by variables that begin with the plugin's name: ``READONLY_MODELS``."""

    models: Annotated[
        str, env(help="The models that may only be read, with commas between; * for all.")
    ] = "*"


@hookimpl
def interstore_settings() -> type[ReadOnlySettings]:
    return ReadOnlySettings


@hookimpl
def interstore_wrap(database: Database, settings: ReadOnlySettings) -> Database:
    from interstore_readonly.wrapper import ReadOnly

    return ReadOnly(database, settings.models)


@hookimpl
def interstore_wrap_async(database: AsyncDatabase, settings: ReadOnlySettings) -> AsyncDatabase:
    from interstore_readonly.wrapper import AsyncReadOnly

    return AsyncReadOnly(database, settings.models)
