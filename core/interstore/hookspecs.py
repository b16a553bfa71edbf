"""The hooks that packages implement, found through entry points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

from interstore.backend import Backend
from interstore.blobs.backend import BlobBackend

if TYPE_CHECKING:
    import click

    from interstore._async.database import AsyncDatabase
    from interstore._sync.database import Database
    from interstore.plugins.operation import Observer
    from interstore.plugins.routes import Route
    from interstore.settings import Settings

__all__ = ["hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker("interstore")
hookimpl = pluggy.HookimplMarker("interstore")


@hookspec
def interstore_backend() -> Backend:
    """Return the backend that this package brings (entry point group `interstore.backends`)."""
    raise NotImplementedError


@hookspec
def interstore_blob_backend() -> BlobBackend:
    """Return the blob engine that this package brings (entry point group `interstore.blobs`)."""
    raise NotImplementedError


# Of plugins (entry point group `interstore.plugins`). An implementation may leave out arguments.


@hookspec
def interstore_settings() -> type[Settings]:
    """Return the class of the plugin's settings, which the other hooks are given an instance of."""
    raise NotImplementedError


@hookspec
def interstore_wrap(database: Database, settings: Any) -> Database | None:
    """Return a database around this one, or ``None`` to leave it bare."""


@hookspec
def interstore_wrap_async(database: AsyncDatabase, settings: Any) -> AsyncDatabase | None:
    """Return an asynchronous database around this one, or ``None`` to leave it bare."""


@hookspec
def interstore_observe(settings: Any) -> Observer | None:
    """Return a function that is told of every operation when it has ended, for one store."""


@hookspec
def interstore_commands(settings: Any) -> Sequence[click.Command]:
    """Return commands for the command line."""
    raise NotImplementedError


@hookspec
def interstore_routes(settings: Any, stores: Mapping[str, Any]) -> Mapping[str, Route]:
    """Return routes for the health application of these stores, by their paths."""
    raise NotImplementedError
