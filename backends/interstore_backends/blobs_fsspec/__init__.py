"""Blobs in any fsspec filesystem that is installed, named by its protocol.

It asks of a filesystem what nearly all have, so it declares little: no conditional writes, no
metadata, no content types but those of names, and no digests. A write goes into a draft in the
folder ``.interstore`` and is moved to its place, which shows it whole or not at all where the
filesystem renames, and on stores that copy whole objects.

Keys become names by `interstore.blobs.keys.Escaping`; where ``a`` is a folder, the blob ``a`` is
the file ``a%``. A page of a listing reads the whole folder that its prefix names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from interstore.blobs.backend import BlobBackend
from interstore.blobs.capabilities import BlobCapabilities
from interstore.errors import ConfigurationError
from interstore.hookspecs import hookimpl
from interstore.settings import URL, Secret, Settings, env

if TYPE_CHECKING:
    from interstore_backends.blobs_fsspec.engine import FsspecBlobs

__all__ = ["CAPABILITIES", "FsspecBlobsSettings", "interstore_blob_backend"]

CAPABILITIES = BlobCapabilities(native=True)


class FsspecBlobsSettings(Settings, kw_only=True, frozen=True):
    """Which filesystem, and where in it."""

    protocol: Annotated[
        str | None, env("STORAGE_BACKEND", help="The filesystem's protocol, if no URL names it.")
    ] = None
    url: Annotated[Secret | None, env(help="The whole URL, as the filesystem understands it.")] = (
        None
    )
    path: Annotated[str, env(help="The folder of the blobs, if no URL names it.")] = ""
    options: Annotated[
        Any, env(help="What the filesystem is made with, a mapping; see its documentation.")
    ] = None
    filesystem: Annotated[Any, env(help="A filesystem that is made already.")] = None

    def __post_init__(self) -> None:
        if self.filesystem is None and self.url is None and self.protocol is None:
            raise ConfigurationError(
                "fsspec needs a filesystem: pass a URL, or set STORAGE_BACKEND to its protocol",
                backend="fsspec",
            )

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        """The URL as it is: each protocol has a form of its own."""
        return {"url": url.raw}


def _blobs(settings: FsspecBlobsSettings) -> FsspecBlobs:
    from interstore_backends.blobs_fsspec.engine import FsspecBlobs

    return FsspecBlobs(settings)


@hookimpl
def interstore_blob_backend() -> BlobBackend:
    """Blobs in any fsspec filesystem."""
    return BlobBackend(
        name="fsspec",
        settings=FsspecBlobsSettings,
        blobs=_blobs,
        capabilities=CAPABILITIES,
    )
