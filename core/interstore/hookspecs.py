"""The hooks that packages implement, found through entry points."""

from __future__ import annotations

import pluggy

from interstore.backend import Backend
from interstore.blobs.backend import BlobBackend

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
