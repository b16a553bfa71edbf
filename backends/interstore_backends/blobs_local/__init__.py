"""Blobs in a folder: one file for each, named by its key, which other programs can read.

Beside them stands the folder ``.interstore`` with what a file cannot hold::

    .interstore/format.json         how keys become names (`interstore.blobs.keys.Escaping`)
    .interstore/info/hh/hash.etag   content type, metadata and SHA-256 of a blob, as JSON
    .interstore/drafts/             writes under way
    .interstore/locks/hh            held while a key changes

**A write** goes into a draft. At the end its time of modification is set, and with its size it
is the etag; what is kept beside it is written under the key's hash and this etag; and then
the draft is renamed. So whoever opens the file finds what belongs to it, and a crash leaves a
blob whole or not at all: what was begun is removed when the folder is next opened.

Files that other programs put there are blobs, too: their content type is guessed, and their
SHA-256 not known. A file that another program changed is one of these. A file whose name no key
leads to is not listed.

``a`` and ``a/b`` can both be there: where ``a`` is a folder, the blob ``a`` is the file ``a%``.

Links are not followed, neither for files nor for folders: nothing outside the folder is reached.
Any number of threads, stores and processes may use one folder. Linux and macOS, local disks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interstore.blobs.backend import BlobBackend
from interstore.blobs.capabilities import BlobCapabilities
from interstore.hookspecs import hookimpl
from interstore_backends.blobs_local.settings import LocalBlobsSettings

if TYPE_CHECKING:
    from interstore_backends.blobs_local.engine import LocalBlobs

__all__ = ["CAPABILITIES", "SIGNING", "interstore_blob_backend"]

CAPABILITIES = BlobCapabilities(
    if_absent=True,
    if_match=True,
    metadata=True,
    digest=True,
    server_copy=True,
    native=True,
)

SIGNING = replace(
    CAPABILITIES, signed_get=True, signed_put=True, signed_put_type=True, signed_put_rules=True
)
"""With settings that say where signed URLs are served."""


def _blobs(settings: LocalBlobsSettings) -> LocalBlobs:
    from interstore_backends.blobs_local.engine import LocalBlobs

    return LocalBlobs(settings)


@hookimpl
def interstore_blob_backend() -> BlobBackend:
    """Blobs in a folder."""
    return BlobBackend(
        name="local",
        settings=LocalBlobsSettings,
        blobs=_blobs,
        capabilities=CAPABILITIES,
        schemes=("local", "file"),
    )
